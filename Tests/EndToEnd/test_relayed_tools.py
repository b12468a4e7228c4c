# Tools at the doors that are relayed in their own dialect, Messages to Anthropic and responses to OpenAI, by the official
# clients: calls that a provider breaks parse when they arrive, the rest of an answer is what was sent, and definitions
# that nobody could be told are named.

import json

import anthropic
import openai
import pytest

from fake_upstream import event

KEY = "sk-any"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
MESSAGES_TOOLS = [{"name": name, "input_schema": SCHEMA} for name in ("get_weather", "book")]
RESPONSES_TOOLS = [{"type": "function", "name": name, "parameters": SCHEMA, "strict": False} for name in ("get_weather", "book")]


@pytest.fixture(scope="module")
def gateway(start_gateway, session_anthropic_mock, session_responses_mock, certificates):
    claude, newer = session_anthropic_mock, session_responses_mock
    return start_gateway({"providers": {
        "anthropic": {"type": "anthropic", "base_url": claude.url, "api_key": claude.key, "ca_file": certificates.ca_file},
        "openai": {"type": "openai", "base_url": newer.url, "api_key": newer.key, "ca_file": certificates.ca_file,
                   "responses": True}}})


@pytest.fixture
def messages(gateway):
    with anthropic.Anthropic(base_url=gateway.url.removesuffix("/v1"), api_key=KEY, max_retries=0, timeout=20) as client:
        yield client.messages


@pytest.fixture
def responses(gateway):
    with openai.OpenAI(base_url=gateway.url, api_key=KEY, max_retries=0, timeout=20) as client:
        yield client.responses


def play(whole, events):
    """A whole answer, or these events, each with its type for a name."""
    def answer(exchange):
        if not exchange.request.json().get("stream"):
            return exchange.answer(whole, headers=[("request-id", "req_e2e")])
        exchange.start_stream([("request-id", "req_e2e")])
        for value in events:
            exchange.write(f"event: {value['type']}\n".encode() + event(value))
        exchange.finish()
    return answer


def logged(gateway, model):
    return gateway.await_record(lambda record: record.get("upstream_model") == model)


# -- Messages ---------------------------------------------------------------------------------------------------------


