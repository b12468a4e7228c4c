# The Anthropic mock: api.anthropic.com as far as a gateway calls it. Headers and paths are checked here, bodies in
# anthropic_rules, answers are made in anthropic_answers. GoogleMock serves Claude on Vertex with the same pieces.
#
# Model names choose the capabilities (anthropic_models) and the faults: those of mocks/mock.py, and overloaded,
# ratelimited, broken, timeout, missing, forbidden, toolarge (a status before any answer), refusal, pause_turn (how the
# message ends), redacted (its thinking).

import itertools
import re
from urllib.parse import parse_qs, urlsplit

from .anthropic_answers import UNKNOWN, PromptCache, error_event, events, frame, make
from .anthropic_models import LISTED, description
from .anthropic_rules import check_request
from .anthropic_shapes import BETA
from .mock import Mock, MockExchange
from .transport import Refused

ANTHROPIC_KEY = "sk-ant-upstream-secret"
ANTHROPIC_TOKEN = "sk-ant-oat-upstream-secret"
VERSIONS = ("2023-06-01", "2026-10-21")  # SDK 2 and later send the second, and the key as a bearer token
_KINDS = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
          405: "invalid_request_error", 413: "request_too_large", 415: "invalid_request_error", 429: "rate_limit_error",
          500: "api_error", 504: "timeout_error", 529: "overloaded_error"}
_request_numbers = itertools.count(1)

STATUS_FAULTS = {
    "overloaded": (529, "Overloaded", {}, ()),
    "ratelimited": (429, "This request would exceed your rate limit.", {}, [("retry-after", "1")]),
    "broken": (500, "Internal server error", {}, ()),
    "timeout": (504, "The request timed out.", {}, ()),
    "missing": (404, "model not found", {}, ()),
    "forbidden": (403, "Your key may not use this.", {}, ()),
    "toolarge": (413, "Request exceeds the maximum size", {}, ()),
}


def error_body(status, message, kind=None, request_id=None):
    return {"type": "error", "error": {"type": kind or _KINDS.get(status, "api_error"), "message": message},
            "request_id": request_id}


class AnthropicExchange(MockExchange):
    def error(self, status, message, kind=None, headers=()):
        identifier = f"req_{next(_request_numbers):024d}"
        self.answer(error_body(status, message, kind, identifier), status, [("request-id", identifier), *headers])

    def answer_message(self, message):
        """Unary or streamed, as the request wants it, with the faults of the model's name."""
        if self.body.get("stream"):
            self.play([frame(event) for event in events(message)], error_event(), UNKNOWN, self.stamps())
        else:
            self.answer(message, headers=self.stamps())

    @staticmethod
    def stamps():
        limits = [(f"anthropic-ratelimit-requests-{word}", value) for word, value in
                  (("limit", "50"), ("remaining", "49"), ("reset", "2026-01-01T00:00:00Z"))]
        return [("request-id", f"req_{next(_request_numbers):024d}"), *limits]


class AnthropicMock(Mock):
    """`url` has no path: a client adds /v1/messages."""

    exchange_type = AnthropicExchange
    script_prefix = "claude-e2e"
    own_headers = frozenset({"x-api-key"})
    status_faults = STATUS_FAULTS

    def __init__(self, certificates, key=ANTHROPIC_KEY, token=ANTHROPIC_TOKEN):
        self.key, self.token = key, token
        self.models = list(LISTED)
        self.cache = PromptCache()
        super().__init__(certificates)

    def refuse(self, exchange, refusal, headers=()):
        exchange.error(refusal.status, str(refusal), refusal.details.get("kind"), headers)

    # -- checks ------------------------------------------------------------------------------------------------

    def inspect(self, exchange):
        request = exchange.request
        exchange.model = exchange.body.get("model") if isinstance(exchange.body.get("model"), str) else None
        target = urlsplit(request.target)
        exchange.operation, listed = _operation(target.path)
        self.check_transport(exchange.connection, request)
        self._check_key(request.headers)
        betas = _check_versions(request.headers)
        if request.method != ("GET" if exchange.operation in ("models", "model") else "POST"):
            raise Refused(405, "Method Not Allowed")
        if exchange.operation in ("models", "model"):
            exchange.listed = listed
            return None
        if parse_qs(target.query) not in ({}, {"beta": ["true"]}):
            raise Refused(400, f"unknown query {target.query}")
        if len(request.body) > 32 * 2**20:
            raise Refused(413, "Request exceeds the maximum size")
        body = self.json_body(request)
        if exchange.model is None:
            raise Refused(400, "model: Field required" if "model" not in body else "model: Input should be a valid string")
        check_request(body, exchange.model, betas=bool(betas), counting=exchange.operation == "count",
                      version=request.headers.get("anthropic-version"))
        return exchange.model

    def _check_key(self, headers):
        key, bearer = headers.get("x-api-key"), headers.get("authorization")
        if key is not None and bearer is not None:
            raise Refused(401, "two credentials")
        if key is None and bearer is None:
            raise Refused(401, "x-api-key header is required")
        if key is not None and key != self.key:
            raise Refused(401, "invalid x-api-key")
        if bearer is not None and bearer not in (f"Bearer {self.token}", f"Bearer {self.key}"):
            raise Refused(401, "Invalid bearer token")

    # -- answers -----------------------------------------------------------------------------------------------

    def behave(self, exchange):
        if exchange.operation in ("models", "model"):
            self._list(exchange)
        elif exchange.operation == "count":
            exchange.answer({"input_tokens": sum(PromptCache().count(exchange.body, exchange.model))}, headers=exchange.stamps())
        else:
            exchange.answer_message(make(exchange.body, exchange.model, self.cache, exchange.faults))

    def _list(self, exchange):
        if exchange.operation == "model":
            if exchange.listed not in self.models:
                self.refuse(exchange, Refused(404, f"model: {exchange.listed}"))
                return
            exchange.answer(description(exchange.listed))
            return
        query = {name: values[0] for name, values in parse_qs(urlsplit(exchange.request.target).query).items()}
        limit, names = query.get("limit", "20"), self.models
        if not limit.isdigit() or not 1 <= int(limit) <= 1000:
            self.refuse(exchange, Refused(400, "limit: Input should be between 1 and 1000"))
            return
        start = names.index(query["after_id"]) + 1 if query.get("after_id") in names else 0
        end = names.index(query["before_id"]) if query.get("before_id") in names else len(names)
        page = names[start:end][: int(limit)]
        exchange.answer({
            "data": [description(name) for name in page], "has_more": len(page) < len(names[start:end]),
            "first_id": page[0] if page else None, "last_id": page[-1] if page else None})


def _operation(path):
    fixed = {"/v1/messages": "message", "/v1/messages/count_tokens": "count", "/v1/models": "models"}
    if path in fixed:
        return fixed[path], None
    if found := re.fullmatch(r"/v1/models/([^/]+)", path):
        return "model", found[1]
    raise Refused(404, f"Not found: {path}", kind="not_found_error")


def _check_versions(headers):
    """The names in `anthropic-beta`."""
    if headers.get("anthropic-version") is None:
        raise Refused(400, "anthropic-version: header is required")
    if headers.get("anthropic-version") not in VERSIONS:
        raise Refused(400, f"anthropic-version: {headers.get('anthropic-version')!r} is not a valid version")
    betas = [name.strip() for name in headers.get("anthropic-beta", "").split(",") if name.strip()]
    for name in betas:
        if not BETA.fullmatch(name):
            raise Refused(400, f"Unexpected value(s) `{name}` for the `anthropic-beta` header.")
    return betas

