# The official `openai` client at the Responses door, held to more than it holds itself to: whole answers and every event
# are checked against the SDK's own types without coercion, streams against OpenAI's order on the bytes.

import json
from dataclasses import dataclass

import httpx2
import openai
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from chat_client import Keeping
from event_order import check_responses, named_events

_EVENT = TypeAdapter(ResponseStreamEvent)


@dataclass
class Made:
    """What a client makes of a response. `calls` are (call_id, name, arguments or input), `output` is what a client would
    send back."""

    text: str
    status: str
    reason: str | None
    calls: list
    usage: object
    output: list
    headers: object
    response: object
    thinking: str = ""


class ResponsesClient:
    def __init__(self, gateway, api_key="any-key", timeout=20, **options):
        self.transport = Keeping()
        self.sdk = openai.OpenAI(base_url=gateway.url, api_key=api_key, max_retries=0, timeout=timeout,
                                 http_client=httpx2.Client(transport=self.transport), **options)

    def close(self):
        self.sdk.close()

    def ask(self, model, items, stream=False, **options):
        if not stream:
            raw = self.sdk.responses.with_raw_response.create(model=model, input=items, **options)
            assert raw.headers["content-type"].startswith("application/json")
            value = json.loads(raw.text)
            return _made(Response.model_validate_json(raw.text, strict=True), value, raw.headers)
        raw = self.sdk.responses.with_raw_response.create(model=model, input=items, stream=True, **options)
        assert raw.headers["content-type"].startswith("text/event-stream")
        events = list(raw.parse())
        value = check_responses(self.transport.bytes)
        assert [event.type for event in events] == [name for name, _ in named_events(self.transport.bytes)]
        for _, one in named_events(self.transport.bytes):
            checked = _EVENT.validate_json(json.dumps(one), strict=True)
            assert checked.type == one["type"]
        return _made(events[-1].response, value, raw.headers)


def _made(response, value, headers):
    assert response.id.startswith("resp_") and response.object == "response" and value["error"] is None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    calls, thinking = [], ""
    for item in value["output"]:
        if item["type"] == "function_call":
            assert isinstance(json.loads(item["arguments"]), dict)
            calls.append((item["call_id"], item["name"], item["arguments"]))
        elif item["type"] == "custom_tool_call":
            calls.append((item["call_id"], item["name"], item["input"]))
        elif item["type"] == "reasoning":
            thinking += "".join(part["text"] for part in item["summary"])
    assert len({identifier for identifier, _, _ in calls}) == len(calls)
    assert len({item["id"] for item in value["output"]}) == len(value["output"])
    reason = value["incomplete_details"] and value["incomplete_details"]["reason"]
    return Made(response.output_text, response.status, reason, calls, response.usage, value["output"], headers, response,
                thinking)
