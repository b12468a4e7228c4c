# The Salesforce mock: the org with its token endpoint, and behind the same origin both Models surfaces. The org's
# rules are in salesforce_oauth, bodies in salesforce_rules, answers in salesforce_answers; Claude's Bedrock-shaped
# path takes Anthropic's rules and answers and puts them into AWS event-stream frames.
#
# Words in a model's name: those of mocks/mock.py and mocks/routed.py, the statuses below, errorcode (an error under
# 200), created (a 201), nousage, empty, rerouted, and the other shapes that salesforce_answers names.

import base64
import json
import re

from . import eventstream
from .anthropic_answers import PromptCache, events, make
from .anthropic_rules import blocks, check_request
from .mock import MockExchange
from .routed import RoutedMock, known_as
from .salesforce_answers import (
    chat_generation, embeddings, frame, gateway_answer, gateway_frames, generation, other_shape,
)
from .salesforce_oauth import Org
from .salesforce_rules import (
    CHAT, CHAT_GENERATION, EMBEDDING, FEEDBACK, GENERATION, MODELS, check_headers, check_invocations, check_token,
    check_tools,
)
from .transport import Refused

A, B, MODEL = "/einstein/platform/v1", "/ai/gpt/v1", "([A-Za-z0-9_.-]+)"
EVENT_STREAM = "application/vnd.amazon.eventstream"
UNKNOWN = [frame({"id": "g"}, "scoringProgress"), b": a comment\n\n"]
UNKNOWN_CLAUDE = [{"type": "ping"}, {"type": "brand_new", "index": 0}]

STATUS_FAULTS = {
    "ratelimited": (429, "Rate limit exceeded.", {"code": "RATE_LIMIT_EXCEEDED"}, ()),
    "broken": (500, "The request could not be processed.", {"code": "INTERNAL_ERROR"}, ()),
    "overloaded": (503, "Service unavailable.", {"code": "SERVICE_UNAVAILABLE"}, ()),
    "timeout": (504, "The model did not answer in time.", {"code": "GATEWAY_TIMEOUT"}, ()),
    "forbidden": (403, "No access to this model.", {"code": "FORBIDDEN"}, ()),
    "missing": (404, "Not routable.", {"code": "NOT_FOUND"}, ()),
    "expired": (401, "Session expired or invalid", {"code": "INVALID_SESSION_ID"}, ()),
    "array": (400, "Session expired or invalid", {"code": "INVALID_INPUT", "shape": "array"}, ()),
    "spring": (500, "Internal Server Error", {"shape": "spring"}, ()),
}


def claude_name(model):
    """`sfdc_ai__DefaultBedrockAnthropicClaude45Sonnet` -> `claude-sonnet-4-5`; None for other models' names."""
    match = re.search(r"Claude([0-9])([0-9]?)([A-Z][a-z]+)\Z", known_as(model))
    if not match:
        return None
    major, minor, family = match[1], match[2], match[3].lower()
    if major == "3":
        return f"claude-3-{minor}-{family}" if minor else f"claude-3-{family}"
    return f"claude-{family}-{major}-{minor}" if minor else f"claude-{family}-{major}"


class SalesforceExchange(MockExchange):
    stream_type = None

    def start_stream(self, headers=(), content_type="text/event-stream;charset=UTF-8"):
        super().start_stream(headers, self.stream_type or content_type)

    def error(self, status, message, code="INVALID_INPUT", shape=None, headers=()):
        if shape == "array":
            body = [{"errorCode": code, "message": message}]
        elif shape == "spring":
            body = {"timestamp": "2026-01-01T00:00:00.000+00:00", "status": status, "error": message,
                    "message": message, "path": self.request.target}
        else:
            body = {"errorCode": code, "message": message, "messageCode": "GENAI_E2E_001"}
        self.answer(body, status, headers)


