# Proves the Google mock, without a gateway: Gemini on both products, Claude on Vertex through the official SDK, the
# credentials, and for each rule a request that breaks it and is refused as the real service refuses.

import base64
import json
import time
from urllib.parse import urlencode

import anthropic
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mocks.google import GEMINI_KEY, METADATA, PROJECT
from mocks.google_auth import ACCOUNT, CLIENT, JWT_GRANT, KEY_ID, SCOPE
from mocks.google_rules import signature
from mocks.google_shapes import SENTINEL
from raw_http import Closed, RawClient, get, post

pytestmark = pytest.mark.filterwarnings("ignore:The model 'claude:DeprecationWarning")

FLASH, THREE, TWO, EMBED = "gemini-2.5-flash", "gemini-3-flash", "gemini-2.0-flash", "gemini-embedding-001"
CITY = {"type": "OBJECT", "properties": {"c": {"type": "STRING"}}, "required": ["c"]}
WX = {"functionDeclarations": [{"name": "wx", "description": "d", "parameters": CITY}, {"name": "clock"}]}
DOT = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}


@pytest.fixture
def talk(gemini_mock, client_tls):
    return Talk(gemini_mock, client_tls)


class Talk:
    """Requests to the mock on one connection, with the right credentials unless told otherwise."""

    def __init__(self, mock, tls):
        self.mock, self.tls, self.host = mock, tls, f"localhost:{mock.main.port}"

    def send(self, path, body, headers=None, method="POST"):
        credential = ("x-goog-api-key", GEMINI_KEY)
        if path.startswith("/v1/projects/") and headers is None:
            credential = ("Authorization", f"Bearer {self.mock.tokens.issue()}")
        given = {"Host": self.host, **({credential[0]: credential[1]} if headers is None else headers)}
        pairs = [(name, value) for name, value in given.items() if value is not None]
        with RawClient(self.mock.main.port, tls=self.tls) as client:
            return client.ask(get(path, pairs, host=None) if method == "GET" else post(path, body, pairs))

    def gemini(self, body, model=FLASH, method="generateContent", vertex=False, headers=None):
        path = self.mock.vertex_path(model, method) if vertex else f"/v1beta/models/{model}:{method}"
        return self.send(path + ("?alt=sse" if method.startswith("stream") else ""), body, headers)

    def made(self, body, *arguments, **named):
        answer = self.gemini(body, *arguments, **named)
        assert answer.status == 200, answer
        return answer.json()

    def chunks(self, body, model=FLASH, **named):
        answer = self.gemini(body, model, "streamGenerateContent", **named)
        assert answer.status == 200, answer
        events = answer.body.decode().replace("\r\n", "\n").split("\n\n")[:-1]
        return [json.loads(event.removeprefix("data: ")) for event in events if not event.startswith(":")]

    def refused(self, *arguments, ask=None, **named):
        """(status, name, message) of a request that must be refused; exactly one violation must be recorded."""
        with self.mock.expecting() as violations:
            answer = (ask or self.gemini)(*arguments, **named)
        assert answer.status >= 400 and len(violations) == 1, (answer, violations)
        value = answer.json()
        value = value[0] if isinstance(value, list) else value
        assert value["error"]["code"] == answer.status
        return answer.status, value["error"]["status"], value["error"]["message"]


