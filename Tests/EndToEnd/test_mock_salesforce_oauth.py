# Proves the Salesforce mock's token endpoint: a well-formed grant gets a token that opens the Models surfaces, and for
# each rule there is a request that breaks it and is refused, in OAuth's shape and as a violation where it is one.

import base64
import json
import time
from urllib.parse import urlencode

import pytest

from mock_client import MockClient, salesforce_client
from mocks import faults, jwt
from mocks.salesforce_oauth import JWT_BEARER

GPT = "sfdc_ai__DefaultGPT4Omni"
A, B = "/einstein/platform/v1/models", "/ai/gpt/v1"
FORM = "application/x-www-form-urlencoded"
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


@pytest.fixture
def anyone(mock, client_tls):
    return MockClient(mock, client_tls)


def credentials(mock, **changes):
    fields = {"grant_type": "client_credentials", "client_id": mock.org.client_id,
              "client_secret": mock.org.client_secret, **changes}
    return urlencode({name: value for name, value in fields.items() if value is not None}).encode()


def assertion(mock, key=None, header=None, **changes):
    claims = {"iss": mock.org.client_id, "sub": mock.org.username, "aud": "https://login.salesforce.com",
              "exp": int(time.time()) + 180, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.mint(claims, key or mock.org.app_key, header)


def ask_token(client, body, content_type=FORM, headers=None):
    return client.post("/services/oauth2/token", body, headers, content_type)


def test_client_credentials_give_a_token_that_opens_both_surfaces(mock, anyone, client):
    answer = ask_token(anyone, credentials(mock))
    body = answer.json()
    assert answer.status == 200 and mock.violations == [] and mock.count("token") == 1
    assert body["issued_at"].isdigit() and len(body["issued_at"]) == 13 and "expires_in" not in body
    assert body["api_instance_url"] == mock.main.origin and body["token_format"] == "jwt"
    _, claims, _, _ = jwt.take_apart(body["access_token"])
    assert 1790 <= claims["exp"] - time.time() <= 1800
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    assert client.post(f"{A}/{GPT}/generations", {"prompt": "Hi"}, bearer).status == 200
    chat = {"model": GPT, "messages": [USER]}
    assert client.post(f"{B}/chat/generations", chat, bearer).status == 200
    assert mock.violations == [] and mock.org.tokens[body["access_token"]].calls == 2


def test_an_assertion_gives_a_token(mock, anyone):
    body = urlencode({"grant_type": JWT_BEARER, "assertion": assertion(mock)}).encode()
    assert b"urn%3Aietf" in body
    assert ask_token(anyone, body).json()["access_token"] in mock.org.tokens
    assert mock.violations == []


@pytest.mark.parametrize("changes, error", [
    ({"client_id": "other"}, "invalid_client_id"), ({"client_secret": "wrong"}, "invalid_client"),
])
def test_wrong_credentials_are_refused_and_nobodys_violation(mock, anyone, changes, error):
    answer = ask_token(anyone, credentials(mock, **changes))
    assert (answer.status, answer.json()["error"]) == (400, error) and answer.json()["error_description"]
    assert mock.violations == [] and mock.refusals[0][:2] == ("token", 400)


def test_a_grant_without_a_user_is_refused(mock, anyone):
    mock.org.credentials_enabled = False
    assert ask_token(anyone, credentials(mock)).json() == {
        "error": "invalid_grant", "error_description": "no client credentials user enabled"}
    assert mock.violations == []


@pytest.mark.parametrize("body, error", [
    (lambda m: credentials(m, scope="api"), "invalid_request"),
    (lambda m: credentials(m, client_secret=None), "invalid_request"),
    (lambda m: credentials(m, grant_type="password"), "unsupported_grant_type"),
    (lambda m: credentials(m, grant_type=None), "unsupported_grant_type"),
    (lambda m: credentials(m) + b"&client_id=again", "invalid_request"),
    (lambda m: b"grant_type=client_credentials&client_id=a:b&client_secret=c", "invalid_request"),
    (lambda m: b"grant_type=client_credentials&client_id=%zz&client_secret=c", "invalid_request"),
    (lambda m: credentials(m).replace(b"%C3%BC", b"%FC"), "invalid_request"),
    (lambda m: credentials(m).replace(b"%C3%BC", "ü".encode()), "invalid_request"),
    (lambda m: b"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=a.b.c", "invalid_request"),
    (lambda m: json.dumps({"grant_type": "client_credentials"}).encode(), "invalid_request"),
    (lambda m: b"", "invalid_request"),
])
def test_a_form_that_is_not_exact_is_a_violation(mock, anyone, body, error):
    answer = ask_token(anyone, body(mock))
    assert (answer.status, answer.json()["error"]) == (400, error)
    assert len(mock.violations) == 1


def test_content_type_and_authorization_at_the_token_endpoint(mock, anyone):
    assert ask_token(anyone, credentials(mock), "application/json").status == 400
    assert ask_token(anyone, credentials(mock), headers={"Authorization": "Basic eDp5"}).status == 400
    assert anyone.post("/services/oauth2/token?x=1", credentials(mock), content_type=FORM).status == 404
    assert anyone.get("/services/oauth2/token").status == 405
    assert len(mock.violations) == 4


@pytest.mark.parametrize("changes, blamed", [
    ({"exp": 10}, True), ({"exp": int(time.time()) + 3600}, True), ({"exp": "soon"}, True), ({"exp": None}, True),
    ({"exp": time.time() + 100.5}, True), ({"aud": "https://api.salesforce.com"}, False), ({"aud": None}, True),
    ({"iss": None}, True), ({"iss": "other"}, False), ({"sub": None}, True), ({"sub": "else@acme.example"}, False),
    ({"scope": "api"}, True), ({"nbf": int(time.time()) + 3600}, True),
])
def test_each_claim_of_an_assertion_is_looked_at(mock, anyone, changes, blamed):
    body = urlencode({"grant_type": JWT_BEARER, "assertion": assertion(mock, **changes)}).encode()
    answer = ask_token(anyone, body)
    assert answer.status == 400 and answer.json()["error"] in ("invalid_grant", "invalid_client_id")
    assert len(mock.violations) == blamed


def test_an_assertion_must_be_signed_by_the_app_and_well_formed(mock, anyone):
    def refused(text):
        mock.violations.clear()
        answer = ask_token(anyone, urlencode({"grant_type": JWT_BEARER, "assertion": text}).encode())
        assert answer.status == 400 and answer.json()["error"] == "invalid_grant", answer
        return len(mock.violations)

    good = assertion(mock)
    head, claims, signature = good.split(".")
    assert refused(assertion(mock, key=jwt.make_key())) == 0  # another key: a matter of configuration
    assert refused(f"{head}.{claims}x.{signature}") == 1
    assert refused(f"{head}.{claims}.{signature}==") == 1
    assert len(signature) % 4 == 2  # two characters for the last byte: four bits of the second are stray
    assert refused(f"{head}.{claims}.{signature[:-1]}{'B' if signature[-1] != 'B' else 'C'}") == 1
    assert refused(f"{head}.{claims}") == 1
    assert refused(assertion(mock, header={"alg": "HS256"})) == 1
    assert refused(assertion(mock, header={"alg": "none"})) == 1
    assert refused(jwt.mint(b"[]", mock.org.app_key)) == 1
    assert refused(jwt.mint(b'{"iss":"a","iss":"b"}', mock.org.app_key)) == 1
    mock.org.approved = False
    assert refused(good) == 0


def test_faults_of_the_token_endpoint_come_once(mock, anyone):
    slow_down = {"error": "rate_limit_exceeded", "error_description": "slow down"}
    limited = faults.status(429, slow_down, [("retry-after", "1")])
    mock.once("token", limited, faults.html(500), faults.slow(0.2), faults.short)
    assert ask_token(anyone, credentials(mock)).status == 429
    page = ask_token(anyone, credentials(mock))
    assert page.status == 500 and page.headers.get("content-type").startswith("text/html")
    began = time.monotonic()
    assert ask_token(anyone, credentials(mock)).status == 200 and time.monotonic() - began >= 0.2
    with pytest.raises(Exception, match="end of file"):
        ask_token(anyone, credentials(mock))
    assert ask_token(anyone, credentials(mock)).status == 200 and mock.count("token") == 5


def test_tokens_can_be_opaque_short_lived_and_bare(mock, anyone, client):
    mock.org.opaque, mock.org.api_instance_url, mock.org.optional_members = True, None, False
    body = ask_token(anyone, credentials(mock)).json()
    assert body["access_token"].startswith("00D")
    assert set(body) == {"access_token", "instance_url", "token_type", "issued_at"}
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    opaque = client.post(f"{A}/{GPT}/generations", {"prompt": "Hi"}, bearer)
    assert opaque.status == 401
    mock.org.opaque, mock.org.lifetime = False, -1
    body = ask_token(anyone, credentials(mock)).json()
    late = client.post(f"{A}/{GPT}/generations", {"prompt": "Hi"}, {"Authorization": f"Bearer {body['access_token']}"})
    assert late.status == 401 and mock.violations == []


def test_introspection_and_revocation(mock, anyone, client):
    token = client.headers["Authorization"].removeprefix("Bearer ")
    form = {"token": token, "token_type_hint": "access_token", "client_id": mock.org.client_id,
            "client_secret": mock.org.client_secret}

    def introspect(fields, headers=None):
        return anyone.post("/services/oauth2/introspect", urlencode(fields).encode(), headers, FORM)

    found = introspect(form).json()
    assert found["active"] is True and found["exp"] > time.time() and found["username"] == mock.org.username
    basic = base64.b64encode(f"{mock.org.client_id}:{mock.org.client_secret}".encode()).decode()
    assert introspect({"token": token}, {"Authorization": f"Basic {basic}"}).json()["active"] is True
    mock.org.may_introspect = False
    assert introspect(form).json() == {"active": False}
    mock.org.may_introspect = True
    assert introspect({**form, "client_secret": "wrong"}).status == 400
    wrong = introspect({"token": token}, {"Authorization": "Basic eDp5"})
    assert (wrong.status, wrong.json()["error"]) == (400, "invalid_client") and mock.violations == []
    assert introspect({"token": token}).status == 400
    assert introspect({**form, "token_type_hint": "id"}).status == 400 and len(mock.violations) == 2
    assert anyone.post("/services/oauth2/revoke", urlencode({"token": token}).encode(), content_type=FORM).status == 200
    assert introspect(form).json() == {"active": False}
    assert anyone.post("/services/oauth2/revoke", b"token=x", content_type=FORM).status == 400