class SalesforceMock(RoutedMock):
    """`url` has no path. Tests set the org's switches (`mock.org`), and `thinking` where Claude's thinking is allowed
    on the Bedrock-shaped path."""

    exchange_type = SalesforceExchange
    script_prefix = "sfdc_ai__DefaultGPT4Omni"
    status_faults = STATUS_FAULTS
    routes = (
        ("POST", "/services/oauth2/token", "token"),
        ("POST", "/services/oauth2/introspect", "introspect"),
        ("POST", "/services/oauth2/revoke", "revoke"),
        ("POST", f"{A}/models/{MODEL}/generations", "generation"),
        ("POST", f"{A}/models/{MODEL}/chat-generations", "chat"),
        ("POST", f"{A}/models/{MODEL}/embeddings", "embedding"),
        ("POST", f"{A}/feedback", "feedback"),
        ("POST", f"{B}/chat/generations", "gateway"),
        ("POST", f"{B}/chat/generations/stream", "gateway_stream"),
        ("POST", f"{B}/model/{MODEL}/invoke", "invoke"),
        ("POST", f"{B}/model/{MODEL}/invoke-with-response-stream", "invoke_stream"),
    )

    def __init__(self, certificates):
        super().__init__(certificates)
        self.org = Org(self.main.origin)
        self.models = set(MODELS)
        self.cache = PromptCache()
        self.thinking = False

    def reset(self):
        super().reset()
        self.org.reset()
        self.thinking = False

    def revoke_all(self):
        """Every token that was issued is worth nothing from now on, whatever its `exp` says."""
        self.org.revoke_all()

    def answer_refusal(self, exchange, refusal, headers):
        if "oauth" in refusal.details:
            body = {"error": refusal.details["oauth"], "error_description": str(refusal)}
            exchange.answer(body, refusal.status, headers)
            return
        details = refusal.details
        code = details.get("code", "INVALID_INPUT")
        exchange.error(refusal.status, str(refusal), code, details.get("shape"), headers)

    # -- the org ---------------------------------------------------------------------------------------------

    def check_token(self, exchange):
        exchange.body = self.org.check_grant(exchange.request)

    def answer_token(self, exchange):
        exchange.answer(self.org.success(self.org.issue()), content_type="application/json;charset=UTF-8")

    def check_introspect(self, exchange):
        exchange.body = self.org.check_introspection(exchange.request)

    def answer_introspect(self, exchange):
        exchange.answer(self.org.introspect(exchange.body["token"]))

    def check_revoke(self, exchange):
        exchange.body = self.org.check_revocation(exchange.request)

    def answer_revoke(self, exchange):
        self.org.tokens[exchange.body["token"]].revoked = True
        exchange.answer(b"")

    # -- both surfaces ---------------------------------------------------------------------------------------

    def _check_call(self, exchange, shape, accept="application/json"):
        """Head, body, and the model, which is in the path or in the body."""
        request = exchange.request
        named = exchange.match[1] if exchange.match.re.groups else exchange.body.get("model")
        exchange.model = named if isinstance(named, str) else None
        exchange.token = check_token(request, self.org)
        check_headers(request)
        self.check_accept(request, accept)
        body = self.shaped_body(exchange, shape)
        if exchange.operation != "feedback" and not self._knows(exchange.model):
            raise Refused(404, f"model {exchange.model} is not known", blamed=False, code="NOT_FOUND")
        return body

    def _knows(self, model):
        return known_as(model) in self.models or model in self.scripts

    def check_generation(self, exchange):
        self._check_call(exchange, GENERATION)
        return exchange.model

    def check_chat(self, exchange):
        self._check_call(exchange, CHAT_GENERATION)
        return exchange.model

    def check_embedding(self, exchange):
        self._check_call(exchange, EMBEDDING)
        return exchange.model

    def check_feedback(self, exchange):
        self._check_call(exchange, FEEDBACK)

    def check_gateway(self, exchange, accept="application/json"):
        body = self._check_call(exchange, CHAT, accept)
        check_invocations(body)
        check_tools(body)
        return exchange.model

    def check_gateway_stream(self, exchange):
        return self.check_gateway(exchange, "text/event-stream")

    def check_invoke(self, exchange, accept="application/json"):
        body = self._check_call(exchange, dict, accept)
        claude = claude_name(exchange.model)
        if claude is None:
            raise Refused(404, f"model {exchange.model} is not Claude", blamed=False, code="NOT_FOUND")
        check_request(body, claude, surface="bedrock")
        if not self.thinking and _thinks(body):
            raise Refused(502, "No user context has been created", code="INTERNAL_ERROR")
        return exchange.model

    def check_invoke_stream(self, exchange):
        return self.check_invoke(exchange, EVENT_STREAM)

    # -- surface A -------------------------------------------------------------------------------------------

    def _answer_models(self, exchange, usual):
        if "errorcode" in exchange.faults:
            exchange.error(200, "The request could not be processed.", "INTERNAL_ERROR")
            return
        body = other_shape(exchange.body, exchange.model, exchange.faults) or usual(
            exchange.body, exchange.model, exchange.faults)
        exchange.answer(body, 201 if "created" in exchange.faults else 200)

    def answer_generation(self, exchange):
        self._answer_models(exchange, generation)

    def answer_chat(self, exchange):
        self._answer_models(exchange, chat_generation)

    def answer_embedding(self, exchange):
        exchange.answer(embeddings(exchange.body))

    def answer_feedback(self, exchange):
        exchange.answer({"message": "Feedback received.", "feedbackId": f"f-{exchange.body['id']}"})

    # -- surface B -------------------------------------------------------------------------------------------

    def answer_gateway(self, exchange):
        if "errorcode" in exchange.faults:
            exchange.error(200, "The request could not be processed.", "INTERNAL_ERROR")
        else:
            exchange.answer(gateway_answer(exchange.body, exchange.model, exchange.faults))

    def answer_gateway_stream(self, exchange):
        failure = frame({"errorCode": "INTERNAL_ERROR", "message": "The model went away."})
        if "errorcode" in exchange.faults:
            exchange.play([failure])
        else:
            exchange.play(gateway_frames(exchange.body, exchange.model, exchange.faults), failure, UNKNOWN)

    def answer_invoke(self, exchange):
        if "errorcode" in exchange.faults:
            exchange.error(200, "The request could not be processed.", "INTERNAL_ERROR")
            return
        exchange.answer(make(exchange.body, claude_name(exchange.model), self.cache, exchange.faults))

    def answer_invoke_stream(self, exchange):
        if "errorcode" in exchange.faults:  # seen: JSON under 200 where frames were asked for
            exchange.error(200, "The request could not be processed.", "INTERNAL_ERROR")
            return
        message = make(exchange.body, claude_name(exchange.model), self.cache, exchange.faults)
        exchange.stream_type = EVENT_STREAM
        exchange.play([_boxed(event) for event in events(message)],
                      eventstream.exception("modelStreamErrorException", "The model went away."),
                      [_boxed(event) for event in UNKNOWN_CLAUDE])


def _boxed(event):
    """One Anthropic event as a `chunk` frame, with the padding member that real frames carry."""
    text = json.dumps(event, ensure_ascii=False).encode()
    return eventstream.event("chunk", {"bytes": base64.b64encode(text).decode(), "p": "abcdefgh"[: len(text) % 8]})


def _thinks(body):
    """Thinking asked for by budget, or thoughts in the history: both need what this surface does not have."""
    if body.get("thinking", {}).get("type") == "enabled":
        return True
    thoughts = ("thinking", "redacted_thinking")
    return any(block["type"] in thoughts for message in body["messages"] for block in blocks(message["content"]))
