# The OpenAI mock: api.openai.com's chat completions, text completions, embeddings and model list, for the relay lane.
# Shapes are those of the public reference (openai-python's own types); answers are made in openai_answers and completions.
#
# Words in a model's name: those of mocks/mock.py and mocks/routed.py, and the statuses below.

import re

from . import completions
from .mock import MockExchange
from .openai_answers import chunks, completion, embeddings, make
from .routed import RoutedMock, known_as
from .sambanova_rules import tool_name, tool_names
from .service import event
from .shapes import Between, Filled, Misshapen, Tagged
from .transport import Refused
from .turns import check_names, check_turns

OPENAI_KEY = "sk-upstream-secret-openai"
MODELS = ("gpt-4o", "gpt-5", "o4-mini")
COMPLETERS = ("gpt-3.5-turbo-instruct",)
EMBEDDERS = ("text-embedding-3-small", "text-embedding-ada-002")
UNKNOWN = [b": a comment\n\n"]
STATUS_FAULTS = {
    "ratelimited": (429, "Rate limit reached.", {"code": "rate_limit_exceeded", "type": "requests"}, [("retry-after", "1")]),
    "quota": (429, "You exceeded your current quota.", {"code": "insufficient_quota", "type": "insufficient_quota"}, ()),
    "broken": (500, "The server had an error.", {"type": "server_error"}, ()),
    "overloaded": (503, "The engine is overloaded.", {"type": "service_unavailable_error"}, ()),
    "missing": (404, "The model does not exist.", {"code": "model_not_found"}, ()),
}

_TEXT = {"text!": str}


def _image(value, path):
    if not isinstance(value, str) or not re.fullmatch(r"data:image/(png|jpeg|gif|webp);base64,\S+|https?://\S+", value):
        raise Misshapen(path, "neither a data URI of an image nor a URL", "value")


_TEXTS = (str, Filled(Tagged("type", text=_TEXT)))
_USER = (str, Filled(Tagged(
    "type", text=_TEXT, image_url={"image_url!": {"url!": _image, "detail": {"auto", "low", "high"}}},
    input_audio={"input_audio!": {"data!": str, "format!": {"wav", "mp3"}}},
    file={"file!": {"file_data": str, "file_id": str, "filename": str}})))
_CALL = {"id!": str, "type!": {"function"}, "function!": {"name!": tool_name, "arguments!": str}}
_MESSAGE = Tagged(
    "role", developer={"content!": _TEXTS, "name": str}, system={"content!": _TEXTS, "name": str},
    user={"content!": _USER, "name": str}, tool={"content!": _TEXTS, "tool_call_id!": str, "name": str},
    assistant={"content": (str, Filled(Tagged("type", text=_TEXT, refusal={"refusal!": str})), None), "name": str,
               "refusal": (str, None), "tool_calls": Filled(_CALL), "audio": (dict, None), "annotations": list,
               "function_call": (dict, None)})
_TOOL = {"type!": {"function"}, "function!": {"name!": tool_name, "description": str, "parameters": dict,
                                              "strict": (bool, None)}}
_NAMED = {"type!": {"function"}, "function!": {"name!": str}}
_FORMAT = Tagged("type", text={}, json_object={}, json_schema={"json_schema!": {
    "name!": tool_name, "description": str, "schema": dict, "strict": (bool, None)}})
_WHOLE = (Between(1, whole=True), None)
CHAT = {
    "model!": str, "messages!": Filled(_MESSAGE), "stream": (bool, None),
    "stream_options": ({"include_usage": bool, "include_obfuscation": bool}, None), "max_tokens": _WHOLE,
    "max_completion_tokens": _WHOLE, "temperature": (Between(0, 2), None), "top_p": (Between(0, 1), None), "n": _WHOLE,
    "stop": (str, [str], None), "seed": (int, None), "frequency_penalty": (Between(-2, 2), None),
    "presence_penalty": (Between(-2, 2), None), "logit_bias": (dict, None), "logprobs": (bool, None),
    "top_logprobs": (Between(0, 20, whole=True), None), "response_format": _FORMAT, "tools": Filled(_TOOL),
    "tool_choice": ({"none", "auto", "required"}, _NAMED), "parallel_tool_calls": bool, "user": str,
    "reasoning_effort": ({"none", "minimal", "low", "medium", "high", "xhigh"}, None), "metadata": (dict, None),
    "store": (bool, None), "service_tier": (str, None), "prompt_cache_key": str, "safety_identifier": str,
    "prompt_cache_retention": ({"in_memory", "24h"}, None),
}


def _filled_text(value, path):
    if not isinstance(value, str) or not value:
        raise Misshapen(path, "must be a text that is not empty", "value")


_TOKEN = Between(0, whole=True)
EMBEDDING = {
    "model!": str, "input!": (_filled_text, Filled(_filled_text), Filled(_TOKEN), Filled(Filled(_TOKEN))),
    "encoding_format": {"float", "base64"}, "dimensions": Between(1, 1536, whole=True), "user": str,
}


