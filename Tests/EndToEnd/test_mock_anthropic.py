# Proves the Anthropic mock, without a gateway: the official SDK gets what it expects, and for each rule there is a
# request that breaks it and is refused with the real service's status and kind.

import json

import anthropic
import pytest

from mocks.anthropic import ANTHROPIC_KEY, ANTHROPIC_TOKEN
from mocks.anthropic_rules import signature
from mocks.media import satisfying
from raw_http import Closed, RawClient, get, post

pytestmark = pytest.mark.filterwarnings("ignore:The model 'claude:DeprecationWarning")

SONNET, OPUS = "claude-sonnet-4-5", "claude-opus-4-7"
TOOL = {"name": "wx", "description": "Weather", "input_schema": {"type": "object", "properties": {"c": {"type": "string"}}}}
CLOCK = {"name": "clock", "input_schema": {"type": "object", "properties": {}}}
DOT = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
THINK = {"type": "enabled", "budget_tokens": 1024}


def strip(request):  # what a gateway must not forward, this client must not send
    for name in [name for name in request.headers if name.lower().startswith("x-stainless-")]:
        del request.headers[name]


@pytest.fixture
def direct(anthropic_mock, client_tls):
    client = anthropic.Anthropic(
        base_url=anthropic_mock.url, api_key=ANTHROPIC_KEY, max_retries=0, timeout=10,
        http_client=anthropic.DefaultHttpxClient(verify=client_tls, event_hooks={"request": [strip]}))
    yield client
    client.close()


def create(client, text="Grüße 👋 an alle", model=SONNET, **fields):
    messages = text if isinstance(text, list) else [user(text)]
    return client.messages.create(**{"model": model, "max_tokens": 2048, "messages": messages, **fields})


def user(*content):
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def assistant(*content):
    return {"role": "assistant", "content": content[0] if isinstance(content[0], str) else list(content)}


def use(identifier="toolu_1", name="wx", **fields):
    return {"type": "tool_use", "id": identifier, "name": name, "input": {}, **fields}


def result(identifier="toolu_1", content="4C", **fields):
    return {"type": "tool_result", "tool_use_id": identifier, "content": content, **fields}


def words(text):
    return {"type": "text", "text": text}


def thought(text="Hm.", signed=None):
    return {"type": "thinking", "thinking": text, "signature": signed or signature(text)}


# -- answers, through the official SDK ---------------------------------------------------------------------------


def test_the_last_user_text_comes_back(anthropic_mock, direct):
    message = create(direct)
    assert (message.content[0].text, message.stop_reason) == ("Grüße 👋 an alle", "end_turn")
    assert message.usage.input_tokens > 0 and message.usage.output_tokens == 4
    assert message._request_id.startswith("req_")
    assert anthropic_mock.of(SONNET)[-1].body["max_tokens"] == 2048


def test_a_stream_says_the_same_event_by_event(direct):
    with direct.messages.stream(model=SONNET, max_tokens=99, messages=[user("one two  three")]) as stream:
        kinds = [event.type for event in stream if not event.type == "text"]
    assert stream.get_final_text() == "one two  three"
    assert kinds == ["message_start", "content_block_start", *["content_block_delta"] * 3, "content_block_stop",
                     "message_delta", "message_stop"]
    assert stream.get_final_message().usage.output_tokens == 3


@pytest.mark.parametrize("stream", [False, True])
def test_lines_call_tools_in_parallel(direct, stream):
    asked = {"text": 'call wx {"c": "Köln"}\ncall clock', "tools": [TOOL, CLOCK]}
    if stream:
        with direct.messages.stream(model=SONNET, max_tokens=99, messages=[user(asked["text"])], tools=asked["tools"]) as s:
            message = s.get_final_message()
    else:
        message = create(direct, **asked)
    assert [(block.name, block.input) for block in message.content] == [("wx", {"c": "Köln"}), ("clock", {})]
    assert message.stop_reason == "tool_use" and message.content[0].id != message.content[1].id
    answer = create(direct, [user(asked["text"]), assistant(*[block.to_dict() for block in message.content]),
                             user(*[result(block.id, f"r{n}") for n, block in enumerate(message.content)])],
                    tools=asked["tools"])
    assert answer.content[0].text == "r0\nr1"


