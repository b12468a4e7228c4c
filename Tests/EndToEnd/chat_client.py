# The official `openai` client, held to more than it holds itself to: every answer and every chunk is checked against
# the SDK's own types without coercion, and a stream's chunks against the order that OpenAI keeps (rows S9-S11, L9).

import contextlib
import json
from dataclasses import dataclass, field

import httpx2
import openai
from openai.types.chat import ChatCompletion, ChatCompletionChunk

MESSAGE_EXTRAS = {"reasoning_content", "reasoning_signature", "reasoning_redacted", "images"}
CALL_EXTRAS = {"extra_content"}


@dataclass
class Reply:
    """What a client makes of an answer, streamed or not. `calls` are (id, name, arguments as text)."""

    text: str | None
    finish: str
    calls: list
    usage: object
    message: dict  # as a client would send it back
    headers: object
    reasoning: str = ""
    chunks: list = field(default_factory=list)


class _Kept(httpx2.SyncByteStream):
    def __init__(self, stream, kept):
        self.stream, self.kept = stream, kept

    def __iter__(self):
        for data in self.stream:
            self.kept.append(data)
            yield data

    def close(self):
        self.stream.close()


class Keeping(httpx2.HTTPTransport):
    """Keeps the last answer's bytes as they came."""

    def handle_request(self, request):
        response = super().handle_request(request)
        self.kept = []
        response.stream = _Kept(response.stream, self.kept)
        return response

    @property
    def bytes(self):
        return b"".join(self.kept)


class ChatClient:
    def __init__(self, gateway, api_key="any-key", timeout=20, **options):
        self.transport = Keeping()
        self.sdk = openai.OpenAI(base_url=gateway.url, api_key=api_key, max_retries=0, timeout=timeout,
                                 http_client=httpx2.Client(transport=self.transport), **options)

    def close(self):
        self.sdk.close()

    def ask(self, model, messages, stream=False, **options):
        """Messages may be one text. Streams ask for usage unless `stream_options` says otherwise."""
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        completions = self.sdk.chat.completions.with_raw_response
        if not stream:
            raw = completions.create(model=model, messages=messages, **options)
            assert raw.headers["content-type"].startswith("application/json")
            return self._unary(raw.text, model, raw.headers)
        options.setdefault("stream_options", {"include_usage": True})
        raw = completions.create(model=model, messages=messages, stream=True, **options)
        assert raw.headers["content-type"].startswith("text/event-stream")
        with contextlib.closing(raw.parse()) as events:
            chunks = list(events)
        return self._streamed(chunks, model, raw.headers, (options["stream_options"] or {}).get("include_usage"))

    def _unary(self, text, model, headers):
        value = ChatCompletion.model_validate_json(text, strict=True)
        assert json.loads(text)["object"] == "chat.completion" and value.id and value.created > 0
        assert set(value.model_extra or ()) <= {"service_tier", "system_fingerprint", "metadata"}, value.model_extra
        (choice,) = value.choices
        message = choice.message
        assert choice.index == 0 and message.role == "assistant"
        assert set(message.model_extra or ()) <= MESSAGE_EXTRAS, message.model_extra
        _check_usage(value.usage)
        calls = [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()]
        _check_end(choice.finish_reason, calls)
        sent = json.loads(text)["choices"][0]["message"]
        return Reply(message.content, choice.finish_reason, calls, value.usage, sent, headers,
                     (message.model_extra or {}).get("reasoning_content") or "")

    def _streamed(self, chunks, model, headers, wants_usage):
        assert self.transport.bytes.endswith(b"data: [DONE]\n\n"), self.transport.bytes[-200:]
        for chunk in chunks:  # what the SDK made of it is written out again, and read without coercion
            ChatCompletionChunk.model_validate_json(chunk.to_json(), strict=True)
        assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1 and chunks[0].id
        usage = None
        if wants_usage:
            last = chunks.pop()
            assert last.choices == [] and last.usage is not None
            usage = last.usage
            _check_usage(usage)
        assert all(chunk.usage is None for chunk in chunks)
        assert chunks[0].choices[0].delta.role == "assistant"
        assert [chunk.choices[0].finish_reason for chunk in chunks].index(chunks[-1].choices[0].finish_reason) == len(chunks) - 1
        assert all(len(chunk.choices) == 1 and chunk.choices[0].index == 0 for chunk in chunks)
        assert all(chunk.choices[0].finish_reason is None for chunk in chunks[:-1])
        message = _joined([chunk.choices[0].delta for chunk in chunks])
        calls = [(call["id"], call["function"]["name"], call["function"]["arguments"])
                 for call in message.get("tool_calls", ())]
        finish = chunks[-1].choices[0].finish_reason
        _check_end(finish, calls)
        return Reply(message["content"], finish, calls, usage, message, headers, message.get("reasoning_content", ""), chunks)


def _joined(deltas):
    """What a client keeps of a stream; the rules of its order are asserted on the way."""
    message = {"role": "assistant", "content": None}
    for number, delta in enumerate(deltas):
        assert delta.role in (("assistant",) if number == 0 else ("assistant", None))
        assert set(delta.model_extra or ()) <= MESSAGE_EXTRAS, delta.model_extra
        if delta.content is not None:
            message["content"] = (message["content"] or "") + delta.content
        for name, value in (delta.model_extra or {}).items():
            if isinstance(value, str):
                message[name] = message.get(name, "") + value
            elif value is not None:
                message[name] = message.get(name, []) + value
        for call in delta.tool_calls or ():
            calls = message.setdefault("tool_calls", [])
            assert call.index <= len(calls), "indices count up from 0"
            if call.index == len(calls):
                assert call.id and call.type == "function" and call.function.name, "the first piece names the call"
                calls.append({"id": call.id, "type": "function",
                              "function": {"name": call.function.name, "arguments": ""}, **(call.model_extra or {})})
            else:
                assert call.index == len(calls) - 1, "calls come one behind the other"
                assert call.id in (None, calls[-1]["id"]) and call.function.name is None
                calls[-1].update(call.model_extra or {})
            assert set(call.model_extra or ()) <= CALL_EXTRAS, call.model_extra
            calls[call.index]["function"]["arguments"] += call.function.arguments or ""
    if message["content"] == "" and "tool_calls" in message:
        message["content"] = None
    return message


def _check_usage(usage):
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    cached = usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens
    thought = usage.completion_tokens_details and usage.completion_tokens_details.reasoning_tokens
    assert (cached or 0) <= usage.prompt_tokens and (thought or 0) <= usage.completion_tokens


def _check_end(finish, calls):
    assert (finish == "tool_calls") == bool(calls), (finish, calls)
    for identifier, name, arguments in calls:
        assert identifier and name and isinstance(json.loads(arguments), dict)
    assert len({identifier for identifier, _, _ in calls}) == len(calls)


def stripped(message):
    """A client that keeps nothing but what OpenAI's own types name."""
    kept = {name: message[name] for name in ("role", "content") if name in message}
    if message.get("tool_calls"):
        kept["tool_calls"] = [{name: call[name] for name in ("id", "type", "function")} for call in message["tool_calls"]]
    return kept
