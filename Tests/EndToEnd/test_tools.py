# Tools through the gateway with the official OpenAI package: broken calls that parse when they arrive, a backend that
# knows text only, streams that are answered in one piece, the gateway's own functions, and a session of n8n's shape.

import json
import re

import httpx2
import openai
import pytest

from fake_upstream import chunk, completion, event, usage_chunk
from raw_http import ask, chat_body, post

GPT = "sfdc_ai__DefaultGPT4Omni"
N8N = "n8n/1.108.2"


def tool(name, description="", **properties):
    return {"type": "function", "function": {
        "name": name, "description": description,
        "parameters": {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}}}


TOOLS = [tool("get_weather", city="string"), tool("find_flight", start="string", end="string"),
         tool("book", flight="string")]


@pytest.fixture(scope="module")
def config(provider, session_salesforce_mock, certificates):
    org = session_salesforce_mock.org
    return {
        "providers": {
            "openai": provider(),
            "salesforce": {"type": "salesforce", "instance_url": org.origin, "consumer_key": org.client_id,
                           "consumer_secret": org.client_secret, "ca_file": certificates.ca_file},
        },
        "models": {
            "held": {"provider": "openai", "model": "gpt-e2e-held", "repair": "hold"},
            "as-json": {"provider": "salesforce", "model": GPT, "downgrade_as": "json"},
            "as-sse": {"provider": "salesforce", "model": GPT, "downgrade_as": "sse"},
            "native": {"provider": "salesforce", "model": GPT, "stream_tools": "native"},
        },
        "tools": {"allow_per_request": True},
    }


@pytest.fixture(scope="module")
def gateway(start_gateway, config):
    return start_gateway(config, environment={
        "N8N_COMPAT_PRESERVE_TOOLS": "1", "OPENAI_NATIVE_TOOL_PASSTHROUGH": "1"})


def create(client, model, text="Weather?", tools=TOOLS, **fields):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], tools=tools, **fields)


def call(name, arguments, identifier="call_1", **more):
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    return {"id": identifier, "type": "function", "function": function, **more}


def answers(calls):
    """A script: one whole answer with these calls, or the same as a stream, in pieces."""
    def play(exchange):
        body = exchange.request.json()
        if not body.get("stream"):
            message = {"role": "assistant", "content": None, "refusal": None, "tool_calls": calls}
            return exchange.answer(completion(None, body["model"], message=message, finish="tool_calls"))
        exchange.start_stream()
        exchange.event(chunk({"role": "assistant", "content": None}))
        for index, entry in enumerate(calls):
            whole = entry["function"]["arguments"]
            first = {**entry, "index": index, "function": {**entry["function"], "arguments": ""}}
            exchange.event(chunk({"tool_calls": [first]}))
            for start in range(0, len(whole), 7):
                piece = {"index": index, "function": {"arguments": whole[start : start + 7]}}
                exchange.event(chunk({"tool_calls": [piece]}))
        exchange.event(chunk({}, "tool_calls"))
        exchange.event("[DONE]")
        exchange.finish()
    return play


def gathered(client, model):
    """A stream's calls, put together as clients do it: `(id, name, arguments)` by number; roles and finish reason."""
    made, roles, finish = {}, [], None
    for part in create(client, model, stream=True):
        (choice,) = part.choices
        roles += [choice.delta.role] if choice.delta.role else []
        finish = choice.finish_reason or finish
        for piece in choice.delta.tool_calls or []:
            entry = made.setdefault(piece.index, ["", "", ""])
            for place, text in enumerate((piece.id, piece.function.name, piece.function.arguments)):
                entry[place] += text or ""
    return [made[index] for index in sorted(made)], roles, finish


# -- repair -------------------------------------------------------------------------------------------------------

OSLO = {"city": "Oslo"}
BROKEN = [
    ("a prefix", call("functions.get_weather", '{"city": "Oslo"}'), "name=1"),
    ("single quotes", call("get_weather", "{'city': 'Oslo'}"), "syntax=1"),
    ("a fence", call("get_weather", '```json\n{"city": "Oslo"}\n```'), "extracted=1"),
    ("a comma", call("get_weather", '{"city": "Oslo",}'), "syntax=1"),
    ("no end", call("get_weather", '{"city": "Oslo"'), "syntax=1"),
]


