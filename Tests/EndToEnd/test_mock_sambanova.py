# Proves the SambaNova mock: a well-formed request gets OpenAI's objects with the service's own differences, and for
# each rule there is a request that breaks it and is refused, in the service's shape and as a violation where it is one.

import base64
import struct

import pytest

from mock_client import MockClient
from mocks import faults
from mocks.sambanova import SAMBANOVA_KEY

LLAMA, OSS = "Meta-Llama-3.3-70B-Instruct", "gpt-oss-120b"
PATH = "/v1/chat/completions"
USER = {"role": "user", "content": "Grüße an alle"}
TOOL = {"type": "function", "function": {"name": "wx", "description": "d", "parameters": {"type": "object"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "wx", "arguments": "{}"}}
RESULT = {"role": "tool", "content": "4C", "tool_call_id": "call_1"}
PNG = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture(autouse=True)
def clean(session_sambanova_mock):
    session_sambanova_mock.reset()


@pytest.fixture
def mock(session_sambanova_mock):
    return session_sambanova_mock


@pytest.fixture
def client(mock, client_tls):
    return MockClient(mock, client_tls, {"Authorization": f"Bearer {SAMBANOVA_KEY}"})


def chat(*messages, model=LLAMA, **members):
    return {"model": model, "messages": list(messages) or [USER], **members}


def says(text):
    return {"role": "user", "content": text}


def sends(part):
    return chat(says([part]))


def test_a_completion_has_the_services_own_differences(mock, client):
    body = client.post(PATH, chat(model=OSS)).json()
    assert isinstance(body["created"], float) and body["object"] == "chat.completion"
    message = body["choices"][0]["message"]
    assert (message["content"], message["channel"]) == (USER["content"], "final") and message["reasoning"]
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] > 0 and usage["time_to_first_token"] > 0
    plain = client.post(PATH, chat()).json()["choices"][0]["message"]
    assert plain == {"role": "assistant", "content": USER["content"]}
    thinking = client.post(PATH, chat(chat_template_kwargs={"enable_thinking": True})).json()
    assert "reasoning" in thinking["choices"][0]["message"] and mock.violations == []