def message(name, value, pieces):
    usage = {"input_tokens": 5, "output_tokens": 3, "service_tier": "priority"}
    frame = {"id": "msg_e2e", "type": "message", "role": "assistant", "model": "claude-e2e", "stop_sequence": None}
    block = {"type": "tool_use", "id": "toolu_e2e", "name": name}
    whole = {**frame, "content": [{**block, "input": value}], "stop_reason": "tool_use", "usage": usage}
    return whole, [
        {"type": "message_start", "message": {**frame, "content": [], "stop_reason": None, "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {**block, "input": {}}},
        *[{"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}}
          for piece in pieces],
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"}]


@pytest.mark.parametrize("name, value, repairs", [
    ("get_weather", {"city": "Oslo"}, None), ("functions.get_weather", {"city": "Oslo"}, "name=1"),
    ("get_weather", "{'city': 'Oslo'", "syntax=1, form=1"), ("get_weather", 'Sure: {"city": "Oslo"}!', "extracted=1, form=1"),
])
def test_a_broken_message_arrives_whole(name, value, repairs, gateway, anthropic_mock, messages):
    whole, _ = message(name, value, [])
    model = anthropic_mock.script(play(whole, []), "claude-sonnet-4-5")
    raw = messages.with_raw_response.create(
        model=f"anthropic/{model}", max_tokens=99, tools=MESSAGES_TOOLS, messages=[{"role": "user", "content": "?"}])
    wanted = {**whole, "content": [{**whole["content"][0], "name": "get_weather", "input": {"city": "Oslo"}}]}
    told = json.loads(raw.text())
    assert told == wanted and list(told) == list(whole)
    (made,) = raw.parse().content
    assert (made.name, made.input, made.id) == ("get_weather", {"city": "Oslo"}, "toolu_e2e")
    assert raw.headers.get("x-gateway-repairs") == repairs == logged(gateway, model).get("repairs")


@pytest.mark.parametrize("name, pieces, repairs", [
    ("get_weather", ['{"ci', 'ty": "Oslo"}'], None), ("Get-Weather", ['{"ci', 'ty": "Oslo"}'], "name=1"),
    ("get_weather", ['{"city"', ': "Oslo'], "closed=1"),
])
def test_a_broken_stream_of_a_message_arrives_whole(name, pieces, repairs, gateway, anthropic_mock, messages):
    model = anthropic_mock.script(play(*message(name, {}, pieces)), "claude-sonnet-4-5")
    with messages.stream(model=f"anthropic/{model}", max_tokens=99, tools=MESSAGES_TOOLS,
                         messages=[{"role": "user", "content": "?"}]) as stream:
        final = stream.get_final_message()
    (made,) = final.content
    assert (made.name, made.input, final.stop_reason) == ("get_weather", {"city": "Oslo"}, "tool_use")
    assert logged(gateway, model).get("repairs") == repairs


# -- responses --------------------------------------------------------------------------------------------------------


def response(name, arguments, pieces):
    item = {"id": "fc_e2e", "type": "function_call", "call_id": "call_e2e", "name": name}
    frame = {"id": "resp_e2e", "object": "response", "created_at": 1767225600, "model": "gpt-5", "tools": [], "tool_choice": "auto",
             "parallel_tool_calls": True, "service_tier": "priority", "metadata": {}, "temperature": 1.0, "top_p": 1.0}
    done = {**item, "arguments": arguments, "status": "completed"}
    whole = {**frame, "status": "completed", "output": [done], "usage": {
        "input_tokens": 5, "output_tokens": 3, "total_tokens": 8, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0}}}
    place = {"item_id": "fc_e2e", "output_index": 0}
    events = [
        {"type": "response.created", "response": {**frame, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": "", "status": "in_progress"}},
        *[{"type": "response.function_call_arguments.delta", **place, "delta": piece} for piece in pieces],
        {"type": "response.function_call_arguments.done", **place, "arguments": arguments, "name": name},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": whole}]
    return whole, [{**value, "sequence_number": number} for number, value in enumerate(events)]


def read(response):
    (made,) = response.output
    return made.name, json.loads(made.arguments), made.call_id


@pytest.mark.parametrize("name, arguments, repairs", [
    ("get_weather", '{"city": "Oslo"}', None), ("functions.get_weather", '{"city": "Oslo"}', "name=1"),
    ("get_weather", "{'city': 'Oslo',}", "syntax=1"), ("get_weather", '```json\n{"city": "Oslo"}\n```', "extracted=1"),
])
def test_a_broken_response_arrives_whole(name, arguments, repairs, gateway, responses_mock, responses):
    whole, _ = response(name, arguments, [])
    model = responses_mock.script(play(whole, []))
    raw = responses.with_raw_response.create(model=f"openai/{model}", input="?", tools=RESPONSES_TOOLS)
    told = json.loads(raw.text)
    assert {**told, "output": None} == {**whole, "output": None} and list(told) == list(whole)
    assert read(raw.parse()) == ("get_weather", {"city": "Oslo"}, "call_e2e")
    assert raw.headers.get("x-gateway-repairs") == repairs == logged(gateway, model).get("repairs")


@pytest.mark.parametrize("name, arguments, pieces, repairs", [
    ("get_weather", '{"city": "Oslo"}', ['{"city', '": "Oslo"}'], None),
    ("GetWeather", '{"city": "Oslo"}', ['{"city', '": "Oslo"}'], "name=1"),
    ("get_weather", '{"city": "Oslo', ['{"city', '": "Oslo'], "closed=1"),
    ("get_weather", "{'city': 'Oslo'}", ["{'city", "': 'Oslo'}"], "syntax=1"),
])
def test_a_broken_stream_of_a_response_arrives_whole(name, arguments, pieces, repairs, gateway, responses_mock, responses):
    model = responses_mock.script(play(*response(name, arguments, pieces)))
    with responses.create(model=f"openai/{model}", input="?", tools=RESPONSES_TOOLS, stream=True) as stream:
        events = list(stream)
    assert [value.sequence_number for value in events] == list(range(len(events)))
    told = "".join(value.delta for value in events if value.type == "response.function_call_arguments.delta")
    whole = [value.arguments for value in events if value.type == "response.function_call_arguments.done"]
    items = [value.item for value in events if value.type == "response.output_item.done"]
    assert read(events[-1].response) == ("get_weather", {"city": "Oslo"}, "call_e2e")
    assert whole == [items[0].arguments] == [events[-1].response.output[0].arguments]
    assert items[0].name == "get_weather" and (told == whole[0] or repairs == "syntax=1")
    assert logged(gateway, model).get("repairs") == repairs


def test_a_call_of_no_name_is_a_message_in_a_stream_of_a_response(gateway, responses_mock, responses):
    """Of two tools it could be either: what it says is told as text, by events that the client adds up to a message."""
    model = responses_mock.script(play(*response("", '{"city": ', ['{"city"', ": "])))
    with responses.stream(model=f"openai/{model}", input="?", tools=RESPONSES_TOOLS) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [value.sequence_number for value in events if value.type != "response.output_text.delta"][-1] == 8
    assert "".join(value.delta for value in events if value.type == "response.output_text.delta") == '{"city": '
    (item,) = final.output
    assert (item.type, item.id, item.status, final.output_text) == ("message", "fc_e2e", "completed", '{"city": ')
    assert final.service_tier == "priority" and final.usage.total_tokens == 8
    assert logged(gateway, model).get("repairs") == "text=1"


# -- definitions ------------------------------------------------------------------------------------------------------


def test_a_bad_definition_is_named_and_goes_nowhere(anthropic_mock, responses_mock, messages, responses):
    claude, newer = anthropic_mock.model("claude-sonnet-4-5"), responses_mock.model("gpt-5")
    with pytest.raises(anthropic.BadRequestError) as refused:
        messages.create(model=f"anthropic/{claude}", max_tokens=9, messages=[{"role": "user", "content": "?"}],
                        tools=[*MESSAGES_TOOLS, {"name": "get weather", "input_schema": SCHEMA}])
    assert refused.value.body["error"]["message"].startswith("tools[2].name: ") and "get weather" in str(refused.value)
    with pytest.raises(openai.BadRequestError) as refused:
        responses.create(model=f"openai/{newer}", input="?", tools=[*RESPONSES_TOOLS, RESPONSES_TOOLS[0]])
    assert refused.value.param == "tools[2].name" and "get_weather" in str(refused.value)
    assert anthropic_mock.of(claude) == [] and responses_mock.of(newer) == []