@pytest.mark.parametrize("broken, repairs", [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_call_arrives_whole(gateway, upstream, sdk, broken, repairs):
    model = upstream.script(answers([broken]))
    raw = sdk(gateway).chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": "Weather?"}], tools=TOOLS)
    (made,) = raw.parse().choices[0].message.tool_calls
    assert made.function.name == "get_weather" and json.loads(made.function.arguments) == OSLO and made.id == "call_1"
    assert re.sub("extracted", "syntax", raw.headers["x-gateway-repairs"]) == re.sub("extracted", "syntax", repairs)
    record = gateway.await_record(lambda r: r.get("model") == model)
    assert record["repairs"] == raw.headers["x-gateway-repairs"]
    if not repairs.startswith("name"):
        assert any("JSON recovery successful" in line and record["request_id"] in line for line in gateway.lines)


@pytest.mark.parametrize("name, arguments, repairs", [
    ("functions.get_weather", '{"city": "Oslo"}', "name=1"), ("get_weather", '{"city": "Oslo"', "closed=1"),
])
def test_a_broken_stream_arrives_whole(gateway, upstream, sdk, name, arguments, repairs):
    model = upstream.script(answers([call(name, arguments), call("find_flight", "{}", "call_2")]))
    made, roles, finish = gathered(sdk(gateway), model)
    assert [entry[:2] for entry in made] == [["call_1", "get_weather"], ["call_2", "find_flight"]]
    assert [json.loads(entry[2]) for entry in made] == [OSLO, {}] and roles == ["assistant"] and finish == "tool_calls"
    assert gateway.await_record(lambda r: r.get("model") == model)["repairs"] == repairs


def test_logprobs_and_strangers_of_a_rewritten_choice_arrive_once(gateway, upstream, sdk):
    """Of four chunks one is rewritten as two, and one gets a piece in front of it."""
    def logprobs(token):
        return {"content": [{"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": []}], "refusal": None}

    chunks = [chunk({"role": "assistant", "content": None}),
              chunk({"tool_calls": [{"index": 0, **call("functions.get_weather", '{"city"')}]}),
              chunk({"tool_calls": [{"index": 0, "function": {"arguments": ': "Oslo"'}}]}), chunk({}, "tool_calls")]
    for number, value in enumerate(chunks):
        value["choices"][0] |= {"logprobs": logprobs(f"t{number}"), "x_place": number}

    def play(exchange):
        exchange.start_stream()
        for value in [*chunks, "[DONE]"]:
            exchange.event(value)
        exchange.finish()

    model = upstream.script(play)
    parts = [part.choices[0] for part in create(sdk(gateway), model, stream=True, logprobs=True)]
    assert len(parts) == 6
    assert [entry.token for part in parts if part.logprobs for entry in part.logprobs.content] == ["t0", "t1", "t2", "t3"]
    assert [part.model_extra["x_place"] for part in parts if "x_place" in part.model_extra] == [0, 1, 2, 3]
    pieces = [piece.function for part in parts for piece in part.delta.tool_calls or []]
    assert "".join(piece.name or "" for piece in pieces) == "get_weather"
    assert json.loads("".join(piece.arguments or "" for piece in pieces)) == OSLO
    assert parts[-1].finish_reason == "tool_calls" and parts[-1].logprobs.content[0].token == "t3"
    assert gateway.await_record(lambda r: r.get("model") == model)["repairs"] == "name=1, closed=1"


def test_a_held_stream_is_repaired_wholly(gateway, upstream, sdk):
    upstream.scripts["gpt-e2e-held"] = answers([call("get_weather", "{'city': 'Oslo',}")])
    ((_, name, arguments),), _, _ = gathered(sdk(gateway), "held")
    assert name == "get_weather" and json.loads(arguments) == OSLO


def test_a_good_stream_is_not_touched(gateway, upstream):
    chunks = [chunk({"role": "assistant", "content": None}),
              chunk({"tool_calls": [{"index": 0, **call("get_weather", "")}]}),
              chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"city":"Oslo"}'}}]}),
              chunk({}, "tool_calls"), usage_chunk()]
    stream = b"".join(map(event, chunks)) + event("[DONE]")

    def play(exchange):
        exchange.start_stream()
        exchange.write(stream)
        exchange.finish()

    model = upstream.script(play)
    body = chat_body(model, stream=True, tools=TOOLS, stream_options={"include_usage": True})
    answer = ask(gateway.port, post("/v1/chat/completions", body))
    assert answer.body == stream


# -- definitions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tools, parameter, word", [
    ([tool("get weather")], "tools[0].function.name", "get weather"),
    ([tool("a"), tool("a")], "tools[1].function.name", "'a'"),
    ([{"type": "function", "function": {"name": "a", "parameters": {"type": "array"}}}],
     "tools[0].function.parameters.type", "'a'"),
])
def test_a_bad_definition_is_named(gateway, salesforce_mock, sdk, tools, parameter, word):
    with pytest.raises(openai.BadRequestError) as refused:
        create(sdk(gateway), "as-json", tools=tools)
    assert refused.value.body["param"] == parameter and word in refused.value.body["message"]


