# A Service that answers by itself (mocks/convention.py) instead of by scripts alone. It keeps refused requests too,
# lets a test expect refusals, and plays the faults that a model's name asks for:
#
#   NAME--cut            the fault `cut`, every time        NAME--crlf--split      two faults together
#   NAME--overloaded-2   only for its first two requests
#
# Faults of any stream: cut (the connection ends half-way), reset, stall, unfinished (all but the last event, then a
# proper end), error (an error event half-way), crlf, split (a byte at a time), unknown (events nobody knows), slow.

import contextlib
import re

from .service import Exchange, Service
from .shapes import Misshapen, parse
from .transport import Refused

_LIMITED = re.compile(r"(.+)-([0-9]+)")


def base_name(model):
    return model.split("--")[0]


class MockExchange(Exchange):
    """`body` is the parsed request (a dict), `model` the name in it or in the path, `operation` what is asked of the
    model, `refusal` why it was refused (None if it was not), `faults` the fault words that hold this time."""

    body = model = operation = refusal = None
    faults = frozenset()

    def __init__(self, connection, request):
        super().__init__(connection, request)
        self.mock = connection.upstream

    def play(self, frames, error=b"", unknown=(), headers=()):
        """Streams whole events (bytes that end in a blank line) with the faults of the model's name."""
        self.start_stream(headers, self.mock.stream_type)
        middle = max(1, len(frames) // 2)
        if "unfinished" in self.faults:
            frames = frames[:-1]
        for number, frame in enumerate(frames):
            if number == middle and self._break(error):
                return
            if "unknown" in self.faults:
                self._frame(unknown[number % len(unknown)])
            if "slow" in self.faults:
                self.wait(0.05)
            self._frame(frame)
            self.mark(f"frame {number}")
        self.finish()

    def _break(self, error):
        if "cut" in self.faults:
            self.close()
        if "reset" in self.faults:
            self.reset()
        if "stall" in self.faults:
            self.hang()
        if "error" in self.faults:
            self._frame(error)
            self.finish()
            return True
        return False

    def _frame(self, data):
        if "crlf" in self.faults:
            data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        for piece in [bytes([byte]) for byte in data] if "split" in self.faults else [data]:
            self.write(piece)


class Mock(Service):
    """A subclass has `inspect(exchange)`, which checks and fills the exchange and returns the model, and `status_faults`:
    word -> (status, message, details of Refused, headers)."""

    exchange_type = MockExchange
    closes_on_refusal = False
    stream_type = "text/event-stream; charset=utf-8"
    status_faults = {}

    def check_head(self, connection, request):
        """Nothing yet: a real service reads the body too before it refuses, and keeps the connection."""

    def check_body(self, exchange):
        exchange.body = _parsed(exchange.request.body)
        try:
            model = self.inspect(exchange)
        except Refused as refusal:
            exchange.refusal = refusal
            self.record(exchange, exchange.model)
            raise
        exchange.faults = self._faults(model)
        return model

    def json_body(self, request):
        body = super().json_body(request)
        try:
            parse(request.body)
        except Misshapen as failure:
            raise Refused(400, str(failure)) from None
        return body

    def _faults(self, model):
        seen, faults = len(self.of(model)), set()
        for word in (model or "").split("--")[1:]:
            limited = _LIMITED.fullmatch(word)
            if not limited:
                faults.add(word)
            elif seen < int(limited[2]):
                faults.add(limited[1])
        return frozenset(faults)

    def answer(self, exchange):
        for word in sorted(exchange.faults & self.status_faults.keys()):
            status, message, details, headers = self.status_faults[word]
            self.refuse(exchange, Refused(status, message, blamed=False, **details), headers)
            return
        self.behave(exchange)

    def model(self, prefix, *faults):
        """A name that no other case uses, with the capabilities of `prefix` and these faults."""
        return "--".join([f"{prefix}-e{next(self.names)}", *faults])

    @contextlib.contextmanager
    def expecting(self):
        """Violations inside are the point of the test: they go to the list that is yielded, and fail nothing."""
        before, found = list(self.violations), []
        self.violations.clear()
        try:
            yield found
        finally:
            found += self.violations
            self.violations[:] = before


def _parsed(raw):
    """For the record; a body that is no object is {} here and is refused by `json_body`."""
    try:
        value = parse(raw)
    except Misshapen:
        return {}
    return value if isinstance(value, dict) else {}