def test_tool_choice_forces_limits_and_forbids(direct):
    assert create(direct, tools=[TOOL], tool_choice={"type": "any"}).content[0].name == "wx"
    assert create(direct, tools=[TOOL, CLOCK], tool_choice={"type": "tool", "name": "clock"}).content[0].name == "clock"
    assert create(direct, "call wx", tools=[TOOL], tool_choice={"type": "none"}).content[0].text == "call wx"
    one = create(direct, "call wx\ncall wx", tools=[TOOL], tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    assert len(one.content) == 1


def test_thoughts_are_signed_and_can_come_back(direct):
    message = create(direct, "call wx {}", tools=[TOOL], thinking=THINK)
    assert [block.type for block in message.content] == ["thinking", "tool_use"]
    history = [user("call wx {}"), assistant(*[block.to_dict() for block in message.content])]
    again = create(direct, [*history, user(result(message.content[1].id))], tools=[TOOL], thinking=THINK)
    assert again.content[-1].text == "4C" and again.usage.output_tokens > 1
    with direct.messages.stream(model=OPUS, max_tokens=99, thinking={"type": "adaptive"}, messages=[user("Hi")]) as stream:
        kinds = [event.type for event in stream]
    assert "thinking" in kinds and "signature" in kinds
    assert stream.get_final_message().content[0].signature == signature(stream.get_final_message().content[0].thinking)
    omitted = create(direct, model=OPUS, thinking={"type": "adaptive", "display": "omitted"})
    assert omitted.content[0].thinking == "" and omitted.content[0].signature
    assert create(direct, model=f"{OPUS}--redacted", thinking={"type": "adaptive"}).content[0].type == "redacted_thinking"


def test_structured_output_satisfies_its_schema(direct):
    schema = {"type": "object", "additionalProperties": False, "required": ["city", "n"], "properties": {
        "city": {"type": "string"}, "n": {"type": "integer"}, "kind": {"enum": ["a", "b"]}}}
    message = create(direct, output_config={"format": {"type": "json_schema", "schema": schema}})
    assert json.loads(message.content[0].text) == {"city": "text", "n": 1, "kind": "a"}
    circle = {"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "required": ["v"], "properties": {
        "v": {"type": ["null", "string"]}, "next": {"$ref": "#/$defs/node"}}}}}
    assert satisfying(circle) == {"v": None}


def test_limits_stops_images_and_caches(direct):
    assert create(direct, "one two three", max_tokens=2).stop_reason == "max_tokens"
    stopped = create(direct, "one END two", stop_sequences=["END"])
    assert (stopped.content[0].text, stopped.stop_reason, stopped.stop_sequence) == ("one ", "stop_sequence", "END")
    assert create(direct, [user(words("See"), DOT)]).content[0].text == "See\n[image image/png 8 bytes]"
    assert create(direct, "Hi\nfinish pause_turn").stop_reason == "pause_turn"
    refused = create(direct, model=f"{SONNET}--refusal")
    assert refused.stop_reason == "refusal" and refused.stop_details.type == "refusal" and refused.content == []
    system = [{**words("A long preface, unlike any other"), "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    first, second = create(direct, system=system).usage, create(direct, "Other", system=system).usage
    assert first.cache_creation_input_tokens == second.cache_read_input_tokens > 0
    assert first.cache_read_input_tokens == second.cache_creation_input_tokens == 0
    assert first.cache_creation.ephemeral_1h_input_tokens == first.cache_creation_input_tokens


def test_tokens_are_counted_and_models_listed_by_pages(direct, anthropic_mock):
    counted = direct.messages.count_tokens(model=SONNET, messages=[user("one two")], tools=[TOOL])
    assert counted.input_tokens > 2
    assert [model.id for model in direct.models.list(limit=2)] == anthropic_mock.models  # the SDK follows the pages
    page = direct.models.list(limit=2)
    assert page.has_more and page.first_id == anthropic_mock.models[0] and len(page.data) == 2
    assert direct.models.retrieve("claude-sonnet-5").max_tokens == 128000
    with pytest.raises(anthropic.NotFoundError):
        direct.models.retrieve("claude-none")


def test_a_bearer_token_is_taken_instead_of_the_key(anthropic_mock, client_tls):
    with anthropic.Anthropic(base_url=anthropic_mock.url, auth_token=ANTHROPIC_TOKEN, api_key=None, http_client=anthropic.
                             DefaultHttpxClient(verify=client_tls, event_hooks={"request": [strip]})) as client:
        assert create(client).stop_reason == "end_turn"


# -- faults ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault, kind, status", [
    ("overloaded", anthropic.APIStatusError, 529), ("ratelimited", anthropic.RateLimitError, 429),
    ("broken", anthropic.InternalServerError, 500), ("missing", anthropic.NotFoundError, 404),
])
def test_a_status_fault_comes_before_any_answer(anthropic_mock, direct, fault, kind, status):
    with pytest.raises(kind) as failure:
        create(direct, model=anthropic_mock.model(SONNET, fault))
    assert failure.value.status_code == status
    assert (failure.value.response.headers.get("retry-after") == "1") == (fault == "ratelimited")


