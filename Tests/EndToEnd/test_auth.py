# Who may ask: open, bearer and keyed gateways; what stays open in each; that 401 comes first and repeats nothing.

import hashlib
import time

import pytest

from fake_upstream import completion
from raw_http import ask, chat, get, post

KEY, HASHED = "sk-client-secret-plain", "sk-client-secret-hashed"
OPEN_PATHS = ["/health", "/healthz", "/readyz", "/"]


@pytest.fixture(scope="module")
def keyed(start_gateway, provider):
    return start_gateway({
        "auth": {"mode": "keys", "keys": [
            {"name": "team-a", "key": KEY},
            {"name": "team-b", "sha256": hashlib.sha256(HASHED.encode()).hexdigest()},
        ]},
        "providers": {"openai": provider(), "other": provider()},
    })


@pytest.fixture(scope="module")
def bearer(start_gateway, provider):
    return start_gateway({"auth": {"mode": "bearer"}, "providers": {"openai": provider()}})


@pytest.fixture(scope="module")
def open_gateway(start_gateway, provider):
    return start_gateway({"providers": {"openai": provider()}})


def asked(gateway, authorization=None, model="gpt-x", headers=()):
    given = [("Authorization", authorization)] if authorization is not None else []
    return ask(gateway.port, chat(model, headers=[*given, *headers]))


def test_an_open_gateway_takes_any_key_and_none(open_gateway, upstream):
    for authorization in (None, "Bearer any-key", "Bearer ", "Basic eDp5", "nonsense"):
        assert asked(open_gateway, authorization).status == 200


def test_a_bearer_gateway_takes_any_key_but_not_none(bearer, upstream):
    assert asked(bearer, "Bearer whatever").status == 200
    for authorization in (None, "", "Bearer ", "Bearer"):
        answer = asked(bearer, authorization)
        assert answer.status == 401 and answer.error["type"] == "invalid_request_error"


@pytest.mark.parametrize("key", [KEY, HASHED])
def test_a_configured_key_opens(keyed, upstream, key):
    assert asked(keyed, f"Bearer {key}").status == 200
    assert asked(keyed, f"bearer {key}").status == 200


@pytest.mark.parametrize("authorization", [
    "Bearer sk-client-secret-wrong", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", f"Bearer {KEY.upper()}", f"Bearer x{KEY}",
    f"Basic {KEY}", KEY, "Bearer ", "Bearer", "", "Bearer *", "Bearer ' OR 1=1 --", "Bearer " + "x" * 10_000,
    f"Bearer {hashlib.sha256(HASHED.encode()).hexdigest()}",
])
def test_any_other_key_is_a_401_that_does_not_repeat_it(keyed, upstream, authorization):
    before = len(upstream.exchanges)
    answer = asked(keyed, authorization)
    assert answer.status == 401, answer
    assert answer.error["type"] == "invalid_request_error"
    key = authorization.removeprefix("Bearer ")
    if len(key) > 8:
        assert answer.error["code"] == "invalid_api_key" or "Bearer " not in authorization
        assert key.encode() not in answer.body and key[4:20].encode() not in answer.body
    assert len(upstream.exchanges) == before


def test_no_key_is_a_401(keyed, upstream):
    answer = asked(keyed)
    assert answer.status == 401 and answer.error["message"]


def test_two_authorization_headers_do_not_open(keyed, upstream):
    answer = asked(keyed, f"Bearer {KEY}", headers=[("Authorization", "Bearer other")])
    assert answer.status in (400, 401)


def test_401_comes_before_404_405_415_and_400(keyed, upstream):
    for request in (
        get("/nothing"), get("/v1/nothing"), get("/v1/chat/completions"), chat("nobody-serves-this"),
        post("/v1/chat/completions", b"{"), post("/v1/chat/completions", b"x", content_type="text/plain"),
        get("/v1/models"), get("/v1/models/gpt-x"), get("/metrics"), get("/v1/performance/metrics"),
    ):
        assert ask(keyed.port, request).status == 401, request[:60]


def test_401_comes_before_the_body_is_read(keyed, upstream):
    request = post("/v1/chat/completions", b"", [("Content-Length", "20000000"), ("Expect", "100-continue")])
    began = time.monotonic()
    answer = ask(keyed.port, request)
    assert answer.status == 401 and answer.interim == [] and time.monotonic() - began < 0.5


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_health_is_open_in_every_mode_and_names_nothing(keyed, bearer, upstream, path):
    for gateway in (keyed, bearer):
        answer = ask(gateway.port, get(path), "GET")
        assert answer.status == 200
        for name in (b"team-a", b"team-b", b"sk-", b"localhost:"):
            assert name not in answer.body


def test_the_clients_key_never_reaches_the_upstream(keyed, upstream):
    model = upstream.script(lambda e: e.answer(completion("ok")))
    assert asked(keyed, f"Bearer {KEY}", model).status == 200
    assert KEY.encode() not in upstream.of(model)[0].request.head


def test_local_api_key_in_the_environment_makes_a_keyed_gateway(start_gateway, provider, upstream):
    gateway = start_gateway({"providers": {"openai": provider()}}, environment={"LOCAL_API_KEY": KEY})
    assert asked(gateway, f"Bearer {KEY}").status == 200
    assert asked(gateway, "Bearer sk-client-secret-wrong").status == 401
    assert asked(gateway).status == 401


def test_auth_mode_in_the_environment_is_honoured(start_gateway, provider, upstream):
    gateway = start_gateway({"providers": {"openai": provider()}}, environment={"AUTH_MODE": "bearer"})
    assert asked(gateway).status == 401
    assert asked(gateway, "Bearer anything").status == 200


def test_the_key_is_told_apart_in_the_log_but_never_written(keyed, upstream):
    asked(keyed, f"Bearer {KEY}", headers=[("X-Request-Id", "who-asked-1")])
    asked(keyed, "Bearer sk-client-secret-wrong", headers=[("X-Request-Id", "who-asked-2")])
    assert keyed.await_record(lambda r: r.get("request_id") == "who-asked-1")["status"] == 200
    assert keyed.await_record(lambda r: r.get("request_id") == "who-asked-2")["status"] == 401
    keyed.assert_no_secret()