def user(*parts):
    return {"role": "user", "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}


def model(*parts):
    return {"role": "model", "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}


def call(name="wx", seal=None, **fields):
    return {"functionCall": {"name": name, "args": {}, **fields}, **({"thoughtSignature": seal} if seal else {})}


def result(name="wx", response=None, **fields):
    return {"functionResponse": {"name": name, "response": {"output": "4C"} if response is None else response, **fields}}


def ask(text="Grüße 👋 an alle", config=None, **fields):
    contents = text if isinstance(text, list) else [user(text)]
    return {"contents": contents, **({"generationConfig": config} if config else {}), **fields}


def text_of(response):
    parts = [part for candidate in response.get("candidates", ()) for part in candidate.get("content", {}).get("parts", ())]
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


# -- answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vertex", [False, True])
def test_the_last_user_text_comes_back(talk, vertex):
    made = talk.made(ask(), vertex=vertex)
    assert (text_of(made), made["candidates"][0]["finishReason"]) == ("Grüße 👋 an alle", "STOP")
    usage = made["usageMetadata"]
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["candidatesTokenCount"] == 8
    assert talk.mock.of(FLASH)[-1].body["contents"][0]["role"] == "user"
    assert text_of(talk.made(ask([user("See", DOT)]))) == "See\n[image image/png 8 bytes]"


@pytest.mark.parametrize("vertex", [False, True])
def test_a_stream_says_the_same_in_chunks(talk, vertex):
    body = ask("one two  three", {"thinkingConfig": {"includeThoughts": True}})
    chunks = talk.chunks(body, vertex=vertex)
    assert "".join(map(text_of, chunks)) == "one two  three"
    assert chunks[0]["candidates"][0]["content"]["parts"][0]["thought"] is True
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks][-2:] == [None, "STOP"]
    totals = [chunk["usageMetadata"]["totalTokenCount"] for chunk in chunks]
    assert totals == sorted(totals) and chunks[-1]["usageMetadata"]["candidatesTokenCount"] == 3
    assert chunks[-1]["usageMetadata"]["thoughtsTokenCount"] > 0
    raw = talk.gemini(body, FLASH, "streamGenerateContent").body
    assert raw.count(b"\r\n") == raw.count(b"\n") and b"event:" not in raw and b"[DONE]" not in raw


def test_lines_call_tools_and_results_come_back(talk):
    asked = 'call wx {"c": "Köln"}\ncall clock'
    for name, ids in ((FLASH, False), (THREE, True)):
        parts = talk.made(ask(asked, tools=[WX]), name)["candidates"][0]["content"]["parts"]
        calls = [part["functionCall"] for part in parts]
        assert [(one["name"], one["args"]) for one in calls] == [("wx", {"c": "Köln"}), ("clock", {})]
        assert all(("id" in one) == ids for one in calls)
        assert ["thoughtSignature" in part for part in parts] == [ids, False]
        answers = [result(one["name"], **({"id": one["id"]} if ids else {})) for one in calls]
        answers[1]["functionResponse"]["response"] = {"hour": 4}
        made = talk.made(ask([user(asked), {"role": "model", "parts": parts}, user(*answers)], tools=[WX]), name)
        assert text_of(made) == '4C\n{"hour": 4}'
    whole = [part for chunk in talk.chunks(ask(asked, tools=[WX]), THREE) for part in chunk["candidates"][0]["content"]["parts"]]
    assert [part["functionCall"]["name"] for part in whole] == ["wx", "clock"] and "thoughtSignature" in whole[0]


def test_modes_force_and_forbid_calls(talk):
    def parts(mode, **fields):
        config = {"functionCallingConfig": {"mode": mode, **fields}}
        return talk.made(ask("call wx {}", tools=[WX], toolConfig=config))["candidates"][0]["content"]["parts"]

    assert parts("NONE") == [{"text": "call wx {}"}]
    assert parts("ANY", allowedFunctionNames=["clock"])[0]["functionCall"]["name"] == "clock"
    assert parts("AUTO")[0]["functionCall"]["name"] == "wx"


def test_structured_output_limits_stops_candidates_and_logprobs(talk):
    schema = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}, "n": {"type": "INTEGER", "minimum": 3}}}
    for field in ("responseSchema", "responseJsonSchema"):
        made = talk.made(ask("Hi", {"responseMimeType": "application/json", field: schema}))
        assert json.loads(text_of(made)) == {"a": "text", "n": 3}
    assert json.loads(text_of(talk.made(ask("Hi", {"responseMimeType": "application/json"})))) == {"answer": "Hi"}
    assert talk.made(ask("one two three", {"maxOutputTokens": 2}))["candidates"][0]["finishReason"] == "MAX_TOKENS"
    spent = talk.made(ask("Hi", {"maxOutputTokens": 1, "thinkingConfig": {"thinkingBudget": 99}}))["candidates"][0]
    assert spent["finishReason"] == "MAX_TOKENS" and "parts" not in spent["content"]
    assert text_of(talk.made(ask("one END two", {"stopSequences": ["END"]}))) == "one "
    assert [one.get("index", 0) for one in talk.made(ask("Hi", {"candidateCount": 3}))["candidates"]] == [0, 1, 2]
    made = talk.made(ask("a b", {"responseLogprobs": True, "logprobs": 2}))["candidates"][0]
    assert len(made["logprobsResult"]["chosenCandidates"]) == 2
    assert talk.made(ask(cachedContent="cachedContents/a"))["usageMetadata"]["cachedContentTokenCount"] == 4


def test_finish_reasons_blocked_prompts_and_missing_parts(talk):
    candidate = talk.made(ask("Hi\nfinish SAFETY"))["candidates"][0]
    assert candidate["finishReason"] == "SAFETY" and candidate["finishMessage"]
    blocked = talk.made(ask(), talk.mock.model(FLASH, "blocked"))
    assert "candidates" not in blocked and blocked["promptFeedback"]["blockReason"] == "SAFETY"
    assert talk.chunks(ask(), talk.mock.model(FLASH, "blocked"))[0]["promptFeedback"]
    assert talk.made(ask(), talk.mock.model(FLASH, "noparts"))["candidates"][0]["content"] == {"role": "model"}
    last = talk.chunks(ask(), THREE)[-1]["candidates"][0]
    assert last["content"]["parts"] == [{"text": "", "thoughtSignature": signature("developer", "3")}] and last["finishReason"]