def test_a_fault_can_end_after_some_requests(anthropic_mock, direct):
    model = anthropic_mock.model(SONNET, "overloaded-1")
    assert create(direct.with_options(max_retries=1), model=model).stop_reason == "end_turn"
    assert len(anthropic_mock.of(model)) == 2


def read_stream(mock, tls, *faults, text="one two three four five six"):
    model = mock.model(SONNET, *faults)
    with RawClient(mock.main.port, tls=tls) as client:
        client.send(request(mock, {"model": model, "max_tokens": 99, "stream": True, "messages": [user(text)]}))
        return client.read()


def test_faults_of_a_stream(anthropic_mock, client_tls, direct):
    plain = read_stream(anthropic_mock, client_tls)
    assert plain.body.startswith(b"event: message_start\ndata: {") and b"\nevent: ping\n" in plain.body
    for fault in ("cut", "reset"):
        with pytest.raises(Closed):
            read_stream(anthropic_mock, client_tls, fault)
    unfinished = read_stream(anthropic_mock, client_tls, "unfinished").body
    assert b"message_delta" in unfinished and b"message_stop" not in unfinished
    wrong = read_stream(anthropic_mock, client_tls, "error").body
    assert wrong.endswith(b'\n\n') and b"event: error\n" in wrong and b"message_stop" not in wrong
    both = read_stream(anthropic_mock, client_tls, "crlf", "split")
    assert {len(piece) for _, piece in both.chunks} == {1}
    assert both.body.count(b"\r\n") == both.body.count(b"\n") > 20
    assert b"brand_new" in read_stream(anthropic_mock, client_tls, "unknown").body
    for faults in (["crlf"], ["split"], ["unknown"], ["slow"]):
        model = anthropic_mock.model(SONNET, *faults)
        with direct.messages.stream(model=model, max_tokens=99, messages=[user("one two three")]) as stream:
            assert stream.get_final_text() == "one two three"
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        with direct.messages.stream(model=anthropic_mock.model(SONNET, "error"), max_tokens=9, messages=[user("a b c")]) as s:
            s.get_final_text()


# -- rules: each has a request that breaks it --------------------------------------------------------------------


def request(mock, body, headers=None, path="/v1/messages"):
    given = {"Host": f"localhost:{mock.main.port}", "x-api-key": ANTHROPIC_KEY, "anthropic-version": "2023-06-01",
             **(headers or {})}
    return post(path, body, [(name, value) for name, value in given.items() if value is not None])


def refused(mock, tls, body, headers=None, path="/v1/messages"):
    """The error of a request that must be refused; a violation must have been recorded, and only one."""
    with mock.expecting() as violations, RawClient(mock.main.port, tls=tls) as client:
        answer = client.ask(request(mock, body, headers, path))
    assert answer.status >= 400 and len(violations) == 1, (answer, violations)
    value = answer.json()
    assert value["type"] == "error" and value["request_id"] == answer.headers.get("request-id")
    return answer.status, value["error"]["type"], value["error"]["message"]


def body(**changes):
    made = {"model": SONNET, "max_tokens": 2048, "messages": [user("Hi")], **changes}
    return {name: value for name, value in made.items() if value is not None}


