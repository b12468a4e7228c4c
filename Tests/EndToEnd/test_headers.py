# Header by header: what every answer carries, what a stream's head carries, what a browser is granted, what reaches
# the upstream and what comes back from it.

import datetime
import email.utils
import re

import pytest

from fake_upstream import completion, text_stream
from raw_http import RawClient, ask, chat, chat_body, get, post


@pytest.fixture(scope="module")
def gateway(start_gateway, provider):
    return start_gateway({"providers": {"openai": provider(), "other": provider()}})


@pytest.fixture(scope="module")
def keyed(start_gateway, provider):
    return start_gateway({
        "auth": {"mode": "keys", "keys": [{"name": "a", "key": "sk-client-secret-a"}]},
        "providers": {"openai": provider()},
    })


CASES = {
    "health": get("/health"),
    "models": get("/v1/models"),
    "completion": chat("gpt-x"),
    "stream": chat("gpt-x", stream=True),
    "bad JSON": post("/v1/chat/completions", b"{"),
    "unknown model": chat("nobody-serves-this"),
    "unknown path": get("/nothing"),
    "wrong method": get("/v1/chat/completions"),
    "wrong content type": post("/v1/chat/completions", b"x", content_type="text/plain"),
    "bad request": b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A : b\r\n\r\n",
    "head too large": get("/health", [("X-A", "b" * 20_000)]),
    "body too large": post("/v1/chat/completions", b"", [("Content-Length", "999999999")]),
}


@pytest.mark.parametrize("name", CASES)
def test_every_answer_carries_the_headers_promised_for_it(gateway, upstream, name):
    answer = ask(gateway.port, CASES[name])
    headers = answer.headers
    assert re.fullmatch(r"[\x21-\x7e]{8,128}", headers.get("x-request-id", ""))
    assert re.fullmatch(r"\d+", headers.get("x-proxy-latency-ms", ""))
    sent = email.utils.parsedate_to_datetime(headers.get("date"))
    assert abs((datetime.datetime.now(datetime.timezone.utc) - sent).total_seconds()) < 5
    assert headers.get("access-control-allow-origin") == "*"
    assert len(headers.names()) == len(set(headers.names())), "a header given twice"
    if name != "stream":
        assert headers.get("content-type") == "application/json; charset=utf-8"
        assert headers.get("cache-control") == "no-cache, no-store, must-revalidate"
        assert headers.get("x-content-type-options") == "nosniff"
        assert int(headers.get("content-length")) == len(answer.body)
        assert answer.json() is not None


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_a_chat_answer_tells_how_it_was_made(gateway, upstream, stream):
    headers = ask(gateway.port, chat("other/gpt-told", stream=stream)).headers
    assert headers.get("x-stream-downgraded") == "false"
    assert headers.get("x-gateway-provider") == "other"
    assert headers.get("x-gateway-model") == "gpt-told"
    assert headers.get("x-gateway-attempts") == "1"
    assert re.fullmatch(r"\d+", headers.get("x-gateway-overhead-us", ""))


def test_a_failed_chat_answer_tells_it_too_and_forbids_a_retry(gateway, upstream):
    headers = ask(gateway.port, chat(upstream.script(lambda e: e.error(401)))).headers
    assert headers.get("x-gateway-provider") == "openai"
    assert headers.get("x-should-retry") == "false"


def test_the_latency_header_is_the_time_to_the_head(gateway, upstream):
    model = upstream.script(lambda e: (e.wait(0.2), e.answer(completion("ok"))))
    headers = ask(gateway.port, chat(model)).headers
    assert 190 <= int(headers.get("x-proxy-latency-ms")) <= 400
    assert int(headers.get("x-gateway-overhead-us")) < 100_000


def test_the_head_of_a_stream(gateway, upstream):
    headers = ask(gateway.port, chat("gpt-x", stream=True)).headers
    assert headers.get("content-type") == "text/event-stream; charset=utf-8"
    assert "no-cache" in headers.get("cache-control")
    assert headers.get("x-accel-buffering") == "no"
    assert headers.get("transfer-encoding") == "chunked"
    assert "content-length" not in headers and "content-encoding" not in headers


@pytest.mark.parametrize("identifier", ["req-1", "0af7651916cd43dd8448eb211c80319c", "A.b_c-1234567890"])
def test_a_reasonable_request_id_is_echoed_and_logged(gateway, upstream, identifier):
    headers = [("X-Request-Id", identifier)]
    for request in (chat("gpt-x", headers=headers), chat("gpt-x", stream=True, headers=headers), get("/nothing", headers)):
        assert ask(gateway.port, request).headers.get("x-request-id") == identifier
    gateway.await_record(lambda r: r.get("request_id") == identifier and r["status"] == 404)


