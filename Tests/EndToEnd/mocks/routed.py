# A mock with several routes, as services with a login have them. A subclass names its routes and has for each a
# check (which returns the model, if there is one) and an answer; tests may put a fault in front of a route's answer.

import collections
import re

from . import faults
from .mock import Mock, base_name
from .shapes import Misshapen, check, parse
from .transport import Refused


def known_as(model):
    """The service's own name of a model, without what a test appended: `gpt-4-e12--html` -> `gpt-4`."""
    return re.sub(r"-e[0-9]+\Z", "", base_name(model))


class RoutedMock(Mock):
    """`routes` are (method, pattern of the whole target, name). For each name there is `check_NAME(exchange)` and
    `answer_NAME(exchange)`. The exchange gets `operation` (the route's name), `match` (of the target), `model`, and
    `proceed()`, by which a script or a fault goes on to the regular answer."""

    routes = ()
    plays = {"html": faults.html(500), "page": faults.html(200), "bodiless": faults.status(500), "hang": faults.hang,
             "short": faults.short}  # words in a model's name, besides those of mocks/mock.py

    def __init__(self, certificates):
        self.refusals = []  # everything that was refused, blamed or not: (route, status, text)
        self.by_route = collections.defaultdict(list)
        self.once_plays = collections.defaultdict(collections.deque)
        super().__init__(certificates)

    # -- what tests ask --------------------------------------------------------------------------------------

    def reset(self):
        """Before each test: no faults, no counts, no violations, settings as they are by default."""
        self.violations.clear()
        self.refusals.clear()
        self.by_route.clear()
        self.once_plays.clear()

    def once(self, route, *plays):
        """The next answers on a route, one each, to requests that have passed their checks (see faults.py)."""
        self.once_plays[route].extend(plays)

    def seen(self, route):
        """The exchanges of a route since the last reset, refused ones included."""
        return list(self.by_route[route])

    def count(self, route):
        return len(self.by_route[route])

    # -- serving ---------------------------------------------------------------------------------------------

    def inspect(self, exchange):
        request = exchange.request
        self.check_transport(exchange.connection, request)
        self.route(exchange)
        exchange.proceed = lambda: super(RoutedMock, self).answer(exchange)
        self.by_route[exchange.operation].append(exchange)
        try:
            if request.method == "GET" and (request.body or "content-type" in request.headers):
                raise Refused(400, "a GET with a body")
            exchange.model = getattr(self, f"check_{exchange.operation}")(exchange)
        except Misshapen as failure:
            raise self.misshapen(failure) from None
        return exchange.model

    def route(self, exchange):
        request, methods = exchange.request, []
        for method, pattern, name in self.routes:
            if match := re.fullmatch(pattern, request.target):
                methods.append(method)
                if method == request.method:
                    exchange.operation, exchange.match = name, match
                    return
        raise Refused(405, f"method {request.method}") if methods else Refused(404, f"unknown path {request.target}")

    def answer(self, exchange):
        plays = self.once_plays[exchange.operation]
        play = plays.popleft() if plays else None
        if play:
            play(exchange)
        else:
            exchange.proceed()

    def behave(self, exchange):
        for word in sorted(exchange.faults & self.plays.keys()):
            return self.plays[word](exchange)
        getattr(self, f"answer_{exchange.operation}")(exchange)

    def misshapen(self, failure):
        """A number out of its range is the user's own; every other wrong shape is the gateway's."""
        return Refused(400, str(failure), blamed=failure.kind != "range", path=failure.path, kind=failure.kind)

    def refuse(self, exchange, refusal, headers=()):
        self.refusals.append((exchange.operation, refusal.status, str(refusal)))
        self.answer_refusal(exchange, refusal, headers)

    def answer_refusal(self, exchange, refusal, headers):
        raise NotImplementedError

    def shaped_body(self, exchange, shape):
        """The body; its content type must say JSON, and it must have the shape."""
        self.json_body(exchange.request)
        exchange.body = parse(exchange.request.body)
        check(exchange.body, shape)
        return exchange.body

    @staticmethod
    def check_accept(request, wanted):
        """`wanted` must be among what an Accept header, if there is one, admits."""
        ranges = [part.split(";")[0].strip() for part in request.headers.get("accept", "*/*").split(",")]
        if not {wanted, wanted.split("/")[0] + "/*", "*/*"} & set(ranges):
            raise Refused(406, f"accept {ranges} leaves out {wanted}")