@pytest.mark.parametrize("headers, status, kind, words", [
    ({"x-api-key": "sk-other"}, 401, "authentication_error", "invalid x-api-key"),
    ({"x-api-key": None}, 401, "authentication_error", "required"),
    ({"Authorization": f"Bearer {ANTHROPIC_TOKEN}"}, 401, "authentication_error", "two credentials"),
    ({"x-api-key": None, "Authorization": "Bearer sk-other"}, 401, "authentication_error", "bearer"),
    ({"anthropic-version": None}, 400, "invalid_request_error", "header is required"),
    ({"anthropic-version": "2024-01-01"}, 400, "invalid_request_error", "not a valid version"),
    ({"anthropic-beta": "nonsense"}, 400, "invalid_request_error", "anthropic-beta"),
    ({"Content-Type": "text/plain"}, 415, "invalid_request_error", "content type"),
    ({"Cookie": "a=b"}, 400, "invalid_request_error", "cookie"),
    ({"x-stainless-lang": "python"}, 400, "invalid_request_error", "x-stainless"),
    ({"x-goog-api-key": "AIza", "api-key": "k"}, 400, "invalid_request_error", "must not arrive"),
    ({"Host": "api.anthropic.com"}, 400, "invalid_request_error", "host"),
])
def test_headers(anthropic_mock, client_tls, headers, status, kind, words):
    got = refused(anthropic_mock, client_tls, body(), headers)
    assert got[:2] == (status, kind) and words in got[2]


@pytest.mark.parametrize("path, status", [("/v1/message", 404), ("/v1/messages?x=1", 400), ("/v1/models", 405)])
def test_paths(anthropic_mock, client_tls, path, status):
    assert refused(anthropic_mock, client_tls, body(), path=path)[0] == status


