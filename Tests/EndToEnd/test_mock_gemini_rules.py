# Proves the rules of the Google mock: for each a request that breaks it and is refused as the real service refuses.

import time
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import serialization

from gemini_client import CITY, DOT, EMBED, FLASH, THREE, TWO, WX, Talk, ask, call, model, result, user
from mocks import jwt
from mocks.google import GEMINI_KEY, METADATA, PROJECT
from mocks.google_auth import ACCOUNT, CLIENT, JWT_GRANT, KEY_ID, SCOPE
from mocks.google_rules import signature
from mocks.google_shapes import SENTINEL
from raw_http import RawClient, get


@pytest.fixture
def talk(gemini_mock, client_tls):
    return Talk(gemini_mock, client_tls)


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
    both = {"contents": [user("a")], "generateContentRequest": {"model": f"models/{FLASH}", **ask()}}
    assert "only one of contents" in talk.refused(both, FLASH, "countTokens")[2]
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


def assertion(mock, header=None, key=None, **claims):
    """A signed JWT as a service account makes it, with changes."""
    account, now = mock.tokens.service_account(mock.token_uri), int(time.time())
    whole = {"iss": account["client_email"], "scope": SCOPE, "aud": mock.token_uri, "iat": now, "exp": now + 3600, **claims}
    key = key or serialization.load_pem_private_key(account["private_key"].encode(), None)
    return jwt.mint(whole, key, {"alg": "RS256", "typ": "JWT", "kid": KEY_ID, **(header or {})})


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


def test_what_must_not_stand_beside_a_credential(talk):
    form = urlencode({"grant_type": JWT_GRANT, "assertion": assertion(talk.mock)})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for body, headers in ((f"grant_type=x&{form}", kind), (form, {**kind, "Authorization": "Bearer x"})):
        with talk.mock.expecting() as violations:
            answer = talk.send("/token", body.encode(), headers)
        assert (answer.status, answer.json()["error"], len(violations)) == (400, "invalid_request", 1)
    both = {"Authorization": f"Bearer {talk.mock.tokens.issue()}", "x-goog-api-key": GEMINI_KEY}
    assert "an API key where" in talk.refused(ask(), vertex=True, headers=both)[2]
    far = talk.mock.vertex_path(FLASH, "generateContent", location="mars-1")
    assert "Unsupported region" in talk.refused(far, ask(), ask=talk.send)[2]
    unknown = talk.mock.vertex_path(FLASH, "generateAnswer")
    assert "unknown method" in talk.refused(unknown, ask(), ask=talk.send)[2]
    with RawClient(talk.mock.metadata.port) as client, talk.mock.expecting() as violations:
        host = f"localhost:{talk.mock.metadata.port}"
        assert client.ask(get(f"{METADATA}?alt=json", [("Metadata-Flavor", "Google")], host=host)).status == 400
    assert len(violations) == 1


def test_a_wrong_signature_and_a_wrong_form_are_refused(talk):
    good, other = assertion(talk.mock), jwt.make_key()
    changed = good[:-8] + ("AAAAAAAA" if good[-8:] != "AAAAAAAA" else "BBBBBBBB")
    forms = [({"grant_type": JWT_GRANT, "assertion": value}, "application/x-www-form-urlencoded")
             for value in (changed, assertion(talk.mock, key=other), "a.b", "a.b.c", good + "=")]
    forms += [({"grant_type": JWT_GRANT, "assertion": good, "x": "y"}, "application/x-www-form-urlencoded"),
              ({"grant_type": JWT_GRANT, "assertion": good}, "application/json")]
    for form, content_type in forms:
        with talk.mock.expecting() as violations:
            answer = grant(talk, form, content_type)
        assert answer.status == 400 and answer.json()["error"].startswith("invalid_") and len(violations) == 1