# -- a backend that knows text only -------------------------------------------------------------------------------


def test_three_tools_one_after_the_other_on_a_text_backend(gateway, salesforce_mock, sdk):
    """The results of one tool make the mock call the next."""
    results = {"get_weather": 'call find_flight {"start": "Oslo", "end": "Bergen"}',
               "find_flight": 'call book {"flight": "DY 604"}', "book": "Booked: DY 604."}
    client, called = sdk(gateway), []
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": 'call get_weather {"city": "Oslo"}'}]
    for _ in range(5):
        choice = client.chat.completions.create(model=f"salesforce/{GPT}", messages=messages, tools=TOOLS).choices[0]
        messages.append(choice.message.model_dump(exclude_none=True))
        if not choice.message.tool_calls:
            break
        assert choice.finish_reason == "tool_calls"
        for made in choice.message.tool_calls:
            called.append((made.function.name, json.loads(made.function.arguments)))
            messages.append({"role": "tool", "tool_call_id": made.id, "content": results[made.function.name]})
    assert called == [("get_weather", OSLO), ("find_flight", {"start": "Oslo", "end": "Bergen"}),
                      ("book", {"flight": "DY 604"})]
    assert choice.message.content == "Booked: DY 604." and choice.finish_reason == "stop"
    sent = salesforce_mock.of(GPT)[-1].body
    assert set(sent) <= {"messages", "localization", "tags"} and "tools" not in sent


def test_several_calls_in_one_answer_of_a_text_backend(gateway, salesforce_mock, sdk):
    text = 'call get_weather {"city": "Oslo"}\ncall get_weather {"city": "Köln"}'
    made = create(sdk(gateway), f"salesforce/{GPT}", text).choices[0].message.tool_calls
    assert [json.loads(m.function.arguments)["city"] for m in made] == ["Oslo", "Köln"]
    assert len({m.id for m in made}) == 2


@pytest.mark.parametrize("choice, words", [
    ("required", "must call at least one tool"),
    ({"type": "function", "function": {"name": "book"}}, "must call the tool book"),
    ("none", None),
])
def test_tool_choice_is_told_to_a_text_backend(gateway, salesforce_mock, sdk, choice, words):
    create(sdk(gateway), f"salesforce/{GPT}", "Hello", tool_choice=choice)
    prompt = "\n".join(m["content"] for m in salesforce_mock.of(GPT)[-1].body["messages"])
    assert words in prompt if words else "<tools>" not in prompt


# -- streams that are answered in one piece -----------------------------------------------------------------------

ASKED = 'call get_weather {"city": "Oslo"}'


def plain(gateway, model, **headers):
    """A client that shows itself none of streams."""
    body = {"model": model, "stream": True, "tools": TOOLS, "messages": [{"role": "user", "content": ASKED}]}
    return httpx2.post(f"{gateway.url}/chat/completions", json=body, headers={"accept": "application/json", **headers})


def test_a_plain_client_gets_a_json_body(gateway, salesforce_mock):
    answer = plain(gateway, f"salesforce/{GPT}")
    assert answer.headers["x-stream-downgraded"] == "true"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "get_weather"