CALLED = [user("a"), assistant(use()), user(result())]
BROKEN = {
    "model: Field required": {"model": None},
    "max_tokens: Field required": {"max_tokens": None},
    "max_tokens: -1": {"max_tokens": -1},
    "max_tokens: 70000 > 64000": {"max_tokens": 70000},
    "max_tokens: Input should be a valid integer": {"max_tokens": 10.5},
    "messages: Field required": {"messages": None},
    "messages: at least one": {"messages": []},
    "frequency_penalty: Extra inputs are not permitted": {"frequency_penalty": 0},
    "context_management: Extra inputs": {"context_management": {}},
    "messages.0.name: Extra inputs": {"messages": [{**user("a"), "name": "x"}]},
    "messages.0.content.0.detail: Extra inputs": {"messages": [user({**words("a"), "detail": "x"})]},
    "messages.0.role": {"messages": [{"role": "tool", "content": "a"}]},
    "first message must use": {"messages": [assistant("a"), user("a")]},
    'Unexpected role "system"': {"messages": [user("a"), {"role": "system", "content": "b"}, user("c")]},
    "messages.0: all messages must have non-empty content": {"messages": [user("")]},
    "text content blocks must be non-empty": {"messages": [user(words(""))]},
    "non-whitespace text": {"messages": [user(words(" \n"))]},
    "messages.0.content.0.type": {"messages": [user({"type": "input_audio"})]},
    "media_type": {"messages": [user({**DOT, "source": {**DOT["source"], "media_type": "image/bmp"}})]},
    "invalid base64": {"messages": [user({**DOT, "source": {**DOT["source"], "data": "data:image/png;base64,aa"}})]},
    "ids were found without `tool_result` blocks immediately after: toolu_1": {
        "messages": [user("a"), assistant(use()), user("b")], "tools": [TOOL]},
    "immediately after": {"messages": [user("a"), assistant(use()), user(words("b"), result())], "tools": [TOOL]},
    "immediately after: toolu_2": {"messages": [user("a"), assistant(use(), use("toolu_2")), user(result())], "tools": [TOOL]},
    "after: toolu_1": {"messages": [user("a"), assistant(use())], "tools": [TOOL]},
    "unexpected `tool_use_id`": {"messages": [user("a"), assistant("b"), user(result())], "tools": [TOOL]},
    "multiple `tool_result` blocks": {"messages": [user("a"), assistant(use()), user(result(), result())], "tools": [TOOL]},
    "ids must be unique": {"messages": [user("a"), assistant(use(), use()), user(result())], "tools": [TOOL]},
    "must define tools": {"messages": CALLED},
    "tool_use_id: String should match": {"messages": [user(result("call|1"))], "tools": [TOOL]},
    "content.0.id: String should match": {"messages": [user("a"), assistant(use("a.b")), user(result("a.b"))], "tools": [TOOL]},
    "content.0.name: String should match": {"messages": [user("a"), assistant(use(name="a.b")), user(result())], "tools": [TOOL]},
    "input: Input should be a valid dictionary": {
        "messages": [user("a"), assistant(use(input="{}")), user(result())], "tools": [TOOL]},
    "tools.0.custom.name: String should match": {"tools": [{**TOOL, "name": "a b"}]},
    "Tool names must be unique": {"tools": [TOOL, TOOL]},
    "tools.0.custom.input_schema: Field required": {"tools": [{"name": "a"}]},
    "tools.0.custom.parameters: Extra inputs": {"tools": [{**TOOL, "parameters": {}}]},
    "input_schema.type: Field required": {"tools": [{**TOOL, "input_schema": {}}]},
    "input_schema.type: Input should be 'object'": {"tools": [{**TOOL, "input_schema": {"type": "array"}}]},
    "does not support oneOf": {"tools": [{**TOOL, "input_schema": {"type": "object", "anyOf": []}}]},
    "tools.0.type": {"tools": [{"type": "function", "function": {}}]},
    "additionalProperties": {"tools": [{**TOOL, "strict": True}]},
    "tool_choice: may only be specified": {"tool_choice": {"type": "auto"}},
    "tool_choice.type": {"tools": [TOOL], "tool_choice": {"type": "required"}},
    "Tool 'x' not found": {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}},
    "tool_choice.disable_parallel_tool_use: Extra": {
        "tools": [TOOL], "tool_choice": {"type": "none", "disable_parallel_tool_use": True}},
    "Thinking may not be enabled when": {"tools": [TOOL], "tool_choice": {"type": "any"}, "thinking": THINK},
    "temperature: 1.5": {"temperature": 1.5},
    "cannot both be specified": {"temperature": 1, "top_p": 0.9},
    "`temperature` is deprecated": {"model": OPUS, "temperature": 1},
    "`top_p` is deprecated": {"model": "claude-sonnet-5", "top_p": 1},
    "`top_k` is deprecated": {"model": "claude-sonnet-5", "top_k": 1},
    '"thinking.type.enabled" is not supported': {"model": "claude-sonnet-5", "thinking": THINK},
    '"thinking.type.adaptive" is not supported': {"thinking": {"type": "adaptive"}},
    '"thinking.type.disabled" is not supported': {"model": "claude-opus-5-5", "thinking": {"type": "disabled"}},
    'type "any" is not supported': {"model": "claude-sonnet-5-5", "tools": [TOOL], "tool_choice": {"type": "any"}},
    "thinking.budget_tokens: 1000": {"thinking": {"type": "enabled", "budget_tokens": 1000}},
    "must be greater than `thinking.budget_tokens`": {"max_tokens": 1024, "thinking": THINK},
    "may only be set to 1": {"temperature": 0.5, "thinking": THINK},
    "`top_k` must be unset": {"top_k": 5, "thinking": THINK},
    "`top_p` must be": {"top_p": 0.5, "thinking": THINK},
    "Invalid `signature`": {"messages": [user("a"), assistant(thought(signed="Er00"), words("b")), user("c")]},
    "content.0: Invalid `signature`": {"messages": [user("a"), assistant({**thought(), "thinking": "Other"}), user("c")]},
    "Invalid `data`": {"messages": [user("a"), assistant({"type": "redacted_thinking", "data": "x"}), user("c")]},
    "must precede the `tool_use`": {
        "messages": [user("a"), assistant(use(), thought()), user(result())], "tools": [TOOL]},
    "Expected `thinking`": {"messages": CALLED, "tools": [TOOL], "thinking": THINK},
    "stop_sequences: each": {"stop_sequences": ["\n"]},
    "stop_sequences: Input should be a valid list": {"stop_sequences": "END"},
    "does not support assistant message prefill": {"model": OPUS, "messages": [user("a"), assistant("b")]},
    "prefill": {"thinking": THINK, "messages": [user("a"), assistant("b")]},
    "cannot end with trailing whitespace": {"messages": [user("a"), assistant("b ")]},
    "effort": {"output_config": {"effort": "low"}},
    "structured outputs are not supported": {
        "model": "claude-3-5-haiku", "output_config": {"format": {"type": "json_schema", "schema": {}}}},
    "must be explicitly set to false": {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
    "minimum are not supported": {
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "integer", "minimum": 1}}}},
    "output_config.format.name: Extra": {
        "output_config": {"format": {"type": "json_schema", "name": "x", "schema": {}}}},
    "metadata.user_id: String should have at most": {"metadata": {"user_id": "x" * 257}},
    "metadata.team: Extra inputs": {"metadata": {"team": "x"}},
    "A maximum of 4 blocks": {"system": [{**words(str(n)), "cache_control": {"type": "ephemeral"}} for n in range(5)]},
    "model: gpt-5": {"model": "gpt-5"},
}


