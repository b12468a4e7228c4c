# The official `anthropic` client, held to more than it holds itself to: whole answers are checked against the SDK's own
# types without coercion, streams against Anthropic's order on the bytes, and what the SDK gathered against them.

import json
from dataclasses import dataclass

import anthropic
import httpx2
from anthropic.types import Message

from chat_client import Keeping
from event_order import check_messages, named_events

MEMBERS = {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details", "usage"}


@dataclass
class Said:
    """What a client makes of an answer, streamed or not. `calls` are (id, name, input), `content` is what a client
    would send back."""

    text: str
    stop: str
    calls: list
    usage: object
    content: list
    headers: object
    message: object
    thinking: str = ""


class MessagesClient:
    def __init__(self, gateway, api_key="any-key", timeout=20, **options):
        self.transport = Keeping()
        self.sdk = anthropic.Anthropic(base_url=gateway.url.removesuffix("/v1"), api_key=api_key, max_retries=0,
                                       timeout=timeout, http_client=httpx2.Client(transport=self.transport), **options)

    def close(self):
        self.sdk.close()

    def ask(self, model, messages, stream=False, max_tokens=1024, **options):
        """Messages may be one text. Members that the SDK has no name for go into `extra_body`."""
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        options = {"model": model, "messages": messages, "max_tokens": max_tokens, **options}
        if stream:
            with self.sdk.messages.stream(**options) as events:
                message, headers = events.get_final_message(), events.response.headers
            assert headers["content-type"].startswith("text/event-stream")
            check_messages(self.transport.bytes)
            final = [value for name, value in named_events(self.transport.bytes) if name == "message_delta"][-1]
            assert message.usage.output_tokens == final["usage"]["output_tokens"]
        else:
            raw = self.sdk.messages.with_raw_response.create(**options)
            headers = raw.headers
            assert headers["content-type"].startswith("application/json")
            assert set(json.loads(raw.text())) <= MEMBERS
            message = Message.model_validate_json(raw.text(), strict=True)
        assert headers["request-id"] == headers["x-request-id"]
        return _said(message, headers)


def _said(message, headers):
    assert message.id.startswith("msg_") and message.role == "assistant" and message.type == "message"
    calls = [(block.id, block.name, block.input) for block in message.content if block.type == "tool_use"]
    assert (message.stop_reason == "tool_use") == bool(calls), (message.stop_reason, calls)
    assert len({identifier for identifier, _, _ in calls}) == len(calls)
    for block in message.content:
        assert block.type != "text" or block.text, "an empty text cannot be sent back"
        assert block.type != "thinking" or block.signature, "a thought without a signature cannot be sent back"
    content = [block.to_dict(exclude_none=True) if hasattr(block, "to_dict") else block.model_dump(exclude_none=True)
               for block in message.content]
    return Said("".join(block.text for block in message.content if block.type == "text"), message.stop_reason, calls,
                message.usage, content, headers, message,
                "".join(block.thinking for block in message.content if block.type == "thinking"))