@pytest.mark.parametrize("model", [f"salesforce/{GPT}", "as-sse"])
def test_the_package_gets_a_stream_in_a_burst(gateway, salesforce_mock, sdk, model):
    raw = sdk(gateway).chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": ASKED}], tools=TOOLS, stream=True)
    assert raw.headers["x-stream-downgraded"] == "true"
    assert raw.headers["content-type"] == "text/event-stream; charset=utf-8"
    chunks = list(raw.parse())
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    made = [c for part in chunks for c in part.choices[0].delta.tool_calls or []]
    assert made[0].function.name == "get_weather"
    assert json.loads("".join(c.function.arguments or "" for c in made)) == OSLO


@pytest.mark.parametrize("model, kind, downgraded", [
    ("as-json", "application/json", "true"), ("as-sse", "text/event-stream", "true"),
    ("native", "text/event-stream", "false"),
])
def test_a_model_may_say_the_form(gateway, salesforce_mock, model, kind, downgraded):
    answer = plain(gateway, model)
    assert answer.headers["x-stream-downgraded"] == downgraded and answer.headers["content-type"].startswith(kind)


def test_a_backend_with_tools_keeps_its_stream(gateway, upstream, sdk):
    raw = sdk(gateway).chat.completions.with_raw_response.create(
        model="gpt-x", messages=[{"role": "user", "content": "Hi"}], tools=TOOLS, stream=True)
    assert raw.headers["x-stream-downgraded"] == "false" and len(list(raw.parse())) > 2


