# Malformed and hostile requests on raw sockets: each gets exactly one answer (or a close), nothing of it reaches
# the upstream, and no byte behind it is ever taken for a request. Then the odd but legal, which must work.

import gzip
import json
import socket
import threading
import time

import pytest

from raw_http import Closed, RawClient, ask, chat, chat_body, chunked, get, post

SMUGGLED = b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
BODY = json.dumps(chat_body("gpt-smuggle")).encode()


@pytest.fixture(scope="module")
def gateway(start_gateway, provider):
    return start_gateway({
        "server": {"limits": {"head_timeout": "1s", "body_timeout": "2s", "idle_timeout": "20s"}},
        "providers": {"openai": provider(), "other": provider()},
    })


@pytest.fixture
def untouched(upstream):
    """The upstream, which must not see a request during the test."""
    before = len(upstream.exchanges)
    yield upstream
    assert [one.request.head for one in upstream.exchanges[before:]] == []


def head(*lines, target="/v1/chat/completions", method="POST", version="HTTP/1.1", host="Host: 127.0.0.1"):
    kept = [f"{method} {target} {version}", *([host] if host else []), "Content-Type: application/json", *lines]
    return "\r\n".join(kept).encode("latin-1") + b"\r\n\r\n"


def lines(*raw):
    """A head from exact bytes, with the usual lines in front."""
    start = b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return start + b"".join(raw)


LENGTH = f"Content-Length: {len(BODY)}"
CODED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)

FRAMING = {
    "length and chunked": head(LENGTH, "Transfer-Encoding: chunked") + CODED,
    "chunked and length": head("Transfer-Encoding: chunked", "Content-Length: 3") + CODED,
    "length 0 and chunked": head("Content-Length: 0", "Transfer-Encoding: chunked") + CODED,
    "two different lengths": head(LENGTH, "Content-Length: 5") + BODY,
    "two equal lengths": head(LENGTH, LENGTH) + BODY,
    "length list": head(f"Content-Length: {len(BODY)}, {len(BODY)}") + BODY,
    "negative length": head("Content-Length: -1") + BODY,
    "signed length": head(f"Content-Length: +{len(BODY)}") + BODY,
    "length with a space inside": head("Content-Length: 1 0") + BODY,
    "length in hexadecimal": head("Content-Length: 0x40") + BODY,
    "length with underscore": head("Content-Length: 1_0") + BODY,
    "length with fraction": head("Content-Length: 10.0") + BODY,
    "length empty": head("Content-Length: ") + BODY,
    "length beyond 64 bits": head("Content-Length: 18446744073709551617") + BODY,
    "length of 40 digits": head("Content-Length: " + "9" * 40) + BODY,
    "transfer coding twice chunked": head("Transfer-Encoding: chunked, chunked") + CODED,
    "chunked not last": head("Transfer-Encoding: chunked, identity") + CODED,
    "two transfer-encoding lines": head("Transfer-Encoding: chunked", "Transfer-Encoding: identity") + CODED,
    "chunked with junk": head("Transfer-Encoding: chunked;q=1") + CODED,
    "chunked with a vertical tab": head("Transfer-Encoding: \x0bchunked") + CODED,
    "xchunked": head("Transfer-Encoding: xchunked") + CODED,
    "unknown coding": head("Transfer-Encoding: rot13") + BODY,
    "identity": head("Transfer-Encoding: identity") + BODY,
    "empty transfer coding": head("Transfer-Encoding: ") + BODY,
    "gzip, chunked": head("Transfer-Encoding: gzip, chunked") + CODED,
    "chunked in HTTP/1.0": head("Transfer-Encoding: chunked", version="HTTP/1.0") + CODED,
    "chunk size not hexadecimal": head("Transfer-Encoding: chunked") + b"zz\r\n" + BODY,
    "chunk size 0x": head("Transfer-Encoding: chunked") + b"0x%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "chunk size signed": head("Transfer-Encoding: chunked") + b"+%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "chunk size negative": head("Transfer-Encoding: chunked") + b"-1\r\n",
    "chunk size empty": head("Transfer-Encoding: chunked") + b"\r\n" + BODY + b"\r\n",
    "chunk size overflows": head("Transfer-Encoding: chunked") + b"10000000000000001\r\n" + BODY,
    "chunk size ends with LF": head("Transfer-Encoding: chunked") + b"%x\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "chunk size with a space": head("Transfer-Encoding: chunked") + b"%x \r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "chunk longer than its size": head("Transfer-Encoding: chunked") + b"%x\r\n%sX\r\n0\r\n\r\n" % (len(BODY), BODY),
    "chunk end is LF": head("Transfer-Encoding: chunked") + b"%x\r\n%s\n0\r\n\r\n" % (len(BODY), BODY),
    "chunk extension with CR": head("Transfer-Encoding: chunked") + b"%x;a\rb\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "chunk extension with LF": head("Transfer-Encoding: chunked") + b"%x;a\nb\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "chunk extension with NUL": head("Transfer-Encoding: chunked") + b"%x;a\x00b\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
}

