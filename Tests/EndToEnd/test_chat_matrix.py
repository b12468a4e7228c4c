# Every provider through the chat door, by the official `openai` client: each column is asked of each row of matrix.py,
# in one piece and streamed. A cell looks at what reached the mock and at what came back; what breaks a rule of the
# mock's or of the SDK's types fails it too.

import json

import openai
import pytest

import three_tools
from chat_client import ChatClient, stripped
from matrix import CLAUDE, GPT, PICTURE, PNG, SCHEMA, TARGETS, Cell

WEATHER = {"type": "object", "properties": {
    "city": {"type": "string", "description": "Where"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city"], "additionalProperties": False}
TOOLS = [
    {"type": "function", "function": {"name": "weather", "description": "Tells the weather.", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "clock", "description": "Tells the time.", "parameters": {
        "type": "object", "properties": {"zone": {"type": "string"}}}}},
]


@pytest.fixture(scope="module")
def gateway(start_matrix):
    return start_matrix()


@pytest.fixture(scope="module")
def client(gateway):
    client = ChatClient(gateway)
    yield client
    client.close()


# -- the columns -----------------------------------------------------------------------------------------------------


def plain(cell):
    text = "Grüße, 世界 🌍 \"quoted\" \\ and\ttabs\nlines"
    reply = cell.ask(text)
    assert (reply.text, reply.finish) == (text, "stop")
    assert cell.reached.turns == [("user", text)] and cell.reached.system == ""


def system(cell):
    reply = cell.ask([
        {"role": "developer", "content": "Be brief."}, {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"}, {"role": "system", "content": "Be kind."}, {"role": "user", "content": "three"}])
    assert reply.text == "three"
    assert cell.reached.system.split("\n") == ["Be brief.", "Be kind."] or cell.reached.system == "Be brief.\n\nBe kind."
    assert cell.reached.turns == [("user", "one"), ("assistant", "two"), ("user", "three")]


def turns(cell):
    said = [("user", "one"), ("assistant", "two"), ("user", "three"), ("assistant", "four"), ("user", "five six")]
    reply = cell.ask([{"role": "user", "content": [{"type": "text", "text": "one"}]},
                      *[{"role": role, "content": text} for role, text in said[1:]]])
    assert reply.text == "five six" and cell.reached.turns == said


def image(cell):
    reply = cell.ask([{"role": "user", "content": [{"type": "text", "text": "look"}, PICTURE]}])
    assert reply.text == f"look\n[image image/png {len(PNG)} bytes]"
    assert cell.reached.images == [("image/png", PNG)]


def tools(cell):
    reply = cell.ask('call weather {"city": "Köln", "days": 3}', tools=TOOLS)
    ((_, name, arguments),) = reply.calls
    assert (name, json.loads(arguments)) == ("weather", {"city": "Köln", "days": 3}) and reply.text is None
    declared = {tool["name"]: tool for tool in cell.reached.tools}
    assert list(declared) == ["weather", "clock"] and declared["weather"]["description"] == "Tells the weather."
    assert declared["weather"]["parameters"]["properties"]["city"]["type"].lower() == "string"
    assert cell.ask("nothing to do", tools=TOOLS).text == "nothing to do"


def parallel(cell):
    reply = cell.ask('call weather {"city": "Köln"}\ncall clock {"zone": "CET"}\ncall weather {"city": "Rom"}', tools=TOOLS)
    assert [(name, json.loads(arguments)) for _, name, arguments in reply.calls] == [
        ("weather", {"city": "Köln"}), ("clock", {"zone": "CET"}), ("weather", {"city": "Rom"})]
    one = cell.ask('call clock {}\ncall clock {"zone": "CET"}', tools=TOOLS, parallel_tool_calls=False)
    dropped = "parallel_tool_calls" in one.headers.get("x-gateway-dropped-params", "")
    assert len(one.calls) == (2 if dropped else 1), one.headers


def loop(cell, keeps):
    kept = (lambda message: message) if keeps else stripped
    history = [{"role": "system", "content": "Use tools."},
               {"role": "user", "content": 'call weather {"city": "Köln"}\ncall clock {}'}]
    for text in ('call clock {"zone": "CET"}', "thanks"):
        reply = cell.ask(history, tools=TOOLS)
        results = [{"role": "tool", "tool_call_id": identifier, "content": f"{name} says {len(arguments)}"}
                   for identifier, name, arguments in reply.calls]
        after = cell.ask([*history, kept(reply.message), *results], tools=TOOLS)
        assert after.text == "\n".join(result["content"] for result in results), after
        assert [text for _, text in cell.reached.results][-len(results):] == [result["content"] for result in results]
        made = [(name, value) for _, name, value in cell.reached.calls]
        assert made[-len(results):] == [(name, json.loads(arguments)) for _, name, arguments in reply.calls]
        history += [kept(reply.message), *results, kept(after.message), {"role": "user", "content": text}]
    assert cell.ask(history, tools=TOOLS).text == "thanks"
    assert len(cell.reached.calls) == 3 and len(cell.reached.results) == 3


def chain(cell):
    """Three tools, each asked what the one before it told, by hand."""
    (made, functions), history = three_tools.functions(), [{"role": "user", "content": three_tools.TASK}]
    run = {function.__name__: function for function in functions}
    for _ in three_tools.STEPS:
        reply = cell.ask(history, tools=three_tools.DEFINITIONS)
        ((identifier, name, arguments),) = reply.calls
        assert reply.finish == "tool_calls"
        result = run[name](**json.loads(arguments))
        history += [stripped(reply.message), {"role": "tool", "tool_call_id": identifier, "content": result}]
    last = cell.ask(history, tools=three_tools.DEFINITIONS)
    assert made == three_tools.STEPS and (last.text, last.finish) == (three_tools.ANSWER, "stop")
    assert [(name, *value.values()) for _, name, value in cell.reached.calls] == made


def n8n(cell):
    """An agent node: nothing is dropped for its name, and its expressions travel as they are (rows S49, S55)."""
    expression = '={{ $fromAI("city","","string") }}'
    definition = {"type": "function", "function": {
        "name": "Weather_Tool", "description": f"Call with {expression}", "parameters": {
            "type": "object", "properties": {"city": {"type": "string", "description": expression}}, "required": ["city"]}}}
    options = {"tools": [definition], "tool_choice": "auto", "extra_headers": {"user-agent": "n8n/1.108.2"}}
    history = [{"role": "system", "content": f"You are a helpful assistant. {expression}"},
               {"role": "user", "content": 'call Weather_Tool {"city": "Oslo"}'}]
    reply = cell.ask(history, **options)
    ((identifier, name, arguments),) = reply.calls
    assert (name, json.loads(arguments)) == ("Weather_Tool", {"city": "Oslo"})
    assert json.dumps(cell.exchange.body).count("$fromAI(") == 3 and cell.reached.tools[0]["name"] == "Weather_Tool"
    history += [stripped(reply.message), {"role": "tool", "tool_call_id": identifier, "content": "rain"}]
    assert cell.ask(history, **options).text == "rain"


def choice(cell):
    text = 'call clock {"zone": "CET"}'
    assert [name for _, name, _ in cell.ask(text, tools=TOOLS, tool_choice="auto").calls] == ["clock"]
    assert cell.reached.choice in (None, "auto")
    assert cell.ask(text, tools=TOOLS, tool_choice="none").text == text
    assert cell.reached.choice == "none" or not cell.reached.tools
    assert len(cell.ask("say", tools=TOOLS, tool_choice="required").calls) == 1
    assert cell.reached.choice == "required"
    named = {"type": "function", "function": {"name": "clock"}}
    assert [name for _, name, _ in cell.ask("say", tools=TOOLS, tool_choice=named).calls] == ["clock"]
    assert cell.reached.choice == "clock"


def schema(cell):
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA}}
    reply = cell.ask("fill it", response_format=wanted)
    value = json.loads(reply.text)
    assert reply.finish == "stop" and isinstance(value["answer"], str) and isinstance(value["count"], int)
    if cell.reached.schema is not None:
        assert set(cell.reached.schema["properties"]) == {"answer", "count"}
    else:
        assert cell.reached.tools[0]["parameters"]["required"] == ["answer", "count"]


def object_(cell):
    reply = cell.ask("answer in json", response_format={"type": "json_object"})
    if cell.target.formats:
        assert isinstance(json.loads(reply.text), dict) and cell.reached.schema == "json_object"
    else:
        assert reply.text == "answer in json" and "JSON" in cell.reached.system


def reasoning(cell):
    cell.think()
    reply = cell.ask("think well", reasoning_effort="high")
    assert reply.text == "think well" and cell.reached.effort
    assert reply.usage.completion_tokens_details.reasoning_tokens > 0 or cell.target.name == "vertex-openai"
    assert bool(reply.reasoning) == cell.target.tells_thoughts, reply
    low = cell.ask("think little", reasoning_effort="low")
    assert low.text == "think little" and cell.reached.effort


def thinking_loop(cell):
    cell.think()
    for kept in (lambda message: message, stripped):
        history = [{"role": "user", "content": 'call weather {"city": "Köln"}\ncall clock {}'}]
        reply = cell.ask(history, tools=TOOLS, reasoning_effort="medium")
        results = [{"role": "tool", "tool_call_id": identifier, "content": name} for identifier, name, _ in reply.calls]
        after = cell.ask([*history, kept(reply.message), *results], tools=TOOLS, reasoning_effort="medium")
        assert after.text == "weather\nclock"


def stop(cell):
    reply = cell.ask("one two STOP three", stop=["STOP", "HALT"])
    text = reply.text.rstrip() + " " if cell.target.mock == "salesforce_mock" else reply.text  # it pads, and is trimmed
    assert (text, reply.finish) == ("one two ", "stop") and cell.reached.stop == ["STOP", "HALT"]
    assert cell.ask("one two STOP three", stop="three").text.rstrip() == "one two STOP"


def length(cell):
    reply = cell.ask("one two three four", max_tokens=2)
    assert (reply.text, reply.finish) == ("one two", "length") and cell.reached.limit == 2
    reply = cell.ask("one two three four", max_completion_tokens=3)
    assert (reply.text, reply.finish) == ("one two three", "length") and cell.reached.limit == 3


def usage(cell):
    reply = cell.ask("one two three")
    assert reply.usage.completion_tokens == 3 and reply.usage.prompt_tokens >= 3
    if cell.streams:
        assert cell.ask("one two", stream_options={"include_usage": False}).usage is None
        assert cell.ask("one two", stream_options=None).usage is None


def cached(cell):
    text = {"type": "text", "text": f"a long text of {cell.model}"}
    extra = {}
    if cell.target.read.__name__ == "gemini":
        extra = {"extra_body": {"cached_content": "cachedContents/e2e"}}
    elif cell.target.read.__name__ == "messages":
        text["cache_control"] = {"type": "ephemeral"}
    messages = [{"role": "system", "content": [text]}, {"role": "user", "content": "go on"}]
    first = cell.ask(messages, **extra).usage
    second = cell.ask(messages, **extra).usage
    assert second.prompt_tokens_details.cached_tokens > 0
    assert first.prompt_tokens == second.prompt_tokens


def sampling(cell):
    """What a row cannot be told is named, and nothing else is lost."""
    reply = cell.ask("hello", temperature=0.5, seed=7, user="e2e")
    dropped = reply.headers.get("x-gateway-dropped-params", "").split(", ")
    assert cell.reached.temperature == 0.5 or "temperature" in dropped
    assert "seed" in dropped or '"seed": 7' in json.dumps(cell.exchange.body)
    assert "user" in dropped or '"e2e"' in json.dumps(cell.exchange.body)


COLUMNS = {"plain": plain, "system": system, "turns": turns, "image": image, "tools": tools, "parallel": parallel,
           "loop": lambda cell: loop(cell, True), "loop-stripped": lambda cell: loop(cell, False), "chain": chain, "n8n": n8n, "choice": choice,
           "schema": schema, "object": object_, "reasoning": reasoning, "thinking-loop": thinking_loop, "stop": stop,
           "length": length, "usage": usage, "cached": cached, "sampling": sampling}
KINDS = {"loop-stripped": "loop", "thinking-loop": "loop", "chain": "loop", "n8n": "tools"}
CELLS = [(target, column) for target in TARGETS for column in COLUMNS
         if column not in target.lacks and not (column == "thinking-loop" and "reasoning" in target.lacks)]


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("target, column", CELLS, ids=lambda value: getattr(value, "name", value))
def test_cell(target, column, streams, client, request):
    cell = Cell(target, client, request.getfixturevalue(target.mock), streams)
    parameter = target.refuses.get(KINDS.get(column, column))
    if parameter is None:
        COLUMNS[column](cell)
        return
    with pytest.raises(openai.BadRequestError) as caught:
        COLUMNS[column](cell)
    assert caught.value.param == parameter and caught.value.type == "invalid_request_error"
    assert caught.value.code == "unsupported_parameter", caught.value
    assert cell.mock.of(cell.model) == []


# -- what is peculiar to one provider --------------------------------------------------------------------------------

ALIASES = {
    "claude-3-haiku": "BedrockAnthropicClaude3Haiku", "claude-3-sonnet": "BedrockAnthropicClaude37Sonnet",
    "claude-3-opus": "BedrockAnthropicClaude45Opus", "claude-4-sonnet": "BedrockAnthropicClaude4Sonnet",
    "gpt-4": "GPT4Omni", "gpt-4-turbo": "GPT4Omni", "gpt-4-mini": "OpenAIGPT4OmniMini", "gpt-3.5-turbo": "OpenAIGPT4OmniMini",
    "gemini-pro": "VertexAIGemini25Flash001", "gemini-pro-vision": "VertexAIGemini25Flash001",
    "gemini-flash": "VertexAIGemini25Flash001",
}
RAW = ("GPT4Omni", "BedrockAnthropicClaude4Sonnet", "BedrockAnthropicClaude37Sonnet", "VertexAIGemini25Flash001")


def test_salesforces_short_names_and_raw_names_are_answered(start_gateway, salesforce_mock, certificates, tmp_path):
    """Rows S13, S14: by a gateway that has nothing but Salesforce, of either surface."""
    org = salesforce_mock.org
    common = {"type": "salesforce", "instance_url": org.origin, "consumer_key": org.client_id,
              "consumer_secret": org.client_secret, "ca_file": certificates.ca_file}
    for surface in ("models", "llm-gateway"):
        gateway = start_gateway({"providers": {"salesforce": {**common, "surface": surface}}, "state_directory": str(tmp_path)})
        client = ChatClient(gateway)
        listed = {model.id for model in client.sdk.models.list()}
        assert set(ALIASES) <= listed
        names = {**ALIASES, **{f"sfdc_ai__Default{name}": name for name in RAW}}
        for number, (name, there) in enumerate(names.items()):
            for stream in (False, True):
                text = f"{surface} {number} {stream}"
                assert client.ask(name, text, stream).text == text
                assert text in str(salesforce_mock.of(f"sfdc_ai__Default{there}")[-1].body), name
        client.close()


def test_salesforce_gets_localization_and_tags(client, salesforce_mock):
    """Row S8's neighbours: the operator's languages, else the caller's, who may add tags."""
    model = salesforce_mock.model(GPT)
    client.ask(f"salesforce-models/{model}", "hello")
    sent = salesforce_mock.of(model)[-1].body
    assert sent["localization"] == {"defaultLocale": "de_DE", "inputLocales": [{"locale": "de_DE", "probability": 0.75}]}
    own = {"localization": {"defaultLocale": "fr_FR"}, "tags": {"team": "a"}}
    client.ask(f"salesforce-models/{model}", "hello", extra_body=own)
    sent = salesforce_mock.of(model)[-1].body
    assert sent["localization"] == own["localization"] and sent["tags"] == own["tags"]


def test_salesforces_defaults_hold_only_there(client, salesforce_mock, anthropic_mock):
    """Row S8: 256 tokens and a temperature of 0.7 where a request says nothing."""
    for provider, start in (("salesforce-jwt", GPT), ("salesforce", CLAUDE)):
        model = salesforce_mock.model(start)
        client.ask(f"{provider}/{model}", "hello")
        sent = salesforce_mock.of(model)[-1].body
        assert {"max_tokens": 256, "temperature": 0.7}.items() <= sent.get("generation_settings", sent).items()
    model = anthropic_mock.model("claude-sonnet-4-5")
    client.ask(f"anthropic/{model}", "hello")
    sent = anthropic_mock.of(model)[-1].body
    assert sent["max_tokens"] > 256 and "temperature" not in sent


SHAPES = ("generatedtext", "generationtext", "text", "content", "choices", "anthropic", "created", "nousage", "rerouted")


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("shape", SHAPES)
def test_salesforces_text_is_found_wherever_it_stands(client, salesforce_mock, shape, stream):
    """Row S57, over the wire."""
    model = salesforce_mock.model(GPT, shape)
    options = {"stream_options": None} if stream and shape == "nousage" else {}
    if shape == "nousage" and not stream:
        return  # an answer without usage is told without one, which the check of answers does not take
    assert client.ask(f"salesforce-models/{model}", "find me", stream, **options).text == "find me"


def test_salesforce_may_answer_with_nothing(client, salesforce_mock):
    """An empty answer is empty, and never the word None (row S58)."""
    model = salesforce_mock.model(GPT, "empty")
    assert client.ask(f"salesforce-models/{model}", "say nothing").text in ("", None)


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_the_simulator_answers_in_the_same_shape(start_gateway, stream):
    gateway = start_gateway({"providers": {"sim": {"type": "simulator", "mode": "echo", "ttft": "1ms", "tokens_per_second": 0}}})
    client = ChatClient(gateway)
    assert client.ask("sim", "hello there", stream).text == "hello there"
    history = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "one"},
               {"role": "assistant", "content": "two"}, {"role": "user", "content": [{"type": "text", "text": "three"}, PICTURE]}]
    assert "three" in client.ask("sim", history, stream).text
    reply = client.ask("sim", "what is the weather?", stream, tools=TOOLS)
    assert reply.calls[0][1] == "weather"
    results = [{"role": "tool", "tool_call_id": identifier, "content": "rain"} for identifier, _, _ in reply.calls]
    history = [{"role": "user", "content": "what is the weather?"}, stripped(reply.message), *results]
    after = client.ask("sim", history, stream, tools=TOOLS)
    assert after.finish in ("stop", "tool_calls")
    assert client.ask("sim", "one two three", stream, max_tokens=1).finish == "length"
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA}}
    assert set(json.loads(client.ask("sim", "fill it", stream, response_format=wanted).text)) == {"answer", "count"}
    client.close()
