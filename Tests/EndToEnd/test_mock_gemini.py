# Proves the answers of the Google mock, without a gateway: Gemini on both products, Claude on Vertex through the official
# SDK, the OpenAI-compatible surface, and the faults.

import json

import anthropic
import pytest

from gemini_client import DOT, EMBED, FLASH, THREE, WX, Talk, ask, result, text_of, user
from mocks.google import GEMINI_KEY, PROJECT
from mocks.google_rules import signature
from raw_http import Closed

pytestmark = pytest.mark.filterwarnings("ignore:The model 'claude:DeprecationWarning")


@pytest.fixture
def talk(gemini_mock, client_tls):
    return Talk(gemini_mock, client_tls)


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


def test_vertexs_list_of_a_publishers_models(talk):
    """Of version v1beta1 alone, page by page, with a bearer token; a person's says whose project is used."""
    mock, path = talk.mock, "/v1beta1/publishers/google/models"

    def ask_list(path, token=None, project=None):
        fields = {"Authorization": f"Bearer {token or mock.tokens.issue()}", "x-goog-user-project": project}
        return talk.send(path, b"", method="GET", headers=fields)

    first = ask_list(f"{path}?pageSize=3&listAllVersions=true").json()
    assert [model["name"].split("/")[-1] for model in first["publisherModels"]] == mock.publishers["google"][:3]
    assert ask_list(f"{path}?pageSize=3&listAllVersions=true&pageToken={first['nextPageToken']}").status == 200
    assert len(ask_list("/v1beta1/publishers/anthropic/models").json()["publisherModels"]) == 1
    user = mock.tokens.issue("refresh")
    assert ask_list(path, user, PROJECT).status == 200
    with mock.expecting():
        assert ask_list("/v1/publishers/google/models").status == 404
        assert ask_list(f"{path}?limit=3").status == 400
        assert ask_list(path, user).status == 403 and ask_list(path, user, "another").status == 403
        assert ask_list(path, "ya29.none").status == 401
    assert ask_list("/v1beta1/publishers/nobody/models").status == 404


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


def test_claude_on_vertex_wants_its_version_in_the_body_and_its_model_in_the_path(talk):
    token = {"Authorization": f"Bearer {talk.mock.tokens.issue()}"}
    path = talk.mock.vertex_path("claude-sonnet-4-5", "rawPredict", "anthropic")
    counting = talk.mock.vertex_path("count-tokens", "rawPredict", "anthropic")
    for target, headers, words in ((path, {**token, "anthropic-version": "2023-06-01"}, "its place is the body"),
                                   (path, {**token, "anthropic-beta": "a-2025-01-01"}, "its place is the body"),
                                   (counting, token, "model: Field required")):
        with talk.mock.expecting() as violations:
            answer = talk.send(target, CLAUDE, headers)
        assert answer.status == 400 and words in answer.json()["error"]["message"] and len(violations) == 1


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