GRAMMAR = {
    "bare LF ends the request line": b"POST /v1/chat/completions HTTP/1.1\nHost: 127.0.0.1\r\n\r\n",
    "bare LF ends a header": lines(b"X-A: b\nContent-Length: 0\r\n\r\n"),
    "bare LF ends the head": lines(b"X-A: b\r\n\n"),
    "bare CR ends a header": lines(b"X-A: b\rContent-Length: 0\r\n\r\n"),
    "CR CR LF ends a header": lines(b"X-A: b\r\r\nContent-Length: 0\r\n\r\n"),
    "CR LF CR x ends the head": lines(b"X-A: b\r\n\rX"),
    "NUL in a value": lines(b"X-A: b\x00c\r\n\r\n"),
    "NUL in a name": lines(b"X\x00A: b\r\n\r\n"),
    "control character in a value": lines(b"X-A: b\x07c\r\n\r\n"),
    "DEL in a value": lines(b"X-A: b\x7fc\r\n\r\n"),
    "obsolete folding": lines(b"X-A: b\r\n c\r\n\r\n"),
    "folding with tab": lines(b"X-A: b\r\n\tc\r\n\r\n"),
    "folded transfer coding": lines(b"Transfer-Encoding:\r\n chunked\r\n\r\n"),
    "space before the colon": lines(b"Content-Length : 0\r\n\r\n"),
    "tab before the colon": lines(b"Content-Length\t: 0\r\n\r\n"),
    "space before the first header": b"POST /v1/chat/completions HTTP/1.1\r\n Host: 127.0.0.1\r\n\r\n",
    "space in front of a name": lines(b"X-A: b\r\n Content-Length: 0\r\n\r\n"),
    "no colon": lines(b"X-A b\r\n\r\n"),
    "empty name": lines(b": b\r\nContent-Length: 0\r\n\r\n"),
    "name with a bracket": lines(b"X[A]: b\r\n\r\n"),
    "name with a slash": lines(b"X/A: b\r\n\r\n"),
    "name with a quote": lines(b'X"A: b\r\n\r\n'),
    "name beyond ASCII": lines("X-Ä: b\r\n\r\n".encode()),
}