def test_request_ids_are_unique(gateway, upstream):
    with RawClient(gateway.port) as client:
        seen = {client.ask(get("/health"), "GET").headers.get("x-request-id") for _ in range(200)}
    assert len(seen) == 200


def test_each_request_has_one_line_in_the_access_log(gateway, upstream):
    identifier = "log-line-1"
    ask(gateway.port, chat("gpt-logged", headers=[("X-Request-Id", identifier)]))
    record = gateway.await_record(lambda r: r.get("request_id") == identifier)
    assert record["status"] == 200 and record["model"] == "gpt-logged" and record["provider"] == "openai"
    assert len([r for r in gateway.records() if r.get("request_id") == identifier]) == 1


def test_nothing_a_client_sends_can_forge_a_log_line(gateway, upstream):
    ask(gateway.port, chat('x"}\n{"status":200,"request_id":"forged"}'))
    ask(gateway.port, get('/x"}%0a{"status":200,"request_id":"forged"}'), "GET")
    ask(gateway.port, get("/health", [("User-Agent", '"},{"request_id":"forged"')]), "GET")
    for line in gateway.records():
        assert line.get("request_id") != "forged"


# -- HEAD, OPTIONS, browsers ---------------------------------------------------------------------------------------


def test_head_gives_the_headers_of_get(gateway, upstream):
    with RawClient(gateway.port) as client:
        full = client.ask(get("/health"), "GET")
        bare = client.ask(get("/health", method="HEAD"), "HEAD")
    assert bare.status == 200
    assert set(bare.headers.names()) == set(full.headers.names())


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models", "/health"])
def test_options_answers_without_a_body(gateway, upstream, path):
    with RawClient(gateway.port) as client:
        answer = client.ask(get(path, method="OPTIONS"))
        assert answer.status in (200, 204) and answer.body == b""
        assert client.ask(get("/health"), "GET").status == 200


def preflight(gateway, origin, headers="authorization,content-type,x-stainless-lang,x-stainless-retry-count"):
    return ask(gateway.port, get("/v1/chat/completions", [
        ("Origin", origin), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", headers),
    ], method="OPTIONS"))


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:8080", "https://localhost"])
def test_a_loopback_page_may_ask_an_open_gateway(gateway, upstream, origin):
    answer = preflight(gateway, origin)
    assert answer.status in (200, 204)
    granted = answer.headers
    assert granted.get("access-control-allow-origin") in ("*", origin)
    assert "POST" in granted.get("access-control-allow-methods")
    allowed = granted.get("access-control-allow-headers").lower()
    for name in ("authorization", "content-type", "x-stainless-lang", "x-stainless-retry-count"):
        assert name in allowed
    real = ask(gateway.port, chat("gpt-x", headers=[("Origin", origin)])).headers
    assert real.get("access-control-allow-origin") in ("*", origin)
    exposed = real.get("access-control-expose-headers").lower()
    for name in ("x-request-id", "x-proxy-latency-ms", "x-stream-downgraded"):
        assert name in exposed


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost.evil.example", "null", "http://127.0.0.1.nip.io"])
def test_a_foreign_page_gets_no_grant_from_an_open_gateway(gateway, upstream, origin):
    for answer in (preflight(gateway, origin), ask(gateway.port, get("/v1/models", [("Origin", origin)]), "GET")):
        assert answer.headers.get("access-control-allow-origin") not in ("*", origin)


def test_any_page_may_ask_a_keyed_gateway(keyed, upstream):
    answer = preflight(keyed, "https://app.example")
    assert answer.status in (200, 204)
    assert answer.headers.get("access-control-allow-origin") in ("*", "https://app.example")


def test_only_listed_pages_may_ask_where_origins_are_listed(start_gateway, provider, upstream):
    gateway = start_gateway({
        "server": {"cors": {"origins": ["https://app.example"]}}, "providers": {"openai": provider()},
    })
    granted = preflight(gateway, "https://app.example").headers
    assert granted.get("access-control-allow-origin") == "https://app.example"
    assert "origin" in granted.get("vary", "").lower()
    refused = preflight(gateway, "https://other.example").headers
    assert refused.get("access-control-allow-origin") not in ("*", "https://other.example")


# -- to the upstream and back --------------------------------------------------------------------------------------

ALLOWED_UPSTREAM = {
    "host", "content-type", "content-length", "accept", "accept-encoding", "user-agent", "authorization",
    "traceparent", "tracestate", "openai-beta", "idempotency-key", "connection",
}


