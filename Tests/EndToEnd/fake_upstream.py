# A strict stand-in for an OpenAI-compatible service: it refuses what the real one refuses and plays scripted answers
# (faults included). The transport below it is in mocks/. Standard library only; it shares no code with the gateway.

import json
import re

from mocks.service import Exchange, Service, event, head
from mocks.transport import Headers, PeerGone, Refused, resets, says, silent

__all__ = ["Headers", "PeerGone", "event", "head", "resets", "says", "silent"]  # tests import them from here

UPSTREAM_KEY = "sk-upstream-secret"


def error_body(message, code=None, kind="invalid_request_error"):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def completion(text, model="gpt-e2e", identifier="chatcmpl-e2e", message=None, finish="stop"):
    return {
        "id": identifier, "object": "chat.completion", "created": 1767225600, "model": model,
        "choices": [{
            "index": 0, "logprobs": None, "finish_reason": finish,
            "message": message or {"role": "assistant", "content": text, "refusal": None, "annotations": []},
        }],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
        "service_tier": "default", "system_fingerprint": "fp_e2e",
    }


def chunk(delta=None, finish=None, model="gpt-e2e", identifier="chatcmpl-e2e", **extra):
    return {
        "id": identifier, "object": "chat.completion.chunk", "created": 1767225600, "model": model,
        "system_fingerprint": "fp_e2e",
        "choices": [{"index": 0, "delta": delta if delta is not None else {}, "logprobs": None,
                     "finish_reason": finish}],
        **extra,
    }


def usage_chunk(model="gpt-e2e"):
    value = chunk(model=model)
    value["choices"] = []
    value["usage"] = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    return value


def text_chunks(text, model="gpt-e2e"):
    """A whole well-formed stream's JSON chunks: role, one per word, finish."""
    words = re.findall(r"\S+\s*|\s+", text)
    return [
        chunk({"role": "assistant", "content": "", "refusal": None}, model=model),
        *[chunk({"content": word}, model=model) for word in words],
        chunk({}, "stop", model=model),
    ]


def text_stream(text, model="gpt-e2e", done=True):
    """The same as canonical bytes."""
    return b"".join(map(event, text_chunks(text, model))) + (event("[DONE]") if done else b"")


def _last_text(body):
    content = body["messages"][-1].get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


def well_behaved(exchange):
    """What a real service does: echoes the last message; calls the first tool if tools are given."""
    body = exchange.request.json()
    model, text = body["model"], _last_text(body)
    tools = body.get("tools")
    if not body.get("stream"):
        if tools:
            call = {"id": "call_e2e", "type": "function",
                    "function": {"name": tools[0]["function"]["name"], "arguments": '{"city":"Köln"}'}}
            message = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}
            exchange.answer(completion(None, model, message=message, finish="tool_calls"))
        else:
            exchange.answer(completion(text, model))
        return
    options = body.get("stream_options") or {}
    if tools:
        chunks = tool_chunks(tools[0]["function"]["name"], model)
    else:
        chunks = text_chunks(text, model)
    exchange.start_stream()
    for value in chunks:
        if options.get("include_usage"):
            value["usage"] = None
        exchange.event(value)
    if options.get("include_usage"):
        exchange.event(usage_chunk(model))
    exchange.event("[DONE]")
    exchange.finish()


def tool_chunks(name, model="gpt-e2e"):
    def call(fields):
        return chunk({"tool_calls": [{"index": 0, **fields}]}, model=model)

    return [
        chunk({"role": "assistant", "content": None}, model=model),
        call({"id": "call_e2e", "type": "function", "function": {"name": name, "arguments": ""}}),
        *[call({"function": {"arguments": piece}}) for piece in ('{"ci', 'ty":"K', 'öln"', "}")],
        chunk({}, "tool_calls", model=model),
    ]


class OpenAIExchange(Exchange):
    def error(self, status, message="scripted failure", code=None, headers=()):
        self.answer(error_body(message, code), status, headers)


class FakeUpstream(Service):
    """One API key, two paths; whatever has no script is answered by `well_behaved`."""

    exchange_type = OpenAIExchange
    base_path = "/v1"
    script_prefix = "gpt-e2e"

    def __init__(self, certificates, key=UPSTREAM_KEY):
        self.key = key
        self.models = ["gpt-live-1", "gpt-live-2"]
        super().__init__(certificates)

    def check_head(self, connection, request):
        self.check_transport(connection, request)
        if request.headers.all("authorization") != [f"Bearer {self.key}"]:
            raise Refused(401, "incorrect API key provided")
        if request.target not in ("/v1/chat/completions", "/v1/models"):
            raise Refused(404, f"unknown path {request.target}")
        if (request.method == "GET") != (request.target == "/v1/models"):
            raise Refused(405, "method")

    def check_body(self, exchange):
        request = exchange.request
        if request.method == "GET":
            return None
        body = self.json_body(request)
        if not isinstance(body.get("model"), str):
            raise Refused(400, "model")
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            raise Refused(400, "messages")
        if "stream_options" in body and body["stream_options"] is not None and not body.get("stream"):
            raise Refused(400, "stream_options without stream")
        return body["model"]

    def answer(self, exchange):
        if exchange.request.method != "GET":
            well_behaved(exchange)
            return
        exchange.answer({"object": "list", "data": [
            {"id": name, "object": "model", "created": 1767225600, "owned_by": "openai"} for name in self.models
        ]})