REQUEST_LINES = {
    "no Host": (get("/health", host=None), {400}),
    "two Hosts": (get("/health", [("Host", "127.0.0.1")]), {400}),
    "two different Hosts": (get("/health", [("Host", "example.org")]), {400}),
    "empty Host": (get("/health", host=""), {400, 403}),
    "Host with a space": (get("/health", host="a b"), {400}),
    "Host with a path": (get("/health", host="127.0.0.1/x"), {400}),
    "Host with user": (get("/health", host="u@127.0.0.1"), {400}),
    "Host with a bad port": (get("/health", host="127.0.0.1:x"), {400}),
    "unknown method": (get("/health", method="BREW"), {400, 405, 501}),
    "lower-case method": (get("/health", method="get"), {400, 405, 501}),
    "empty method": (b" /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "two spaces": (b"GET  /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "tab for a space": (b"GET\t/health\tHTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "target without slash": (get("health"), {400, 404}),
    "target with a space": (get("/hea lth"), {400}),
    "target with NUL": (get("/health\x00"), {400}),
    "target beyond ASCII": ("GET /hälth HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode(), {400, 404}),
    "target with a bad escape": (get("/health%zz"), {400, 404}),
    "target that climbs": (get("/v1/../../etc/passwd"), {400, 404}),
    "target with an escaped NUL": (get("/health%00"), {400, 404}),
    "asterisk with GET": (get("*"), {400, 404}),
    "HTTP/0.9": (b"GET /health\r\n", {400, 505}),
    "HTTP/1.2": (get("/health", version="HTTP/1.2"), {400, 505}),
    "HTTP/2.0": (get("/health", version="HTTP/2.0"), {400, 505}),
    "HTTP/11": (get("/health", version="HTTP/11"), {400, 505}),
    "HTTP/1.10": (get("/health", version="HTTP/1.10"), {400, 505}),
    "http/1.1": (get("/health", version="http/1.1"), {400, 505}),
    "ICY": (b"SOURCE /health ICE/1.0\r\n\r\n", {400, 405, 501, 505}),
    "RTSP": (get("/health", version="RTSP/1.0"), {400, 405, 501, 505}),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", {400, 405, 501, 505}),
    "TLS hello": (bytes.fromhex("16030100c6010000c20303") + b"\x00" * 190 + b"\r\n\r\n", {400}),
    "binary": (bytes(range(128, 256)) * 4 + b"\r\n\r\n", {400}),
    "only CR": (b"\r" * 2000, {400}),
    "SMTP": (b"EHLO example.org\r\n\r\n", {400, 405, 501}),
    "CONNECT": (b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n", {400, 403, 404, 405, 501}),
    "TRACE": (get("/health", [("X-Echo", "do-not-echo")], method="TRACE"), {400, 405, 501}),
}


def assert_one_error_and_close(gateway, data, statuses):
    """Sends `data` with a smuggled request behind it: one answer at most, then the end."""
    with RawClient(gateway.port, timeout=4) as client:
        client.try_send(data + SMUGGLED)
        try:
            answer = client.read()
        except Closed:
            return  # a reset that overtook the answer is still a refusal
        assert answer.status in statuses, answer
        if answer.status != 404:
            assert answer.headers.get("connection") == "close"
            client.expect_close()
        assert answer.error["type"] == "invalid_request_error"
        assert answer.headers.get("x-request-id")


@pytest.mark.parametrize("name", FRAMING)
def test_ambiguous_framing_is_refused(gateway, untouched, name):
    assert_one_error_and_close(gateway, FRAMING[name], {400, 501})


@pytest.mark.parametrize("name", GRAMMAR)
def test_a_header_that_breaks_the_grammar_is_refused(gateway, untouched, name):
    assert_one_error_and_close(gateway, GRAMMAR[name], {400})


@pytest.mark.parametrize("name", REQUEST_LINES)
def test_a_bad_request_line_or_host_is_refused(gateway, untouched, name):
    data, statuses = REQUEST_LINES[name]
    with RawClient(gateway.port, timeout=4) as client:
        client.try_send(data)
        try:
            answer = client.read()
        except Closed:
            return
        assert answer.status in statuses, answer
        assert answer.error["message"]
        assert b"do-not-echo" not in answer.body
        if answer.status in (400, 505):
            client.expect_close()


def test_a_refusal_is_answered_even_when_the_bad_bytes_come_one_by_one(gateway, untouched):
    for name in ("length and chunked", "space before the colon"):
        with RawClient(gateway.port) as client:
            for byte in {**FRAMING, **GRAMMAR}[name]:
                client.try_send(bytes([byte]))
            assert client.read().status == 400
            client.expect_close()


# -- sizes of the head ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, data, statuses", [
    ("a header line over 16 KiB", get("/health", [("X-A", "b" * 20_000)]), {431}),
    ("a header name over 16 KiB", get("/health", [("X" * 20_000, "b")]), {431, 400}),
    ("over 100 headers", get("/health", [(f"X-{i}", "b") for i in range(200)]), {431}),
    ("a head over 64 KiB", get("/health", [(f"X-{i}", "b" * 1500) for i in range(60)]), {431}),
    ("a target over 8 KiB", get("/health?" + "a" * 9000), {414}),
    ("a target without end", b"GET /" + b"a" * 200_000, {414}),
    ("a header without end", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: " + b"a" * 200_000, {431}),
])
def test_a_head_beyond_its_limits_is_refused(gateway, untouched, name, data, statuses):
    with RawClient(gateway.port) as client:
        client.try_send(data)
        answer = client.read()
        assert answer.status in statuses and answer.error["message"]
        client.expect_close()


def test_a_head_within_its_limits_is_served(gateway, untouched):
    headers = [(f"X-{i}", "b" * 500) for i in range(90)]
    assert ask(gateway.port, get("/health", headers), "GET").status == 200
    assert ask(gateway.port, get("/health", [("X-A", "b" * 15_000)]), "GET").status == 200
    assert ask(gateway.port, get("/health?" + "a" * 7000), "GET").status == 200


# -- early answers and what stands behind them ---------------------------------------------------------------------


@pytest.mark.parametrize("path, method, content_type, statuses", [
    ("/v1/nothing-here", "POST", "application/json", {404}),
    ("/health", "POST", "application/json", {405}),
    ("/v1/chat/completions", "POST", "text/plain", {415}),
    ("/v1/chat/completions", "PUT", "application/json", {405}),
])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_the_body_behind_an_early_answer_is_never_a_request(
    gateway, untouched, path, method, content_type, statuses, framing
):
    body = SMUGGLED * 20
    headers = [("Transfer-Encoding", "chunked")] if framing == "chunked" else []
    request = post(path, chunked(body, 100) if headers else body, headers, content_type=content_type)
    with RawClient(gateway.port) as client:
        client.send(request.replace(b"POST", method.encode(), 1))
        answer = client.read()
        assert answer.status in statuses and answer.error["message"]
        if answer.status == 405:
            assert answer.headers.get("allow")
        if answer.headers.get("connection") == "close":
            client.expect_close()
        else:
            client.send(get("/v1/nothing-else"))
            assert client.read().status == 404
            client.expect_silence(0.05)


def test_bytes_behind_connection_close_are_never_answered(gateway, untouched):
    with RawClient(gateway.port) as client:
        client.send(get("/health", [("Connection", "close")]) + SMUGGLED)
        answer = client.read("GET")
        assert answer.status == 200 and answer.headers.get("connection") == "close"
        client.expect_close()
    with RawClient(gateway.port) as client:
        client.send(get("/health", version="HTTP/1.0") + SMUGGLED)
        assert client.read("GET").status == 200
        client.expect_close()


@pytest.mark.parametrize("protocol", ["websocket", "h2c", "TLS/1.0"])
def test_an_upgrade_never_happens(gateway, upstream, protocol):
    headers = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", protocol), ("HTTP2-Settings", "AAMAAABkAAQ")]
    with RawClient(gateway.port) as client:
        answer = client.ask(get("/health", headers), "GET")
        assert answer.status in (200, 400, 426, 501) and "upgrade" not in answer.headers
    model = f"gpt-upgrade-{protocol.lower().replace('/', '-')}"
    with RawClient(gateway.port) as client:
        client.send(chat(model, headers=headers) + b"\x81\x05hello")
        assert client.read().status in (200, 400, 426, 501)


# -- bodies --------------------------------------------------------------------------------------------------------

NOT_JSON = {
    "empty": b"",
    "only spaces": b"   ",
    "half an object": b'{"model":"gpt-x","messages":[',
    "two objects": BODY + BODY,
    "junk behind": BODY + b"x",
    "form": b"model=gpt-x&messages=hello",
    "single quotes": b"{'model':'gpt-x'}",
    "trailing comma": b'{"model":"gpt-x","messages":[{"role":"user","content":"x"}],}',
    "comment": b'{"model":"gpt-x",/* */"messages":[{"role":"user","content":"x"}]}',
    "NaN": b'{"model":"gpt-x","messages":[{"role":"user","content":"x"}],"temperature":NaN}',
    "leading zero": b'{"model":"gpt-x","messages":[{"role":"user","content":"x"}],"n":01}',
    "invalid UTF-8": b'{"model":"gpt-x","messages":[{"role":"user","content":"\xff\xfe"}]}',
    "overlong UTF-8": b'{"model":"gpt-x","messages":[{"role":"user","content":"\xc0\xaf"}]}',
    "surrogate in UTF-8": b'{"model":"gpt-x","messages":[{"role":"user","content":"\xed\xa0\x80"}]}',
    "raw newline in a string": b'{"model":"gpt-x","messages":[{"role":"user","content":"a\nb"}]}',
    "bad escape": b'{"model":"gpt-x","messages":[{"role":"user","content":"\\x41"}]}',
    "200 levels": b'{"model":"gpt-x","messages":' + b"[" * 200 + b"]" * 200 + b"}",
    "100,000 levels": b'{"model":"gpt-x","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100,000 open": b"[" * 100_000,
    "UTF-16": json.dumps(chat_body("gpt-x")).encode("utf-16"),
    "NUL": b"\x00",
}

WRONG_TYPES = {
    "an array": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "a number": b"1",
    "no model": b'{"messages":[{"role":"user","content":"x"}]}',
    "model null": b'{"model":null,"messages":[{"role":"user","content":"x"}]}',
    "model a number": b'{"model":4,"messages":[{"role":"user","content":"x"}]}',
    "model empty": b'{"model":"","messages":[{"role":"user","content":"x"}]}',
    "messages missing": b'{"model":"gpt-x"}',
    "messages a string": b'{"model":"gpt-x","messages":"x"}',
    "messages an object": b'{"model":"gpt-x","messages":{}}',
    "stream a string": b'{"model":"gpt-x","messages":[{"role":"user","content":"x"}],"stream":"yes"}',
    "stream a number": b'{"model":"gpt-x","messages":[{"role":"user","content":"x"}],"stream":1}',
    "tools an object": b'{"model":"gpt-x","messages":[{"role":"user","content":"x"}],"tools":{}}',
    "stream_options a number": b'{"model":"gpt-x","messages":[{"role":"user","content":"x"}],"stream":true,"stream_options":1}',
    "model twice": b'{"model":"gpt-x","messages":[{"role":"user","content":"x"}],"model":"gpt-y"}',
    "model escaped": b'{"mod\\u0065l":"gpt-x","messages":[{"role":"user","content":"x"}]}',
    "model twice, once escaped": b'{"model":"gpt-x","messages":[{"role":"user","content":"x"}],"mode\\u006c":"gpt-y"}',
    "stream twice": b'{"model":"gpt-x","stream":false,"messages":[{"role":"user","content":"x"}],"stream":true}',
    "messages twice": b'{"model":"gpt-x","messages":[],"messages":[{"role":"user","content":"x"}]}',
}


@pytest.mark.parametrize("name", [*NOT_JSON, *WRONG_TYPES])
def test_a_body_that_is_not_a_request_is_a_400_and_the_connection_goes_on(gateway, untouched, name):
    body = {**NOT_JSON, **WRONG_TYPES}[name]
    with RawClient(gateway.port) as client:
        answer = client.ask(post("/v1/chat/completions", body))
        assert answer.status == 400, answer
        assert answer.error["type"] == "invalid_request_error"
        if answer.headers.get("connection") != "close":
            assert client.ask(get("/health"), "GET").status == 200


def test_bad_json_is_told_with_its_byte_offset(gateway, untouched):
    body = b'{"model":"gpt-x","messages":[{"role":"user","content":"x"}],!}'
    message = ask(gateway.port, post("/v1/chat/completions", body)).error["message"]
    assert any(str(body.index(b"!") + shift) in message for shift in (0, 1)), message


@pytest.mark.parametrize("name, body", [
    ("lone surrogates", b'{"model":"%s","messages":[{"role":"user","content":"\\ud800 x"}]}'),
    ("huge exponent", b'{"model":"%s","messages":[{"role":"user","content":"x"}],"temperature":1e999999}'),
    ("integer of 400 digits", b'{"model":"%s","messages":[{"role":"user","content":"x"}],"seed":' + b"9" * 400 + b"}"),
    ("500,000 keys", b'{"model":"%s","messages":[{"role":"user","content":"x"}],'
     + b",".join(b'"k%d":0' % i for i in range(500_000)) + b"}"),
    ("100 levels", b'{"model":"%s","messages":[{"role":"user","content":"x"}],"x":' + b"[" * 100 + b"]" * 100 + b"}"),
])
def test_legal_but_odd_json_is_passed_unchanged_or_refused(gateway, upstream, name, body):
    model = upstream.script(lambda e: e.answer(b'{"id":"chatcmpl-1","object":"chat.completion","choices":[]}'))
    body %= model.encode()
    answer = ask(gateway.port, post("/v1/chat/completions", body), timeout=15)
    assert answer.status in (200, 400, 413), answer
    if answer.status == 200:
        assert upstream.of(model)[0].request.body == body
    else:
        assert answer.error


@pytest.mark.parametrize("content_type, status", [
    ("application/json", 200), ("application/json; charset=utf-8", 200), ("APPLICATION/JSON", 200), (None, 200),
    ("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("multipart/form-data; boundary=x", 415),
])
def test_only_a_clearly_foreign_content_type_is_a_415(gateway, upstream, content_type, status):
    body = json.dumps(chat_body("gpt-typed")).encode()
    answer = ask(gateway.port, post("/v1/chat/completions", body, content_type=content_type))
    assert answer.status == status, answer
    assert status == 200 or answer.error


def test_a_compressed_request_is_refused(gateway, untouched):
    request = post("/v1/chat/completions", gzip.compress(BODY), [("Content-Encoding", "gzip")])
    assert ask(gateway.port, request).status in (400, 415)


# -- routes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/chat", "/v1/chat/completions/x", "/llm-proxy/generate",
                                  "/llm-proxy/stream", "/admin", "/.env", "/v1/chat%2fcompletions", "//v1/chat/completions"])
def test_an_unknown_path_is_a_404_in_json(gateway, untouched, path):
    answer = ask(gateway.port, post(path, chat_body("gpt-x")))
    assert answer.status == 404 and path.split("%")[0] in answer.error["message"]


def test_an_unknown_model_is_a_404_with_its_code(gateway, untouched):
    answer = ask(gateway.port, chat("nobody-serves-this"))
    assert answer.status == 404 and answer.error["code"] == "model_not_found"
    assert "nobody-serves-this" in answer.error["message"]


@pytest.mark.parametrize("path, method, allowed", [
    ("/v1/chat/completions", "GET", "POST"), ("/v1/chat/completions", "DELETE", "POST"),
    ("/v1/models", "POST", "GET"), ("/health", "POST", "GET"),
])
def test_a_wrong_method_is_a_405_with_allow(gateway, untouched, path, method, allowed):
    request = get(path, method=method) if method != "POST" else post(path, {})
    answer = ask(gateway.port, request)
    assert answer.status == 405 and answer.error["message"]
    assert allowed in answer.headers.get("allow")


def test_routes_answer_without_v1_and_with_a_query(gateway, upstream):
    for path in ("/chat/completions", "/v1/chat/completions?api-version=2024-06-01"):
        assert ask(gateway.port, post(path, chat_body("gpt-x"))).status == 200


# -- what a client may never choose --------------------------------------------------------------------------------


def test_no_field_or_header_chooses_an_upstream_address_or_credential(gateway, upstream):
    trap = socket.create_server(("127.0.0.1", 0))
    trap.settimeout(0.3)
    url = f"http://127.0.0.1:{trap.getsockname()[1]}/v1"
    model = upstream.script(lambda e: e.answer(b'{"id":"chatcmpl-1","object":"chat.completion","choices":[]}'))
    fields = {"api_base": url, "base_url": url, "api_key": "sk-stolen", "extra_headers": {"X-A": "b"}, "headers": {"X-B": "c"}}
    headers = [("X-Forwarded-Host", url[7:-3]), ("X-Base-Url", url), ("X-Portkey-Custom-Host", url), ("Proxy", url)]
    body = chat_body(model) | fields
    assert ask(gateway.port, post("/v1/chat/completions", body, headers)).status == 200
    ask(gateway.port, post(url + "/chat/completions", chat_body("gpt-x")))  # absolute form: the host is not followed
    with pytest.raises(TimeoutError):
        trap.accept()
    trap.close()
    request = upstream.of(model)[0].request
    assert request.headers.all("authorization") == ["Bearer sk-upstream-secret"]
    assert "x-a" not in request.headers and "x-b" not in request.headers


@pytest.mark.parametrize("model", ["gpt-x\r\nX-Evil: 1", "gpt-x\nX-Evil: 1", "gpt-\u0000x", "gpt-x\u2028", "g" * 5000])
def test_line_ends_in_a_model_name_never_become_a_header(gateway, upstream, model):
    answer = ask(gateway.port, chat(model))
    assert "x-evil" not in answer.headers  # the raw client has also checked the grammar of every header line
    assert answer.status in (200, 400, 404)
    for exchange in upstream.of(model):
        assert "x-evil" not in exchange.request.headers


def test_an_unknown_model_with_quotes_and_line_ends_gives_valid_json(gateway, untouched):
    answer = ask(gateway.port, chat('no"body\r\n\\<b>\u0001'))
    assert answer.status in (400, 404) and answer.error["message"]


@pytest.mark.parametrize("identifier", ["a b", "x" * 2000, "ä", "<script>", 'a"b', "a\tb"])
def test_an_unreasonable_request_id_is_not_echoed(gateway, untouched, identifier):
    answer = ask(gateway.port, get("/health", [("X-Request-Id", identifier)]), "GET")
    echoed = answer.headers.get("x-request-id")
    assert answer.status in (200, 400) and echoed and echoed != identifier


# -- a browser on the same machine ---------------------------------------------------------------------------------


def test_a_foreign_host_on_loopback_is_refused(gateway, untouched):
    for host in ("evil.example", f"evil.example:{gateway.port}", "127.0.0.1.evil.example"):
        answer = ask(gateway.port, get("/v1/models", host=host), "GET")
        assert answer.status == 403 and answer.error["message"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_every_name_of_loopback_is_served(gateway, upstream, host):
    assert ask(gateway.port, get("/health", host=host), "GET").status == 200
    assert ask(gateway.port, get("/health", host=f"{host}:{gateway.port}"), "GET").status == 200


# -- odd but legal -------------------------------------------------------------------------------------------------


def test_pipelined_requests_are_answered_in_order(gateway, upstream):
    texts = [f"pipelined-{number}" for number in range(8)]
    with RawClient(gateway.port) as client:
        client.send(b"".join(chat("gpt-x", text) for text in texts) + get("/nothing") + chat("gpt-x", "last", stream=True))
        for text in texts:
            assert client.read().json()["choices"][0]["message"]["content"] == text
        assert client.read().status == 404
        assert client.read().body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_request_split_at_every_byte_is_the_same_request(gateway, upstream, framing):
    body = json.dumps({"model": "gpt-x", "messages": [{"role": "user", "content": "ä👋"}]}, ensure_ascii=False).encode()
    if framing == "chunked":
        request = post("/v1/chat/completions", chunked(body, 30), [("Transfer-Encoding", "chunked")])
    else:
        request = post("/v1/chat/completions", body)
    problems, step = [], 4

    def work(offset):
        with RawClient(gateway.port) as client:
            for cut in range(1 + offset, len(request), step):
                client.send(request[:cut])
                time.sleep(0.001)
                answer = client.ask(request[cut:])
                if answer.status != 200 or answer.json()["choices"][0]["message"]["content"] != "ä👋":
                    problems.append((cut, answer))

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(step)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert problems == []


def test_a_request_byte_by_byte_is_the_same_request(gateway, upstream):
    with RawClient(gateway.port) as client:
        for byte in chat("gpt-x", "one by one"):
            client.send(bytes([byte]))
        assert client.read().json()["choices"][0]["message"]["content"] == "one by one"


def test_expect_100_continue_is_answered_before_the_body(gateway, upstream):
    body = json.dumps(chat_body("gpt-x", "continued")).encode()
    with RawClient(gateway.port) as client:
        client.send(post("/v1/chat/completions", body, [("Expect", "100-continue")])[: -len(body)])
        while b"\r\n\r\n" not in client.buffer:
            client._receive()
        assert bytes(client.buffer) == b"HTTP/1.1 100 Continue\r\n\r\n"
        answer = client.ask(body)
        assert answer.interim == [100] and answer.json()["choices"][0]["message"]["content"] == "continued"


def test_an_unknown_expectation_is_a_417_or_ignored(gateway, upstream):
    assert ask(gateway.port, chat("gpt-x", headers=[("Expect", "wonders")])).status in (200, 400, 417)


def test_absolute_form_is_served(gateway, untouched):
    assert ask(gateway.port, get(f"http://127.0.0.1:{gateway.port}/health"), "GET").status == 200


def test_trailers_are_dropped_and_never_become_headers(gateway, upstream):
    model = upstream.script(lambda e: e.answer(b'{"id":"chatcmpl-1","object":"chat.completion","choices":[]}'))
    coded = chunked(json.dumps(chat_body(model)).encode(), 50)[:-2]
    trailers = b"Authorization: Bearer sk-trailer\r\nX-Request-Id: from-a-trailer\r\nX-Provider: other\r\n\r\n"
    request = post("/v1/chat/completions", coded + trailers, [("Transfer-Encoding", "chunked"), ("Trailer", "X-Request-Id")])
    with RawClient(gateway.port) as client:
        answer = client.ask(request)
        assert answer.status == 200 and answer.headers.get("x-request-id") != "from-a-trailer"
        assert client.ask(get("/health"), "GET").status == 200
    assert "trailer" not in upstream.of(model)[0].request.head.decode()


def test_head_answers_without_a_body(gateway, untouched):
    with RawClient(gateway.port) as client:
        assert client.ask(get("/health", method="HEAD"), "HEAD").status == 200
        assert client.ask(get("/nothing", method="HEAD"), "HEAD").status == 404
        assert client.ask(get("/health"), "GET").json()


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_http_1_0_is_served_without_chunks_and_closes(gateway, upstream, stream):
    with RawClient(gateway.port) as client:
        client.send(post("/v1/chat/completions", chat_body("gpt-x", "old", stream), version="HTTP/1.0"))
        answer = client.read()
        assert answer.status == 200 and "transfer-encoding" not in answer.headers and answer.interim == []
        assert b"old" in answer.body
        client.expect_close()


def test_http_1_0_keep_alive_is_honoured(gateway, upstream):
    request = post("/v1/chat/completions", chat_body("gpt-x"), [("Connection", "Keep-Alive")], version="HTTP/1.0")
    with RawClient(gateway.port) as client:
        for _ in range(3):
            answer = client.ask(request)
            assert answer.status == 200 and answer.headers.get("connection").lower() == "keep-alive"


def test_empty_lines_before_a_request_are_skipped(gateway, untouched):
    with RawClient(gateway.port) as client:
        assert client.ask(b"\r\n" + get("/health"), "GET").status == 200


def test_a_half_closed_client_is_taken_as_gone_or_answered(gateway, upstream):
    """FIN cancels by default; whichever way it is set, the gateway must not crash or hang."""
    with RawClient(gateway.port, timeout=3) as client:
        client.send(chat("gpt-x"))
        client.sock.shutdown(socket.SHUT_WR)
        rest = client.read_to_end()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 200")