def test_embeddings(talk):
    one = {"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 8}
    single = talk.made(one, EMBED, "embedContent")["embedding"]["values"]
    both = talk.made({"requests": [{"model": f"models/{EMBED}", **one}] * 2}, EMBED, "batchEmbedContents")["embeddings"]
    assert len(single) == 8 and [value["values"] for value in both] == [single, single]
    assert len(talk.made({"content": {"parts": [{"text": "b"}]}}, EMBED, "embedContent")["embedding"]["values"]) == 3072
    made = talk.made({"instances": [{"content": "a", "task_type": "RETRIEVAL_QUERY"}], "parameters": {"outputDimensionality": 8}},
                     EMBED, "predict", vertex=True)["predictions"][0]["embeddings"]
    assert made == {"values": single, "statistics": {"token_count": 1, "truncated": False}}


def test_counting_and_the_list_of_models(talk):
    assert talk.made(ask("one two"), FLASH, "countTokens")["totalTokens"] == 2
    assert talk.made({"generateContentRequest": {"model": f"models/{FLASH}", **ask("one")}}, FLASH, "countTokens")["totalTokens"] == 1
    assert "totalBillableCharacters" in talk.made(ask(), FLASH, "countTokens", vertex=True)
    page = talk.send("/v1beta/models?pageSize=4", b"", method="GET").json()
    rest = talk.send(f"/v1beta/models?pageSize=4&pageToken={page['nextPageToken']}", b"", method="GET").json()
    names = [model["name"].removeprefix("models/") for model in page["models"] + rest["models"]]
    assert names == talk.mock.models and "nextPageToken" not in rest
    assert talk.send(f"/v1beta/models/{THREE}", b"", method="GET").json()["outputTokenLimit"] == 65536
    assert talk.send("/v1beta/models/gemini-none", b"", method="GET").status == 404


# -- faults ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault, status, name", [
    ("overloaded", 503, "UNAVAILABLE"), ("ratelimited", 429, "RESOURCE_EXHAUSTED"), ("broken", 500, "INTERNAL"),
    ("missing", 404, "NOT_FOUND"), ("location", 400, "FAILED_PRECONDITION"), ("forbidden", 403, "PERMISSION_DENIED"),
])
def test_a_status_fault_comes_before_any_answer(talk, fault, status, name):
    answer = talk.gemini(ask(), talk.mock.model(FLASH, fault))
    error = answer.json()["error"]
    assert (answer.status, error["code"], error["status"]) == (status, status, name)
    if fault == "ratelimited":
        assert error["details"][-1]["retryDelay"] == "1s"
    wrapped = talk.gemini(ask(), talk.mock.model(FLASH, fault, "array"), "streamGenerateContent", vertex=True)
    assert wrapped.status == status and wrapped.json()[0]["error"]["status"] == name


def test_a_fault_can_end_after_some_requests(talk):
    name = talk.mock.model(FLASH, "overloaded-2")
    assert [talk.gemini(ask(), name).status for _ in range(3)] == [503, 503, 200]


def test_faults_of_a_stream(talk):
    for fault in ("cut", "reset"):
        with pytest.raises(Closed):
            talk.chunks(ask(), talk.mock.model(FLASH, fault))
    chunks = talk.chunks(ask(), talk.mock.model(FLASH, "error"))
    assert chunks[-1]["error"]["status"] == "UNAVAILABLE" and "candidates" in chunks[0]
    assert isinstance(talk.chunks(ask(), talk.mock.model(FLASH, "error", "array"))[-1], list)
    assert "finishReason" not in talk.chunks(ask(), talk.mock.model(FLASH, "unfinished"))[-1]["candidates"][0]
    split = talk.gemini(ask(), talk.mock.model(FLASH, "split", "lf"), "streamGenerateContent")
    assert {len(piece) for _, piece in split.chunks} == {1} and b"\r" not in split.body
    assert "".join(map(text_of, talk.chunks(ask("a b c"), talk.mock.model(FLASH, "unknown", "slow")))) == "a b c"


def test_ids_of_calls_can_be_given_or_withheld(talk):
    for name, ids in (((FLASH, "callids"), True), ((THREE, "nocallids"), False)):
        made = talk.made(ask("call wx {}", tools=[WX]), talk.mock.model(*name))
        assert ("id" in made["candidates"][0]["content"]["parts"][0]["functionCall"]) == ids


# -- Claude on Vertex, and the OpenAI-compatible surface ---------------------------------------------------------