class OpenAIExchange(MockExchange):
    def error(self, status, message, code=None, kind="invalid_request_error", param=None, headers=()):
        self.answer({"error": {"message": message, "type": kind, "param": param, "code": code}}, status, headers)


class OpenAIMock(RoutedMock):
    """`url` ends in /v1."""

    exchange_type = OpenAIExchange
    base_path = "/v1"
    script_prefix = "gpt-4o"
    status_faults = STATUS_FAULTS
    routes = (("POST", "/v1/chat/completions", "chat"), ("POST", "/v1/completions", "completion"),
              ("POST", "/v1/embeddings", "embedding"), ("GET", "/v1/models", "models"))

    def __init__(self, certificates, key=OPENAI_KEY):
        super().__init__(certificates)
        self.key, self.prompts = key, set()

    def answer_refusal(self, exchange, refusal, headers):
        details = refusal.details
        exchange.error(refusal.status, str(refusal), details.get("code"), details.get("type", "invalid_request_error"),
                       details.get("path"), headers)

    # -- checks ----------------------------------------------------------------------------------------------

    def _check_key(self, request):
        if request.headers.get("authorization") != f"Bearer {self.key}":
            raise Refused(401, "Incorrect API key provided", code="invalid_api_key")

    def check_models(self, exchange):
        self._check_key(exchange.request)

    def _check_call(self, exchange, shape, models):
        self._check_key(exchange.request)
        named = exchange.body.get("model")
        exchange.model = named if isinstance(named, str) else None
        body = self.shaped_body(exchange, shape)
        if known_as(named) not in models and named not in self.scripts:
            raise Refused(404, f"The model `{named}` does not exist", blamed=False, code="model_not_found", path="model")
        self.check_accept(exchange.request, "text/event-stream" if body.get("stream") else "application/json")
        return body

    def check_chat(self, exchange):
        body = self._check_call(exchange, CHAT, MODELS)
        _check_members(body, thinks=known_as(exchange.model) != "gpt-4o")
        return exchange.model

    def check_completion(self, exchange):
        completions.check_completion(self._check_call(exchange, completions.COMPLETION, COMPLETERS))
        return exchange.model

    def check_embedding(self, exchange):
        body = self._check_call(exchange, EMBEDDING, EMBEDDERS)
        if "dimensions" in body and not exchange.model.startswith("text-embedding-3"):
            raise Misshapen("dimensions", "is not supported with this model", "range")
        return exchange.model

    # -- answers ---------------------------------------------------------------------------------------------

    def answer_models(self, exchange):
        exchange.answer({"object": "list", "data": [
            {"id": name, "object": "model", "created": 1767225600, "owned_by": "openai"}
            for name in MODELS + COMPLETERS + EMBEDDERS]})

    def answer_embedding(self, exchange):
        exchange.answer(embeddings(exchange.body))

    def answer_completion(self, exchange):
        if not exchange.body.get("stream"):
            exchange.answer(completions.completion(exchange.body))
            return
        self._play(exchange, completions.chunks(exchange.body))

    def answer_chat(self, exchange):
        body = exchange.body
        made = make(body)
        seen = str(body["messages"]) in self.prompts
        self.prompts.add(str(body["messages"]))
        if not body.get("stream"):
            exchange.answer(completion(body, made, seen))
            return
        self._play(exchange, chunks(body, made, seen))

    @staticmethod
    def _play(exchange, values):
        frames = [event(value) for value in values] + [event("[DONE]")]
        failure = event({"error": {"message": "The model went away.", "type": "server_error", "param": None, "code": None}})
        exchange.play(frames, failure, UNKNOWN)


def _check_members(body, thinks):
    """The rules that join several members; a model that thinks takes neither sampling nor the older limit."""
    if body.get("stream_options") is not None and not body.get("stream"):
        raise Misshapen("stream_options", "only with stream", "value")
    if thinks:
        for name in ("max_tokens", "stop", "top_p", "frequency_penalty", "presence_penalty", "logprobs"):
            if body.get(name) is not None:
                raise Misshapen(name, "is not supported with this model", "range")  # the user's own
        if body.get("temperature", 1) != 1:
            raise Misshapen("temperature", "only 1 is supported with this model", "range")
    elif body.get("reasoning_effort") is not None:
        raise Misshapen("reasoning_effort", "is not supported with this model", "range")
    if isinstance(body.get("stop"), list) and len(body["stop"]) > 4:
        raise Misshapen("stop", "at most 4 sequences", "range")
    if (body.get("response_format") or {}).get("type") == "json_object" and "json" not in str(body["messages"]).lower():
        raise Misshapen("messages", "must contain the word 'json' in some form", "range")
    names = tool_names(body)
    check_names(names)
    for name in ("tool_choice", "parallel_tool_calls"):
        if body.get(name) is not None and not names:
            raise Misshapen(name, "is only allowed when tools are specified", "value")
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice["function"]["name"] not in names:
        raise Misshapen("tool_choice.function.name", "is not among the tools", "value")
    check_turns(
        body["messages"],
        lambda message: [(call["id"], call["function"]["name"]) for call in message.get("tool_calls") or ()],
        lambda message: (message["tool_call_id"], None),
    )
