# Every provider through the Messages door, by the official `anthropic` client: each column is asked of each row of
# matrix.py, in one piece and streamed. What relays, errors, counts and pings are like is in test_messages_relay.py.

import base64
import json

import anthropic
import pytest

from matrix import PNG, SCHEMA, TARGETS, Cell
from messages_client import MessagesClient

PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}}
WEATHER = {"type": "object", "properties": {
    "city": {"type": "string", "description": "Where"}, "days": {"type": "integer"}}, "required": ["city"]}
TOOLS = [{"name": "weather", "description": "Tells the weather.", "input_schema": WEATHER},
         {"name": "clock", "description": "Tells the time.", "input_schema": {
             "type": "object", "properties": {"zone": {"type": "string"}}}}]
ADAPTIVE = ("claude-sonnet-5",)


def result(identifier, content, **more):
    return {"type": "tool_result", "tool_use_id": identifier, "content": content, **more}


@pytest.fixture(scope="module")
def gateway(start_matrix):
    return start_matrix({"sim": {"type": "simulator", "ttft": "1ms", "tokens_per_second": 5000}})


@pytest.fixture(scope="module")
def client(gateway):
    client = MessagesClient(gateway)
    yield client
    client.close()


class MessagesCell(Cell):
    @property
    def relayed(self):
        return self.target.provider == "anthropic"

    def think(self):
        super().think()
        if self.relayed and self.model.startswith(ADAPTIVE):
            return {"thinking": {"type": "adaptive"}}
        return {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 4096}


# -- the columns -----------------------------------------------------------------------------------------------------


def plain(cell):
    text = "Grüße, 世界 🌍 \"quoted\" \\ and\ttabs\nlines"
    said = cell.ask(text)
    assert (said.text, said.stop) == (text, "end_turn") and said.message.stop_sequence is None
    assert cell.reached.turns == [("user", text)] and cell.reached.system == ""