# -- n8n ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["gpt-x", f"salesforce/{GPT}"])
def test_a_session_of_n8n(gateway, upstream, salesforce_mock, model):
    """An agent node: its own User-Agent, the package's headers, `$fromAI()` where a template was left in place."""
    expression = "={{ $fromAI(\"city\",\"\",\"string\") }}"
    definition = tool("Weather_Tool", f"Call with {expression}", city="string")
    definition["function"]["parameters"]["properties"]["city"]["description"] = expression
    headers = {"user-agent": N8N, "x-stainless-lang": "js", "x-stainless-runtime": "node", "accept": "application/json"}
    body = {"model": model, "temperature": 0.7, "n": 1, "stream": False, "tools": [definition], "tool_choice": "auto",
            "messages": [{"role": "system", "content": f"You are a helpful assistant. {expression}"},
                         {"role": "user", "content": 'call Weather_Tool {"city": "Oslo"}'}]}
    answer = httpx2.post(f"{gateway.url}/chat/completions", json=body, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache, no-store, must-revalidate"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == "*"
    (made,) = answer.json()["choices"][0]["message"]["tool_calls"]
    assert made["function"]["name"] == "Weather_Tool" and made["type"] == "function"
    mock, name = (upstream, model) if model == "gpt-x" else (salesforce_mock, GPT)
    sent = json.dumps(mock.of(name)[-1].body if mock is salesforce_mock else mock.of(name)[-1].request.json())
    assert sent.count("$fromAI(") == 3 and "Weather_Tool" in sent
    body["messages"] += [answer.json()["choices"][0]["message"],
                         {"role": "tool", "tool_call_id": made["id"], "name": "Weather_Tool", "content": "rain"}]
    assert httpx2.post(f"{gateway.url}/chat/completions", json=body, headers=headers).status_code == 200


SWITCHES = ("OPENAI_FRONTDOOR_ENABLED", "N8N_COMPAT_PRESERVE_TOOLS", "OPENAI_NATIVE_TOOL_PASSTHROUGH")


@pytest.mark.parametrize("value", ["1", "0"])
def test_switches_of_earlier_gateways_change_nothing(value, start_gateway, config, upstream, salesforce_mock):
    """What they switch on is always on: OpenAI's shape, tools kept for every client, native ones as they are."""
    switched = start_gateway(config, environment=dict.fromkeys(SWITCHES, value))
    body = {"messages": [{"role": "user", "content": ASKED}], "tools": TOOLS}
    for model in ("gpt-x", f"salesforce/{GPT}"):
        answer = httpx2.post(f"{switched.url}/chat/completions", json={**body, "model": model}, headers={"user-agent": N8N})
        assert answer.json()["object"] == "chat.completion" and answer.json()["choices"][0]["finish_reason"] == "tool_calls"
        assert answer.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "get_weather"
    assert upstream.of("gpt-x")[-1].request.json()["tools"] == TOOLS
    warned = [name for name in SWITCHES if f"{name} cannot be switched off" in "\n".join(switched.errors)]
    assert warned == (list(SWITCHES) if value == "0" else [])


# -- the gateway's own functions ----------------------------------------------------------------------------------


def rounds(upstream, calls):
    """A model that calls once and then says what it was told."""
    def play(exchange):
        body = exchange.request.json()
        last = body["messages"][-1]
        if last["role"] != "tool":
            return answers(calls)(exchange)
        text = " ".join(m["content"] for m in body["messages"] if m["role"] == "tool")
        if not body.get("stream"):
            return exchange.answer(completion(text, body["model"]))
        exchange.start_stream()
        exchange.event(chunk({"role": "assistant", "content": ""}))
        exchange.event(chunk({"content": text}))
        exchange.event(chunk({}, "stop"))
        exchange.event("[DONE]")
        exchange.finish()
    return upstream.script(play)


OWN = {"extra_headers": {"X-Gateway-Tools": "calculate, get_time"}}
SUM = call("calculate", '{"expression": "(2 + 3) * 4 ^ 2"}')
TIME = call("get_time", '{"timezone": "Europe/Oslo"}', "call_2")


def ask_own(client, model, **fields):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": "What?"}], **OWN, **fields)


def test_own_functions_are_run(gateway, upstream, sdk):
    answer = ask_own(sdk(gateway), rounds(upstream, [SUM, TIME]))
    text = answer.choices[0].message.content
    assert '"result":80' in text and '"timezone":"Europe/Oslo"' in text and re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d", text)
    assert answer.choices[0].finish_reason == "stop" and not answer.choices[0].message.tool_calls
    assert answer.usage.total_tokens == 30


def test_own_functions_are_run_in_a_stream(gateway, upstream, sdk):
    chunks = list(ask_own(sdk(gateway), rounds(upstream, [SUM]), stream=True))
    assert '"result":80' in "".join(c.choices[0].delta.content or "" for c in chunks)
    assert not any(c.choices[0].delta.tool_calls for c in chunks)
    assert [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason] == ["stop"]


def test_the_clients_tools_are_passed_back_beside_own_functions(gateway, upstream, sdk):
    model = rounds(upstream, [SUM, call("get_weather", '{"city": "Oslo"}', "call_2")])
    choice = ask_own(sdk(gateway), model, tools=TOOLS).choices[0]
    assert [c.function.name for c in choice.message.tool_calls] == ["get_weather"] and choice.finish_reason == "tool_calls"


def test_own_functions_are_not_offered_unasked(gateway, upstream, sdk):
    model = rounds(upstream, [SUM])
    choice = sdk(gateway).chat.completions.create(model=model, messages=[{"role": "user", "content": "?"}]).choices[0]
    assert choice.finish_reason == "tool_calls" and "tools" not in upstream.of(model)[-1].request.json()


def test_the_header_says_nothing_unless_it_is_allowed(start_gateway, config, upstream, sdk):
    closed = start_gateway({**config, "tools": {}})
    model = rounds(upstream, [SUM])
    ask_own(sdk(closed), model)
    assert "tools" not in upstream.of(model)[-1].request.json()


def test_own_functions_for_every_request(start_gateway, config, upstream, salesforce_mock, sdk):
    open_ = start_gateway({**config, "tools": {"execute_builtin": True, "builtin": ["calculate"], "max_rounds": 2}})
    model = rounds(upstream, [SUM])
    answer = sdk(open_).chat.completions.create(model=model, messages=[{"role": "user", "content": "?"}])
    assert '"result":80' in answer.choices[0].message.content
    assert [t["function"]["name"] for t in upstream.of(model)[0].request.json()["tools"]] == ["calculate"]
    text = sdk(open_).chat.completions.create(
        model=f"salesforce/{GPT}", messages=[{"role": "user", "content": 'call calculate {"expression": "6*7"}'}])
    assert '"result":42' in text.choices[0].message.content.replace(" ", "")