def strip(request):  # what a gateway must not forward, this client must not send
    for name in [name for name in request.headers if name.lower().startswith("x-stainless-") or name == "anthropic-version"]:
        del request.headers[name]


def test_claude_on_vertex_through_the_sdk(gemini_mock, client_tls):
    http = anthropic.DefaultHttpxClient(verify=client_tls, event_hooks={"request": [strip]})
    with anthropic.AnthropicVertex(base_url=gemini_mock.vertex_url, region="us-east5", project_id=PROJECT, max_retries=0,
                                   access_token=gemini_mock.tokens.issue(), http_client=http) as client:
        asked = {"model": "claude-sonnet-4-5@20250929", "max_tokens": 99, "messages": [{"role": "user", "content": "one two"}]}
        assert client.messages.create(**asked).content[0].text == "one two"
        with client.messages.stream(**asked) as stream:
            assert stream.get_final_text() == "one two"
        gemini_mock.tokens.revoke()
        with pytest.raises(anthropic.AuthenticationError):
            client.messages.create(**asked)
    first = gemini_mock.of("claude-sonnet-4-5@20250929")[0]
    assert (first.operation, "model" in first.body, first.body["anthropic_version"]) == ("rawPredict", False, "2026-10-21")


CLAUDE = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize("changes, words", [
    ({"model": "claude-sonnet-4-5"}, "model: Extra inputs"), ({"anthropic_version": None}, "anthropic_version: Field required"),
    ({"anthropic_version": "2023-06-01"}, "anthropic_version: "), ({"stream": True}, "stream does not agree"),
    ({"max_tokens": None}, "max_tokens: Field required"), ({"anthropic_beta": ["x"]}, "anthropic_beta"),
    ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}]}]},
     "url sources are not supported"),
])
def test_claude_on_vertex_refuses(talk, changes, words):
    path = talk.mock.vertex_path("claude-sonnet-4-5", "rawPredict", "anthropic")
    assert talk.send(path, CLAUDE).status == 200
    body = {name: value for name, value in {**CLAUDE, **changes}.items() if value is not None}
    with talk.mock.expecting() as violations:
        answer = talk.send(path, body)
    assert answer.status == 400 and words in answer.json()["error"]["message"] and len(violations) == 1, answer
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_claude_on_vertex_counts_and_fails(talk):
    path = talk.mock.vertex_path("count-tokens", "rawPredict", "anthropic")
    body = {name: value for name, value in CLAUDE.items() if name != "max_tokens"}
    assert talk.send(path, {**body, "model": "claude-sonnet-4-5"}).json()["input_tokens"] > 0
    failing = talk.mock.vertex_path(talk.mock.model("claude-sonnet-4-5", "overloaded"), "rawPredict", "anthropic")
    assert talk.send(failing, CLAUDE).json()["error"]["type"] == "overloaded_error"


def test_the_openai_compatible_surface(talk):
    path = f"/v1/projects/{PROJECT}/locations/global/endpoints/openapi/chat/completions"
    tool = {"type": "function", "function": {"name": "wx", "parameters": {"type": "object"}}}
    body = {"model": f"google/{FLASH}", "messages": [{"role": "user", "content": "call wx {}"}]}
    assert talk.send(path, body).json()["choices"][0]["message"]["content"] == "call wx {}"
    made = talk.send(path, {**body, "tools": [tool]}).json()["choices"][0]
    assert made["finish_reason"] == "tool_calls" and made["message"]["tool_calls"][0]["function"]["name"] == "wx"
    gaps = {**body, "model": f"google/{talk.mock.model(FLASH, 'noids', 'noindex')}", "tools": [tool], "stream": True}
    stream = talk.send(path, gaps).body.decode()
    assert stream.endswith("data: [DONE]\n\n") and '"id": ""' in stream and '"tool_calls": [{"id"' in stream
    assert talk.mock.of(FLASH)[-1].body["model"] == f"google/{FLASH}"
    for wrong in ({"model": FLASH}, {"store": True}, {"messages": []}):
        assert talk.refused(path, {**body, **wrong}, ask=talk.send)[0] == 400
    assert talk.send("/v1beta/openai/chat/completions", body, {"Authorization": f"Bearer {GEMINI_KEY}"}).status == 200


# -- rules: each has a request that breaks it --------------------------------------------------------------------

GOOD_CALL = [user("a"), model(call()), user(result())]
BAD_SEAL = signature("vertex", "3")
JSON_OUT = {"responseMimeType": "application/json"}


def declared(**changes):
    return [{"functionDeclarations": [{"name": "wx", "parameters": CITY, **changes}]}]


def schema(**words):
    return declared(parameters={"type": "OBJECT", "properties": {"c": words}})


