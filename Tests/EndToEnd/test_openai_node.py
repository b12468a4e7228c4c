# OpenAI's Node package by its wire shape, composed by us: it is in no registry that a test could have it from. What differs
# from the Python package's is the heads, of Node's fetch and of the runtime, and that a stream too is asked for as JSON.

import json

import pytest

from matrix import TARGETS
from raw_http import ask, parse_stream, post

HEADS = [("accept", "application/json"), ("user-agent", "OpenAI/JS 6.39.1"), ("authorization", "Bearer sk-made-up"),
         ("x-stainless-retry-count", "0"), ("x-stainless-lang", "js"), ("x-stainless-package-version", "6.39.1"),
         ("x-stainless-os", "Linux"), ("x-stainless-arch", "x64"), ("x-stainless-runtime", "node"),
         ("x-stainless-runtime-version", "v22.16.0"), ("x-stainless-timeout", "600"), ("connection", "keep-alive"),
         ("accept-language", "*"), ("sec-fetch-mode", "cors"), ("accept-encoding", "gzip, deflate")]
TOOL = {"type": "function", "function": {"name": "weather", "description": "Tells the weather.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}


@pytest.fixture(scope="module")
def gateway(start_matrix):
    return start_matrix()


def create(gateway, streams, **body):
    """The message that the package makes of an answer: of a stream by adding up the deltas."""
    heads = [*HEADS, ("x-stainless-helper-method", "stream")] if streams else HEADS
    answer = ask(gateway.port, post("/v1/chat/completions", json.dumps({**body, "stream": streams}, ensure_ascii=False).encode(), heads))
    assert answer.status == 200, answer
    if not streams:
        assert answer.headers.get("content-type").split(";")[0] == "application/json"
        return answer.json()["choices"][0]["message"]
    # It reads events whatever the answer says it is; one of JSON would be an empty stream to it.
    assert answer.headers.get("content-type").split(";")[0] == "text/event-stream"
    events = [data for data in parse_stream(answer.body) if not data.startswith(":")]
    assert events[-1] == "[DONE]"
    message = {"role": None, "content": None, "tool_calls": []}
    for event in events[:-1]:
        for choice in json.loads(event)["choices"]:
            delta = choice["delta"]
            message["role"] = delta.get("role") or message["role"]
            if delta.get("content") is not None:
                message["content"] = (message["content"] or "") + delta["content"]
            for call in delta.get("tool_calls") or []:
                if call["index"] == len(message["tool_calls"]):
                    message["tool_calls"].append({"id": call["id"], "type": "function", "function": {"name": "", "arguments": ""}})
                made = message["tool_calls"][call["index"]]["function"]
                made["name"] += call["function"].get("name") or ""
                made["arguments"] += call["function"].get("arguments") or ""
    return message


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_it_talks_and_runs_a_tool(target, streams, gateway, request):
    mock = request.getfixturevalue(target.mock)
    model = mock.model(target.model)
    name = target.at_gateway(model)
    said = create(gateway, streams, model=name, messages=[{"role": "user", "content": "Grüße, 世界"}])
    assert (said["role"], said["content"]) == ("assistant", "Grüße, 世界")
    history = [{"role": "user", "content": 'call weather {"city": "Köln"}'}]
    called = create(gateway, streams, model=name, messages=history, tools=[TOOL])
    (call,) = called["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("weather", {"city": "Köln"})
    history += [called, {"role": "tool", "tool_call_id": call["id"], "content": "rain"}]
    assert create(gateway, streams, model=name, messages=history, tools=[TOOL])["content"] == "rain"
    # None of it is the provider's business.
    for exchange in mock.of(model):
        sent = {field.lower() for field, _ in exchange.request.headers}
        assert not [field for field in sent if field.startswith(("x-stainless", "sec-fetch", "accept-language"))], sent