def test_only_known_headers_reach_the_upstream(gateway, upstream):
    model = upstream.script(lambda e: e.answer(completion("ok")))
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = [
        ("Authorization", "Bearer sk-client-secret-b"), ("Cookie", "session=1"), ("X-Api-Key", "sk-client-secret-b"),
        ("X-Stainless-Lang", "python"), ("X-Stainless-Retry-Count", "0"), ("Proxy-Authorization", "Basic eA=="),
        ("Connection", "keep-alive, X-Custom"), ("X-Custom", "1"), ("Keep-Alive", "timeout=5"), ("TE", "trailers"),
        ("Upgrade", "h2c"), ("X-Forwarded-For", "10.0.0.1"), ("Forwarded", "for=10.0.0.1"), ("Referer", "http://x/"),
        ("Accept-Encoding", "gzip, br, zstd"), ("User-Agent", "OpenAI/Python 3.52.0"), ("X-OpenWebUI-User-Email", "a@b"),
        ("OpenAI-Beta", "assistants=v2"), ("Idempotency-Key", "key-1"), ("traceparent", trace), ("Expect", "100-continue"),
    ]
    assert ask(gateway.port, chat(model, headers=headers)).status == 200
    received = upstream.of(model)[0].request.headers
    assert set(received.names()) <= ALLOWED_UPSTREAM
    assert received.get("authorization") == "Bearer sk-upstream-secret"
    assert received.get("accept-encoding") == "identity"
    assert received.get("openai-beta") == "assistants=v2" and received.get("idempotency-key") == "key-1"
    assert "OpenAI" not in received.get("user-agent", "") and received.get("user-agent")
    assert received.get("traceparent").split("-")[1] == trace.split("-")[1]
    assert b"sk-client-secret" not in upstream.of(model)[0].request.head


def test_headers_named_by_connection_are_not_forwarded(gateway, upstream):
    model = upstream.script(lambda e: e.answer(completion("ok")))
    headers = [("Connection", "close, OpenAI-Beta"), ("OpenAI-Beta", "dropped")]
    assert ask(gateway.port, chat(model, headers=headers)).status == 200
    assert "openai-beta" not in upstream.of(model)[0].request.headers


def test_accept_fits_what_is_asked(gateway, upstream):
    for stream, kind in ((False, "application/json"), (True, "text/event-stream")):
        model = f"gpt-accept-{stream}"
        ask(gateway.port, chat(model, stream=stream))
        accepted = upstream.of(model)[0].request.headers.get("accept", "*/*")
        assert kind in accepted or accepted == "*/*"


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_the_upstreams_own_headers_come_back_renamed_or_not_at_all(gateway, upstream, stream):
    given = [
        ("x-request-id", "req-upstream-1"), ("x-ratelimit-remaining-requests", "41"), ("x-ratelimit-reset-tokens", "6m0s"),
        ("set-cookie", "a=b"), ("server", "cloudflare"), ("strict-transport-security", "max-age=1"), ("x-secret", "1"),
        ("x-should-retry", "true"), ("access-control-allow-origin", "https://x.example"), ("alt-svc", "h3=\":443\""),
        ("openai-organization", "org-private"), ("cf-ray", "1"), ("via", "1.1 x"), ("keep-alive", "timeout=5"),
    ]

    def play(exchange):
        if not stream:
            exchange.answer(completion("ok"), headers=given)
            return
        exchange.start_stream(given)
        exchange.write(text_stream("ok"))
        exchange.finish()

    headers = ask(gateway.port, chat(upstream.script(play), stream=stream)).headers
    assert headers.get("x-upstream-request-id") == "req-upstream-1"
    assert headers.get("x-request-id") != "req-upstream-1"
    assert headers.get("x-upstream-ratelimit-remaining-requests") == "41"
    assert headers.get("x-upstream-ratelimit-reset-tokens") == "6m0s"
    for name in ("set-cookie", "strict-transport-security", "x-secret", "alt-svc", "openai-organization", "cf-ray",
                 "via", "x-ratelimit-remaining-requests", "x-should-retry"):
        assert name not in headers, name
    assert headers.get("server") != "cloudflare"
    assert headers.all("access-control-allow-origin") == ["*"]


def test_x_provider_chooses_the_provider(gateway, upstream):
    for name in ("openai", "other"):
        answer = ask(gateway.port, chat("some-unknown-model", headers=[("X-Provider", name)]))
        assert answer.status == 200 and answer.headers.get("x-gateway-provider") == name
    assert ask(gateway.port, chat("some-unknown-model", headers=[("X-Provider", "nobody")])).status in (400, 404)


def test_the_body_reaches_the_upstream_with_an_exact_length(gateway, upstream):
    model = upstream.script(lambda e: e.answer(completion("ok")))
    assert ask(gateway.port, post("/v1/chat/completions", chat_body(f"openai/{model}"))).status == 200
    request = upstream.of(model)[0].request
    assert request.headers.get("content-length") == str(len(request.body))
