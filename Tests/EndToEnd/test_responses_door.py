# Every provider through the Responses door, by the official `openai` client: each column is asked of each row of
# matrix.py, in one piece and streamed, and of a provider that serves the dialect itself.

import base64
import json

import openai
import pytest

from matrix import PNG, SCHEMA, TARGETS, Cell
from responses_client import ResponsesClient

PICTURE = {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64," + base64.b64encode(PNG).decode()}
TOOLS = [
    {"type": "function", "name": "weather", "description": "Tells the weather.", "strict": False, "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}},
    {"type": "function", "name": "clock", "description": "Tells the time.", "strict": False, "parameters": {
        "type": "object", "properties": {"zone": {"type": "string"}}}},
]


def user(text):
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def output(call, text):
    return {"type": "function_call_output", "call_id": call[0], "output": text}


@pytest.fixture(scope="module")
def gateway(start_matrix, own_responses):
    return start_matrix({"sim": {"type": "simulator", "ttft": "1ms", "tokens_per_second": 5000}, "own": own_responses},
                        models={"short": {"provider": "own", "model": "gpt-5-aliased"}})


@pytest.fixture(scope="module")
def client(gateway):
    client = ResponsesClient(gateway)
    yield client
    client.close()


class ResponsesCell(Cell):
    def think(self, effort="high"):
        super().think()
        return {"reasoning": {"effort": effort, "summary": "auto"}, "include": ["reasoning.encrypted_content"], "store": False}


# -- the columns -----------------------------------------------------------------------------------------------------


def plain(cell):
    text = "Grüße, 世界 🌍 \"quoted\" \\ and\ttabs\nlines"
    made = cell.ask(text)
    assert (made.text, made.status) == (text, "completed")
    assert cell.reached.turns == [("user", text)] and cell.reached.system == ""


def system(cell):
    made = cell.ask([{"role": "developer", "content": "Be kind."}, user("one"), {"role": "assistant", "content": "two"},
                     {"role": "user", "content": "three"}], instructions="Be brief.")
    assert made.text == "three" and made.response.instructions == "Be brief."
    assert [line for line in cell.reached.system.split("\n") if line] == ["Be brief.", "Be kind."]
    assert cell.reached.turns == [("user", "one"), ("assistant", "two"), ("user", "three")]


def image(cell):
    made = cell.ask([{"role": "user", "content": [{"type": "input_text", "text": "look"}, PICTURE]}])
    assert made.text == f"look\n[image image/png {len(PNG)} bytes]"
    assert cell.reached.images == [("image/png", PNG)]


def tools(cell):
    made = cell.ask('call weather {"city": "Köln", "days": 3}', tools=TOOLS)
    ((_, name, arguments),) = made.calls
    assert (name, json.loads(arguments)) == ("weather", {"city": "Köln", "days": 3}) and made.text == ""
    declared = {tool["name"]: tool for tool in cell.reached.tools}
    assert list(declared) == ["weather", "clock"] and declared["weather"]["description"] == "Tells the weather."
    assert cell.ask("nothing to do", tools=TOOLS).text == "nothing to do"


def parallel(cell):
    made = cell.ask('call weather {"city": "Köln"}\ncall clock {"zone": "CET"}\ncall weather {"city": "Rom"}', tools=TOOLS)
    assert [(name, json.loads(arguments)) for _, name, arguments in made.calls] == [
        ("weather", {"city": "Köln"}), ("clock", {"zone": "CET"}), ("weather", {"city": "Rom"})]
    one = cell.ask('call clock {}\ncall clock {"zone": "CET"}', tools=TOOLS, parallel_tool_calls=False)
    dropped = "parallel_tool_calls" in one.headers.get("x-gateway-dropped-params", "")
    assert len(one.calls) == (2 if dropped else 1), one.headers


def loop(cell, **options):
    history = [user('call weather {"city": "Köln"}\ncall clock {}')]
    for text in ('call clock {"zone": "CET"}', "thanks"):
        made = cell.ask(history, tools=TOOLS, **options)
        results = [output(call, f"{call[1]} says {len(call[2])}") for call in made.calls]
        history += [*made.output, *results]
        after = cell.ask(history, tools=TOOLS, **options)
        assert after.text == "\n".join(one["output"] for one in results), after
        assert [text for _, text in cell.reached.results][-len(results):] == [one["output"] for one in results]
        history += [*after.output, user(text)]
    assert cell.ask(history, tools=TOOLS, **options).text == "thanks"
    assert len(cell.reached.calls) == 3 and len(cell.reached.results) == 3


def chained(cell):
    """The same by `previous_response_id`: what the gateway kept is what the client would have sent."""
    first = cell.ask('call weather {"city": "Köln"}\ncall clock {}', tools=TOOLS)
    second = cell.ask([output(call, call[1]) for call in first.calls], tools=TOOLS, previous_response_id=first.response.id)
    assert second.text == "weather\nclock" and len(cell.reached.calls) == 2
    third = cell.ask("and now", tools=TOOLS, previous_response_id=second.response.id)
    assert third.text == "and now" and len(cell.reached.results) == 2
    assert third.response.previous_response_id == second.response.id


def namespaced(cell):
    """Tools in a group, as Codex keeps those of MCP servers: called by both words, sent back by both."""
    group = {"type": "namespace", "name": "mcp__crm__", "description": "Customers.", "tools": [
        {**TOOLS[0], "name": "find", "defer_loading": True}, {"type": "custom", "name": "note", "description": "Notes."}]}
    history, tools = [user('call mcp__crm__find {"city": "Köln"}\ncall clock {}')], [group, TOOLS[1]]
    made = cell.ask(history, tools=tools)
    find, clock = [item for item in made.output if item["type"] == "function_call"]
    assert (find["namespace"], find["name"], json.loads(find["arguments"])) == ("mcp__crm__", "find", {"city": "Köln"})
    assert clock["name"] == "clock" and "namespace" not in clock
    assert [tool["name"] for tool in cell.reached.tools] == ["mcp__crm__find", "mcp__crm__note", "clock"]
    told = [tool["description"] for tool in cell.reached.tools]
    assert told == ["About all tools mcp__crm__*: Customers.\n\nTells the weather.", "Notes.", "Tells the time."], told
    history += [*made.output, *[output(call, call[1]) for call in made.calls]]
    assert cell.ask(history, tools=tools).text == "find\nclock"
    assert [name for _, name, _ in cell.reached.calls] == ["mcp__crm__find", "clock"]
    assert made.response.tools[0].type == "namespace"
    # What OpenAI alone can run is named, and nothing else is lost.
    one = cell.ask("say", tools=[*tools, {"type": "web_search"}])
    assert one.text == "say" and "web_search" in one.headers["x-gateway-dropped-params"]


def choice(cell):
    text = 'call clock {"zone": "CET"}'
    assert [name for _, name, _ in cell.ask(text, tools=TOOLS, tool_choice="auto").calls] == ["clock"]
    assert cell.ask(text, tools=TOOLS, tool_choice="none").text == text
    assert len(cell.ask("say", tools=TOOLS, tool_choice="required").calls) == 1
    assert cell.reached.choice == "required"
    named = cell.ask("say", tools=TOOLS, tool_choice={"type": "function", "name": "clock"})
    assert [name for _, name, _ in named.calls] == ["clock"] and cell.reached.choice == "clock"


def schema(cell):
    made = cell.ask("fill it", text={"format": {"type": "json_schema", "name": "reply", "strict": True, "schema": SCHEMA}})
    value = json.loads(made.text)
    assert made.status == "completed" and isinstance(value["answer"], str) and isinstance(value["count"], int)


def reasoning(cell):
    made = cell.ask("think well", **cell.think())
    assert made.text == "think well" and cell.reached.effort
    assert bool(made.thinking) == cell.target.tells_thoughts, made
    again = cell.ask([user("think well"), *made.output, user("and now")], **cell.think())
    assert again.text == "and now"


def thinking_loop(cell):
    options = cell.think("medium")
    history = [user('call weather {"city": "Köln"}\ncall clock {}')]
    made = cell.ask(history, tools=TOOLS, **options)
    history += [*made.output, *[output(call, call[1]) for call in made.calls]]
    assert cell.ask(history, tools=TOOLS, **options).text == "weather\nclock"


def length(cell):
    made = cell.ask("one two three four", max_output_tokens=2)
    assert (made.text, made.status, made.reason) == ("one two", "incomplete", "max_output_tokens")
    assert cell.reached.limit == 2


def usage(cell):
    made = cell.ask("one two three")
    assert made.usage.output_tokens == 3 and made.usage.input_tokens >= 3
    assert made.usage.output_tokens_details.reasoning_tokens == 0


COLUMNS = {"plain": plain, "system": system, "image": image, "tools": tools, "parallel": parallel, "loop": loop,
           "chained": chained, "namespaced": namespaced, "choice": choice, "schema": schema, "reasoning": reasoning, "thinking-loop": thinking_loop,
           "length": length, "usage": usage}
KINDS = {"thinking-loop": "reasoning"}
CELLS = [(target, column) for target in TARGETS for column in COLUMNS if KINDS.get(column, column) not in target.lacks]


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("target, column", CELLS, ids=lambda value: getattr(value, "name", value))
def test_cell(target, column, streams, client, request):
    cell = ResponsesCell(target, client, request.getfixturevalue(target.mock), streams)
    parameter = target.refuses.get("loop" if column in ("thinking-loop", "chained") else column)
    if parameter is None:
        COLUMNS[column](cell)
        return
    with pytest.raises(openai.BadRequestError) as caught:
        COLUMNS[column](cell)
    assert caught.value.param == parameter and caught.value.type == "invalid_request_error"
    assert caught.value.code == "unsupported_parameter" and cell.mock.of(cell.model) == []


# -- a provider that serves the dialect ------------------------------------------------------------------------------


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
def test_relayed(streams, client, responses_mock):
    model = responses_mock.model("gpt-5")

    def ask(items, **options):
        return client.ask(f"own/{model}", items, streams, **options)

    assert ask("one two").text == "one two"
    assert ask("fill it", text={"format": {"type": "json_schema", "name": "r", "schema": SCHEMA}}).text.startswith("{")
    custom = {"type": "custom", "name": "patch", "description": "Applies a patch."}
    thinks = {"reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"], "store": False}
    history = [user('call weather {"city": "Köln"}\ncall patch {"a": 1}')]
    made = ask(history, tools=[*TOOLS, custom], **thinks)
    assert [name for _, name, _ in made.calls] == ["weather", "patch"] and made.thinking
    history += [*made.output, output(made.calls[0], "sunny"),
                {"type": "custom_tool_call_output", "call_id": made.calls[1][0], "output": "done"}]
    assert ask(history, tools=[*TOOLS, custom], **thinks).text == "sunny\ndone"
    cut = ask("one two three", max_output_tokens=2)
    assert (cut.text, cut.status, cut.reason) == ("one two", "incomplete", "max_output_tokens")
    assert cut.headers["x-upstream-request-id"] == "req_mock" and cut.headers["x-gateway-provider"] == "own"


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
def test_the_simulator(streams, client):
    assert client.ask("sim/anything-echo", "one two three", streams).text == "one two three"
    made = client.ask("sim/anything-tools2", "go", streams, tools=TOOLS)
    assert len(made.calls) == 2
    after = client.ask("sim/anything", [user("go"), *made.output, *[output(call, call[1]) for call in made.calls]], streams,
                       tools=TOOLS, max_output_tokens=8)
    assert after.text and after.usage.output_tokens <= 8