@pytest.mark.parametrize("words", list(BROKEN))
def test_a_broken_rule_is_refused(anthropic_mock, client_tls, words):
    status, kind, message = refused(anthropic_mock, client_tls, body(**BROKEN[words]))
    expected = (404, "not_found_error") if "gpt-5" in words else (400, "invalid_request_error")
    assert (status, kind) == expected and words in message, message


@pytest.mark.parametrize("changes", [
    {"messages": CALLED, "tools": [TOOL]},
    {"messages": [user("a"), user("b")]},
    {"messages": [user("a"), assistant("b")]},
    {"messages": [user("a"), assistant(thought(), words("b")), user("c")], "thinking": THINK},
    {"messages": [user("a"), assistant(thought(), use()), user(result(), words("and?"))], "tools": [TOOL], "thinking": THINK},
    {"messages": [user("a"), assistant(use(), use("toolu_2")), user(result("toolu_2")), user(result())], "tools": [TOOL]},
    {"model": OPUS, "messages": [user("a"), {"role": "system", "content": "b"}, user("c")]},
    {"model": OPUS, "thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}, "messages": CALLED, "tools": [TOOL]},
    {"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}, TOOL]},
    {"model": "claude-3-5-haiku", "temperature": 0, "top_p": 1, "top_k": 0}, {"max_tokens": 0}, {"metadata": {"user_id": None}},
    {"messages": [user("a"), assistant(use()), user(result(content=[words("x"), DOT], is_error=True))], "tools": [TOOL]},
])
def test_what_the_service_takes_is_taken(anthropic_mock, client_tls, changes):
    with RawClient(anthropic_mock.main.port, tls=client_tls) as client:
        for stream in (False, True):
            answer = client.ask(request(anthropic_mock, body(stream=stream, **changes)))
            assert answer.status == 200, answer
    assert anthropic_mock.of(changes.get("model", SONNET))[-1].reused


@pytest.mark.parametrize("changes, words", [
    ({"temperature": 1}, "temperature: Extra inputs"), ({"top_k": 1}, "top_k: Extra inputs"),
    ({"messages": [user({**words("a"), "citations": [{"type": "char_location"}]})]}, "citations"),
])
def test_the_second_api_version_takes_less(anthropic_mock, client_tls, changes, words):
    with RawClient(anthropic_mock.main.port, tls=client_tls) as client:
        assert client.ask(request(anthropic_mock, body(**changes))).status == 200
    assert words in refused(anthropic_mock, client_tls, body(**changes), {"anthropic-version": "2026-10-21"})[2]


def test_counting_has_no_limits_and_no_stream(anthropic_mock, client_tls):
    path = "/v1/messages/count_tokens"
    for field in ("max_tokens", "stream", "temperature"):
        asked = body(max_tokens=None, **{}) | {field: 1}
        assert f"{field}: Extra inputs" in refused(anthropic_mock, client_tls, asked, path=path)[2]


def test_a_body_that_is_no_object_and_a_missing_beta(anthropic_mock, client_tls):
    for wrong in (b"[]", b"{", b'{"model":"a","model":"b"}'):
        assert refused(anthropic_mock, client_tls, wrong)[0] == 400
    with RawClient(anthropic_mock.main.port, tls=client_tls) as client:
        answer = client.ask(request(anthropic_mock, body(context_management={"edits": []}),
                                    {"anthropic-beta": "context-management-2025-06-27"}, "/v1/messages?beta=true"))
        assert answer.status == 200
        listed = client.ask(get("/v1/models?limit=0", [("x-api-key", ANTHROPIC_KEY), ("anthropic-version", "2023-06-01")],
                                host=f"localhost:{anthropic_mock.main.port}"))
        assert listed.status == 400


def test_refused_requests_are_kept_for_the_test_to_look_at(anthropic_mock, client_tls):
    model = anthropic_mock.model(SONNET)
    refused(anthropic_mock, client_tls, body(model=model, seed=1))
    assert anthropic_mock.of(model)[0].body["seed"] == 1
    assert "Extra inputs" in str(anthropic_mock.of(model)[0].refusal)


def test_a_script_may_do_what_the_mock_would_not(anthropic_mock, direct):
    model = anthropic_mock.script(lambda e: e.error(529, "Overloaded") if e.index else e.mock.behave(e))
    assert create(direct, model=model).stop_reason == "end_turn"
    with pytest.raises(anthropic.APIStatusError):
        create(direct, model=model)
