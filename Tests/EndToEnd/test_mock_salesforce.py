# Proves the Salesforce mock's surface A: a well-formed request gets the documented answer, and for each rule there is
# a request that breaks it and is refused, in the service's shape and as a violation where it is one.

import pytest

from mock_client import salesforce_client
from mocks import faults

GPT = "sfdc_ai__DefaultGPT4Omni"
CLAUDE = "sfdc_ai__DefaultBedrockAnthropicClaude45Sonnet"
A = "/einstein/platform/v1/models"
USER = {"role": "user", "content": "Grüße an alle"}


@pytest.fixture(autouse=True)
def clean(session_salesforce_mock):
    session_salesforce_mock.reset()


@pytest.fixture
def mock(session_salesforce_mock):
    return session_salesforce_mock


@pytest.fixture
def client(mock, client_tls):
    return salesforce_client(mock, client_tls)


def test_one_prompt_is_echoed(mock, client):
    locales = {"defaultLocale": "en_US", "expectedLocales": ["en_US"],
               "inputLocales": [{"locale": "en_US", "probability": 0.8}]}
    body = {"prompt": "Say hello.", "localization": locales, "tags": {}}
    body = client.post(f"{A}/{GPT}/generations", body).json()
    assert body["generation"]["generatedText"] == "Say hello."
    assert body["generation"]["parameters"]["finish_reason"] == "stop" and body["moreGenerations"] is None
    usage = body["parameters"]["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] == 4
    assert mock.violations == []


def test_messages_are_answered_in_the_plural_shape(mock, client):
    messages = [{"role": "system", "content": "Be brief."}, USER, {"role": "assistant", "content": "Hm"},
                {"role": "user", "content": "call wx {}\nfinish length"}]
    body = client.post(f"{A}/{GPT}/chat-generations", {"messages": messages}).json()
    (entry,) = body["generationDetails"]["generations"]
    assert entry["content"] == "call wx {}\nfinish length" and entry["parameters"]["finish_reason"] == "length"
    assert body["generationDetails"]["parameters"]["usage"]["prompt_tokens"] == 11
    assert mock.violations == [] and mock.of(GPT)[-1].body["messages"][0]["content"] == "Be brief."
    assert client.post(f"{A}/{GPT}/chat-generations", {"messages": messages}).json() == body


@pytest.mark.parametrize("model, reason, usage", [
    (CLAUDE, "end_turn", {"input_tokens": 3, "output_tokens": 3}),
    ("sfdc_ai__DefaultBedrockAmazonNovaPro", "end_turn", {"inputTokens": 3, "outputTokens": 3, "totalTokens": 6}),
    ("sfdc_ai__DefaultVertexAIGemini25Flash001", None,
     {"inputTokenCount": 3, "outputTokenCount": 3, "totalTokenCount": 6}),
])
def test_each_provider_has_its_own_words(client, model, reason, usage):
    details = client.post(f"{A}/{model}/chat-generations", {"messages": [USER]}).json()["generationDetails"]
    assert details["parameters"]["usage"] == usage and details["parameters"].get("stop_reason") == reason
    finish = details["generations"][0]["parameters"].get("finish_reason")
    assert finish == (None if reason else "STOP")


@pytest.mark.parametrize("word, text", [
    ("generatedtext", lambda b: b["generation"]["generatedText"]),
    ("generationtext", lambda b: b["generation"]["text"]),
    ("text", lambda b: b["generations"][0]["text"]), ("content", lambda b: b["generations"][0]["content"]),
    ("choices", lambda b: b["choices"][0]["message"]["content"]), ("anthropic", lambda b: b["content"][0]["text"]),
])
def test_other_shapes_come_on_request(mock, client, word, text):
    answer = client.post(f"{A}/{mock.model(GPT, word)}/chat-generations", {"messages": [USER]})
    assert text(answer.json()) == USER["content"] and mock.violations == []


def test_odd_answers_come_on_request(mock, client):
    def chat(*words):
        return client.post(f"{A}/{mock.model(GPT, *words)}/chat-generations", {"messages": [USER]})

    empty = chat("empty").json()["generationDetails"]["generations"][0]
    assert empty["content"] == "" and empty["parameters"]["finish_reason"] == "stop"
    assert chat("created").status == 201
    assert chat("errorcode").status == 200 and chat("errorcode").json()["errorCode"] == "INTERNAL_ERROR"
    assert chat("html").status == 500 and chat("html").body.startswith(b"<!DOCTYPE")
    assert chat("bodiless").body == b"" and chat("page").status == 200
    assert chat("ratelimited").json()["errorCode"] == "RATE_LIMIT_EXCEEDED" and chat("ratelimited").status == 429
    assert chat("array").json()[0]["errorCode"] == "INVALID_INPUT" and chat("spring").json()["status"] == 500
    assert chat("forbidden").status == 403 and chat("expired").status == 401 and chat("timeout").status == 504
    assert "usage" not in chat("nousage").json()["generationDetails"]["parameters"]
    assert chat("rerouted").json()["generationDetails"]["parameters"]["model"] == "rerouted-model"
    once = mock.model(GPT, "broken-1")
    statuses = [client.post(f"{A}/{once}/chat-generations", {"messages": [USER]}).status for _ in range(2)]
    assert statuses == [500, 200] and len(mock.of(once)) == 2 and mock.violations == []


def test_embeddings_come_in_order(mock, client):
    path = f"{A}/sfdc_ai__DefaultOpenAITextEmbeddingAda_002/embeddings"
    body = client.post(path, {"input": ["one text", "two"]}).json()
    assert [entry["index"] for entry in body["embeddings"]] == [0, 1] and len(body["embeddings"][0]["embedding"]) == 8
    assert body["embeddings"][0] != body["embeddings"][1]
    assert body["parameters"]["usage"] == {"prompt_tokens": 3, "total_tokens": 3} and mock.violations == []


def test_feedback_is_taken(mock, client):
    good = {"id": "a", "generationId": "b", "feedback": "GOOD"}
    assert client.post("/einstein/platform/v1/feedback", good).json()["feedbackId"] == "f-a"
    assert client.post("/einstein/platform/v1/feedback", {**good, "feedback": "FINE"}).status == 400


@pytest.mark.parametrize("path, body", [
    ("chat-generations", {"messages": [USER], "temperature": 0.5}),
    ("chat-generations", {"messages": [USER], "max Tokens": 5}),
    ("chat-generations", {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}),
    ("chat-generations", {"messages": [{"role": "tool", "content": "4C"}]}),
    ("chat-generations", {"messages": [{"role": "developer", "content": "Hi"}]}),
    ("chat-generations", {"messages": [{"role": "user", "content": None}]}),
    ("chat-generations", {"messages": [{**USER, "name": "x"}]}), ("chat-generations", {"messages": []}),
    ("chat-generations", {}), ("chat-generations", {"messages": [USER], "stream": False}),
    ("generations", {"prompt": ["Hi"]}), ("generations", {"messages": [USER]}),
    ("generations", {"prompt": "Hi", "localization": {"expectedLocales": ["en_US"]}}),
    ("generations", {"prompt": "Hi", "localization": {"defaultLocale": "English"}}),
    ("generations", {"prompt": "Hi", "tags": []}), ("embeddings", {"input": "one"}), ("embeddings", {"input": []}),
    ("embeddings", {"input": ["one"], "dimensions": 8}), ("generations", b'{"prompt":"a","prompt":"b"}'),
    ("generations", b'"prompt"'),
])
def test_undocumented_bodies_are_violations(mock, client, path, body):
    answer = client.post(f"{A}/{GPT}/{path}", body)
    assert answer.status == 400 and answer.json()["errorCode"] == "INVALID_INPUT" and answer.json()["message"]
    assert len(mock.violations) == 1


@pytest.mark.parametrize("headers, status", [
    ({"Authorization": None}, 401), ({"Authorization": "Bearer unheard.of.token"}, 401),
    ({"x-sfdc-app-context": None}, 400), ({"x-sfdc-app-context": "Einstein"}, 400), ({"x-client-feature-id": "x"}, 400),
    ({"x-client-feature-id": None}, 400), ({"Content-Type": "text/plain"}, 415), ({"Accept": "text/html"}, 406),
    ({"Cookie": "a=b"}, 400), ({"x-api-key": "secret"}, 400), ({"Host": "elsewhere.example"}, 400),
])
def test_wrong_headers_are_violations(mock, client, headers, status):
    assert client.post(f"{A}/{GPT}/generations", {"prompt": "Hi"}, headers).status == status
    assert len(mock.violations) == 1


def test_a_revoked_token_an_unknown_model_and_an_unknown_path(mock, client):
    assert client.post(f"{A}/gpt-4/generations", {"prompt": "Hi"}).status == 404 and mock.violations == []
    mock.revoke_all()
    answer = client.post(f"{A}/{GPT}/generations", {"prompt": "Hi"})
    assert (answer.status, answer.json()["errorCode"]) == (401, "INVALID_SESSION_ID") and mock.violations == []
    assert client.post(f"{A}/{GPT}/chat-generations/stream", {}).status == 404 and len(mock.violations) == 1
    assert client.get(f"{A}/{GPT}/generations").status == 405 and len(mock.violations) == 2


def test_scripts_and_expected_refusals(mock, client):
    scripted = mock.script(lambda exchange: exchange.answer({"id": "scripted"}))
    late = mock.script(faults.slow(0.01))
    assert client.post(f"{A}/{scripted}/generations", {"prompt": "Hi"}).json() == {"id": "scripted"}
    assert client.post(f"{A}/{late}/generations", {"prompt": "Hi"}).json()["generation"]["generatedText"] == "Hi"
    with mock.expecting() as found:
        client.post(f"{A}/{GPT}/generations", {})
    assert len(found) == 1 and mock.violations == []