def test_limits_tools_and_formats_are_honoured(mock, client):
    def choice(*messages, **members):
        return client.post(PATH, chat(*messages, **members)).json()["choices"][0]

    assert choice(max_completion_tokens=2)["finish_reason"] == "length"
    assert choice(max_tokens=2)["message"]["content"] == "Grüße an"
    assert choice(stop="an")["message"]["content"] == choice(stop=["an"])["message"]["content"] == "Grüße "
    two = says('call wx {"c":"Köln"}\ncall wx {"c":"Oslo"}')
    found = choice(two, tools=[TOOL])
    assert found["finish_reason"] == "tool_calls" and found["message"]["content"] is None
    calls = found["message"]["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == ['{"c":"Köln"}', '{"c":"Oslo"}']
    assert len(choice(two, tools=[TOOL], parallel_tool_calls=False)["message"]["tool_calls"]) == 1
    assert choice(two, tools=[TOOL], tool_choice="none")["message"]["content"] == two["content"]
    assert choice(tools=[TOOL], tool_choice="required")["finish_reason"] == "tool_calls"
    named = {"type": "function", "function": {"name": "wx"}}
    assert choice(tools=[TOOL], tool_choice=named)["message"]["tool_calls"][0]["function"]["name"] == "wx"
    turns = [two, {"role": "assistant", "content": None, "tool_calls": [CALL]},
             {"role": "tool", "content": "4C", "tool_call_id": "call_1"}]
    assert choice(*turns, tools=[TOOL])["message"]["content"] == "4C"
    schema = {"name": "s", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}
    assert choice(response_format={"type": "json_schema", "json_schema": schema})["message"]["content"] == '{"a": 1}'
    assert choice(response_format={"type": "json_object"})["message"]["content"].startswith('{"text"')
    assert choice(says("Hi\nfinish content_filter"))["finish_reason"] == "content_filter" and mock.violations == []


def test_media_are_acknowledged(mock, client):
    sound = {"type": "audio_content", "audio_content": {"content": "data:audio/wav;base64,AAAA"}}
    film = {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}
    body = chat(says([{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": PNG}}, sound, film]))
    text = client.post(PATH, body).json()["choices"][0]["message"]["content"]
    assert text == "Look\n[image image/png 8 bytes]\n[audio audio/wav 3 bytes]\n[video https://example.com/a.mp4]"
    assert mock.violations == []


def test_the_stream_joins_to_the_whole_answer(mock, client):
    usage = {"include_usage": True}
    found = client.streamed(PATH, chat(model=OSS, stream=True, stream_options=usage), {"Accept": "text/event-stream"})
    assert found[-1] == (None, "[DONE]") and {name for name, _ in found} == {None}
    values = [value for _, value in found[:-1]]
    deltas = [value["choices"][0]["delta"] for value in values[:-1]]
    assert "".join(delta.get("content", "") for delta in deltas) == USER["content"]
    assert {delta.get("channel") for delta in deltas} == {None, "analysis", "final"}
    assert "".join(delta.get("reasoning", "") for delta in deltas).startswith("The user says")
    assert "choices" not in values[-1] and values[-1]["usage"]["total_tokens"] > 0
    assert all(isinstance(value["created"], float) for value in values)

    def last(*words):
        body = chat(model=mock.model(LLAMA, *words), stream=True, stream_options=usage)
        return client.streamed(PATH, body)[-2][1]["choices"]

    assert last("nullchoices") is None and last("emptychoices") == []
    unasked = client.streamed(PATH, chat(stream=True))
    assert unasked[-2][1]["choices"][0]["finish_reason"] == "stop"
    calls = client.streamed(PATH, chat(says('call wx {"c":"Köln"}'), tools=[TOOL], stream=True))[:-1]
    deltas = [value["choices"][0]["delta"] for _, value in calls]
    pieces = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert pieces[0]["id"] and "".join(piece["function"]["arguments"] for piece in pieces) == '{"c":"Köln"}'
    assert mock.violations == []


def test_faults_come_on_request(mock, client):
    def ask(*words, **members):
        return client.post(PATH, chat(model=mock.model(LLAMA, *words), **members))

    limited = ask("ratelimited")
    assert limited.status == 429 and limited.headers.get("retry-after") == "1"
    assert limited.headers.get("x-ratelimit-remaining-requests-day") == "0"
    assert set(limited.json()) == {"error", "request_id"} and limited.json()["error"]["code"] == "rate_limit_exceeded"
    statuses = {"toolong": 400, "timeout": 408, "removed": 410, "broken": 500, "overloaded": 503, "queued": 504,
                "html": 500}
    assert {word: ask(word).status for word in statuses} == statuses
    broken = client.streamed(PATH, chat(model=mock.model(LLAMA, "error"), stream=True))
    assert broken[-1][0] == "error" and broken[-1][1]["error"]["code"] == "internal_error" and len(broken) > 1
    bare = client.streamed(PATH, chat(model=mock.model(LLAMA, "bareerror"), stream=True))
    assert bare[-1][0] is None and "error" in bare[-1][1]
    scripted = mock.script(faults.status(418, {}), prefix=LLAMA)
    assert client.post(PATH, chat(model=scripted)).status == 418
    assert len(mock.of(scripted)) == 1 and mock.of(scripted)[0].body["messages"] == [USER]
    assert client.post(PATH, chat(model="DeepSeek-R1")).status == 410
    assert client.post(PATH, chat(model="gpt-4o")).json()["error"]["code"] == "model_not_found"
    assert mock.violations == []


def test_models_and_embeddings(mock, client):
    models = client.get("/v1/models").json()["data"]
    assert LLAMA in [model["id"] for model in models] and not any("created" in model for model in models)
    assert set(models[-1]) == {"id"} and models[0]["context_length"] == 192000
    ask = {"model": "E5-Mistral-7B-Instruct", "input": ["a b", "c"]}
    body = client.post("/v1/embeddings", ask).json()
    assert [entry["index"] for entry in body["data"]] == [0, 1] and body["usage"]["total_tokens"] == 3
    packed = client.post("/v1/embeddings", {**ask, "input": "a b", "encoding_format": "base64"}).json()["data"][0]
    assert struct.unpack("<8f", base64.b64decode(packed["embedding"])) == pytest.approx(body["data"][0]["embedding"])
    assert mock.violations == []
    assert client.post("/v1/embeddings", {**ask, "dimensions": 8}).status == 400
    assert client.post("/v1/embeddings", {**ask, "input": [1, 2]}).status == 400 and len(mock.violations) == 2


@pytest.mark.parametrize("body, param, code", [
    (chat(store=True), "store", "unknown_parameter"), (chat(user="me"), "user", "unknown_parameter"),
    (chat(service_tier="auto"), "service_tier", "unknown_parameter"),
    (chat(metadata={}), "metadata", "unknown_parameter"),
    ({"model": LLAMA}, "messages", "missing_required_parameter"),
    ({"messages": [USER]}, "model", "missing_required_parameter"),
    (chat(temperature="1"), "temperature", "invalid_type"), (chat(stop=[1]), "stop[0]", "invalid_type"),
    (chat(reasoning_effort="minimal"), "reasoning_effort", "invalid_value"),
    (chat({"role": "developer", "content": "Hi"}), "messages[0].role", "invalid_value"),
    (sends({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}),
     "messages[0].content[0].type", "invalid_value"),
    (sends({"type": "file", "file": {"file_id": "f"}}), "messages[0].content[0].type", "invalid_value"),
    (sends({"type": "audio_content", "audio_content": {"content": "AAAA"}}),
     "messages[0].content[0].audio_content.content", "invalid_value"),
    (sends({"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}),
     "messages[0].content[0].image_url.detail", "unknown_parameter"),
    (sends({"type": "image_url", "image_url": {"url": "data:image/png;base64,&"}}),
     "messages[0].content[0].image_url.url", None),
    (sends({"type": "image_url", "image_url": {"url": "file:///etc"}}),
     "messages[0].content[0].image_url.url", "invalid_value"),
    (chat(stream_options={"include_usage": True}), "stream_options", "invalid_value"),
    (chat(stream=True, stream_options={"include_obfuscation": True}),
     "stream_options.include_obfuscation", "unknown_parameter"),
    (chat(max_tokens=1, max_completion_tokens=1), "max_tokens", "invalid_value"),
    (chat(top_logprobs=2), "top_logprobs", "invalid_value"), (chat(tools=[TOOL, TOOL]), "tools", "invalid_value"),
    (chat(tool_choice="auto"), "tool_choice", "invalid_value"),
    (chat(tools=[TOOL], tool_choice="any"), "tool_choice", "invalid_value"),
    (chat(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "x"}}),
     "tool_choice.function.name", "invalid_value"),
    (chat(tools=[{"type": "function", "function": {"name": "wx", "strict": True}}]),
     "tools[0].function.strict", "unknown_parameter"),
    (chat(tools=[{"type": "function", "function": {"name": "a b"}}]), "tools[0].function.name", "invalid_value"),
    (chat(USER, {"role": "assistant", "content": None, "tool_calls": [CALL, CALL]}, RESULT), "messages[1]", None),
    (chat(USER, {"role": "tool", "content": "4C", "tool_call_id": "a"}), "messages[1]", "invalid_value"),
    (chat(USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}, USER), "messages[2]", "invalid_value"),
    (chat(USER, {"role": "assistant", "content": None}), "messages[1].content", "missing_required_parameter"),
    (chat(USER, {"role": "assistant", "content": "a", "reasoning_content": "b"}),
     "messages[1].reasoning_content", "unknown_parameter"),
    (b'{"model":', None, "invalid_json"), (b'{"model":"a","model":"b"}', "", "invalid_json"),
])
def test_what_the_reference_does_not_know_is_a_violation(mock, client, body, param, code):
    answer = client.post(PATH, body)
    assert answer.status == 400, answer
    if isinstance(body, dict):
        error = answer.json()["error"]
        assert error["param"] == param and code in (None, error["code"]), error
    assert len(mock.violations) == 1


@pytest.mark.parametrize("members", [{"temperature": 3}, {"top_p": 1.5}, {"n": 0}, {"max_tokens": 0}, {"top_k": 0}])
def test_a_number_out_of_range_is_the_users_own(mock, client, members):
    answer = client.post(PATH, chat(**members))
    assert answer.status == 400 and answer.json()["error"]["code"] == "decimal_above_max_value"
    assert mock.violations == []


@pytest.mark.parametrize("headers, status", [
    ({"Authorization": None}, 401), ({"Authorization": "Bearer wrong"}, 401), ({"Content-Type": "text/plain"}, 415),
    ({"Accept": "text/event-stream"}, 406), ({"Cookie": "a=b"}, 400), ({"Origin": "https://a.example"}, 400),
    ({"x-api-key": SAMBANOVA_KEY}, 400),
])
def test_wrong_headers_are_violations(mock, client, headers, status):
    answer = client.post(PATH, chat(), headers)
    assert answer.status == status and set(answer.json()) == {"error", "request_id"} and len(mock.violations) == 1


def test_unknown_paths_and_methods(mock, client):
    assert client.post("/v1/models", {}).status == 405 and client.get("/v1/chat/completions").status == 405
    assert client.post("/chat/completions", chat()).status == 404 and len(mock.violations) == 3
    assert client.get("/v1/models", {"Content-Type": "application/json"}).status == 400 and len(mock.violations) == 4