BROKEN = {
    'Unknown name "model_name": Cannot find': ask(model_name="x"),
    'Unknown name "labels": Cannot find': ask(labels={}),
    'Unknown name "max_tokens" at \'generation_config\'': ask(config={"max_tokens": 5}),
    'Unknown name "name" at \'contents[0]\'': ask([{**user("a"), "name": "x"}]),
    'Unknown name "type" at \'contents[0].parts[0]\'': ask([user({"text": "a", "type": "text"})]),
    "Unknown name \"strict\" at 'tools[0].function_declarations[0]'": ask(tools=declared(strict=True)),
    "contents is not specified": {}, "contents: contents is not": ask([]),
    "contents[0].role": ask([{"role": "assistant", "parts": [{"text": "a"}]}]),
    "contents[0].role: role is not specified": ask([{"parts": [{"text": "a"}]}]),
    "contents.parts must not be empty": ask([user()]), "must have one initialized field": ask([user({"thought": True})]),
    "oneof field 'data' is already set": ask([user({**DOT, "text": "a"})]), "empty text parameter": ask([user("")]),
    "Base64 decoding failed": ask([user({"inlineData": {"mimeType": "image/png", "data": "data:x"}})]),
    "start with a user role": ask([model("a"), user("b")]), "alternate between": ask([user("a"), user("b")]),
    "end with a user role": ask([user("a"), model("b")]),
    "Unsupported file URI": ask([user({"fileData": {"fileUri": "https://example.org/a.png"}})]),
    "functionCall is not allowed": ask([user("a", call())]),
    "comes immediately after": ask([user("a"), model("b"), user(result())], tools=[WX]),
    "number of function response parts": ask([user("a"), model(call(), call()), user(result())], tools=[WX]),
    "number of function response": ask([user("a"), model(call()), user("b")], tools=[WX]),
    "function response 'wx' where": ask([user("a"), model(call("clock"), call()), user(result(), result("clock"))], tools=[WX]),
    "function response id 'b'": ask([user("a"), model(call(id="a")), user(result(id="b"))], tools=[WX]),
    "Invalid value at 'contents[2].parts[0].function_response.response'": ask(
        [user("a"), model(call()), user(result(response="4C"))], tools=[WX]),
    "Invalid/Corrupted thought signature in contents[1].parts[0]": ask([user("a"), model(call(seal=BAD_SEAL)), user(result())]),
    "Invalid function name": ask(tools=declared(name="1st")), "maximum length of 64": ask(tools=declared(name="x" * 65)),
    "Duplicate function declaration": ask(tools=[{"functionDeclarations": [{"name": "a"}, {"name": "a"}]}]),
    "only one of parameters and": ask(tools=declared(parametersJsonSchema={"type": "object"})),
    "schema type must be OBJECT": ask(tools=declared(parameters={"type": "STRING"})),
    'Unknown name "$schema"': ask(tools=declared(parameters={**CITY, "$schema": "x"})),
    'Unknown name "const"': ask(tools=schema(type="STRING", const="a")), 'Unknown name "oneOf"': ask(tools=schema(oneOf=[])),
    'Unknown name "additionalProperties"': ask(tools=declared(parameters={**CITY, "additionalProperties": False})),
    'Unknown name "exclusiveMinimum" at \'tools[0].function_declarations[0].parameters.properties.c\'': ask(
        tools=schema(type="INTEGER", exclusiveMinimum=0)),
    "properties.c.type": ask(tools=schema(type=["string", "null"])), "only allowed for STRING": ask(tools=schema(type="INTEGER", enum=["1"])),
    "properties.c.enum[0]": ask(tools=schema(type="STRING", enum=[1])), "items: missing field": ask(tools=schema(type="ARRAY")),
    "property is not defined": ask(tools=declared(parameters={**CITY, "required": ["x"]})),
    "config is set without function_declarations": ask(toolConfig={"functionCallingConfig": {"mode": "AUTO"}}),
    "Allowed function names should only": ask(tools=[WX], toolConfig={"functionCallingConfig": {
        "mode": "AUTO", "allowedFunctionNames": ["wx"]}}),
    "not a declared function": ask(tools=[WX], toolConfig={"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["x"]}}),
    "tool_config.function_calling_config.mode": ask(tools=[WX], toolConfig={"functionCallingConfig": {"mode": "REQUIRED"}}),
    "multiple tools are supported only": ask(tools=[WX, {"googleSearch": {}}]),
    "safety_settings[0].threshold": ask(safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "LOW"}]),
    "system_instruction": ask(systemInstruction={"parts": []}), "temperature: 2.5": ask(config={"temperature": 2.5}),
    "Invalid value at 'generation_config.max_output_tokens'": ask(config={"maxOutputTokens": 1.5}),
    "max_output_tokens: 0": ask(config={"maxOutputTokens": 0}), "supported range": ask(config={"maxOutputTokens": 99999}),
    "at most 5": ask(config={"stopSequences": list("abcdef")}), "must not be empty": ask(config={"stopSequences": [""]}),
    "Only 8 candidate(s)": ask(config={"candidateCount": 9}), "response_logprobs is true": ask(config={"logprobs": 3}),
    "only allowed with response_mime_type": ask(config={"responseSchema": CITY}),
    "only one of response_schema": ask(config={**JSON_OUT, "responseSchema": CITY, "responseJsonSchema": {}}),
    "'application/json' is unsupported": ask(config=JSON_OUT, tools=[WX]),
    "only one of thinking budget": ask(config={"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "LOW"}}),
    "Thinking level LOW is not": ask(config={"thinkingConfig": {"thinkingLevel": "LOW"}}),
    "thinking budget 30000 is invalid": ask(config={"thinkingConfig": {"thinkingBudget": 30000}}),
}


@pytest.mark.parametrize("words", list(BROKEN))
def test_a_broken_rule_is_refused(talk, words):
    status, name, message = talk.refused(BROKEN[words])
    assert (status, name) == (400, "INVALID_ARGUMENT") and words in message, message


@pytest.mark.parametrize("name, body, words", [
    (THREE, ask(GOOD_CALL, tools=[WX]), "missing a thought_signature"),
    (THREE, ask([user("a"), model(call(seal=signature("developer", "2.5"))), user(result())], tools=[WX]), "Invalid/Corrupted"),
    (THREE, ask([user("a"), model(call(seal=SENTINEL)), user(result()), model(call()), user(result())], tools=[WX]), "position 4"),
    (THREE, ask(config={"thinkingConfig": {"thinkingBudget": 5}}), "Please use thinking level"),
    (THREE, ask(config={"candidateCount": 2}), "Only 1 candidate"),
    ("gemini-3-pro", ask(config={"thinkingConfig": {"thinkingLevel": "MEDIUM"}}), "MEDIUM is not supported"),
    ("gemini-2.5-pro", ask(config={"thinkingConfig": {"thinkingBudget": 0}}), "between 128 and"),
    (TWO, ask(tools=declared(parameters={"type": "OBJECT", "properties": {}})), "should be non-empty for OBJECT"),
    (TWO, ask(config={"thinkingConfig": {"includeThoughts": True}}), "not supported by this model"),
])
def test_generations_differ(talk, name, body, words):
    assert words in talk.refused(body, name)[2]


@pytest.mark.parametrize("name, body", [
    (THREE, ask([user("a"), model(call(seal=SENTINEL), call()), user(result(), result())], tools=[WX])),
    (THREE, ask([user("a"), model(call(seal=signature("developer", "3"))), user(result())], tools=[WX])),
    (THREE, ask([*GOOD_CALL, model("b"), user("c")], tools=[WX])),  # the calls are not of the current turn
    (THREE, ask(config={"thinkingConfig": {"thinkingLevel": "MINIMAL"}})),
    (THREE, ask(tools=[WX, {"googleSearch": {}}], config=JSON_OUT)),
    (FLASH, ask(GOOD_CALL, tools=[WX])), (FLASH, ask([user("a"), model({"text": "", "thoughtSignature": SENTINEL}), user("b")])),
    (FLASH, ask(config={"thinkingConfig": {"thinkingBudget": -1}})), (FLASH, ask(tools=[{"googleSearch": {}}])),
    (FLASH, ask(tools=[{"functionDeclarations": [{"name": "a.b:c-d", "parametersJsonSchema": {"type": "object", "$defs": {}}}]}])),
    (FLASH, ask(systemInstruction={"parts": [{"text": "s"}]}, safetySettings=[
        {"category": "HARM_CATEGORY_CIVIC_INTEGRITY", "threshold": "OFF"}])),
])
def test_what_the_service_takes_is_taken(talk, name, body):
    assert talk.made(body, name) and talk.chunks(body, name)


def test_vertex_takes_and_refuses_what_is_its_own(talk):
    closed = declared(parameters={**CITY, "additionalProperties": False})
    assert talk.made(ask(labels={"a": "b"}, tools=closed), vertex=True)
    assert talk.made(ask([user({"fileData": {"fileUri": "gs://a/b.png", "mimeType": "image/png"}})]), vertex=True)
    assert "mimeType" in talk.refused(ask([user({"fileData": {"fileUri": "gs://a/b"}})]), vertex=True)[2]
    sealed = ask([user("a"), model(call(seal=signature("developer", "3"))), user(result())], tools=[WX])
    assert "Invalid/Corrupted" in talk.refused(sealed, THREE, vertex=True)[2]


@pytest.mark.parametrize("method, body, words", [
    ("embedContent", {"content": "a"}, "content"), ("embedContent", {"input": "a", "content": {"parts": [{"text": "a"}]}}, '"input"'),
    ("embedContent", {"content": {"parts": [{"text": "a"}]}, "title": "t"}, "RETRIEVAL_DOCUMENT"),
    ("embedContent", {"content": {"parts": [{"text": "a"}]}, "taskType": "SEARCH"}, "task_type"),
    ("batchEmbedContents", {"requests": [{"content": {"parts": [{"text": "a"}]}}]}, "model is not specified"),
    ("batchEmbedContents", {"requests": [{"model": "x", "content": {"parts": [{"text": "a"}]}}]}, "does not match"),
    ("batchEmbedContents", {"requests": []}, "must not be empty"),
    ("batchEmbedContents", {"requests": [{"model": f"models/{EMBED}", "content": {"parts": [{"text": "a"}]}}] * 101}, "at most 100"),
    ("predict", {"instances": [{"content": "a"}, {"content": "b"}]}, "over the limit of 1"),
    ("predict", {"instances": [{"content": "a", "taskType": "RETRIEVAL_QUERY"}]}, '"taskType"'),
])
def test_embeddings_refuse(talk, method, body, words):
    assert words in talk.refused(body, EMBED, method, vertex=method == "predict")[2]


def test_models_paths_and_counts_that_are_not_there(talk):
    for name, method in ((EMBED, "generateContent"), ("gemini-9000x", "generateContent"), (FLASH, "embedContent")):
        name = name.replace("gemini-9000x", "gpt-4")
        status, kind, _ = talk.refused(ask() if method == "generateContent" else {"content": {}}, name, method)
        assert (status, kind) == (404, "NOT_FOUND")
    assert talk.refused(ask(), FLASH, "predict")[0] == 404
    assert talk.refused({"generateContentRequest": {"model": "models/x", **ask()}}, FLASH, "countTokens")[0] == 400
    for path, status in (("/v1beta/models", 405), ("/v1/nothing", 404), (f"/v1beta/models/{FLASH}:streamGenerateContent", 400),
                         (f"/v1beta/models/{FLASH}:generateContent?key={GEMINI_KEY}", 400)):
        assert talk.refused(path, ask(), ask=talk.send)[0] == status


# -- credentials -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers, status, name", [
    ({"x-goog-api-key": "AIza-other"}, 400, "INVALID_ARGUMENT"), ({}, 403, "PERMISSION_DENIED"),
    ({"x-goog-api-key": GEMINI_KEY, "Authorization": "Bearer x"}, 401, "UNAUTHENTICATED"),
    ({"x-goog-api-key": GEMINI_KEY, "Cookie": "a=b"}, 400, "INVALID_ARGUMENT"),
    ({"x-goog-api-key": GEMINI_KEY, "Content-Type": "text/plain"}, 415, "INVALID_ARGUMENT"),
])
def test_keys_of_the_developer_api(talk, headers, status, name):
    assert talk.refused(ask(), headers=headers)[:2] == (status, name)
    if status == 400 and len(headers) == 1:
        with talk.mock.expecting():
            assert talk.gemini(ask(), headers=headers).json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_tokens_of_vertex(talk):
    token = talk.mock.tokens.issue()
    bearer = {"Authorization": f"Bearer {token}"}
    assert talk.gemini(ask(), vertex=True, headers=bearer).status == 200
    for wrong in ({"Authorization": "Bearer ya29.unknown"}, {"x-goog-api-key": GEMINI_KEY}, {}):
        assert talk.refused(ask(), vertex=True, headers=wrong)[:2] == (401, "UNAUTHENTICATED")
    talk.mock.tokens.revoke(token)
    answer = talk.gemini(ask(), vertex=True, headers=bearer)  # no violation: the fixture would fail the test
    assert answer.status == 401 and answer.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_EXPIRED"
    talk.mock.tokens.lifetime = 0
    short = {"Authorization": f"Bearer {talk.mock.tokens.issue()}"}
    talk.mock.tokens.lifetime = 3599
    time.sleep(0.01)
    assert talk.gemini(ask(), vertex=True, headers=short).status == 401
    path = talk.mock.vertex_path(FLASH, "generateContent").replace(PROJECT, "other-project")
    assert talk.refused(path, ask(), ask=talk.send)[0] == 403


