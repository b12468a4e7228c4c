# The SambaNova mock: api.sambanova.ai as far as a gateway calls it. Bodies are checked in sambanova_rules, answers
# made in sambanova_answers.
#
# Words in a model's name: those of mocks/mock.py and mocks/routed.py, the statuses below, nullchoices and emptychoices
# (of the chunk with the usage, which has none otherwise), bareerror (an error in a stream without its event line).

import itertools

from .mock import MockExchange
from .routed import RoutedMock, known_as
from .sambanova_answers import chunks, completion, embeddings, model_list
from .sambanova_rules import CHAT, CONTEXT, EMBEDDERS, EMBEDDING, REMOVED, check_chat
from .service import event
from .transport import Refused

SAMBANOVA_KEY = "sn-upstream-secret"
LIMITS = [(f"x-ratelimit-{word}-requests{suffix}", value) for suffix in ("", "-day")
          for word, value in (("limit", "60"), ("remaining", "59"), ("reset", "1767323105"))]
USED_UP = [(name, "0" if "remaining" in name else value) for name, value in LIMITS]
UNKNOWN = [b"event: brand_new\ndata: {}\n\n", b": a comment\n\n"]
_CODES = {"type": "invalid_type", "range": "decimal_above_max_value", "unknown": "unknown_parameter",
          "value": "invalid_value", "missing": "missing_required_parameter", "json": "invalid_json"}
_request_numbers = itertools.count(1)

STATUS_FAULTS = {
    "ratelimited": (429, "Rate limit exceeded", {"code": "rate_limit_exceeded", "type": "rate_limit_error"},
                    [("retry-after", "1"), *USED_UP]),
    "toolong": (400, "The context is too long for the model.", {"code": "context_length_exceeded"}, ()),
    "timeout": (408, "The request timed out.", {"code": "request_timeout", "type": "timeout_error"}, ()),
    "removed": (410, "The model was removed.", {"code": "model_removed"}, ()),
    "broken": (500, "Internal server error", {"code": "internal_error", "type": "server_error"}, ()),
    "overloaded": (503, "Under maintenance", {"code": "unavailable", "type": "server_error"}, ()),
    "queued": (504, "The request expired in the queue.", {"code": "queue_timeout", "type": "server_error"}, ()),
    "forbidden": (403, "No access to this model.", {"code": "forbidden"}, ()),
    "missing": (404, "Model not found.", {"code": "model_not_found"}, ()),
}


def error_body(message, code=None, kind="invalid_request_error", param=None):
    return {"error": {"message": message, "type": kind, "param": param, "code": code},
            "request_id": f"r-{next(_request_numbers)}"}


class SambaNovaExchange(MockExchange):
    def error(self, status, message, code=None, kind="invalid_request_error", param=None, headers=()):
        self.answer(error_body(message, code, kind, param), status, headers)


class SambaNovaMock(RoutedMock):
    """`url` ends in /v1."""

    exchange_type = SambaNovaExchange
    base_path = "/v1"
    script_prefix = "gpt-oss-120b"
    status_faults = STATUS_FAULTS
    stream_type = "text/event-stream"
    routes = (
        ("POST", "/v1/chat/completions", "chat"), ("POST", "/v1/embeddings", "embedding"),
        ("GET", "/v1/models", "models"),
    )

    def __init__(self, certificates, key=SAMBANOVA_KEY):
        super().__init__(certificates)
        self.key = key

    def answer_refusal(self, exchange, refusal, headers):
        details = refusal.details
        code = _CODES.get(details.get("kind")) or details.get("code", "invalid_request")
        exchange.error(refusal.status, str(refusal), code, details.get("type", "invalid_request_error"),
                       details.get("path"), headers)

    # -- checks ----------------------------------------------------------------------------------------------

    def _check_key(self, request):
        if request.headers.get("authorization") != f"Bearer {self.key}":
            raise Refused(401, "Incorrect API key provided", code="invalid_api_key", type="authentication_error")

    def _check_call(self, exchange, shape, models):
        self._check_key(exchange.request)
        named = exchange.body.get("model")
        exchange.model = named if isinstance(named, str) else None
        body = self.shaped_body(exchange, shape)
        if known_as(named) in REMOVED:
            raise Refused(410, "The model was removed.", blamed=False, code="model_removed", path="model")
        if known_as(named) not in models and named not in self.scripts:
            raise Refused(404, f"Model {named} not found", blamed=False, code="model_not_found", path="model")
        return body

    def check_chat(self, exchange):
        body = self._check_call(exchange, CHAT, CONTEXT)
        check_chat(body)
        self.check_accept(exchange.request, "text/event-stream" if body.get("stream") else "application/json")
        return exchange.model

    def check_embedding(self, exchange):
        self._check_call(exchange, EMBEDDING, EMBEDDERS)
        return exchange.model

    def check_models(self, exchange):
        self._check_key(exchange.request)

    # -- answers ---------------------------------------------------------------------------------------------

    def answer_chat(self, exchange):
        body, faults = exchange.body, exchange.faults
        if not body.get("stream"):
            exchange.answer(completion(body), headers=LIMITS)
            return
        frames = [event(value) for value in chunks(body, faults)] + [event("[DONE]")]
        failure = event(error_body("The model went away.", "internal_error", "server_error"))
        if "bareerror" in faults:
            frames = [*frames[: len(frames) // 2], failure]
        exchange.play(frames, b"event: error\n" + failure, UNKNOWN, LIMITS)

    def answer_embedding(self, exchange):
        exchange.answer(embeddings(exchange.body))

    def answer_models(self, exchange):
        exchange.answer(model_list(CONTEXT | dict.fromkeys(EMBEDDERS, 4096)))