def system(cell):
    said = cell.ask([{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"},
                     {"role": "user", "content": "three"}],
                    system=[{"type": "text", "text": "Be brief."},
                            {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}])
    assert said.text == "three"
    assert [line for line in cell.reached.system.split("\n") if line] == ["Be brief.", "Be kind."]
    assert cell.reached.turns == [("user", "one"), ("assistant", "two"), ("user", "three")]
    assert cell.ask("again", system="Be quiet.").text == "again" and cell.reached.system == "Be quiet."


def image(cell):
    said = cell.ask([{"role": "user", "content": [{"type": "text", "text": "look"}, PICTURE]}])
    assert said.text == f"look\n[image image/png {len(PNG)} bytes]"
    assert cell.reached.images == [("image/png", PNG)]


def tools(cell):
    said = cell.ask('call weather {"city": "Köln", "days": 3}', tools=TOOLS)
    ((_, name, given),) = said.calls
    assert (name, given) == ("weather", {"city": "Köln", "days": 3}) and said.text == ""
    declared = {tool["name"]: tool for tool in cell.reached.tools}
    assert list(declared) == ["weather", "clock"] and declared["weather"]["description"] == "Tells the weather."
    assert declared["weather"]["parameters"]["properties"]["city"]["type"].lower() == "string"
    assert cell.ask("call clock", tools=TOOLS).calls[0][1:] == ("clock", {})
    assert cell.ask("nothing to do", tools=TOOLS).text == "nothing to do"


def parallel(cell):
    said = cell.ask('call weather {"city": "Köln"}\ncall clock {"zone": "CET"}\ncall weather {"city": "Rom"}', tools=TOOLS)
    assert [call[1:] for call in said.calls] == [
        ("weather", {"city": "Köln"}), ("clock", {"zone": "CET"}), ("weather", {"city": "Rom"})]
    one = cell.ask('call clock {}\ncall clock {"zone": "CET"}', tools=TOOLS,
                   tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    dropped = "parallel_tool_calls" in one.headers.get("x-gateway-dropped-params", "")
    assert len(one.calls) == (2 if dropped else 1), one.headers


def loop(cell, **options):
    history = [{"role": "user", "content": 'call weather {"city": "Köln"}\ncall clock {}'}]
    for text in ('call clock {"zone": "CET"}', "thanks"):
        said = cell.ask(history, tools=TOOLS, **options)
        results = [result(identifier, f"{name} says {len(given)}") for identifier, name, given in said.calls]
        history += [{"role": "assistant", "content": said.content}, {"role": "user", "content": results}]
        after = cell.ask(history, tools=TOOLS, **options)
        assert after.text == "\n".join(one["content"] for one in results), after
        assert [text for _, text in cell.reached.results][-len(results):] == [one["content"] for one in results]
        made = [(name, value) for _, name, value in cell.reached.calls]
        assert made[-len(results):] == [(name, given) for _, name, given in said.calls]
        history += [{"role": "assistant", "content": after.content}, {"role": "user", "content": text}]
    assert cell.ask(history, tools=TOOLS, **options).text == "thanks"
    assert len(cell.reached.calls) == 3 and len(cell.reached.results) == 3


def error_result(cell):
    said = cell.ask('call weather {"city": "Köln"}', tools=TOOLS)
    after = cell.ask([{"role": "user", "content": 'call weather {"city": "Köln"}'},
                      {"role": "assistant", "content": said.content},
                      {"role": "user", "content": [result(said.calls[0][0], [{"type": "text", "text": "no such city"}],
                                                          is_error=True), {"type": "text", "text": "try again"}]}],
                     tools=TOOLS)
    assert "try again" in after.text and "no such city" in cell.reached.results[0][1]


def choice(cell):
    text = 'call clock {"zone": "CET"}'
    assert [name for _, name, _ in cell.ask(text, tools=TOOLS, tool_choice={"type": "auto"}).calls] == ["clock"]
    assert cell.ask(text, tools=TOOLS, tool_choice={"type": "none"}).text == text
    assert cell.reached.choice == "none" or not cell.reached.tools
    assert len(cell.ask("say", tools=TOOLS, tool_choice={"type": "any"}).calls) == 1
    assert cell.reached.choice == "required"
    named = cell.ask("say", tools=TOOLS, tool_choice={"type": "tool", "name": "clock"})
    assert [name for _, name, _ in named.calls] == ["clock"] and cell.reached.choice == "clock"


def schema(cell):
    said = cell.ask("fill it", output_config={"format": {"type": "json_schema", "schema": SCHEMA}})
    assert said.stop == "end_turn"
    value = json.loads(said.text)
    assert isinstance(value["answer"], str) and isinstance(value["count"], int)
    if cell.reached.schema is not None:
        assert set(cell.reached.schema["properties"]) == {"answer", "count"}
    else:
        assert cell.reached.tools[0]["parameters"]["required"] == ["answer", "count"]


def reasoning(cell):
    said = cell.ask("think well", **cell.think())
    assert said.text == "think well" and (cell.reached.effort or cell.relayed)
    assert bool(said.thinking) == cell.target.tells_thoughts, said
    again = cell.ask([{"role": "user", "content": "think well"}, {"role": "assistant", "content": said.content},
                      {"role": "user", "content": "and now"}], **cell.think())
    assert again.text == "and now"


def thinking_loop(cell):
    options = cell.think()
    history = [{"role": "user", "content": 'call weather {"city": "Köln"}\ncall clock {}'}]
    said = cell.ask(history, tools=TOOLS, **options)
    results = [result(identifier, name) for identifier, name, _ in said.calls]
    history += [{"role": "assistant", "content": said.content}, {"role": "user", "content": results}]
    assert cell.ask(history, tools=TOOLS, **options).text == "weather\nclock"


def stop(cell):
    said = cell.ask("one two STOP three", stop_sequences=["STOP", "HALT"])
    trimmed = cell.target.mock == "salesforce_mock"  # that service pads a text, and is trimmed
    assert said.text.rstrip() + " " * (said.text[-1] == " " or trimmed) == "one two " and cell.reached.stop == ["STOP", "HALT"]
    told = (said.stop, said.message.stop_sequence)
    assert told == (("stop_sequence", "STOP") if cell.target.read.__name__ == "messages" else ("end_turn", None))


def length(cell):
    said = cell.ask("one two three four", max_tokens=2)
    assert (said.text, said.stop) == ("one two", "max_tokens") and cell.reached.limit == 2


def usage(cell):
    said = cell.ask("one two three")
    usage = said.usage  # what a cache gave is counted apart
    assert usage.output_tokens == 3 and usage.input_tokens + (usage.cache_read_input_tokens or 0) >= 3


def count(cell):
    model = cell.target.at_gateway(cell.model)
    short = cell.client.sdk.messages.count_tokens(model=model, messages=[{"role": "user", "content": "one two three"}])
    long = cell.client.sdk.messages.count_tokens(
        model=model, system="Be brief. " * 20, tools=TOOLS, messages=[{"role": "user", "content": "one two three"}])
    assert 0 < short.input_tokens < long.input_tokens
    if not cell.relayed:
        assert cell.mock.of(cell.model) == [], "an estimate asks nobody"


COLUMNS = {"plain": plain, "system": system, "image": image, "tools": tools, "parallel": parallel, "loop": loop,
           "error-result": error_result, "choice": choice, "schema": schema, "reasoning": reasoning,
           "thinking-loop": thinking_loop, "stop": stop, "length": length, "usage": usage, "count": count}
KINDS = {"thinking-loop": "reasoning", "error-result": "loop"}


def _lacks(target, column):
    if KINDS.get(column, column) in target.lacks:
        return True
    # A relayed request is the client's own: what an old model refuses, it refuses.
    return column == "schema" and target.name == "anthropic-old"


CELLS = [(target, column) for target in TARGETS for column in COLUMNS if not _lacks(target, column)]


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("target, column", CELLS, ids=lambda value: getattr(value, "name", value))
def test_cell(target, column, streams, client, request):
    if column == "count" and streams:
        pytest.skip("a count is no stream")
    cell = MessagesCell(target, client, request.getfixturevalue(target.mock), streams)
    parameter = target.refuses.get("loop" if column == "thinking-loop" else KINDS.get(column, column))
    if parameter is None:
        COLUMNS[column](cell)
        return
    with pytest.raises(anthropic.BadRequestError) as caught:
        COLUMNS[column](cell)
    error = caught.value.body["error"]
    assert error["type"] == "invalid_request_error" and error["message"].startswith(f"{parameter}: "), error
    assert caught.value.request_id and cell.mock.of(cell.model) == []


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
def test_the_simulator(streams, client):
    said = client.ask("sim/anything-echo", "one two three", streams)
    assert (said.text, said.stop) == ("one two three", "end_turn")
    said = client.ask("sim/anything-tools2", "go", streams, tools=TOOLS)
    assert len(said.calls) == 2
    results = [result(identifier, name) for identifier, name, _ in said.calls]
    after = client.ask("sim/anything", [{"role": "user", "content": "go"}, {"role": "assistant", "content": said.content},
                                        {"role": "user", "content": results}], streams, tools=TOOLS, max_tokens=8)
    assert after.text and after.stop in ("end_turn", "max_tokens") and after.usage.output_tokens <= 8