def encoded(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def assertion(mock, header=None, key=None, **claims):
    """A signed JWT as a service account makes it, with changes."""
    account, now = mock.tokens.service_account(mock.token_uri), int(time.time())
    whole = {"iss": account["client_email"], "scope": SCOPE, "aud": mock.token_uri, "iat": now, "exp": now + 3600, **claims}
    signed = f"{encoded({'alg': 'RS256', 'typ': 'JWT', 'kid': KEY_ID, **(header or {})})}.{encoded(whole)}"
    key = key or serialization.load_pem_private_key(account["private_key"].encode(), None)
    return f"{signed}.{encoded(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def grant(talk, form, content_type="application/x-www-form-urlencoded"):
    return talk.send("/token", urlencode(form).encode(), {"Content-Type": content_type})


def test_a_service_account_gets_a_token(talk):
    answer = grant(talk, {"grant_type": JWT_GRANT, "assertion": assertion(talk.mock)})
    assert answer.status == 200 and answer.json()["token_type"] == "Bearer"
    assert talk.gemini(ask(), vertex=True, headers={"Authorization": f"Bearer {answer.json()['access_token']}"}).status == 200
    kind, claims, token = talk.mock.tokens.grants[-1]
    assert (kind, claims["iss"], token) == ("jwt", ACCOUNT, answer.json()["access_token"])
    talk.mock.tokens.failures = 1
    assert grant(talk, {"grant_type": JWT_GRANT, "assertion": assertion(talk.mock)}).status == 503
    assert talk.mock.of("token")[-1].request.body.startswith(b"grant_type=")


def test_a_refresh_token_and_the_metadata_server_give_tokens(talk):
    form = {"grant_type": "refresh_token", "client_id": CLIENT[0], "client_secret": CLIENT[1], "refresh_token": CLIENT[2]}
    assert grant(talk, form).json()["access_token"].startswith("ya29.")
    with RawClient(talk.mock.metadata.port) as client:
        host = f"localhost:{talk.mock.metadata.port}"
        answer = client.ask(get(METADATA, [("Metadata-Flavor", "Google")], host=host))
        assert answer.json()["expires_in"] == 3599 and answer.headers.get("metadata-flavor") == "Google"
        with talk.mock.expecting() as violations:
            assert client.ask(get(METADATA, host=host)).status == 403
        assert len(violations) == 1
    for changes, status, name in (({"client_secret": "x"}, 401, "invalid_client"), ({"refresh_token": "x"}, 400, "invalid_grant"),
                                  ({"scope": "x"}, 400, "invalid_request"), ({"grant_type": "password"}, 400, "unsupported_grant_type")):
        with talk.mock.expecting() as violations:
            answer = grant(talk, {**form, **changes})
        assert (answer.status, answer.json()["error"], len(violations)) == (status, name, 1)


NOW = int(time.time())


@pytest.mark.parametrize("claims, header, error, words", [
    ({"iss": "other@x"}, None, "invalid_grant", "account not found"), ({"scope": "openid"}, None, "invalid_scope", "scope"),
    ({"aud": "https://oauth2.googleapis.com/token"}, None, "invalid_grant", "audience"),
    ({"exp": NOW - 1, "iat": NOW - 3000}, None, "invalid_grant", "short-lived"),
    ({"exp": NOW + 3700, "iat": NOW}, None, "invalid_grant", "60 minutes"), ({"iat": NOW + 900}, None, "invalid_grant", "timeframe"),
    ({"exp": str(NOW + 60)}, None, "invalid_grant", "whole numbers"), ({"sub": "boss@x"}, None, "unauthorized_client", "unauthorized"),
    ({}, {"alg": "HS256"}, "invalid_grant", "header"), ({}, {"kid": "other"}, "invalid_grant", "header"),
])
def test_a_wrong_claim_is_refused(talk, claims, header, error, words):
    with talk.mock.expecting() as violations:
        answer = grant(talk, {"grant_type": JWT_GRANT, "assertion": assertion(talk.mock, header, **claims)})
    assert answer.status == 400 and len(violations) == 1
    assert answer.json()["error"] == error and words in answer.json()["error_description"]


def test_a_wrong_signature_and_a_wrong_form_are_refused(talk):
    good, other = assertion(talk.mock), rsa.generate_private_key(public_exponent=65537, key_size=2048)
    changed = good[:-8] + ("AAAAAAAA" if good[-8:] != "AAAAAAAA" else "BBBBBBBB")
    forms = [({"grant_type": JWT_GRANT, "assertion": value}, "application/x-www-form-urlencoded")
             for value in (changed, assertion(talk.mock, key=other), "a.b", "a.b.c", good + "=")]
    forms += [({"grant_type": JWT_GRANT, "assertion": good, "x": "y"}, "application/x-www-form-urlencoded"),
              ({"grant_type": JWT_GRANT, "assertion": good}, "application/json")]
    for form, content_type in forms:
        with talk.mock.expecting() as violations:
            answer = grant(talk, form, content_type)
        assert answer.status == 400 and answer.json()["error"].startswith("invalid_") and len(violations) == 1
