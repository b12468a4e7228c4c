# Limits and deadlines on the client's side: slow heads and bodies, idle connections, sizes, counts. Waits that do
# not depend on each other run at the same time.

import hashlib
import json
import threading
import time

import pytest

from fake_upstream import completion
from raw_http import Closed, RawClient, ask, chat, chat_body, chunked, get, post

OK = b'{"id":"chatcmpl-1","object":"chat.completion","choices":[]}'
MIB = 2**20


@pytest.fixture(scope="module")
def gateway(start_gateway, provider):
    """Short deadlines, small sizes."""
    return start_gateway({
        "server": {"limits": {
            "body": "64KiB", "head_timeout": "1s", "body_timeout": "1s", "idle_timeout": "1s",
        }},
        "providers": {"openai": provider(timeouts={"head": "3s", "idle": "3s"})},
    })


@pytest.fixture(scope="module")
def roomy(start_gateway, provider):
    """The defaults."""
    return start_gateway({"providers": {"openai": provider()}})


def test_slow_clients_are_answered_408_or_closed_in_time(gateway, upstream, at_once):
    def refused(start, drip=None, every=0.1, within=2.2, least=0.7):
        """`drip` is repeated: progress of a byte now and then must not extend a deadline."""

        def run():
            with RawClient(gateway.port, timeout=8) as client:
                began = time.monotonic()
                client.send(start)
                stop = threading.Event()

                def feed():
                    while drip and not stop.wait(every):
                        try:
                            client.sock.sendall(drip)
                        except OSError:
                            return

                feeder = threading.Thread(target=feed, daemon=True)
                feeder.start()
                try:
                    answer = client.read()
                    assert answer.status == 408, answer
                    assert answer.error and answer.headers.get("connection") == "close"
                except Closed:
                    pass
                took = time.monotonic() - began
                stop.set()
                assert least <= took <= within, f"{took:.2f} s"

        return run

    whole = chat("gpt-x", "x" * 2000)
    start = whole[: whole.index(b"\r\n\r\n") + 4]
    coded = post("/v1/chat/completions", b"", [("Transfer-Encoding", "chunked")])
    before = len(upstream.exchanges)
    at_once({
        "says nothing": refused(b"", least=0.5),
        "stops in the request line": refused(b"POST /v1/ch"),
        "stops in the headers": refused(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A"),
        "drips the headers": refused(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ", b"b"),
        "drips whole headers": refused(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-A: b\r\n"),
        "sends no body": refused(start),
        "stops in the body": refused(whole[:-500]),
        "drips the body at 2 B/s": refused(start, b" ", every=0.5),
        "drips the body": refused(start, b" ", every=0.05),
        "stops before a chunk": refused(coded),
        "stops in a chunk size": refused(coded + b"1"),
        "stops in a chunk": refused(coded + b"100\r\nabc"),
        "drips chunks": refused(coded, b"1\r\n \r\n"),
        "drips chunk extensions": refused(coded + b"1;", b"a"),
        "stops before the last line end": refused(coded + b"2\r\n{}\r\n0\r\n"),
        "drips trailers": refused(coded + b"2\r\n{}\r\n0\r\n", b"X-A: b\r\n"),
    })
    assert len(upstream.exchanges) == before


def test_an_idle_connection_is_closed_at_its_time_out_and_not_before(gateway, upstream):
    with RawClient(gateway.port) as client:
        for _ in range(3):
            assert client.ask(get("/health"), "GET").status == 200
            time.sleep(0.5)
        assert client.ask(chat("gpt-x")).status == 200
        idle_since = time.monotonic()
        client.expect_close(3)
        assert 0.7 <= time.monotonic() - idle_since <= 2.2


def test_the_clients_deadlines_do_not_cut_a_slow_answer(gateway, upstream):
    model = upstream.script(lambda e: (e.wait(1.8), e.answer(completion("slow but sure"))))
    assert ask(gateway.port, chat(model)).status == 200


# -- sizes ---------------------------------------------------------------------------------------------------------


def test_a_declared_body_over_the_limit_is_a_413_at_once(gateway, upstream):
    before = len(upstream.exchanges)
    request = post("/v1/chat/completions", b"", [("Content-Length", str(65 * 1024))])
    with RawClient(gateway.port) as client:
        began = time.monotonic()
        answer = client.ask(request)
        assert answer.status == 413 and answer.error and time.monotonic() - began < 0.5
        assert answer.headers.get("connection") == "close"
    assert len(upstream.exchanges) == before


def test_a_declared_body_over_the_limit_gets_no_100_continue(gateway, upstream):
    request = post("/v1/chat/completions", b"", [("Content-Length", "9999999"), ("Expect", "100-continue")])
    answer = ask(gateway.port, request)
    assert answer.status == 413 and answer.interim == []


def test_a_chunked_body_is_a_413_when_it_crosses_the_limit(gateway, upstream):
    before = len(upstream.exchanges)
    request = post("/v1/chat/completions", b"", [("Transfer-Encoding", "chunked")])
    with RawClient(gateway.port) as client:
        client.try_send(request + b"".join(b"400\r\n" + b" " * 1024 + b"\r\n" for _ in range(66)))
        answer = client.read()
        assert answer.status == 413 and answer.error
    assert len(upstream.exchanges) == before


def test_a_413_can_be_read_by_a_client_that_is_still_sending(gateway, upstream):
    """Closing with unread bytes would reset the connection and destroy the answer on its way."""
    for _ in range(5):
        body = b" " * (2 * MIB)
        with RawClient(gateway.port) as client:
            client.try_send(post("/v1/chat/completions", body))
            assert client.read().status == 413


@pytest.mark.parametrize("size", [64 * 1024, 64 * 1024 + 1])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_the_limit_is_exact(gateway, upstream, size, framing):
    model = upstream.script(lambda e: e.answer(OK))
    body = json.dumps(chat_body(model)).encode()
    body += b" " * (size - len(body))
    if framing == "chunked":
        request = post("/v1/chat/completions", chunked(body, 5000), [("Transfer-Encoding", "chunked")])
    else:
        request = post("/v1/chat/completions", body)
    answer = ask(gateway.port, request)
    assert answer.status == (200 if size == 64 * 1024 else 413), answer


def test_chunk_extensions_are_bounded(roomy, upstream):
    body = json.dumps(chat_body("gpt-x")).encode()
    for extensions in (chunked(body, 1, b";" + b"a" * 1000), chunked(body, 100, b";" + b"a" * 200_000)):
        with RawClient(roomy.port) as client:
            client.try_send(post("/v1/chat/completions", extensions, [("Transfer-Encoding", "chunked")]))
            assert client.read().status in (400, 413)
    modest = chunked(body, 50, b";a=b")
    assert ask(roomy.port, post("/v1/chat/completions", modest, [("Transfer-Encoding", "chunked")])).status == 200


@pytest.mark.parametrize("size", [1, 7, 1000, 70_000])
def test_a_chunked_upload_arrives_unchanged(roomy, upstream, size):
    model = upstream.script(lambda e: e.answer(OK))
    body = json.dumps(chat_body(model, "ä👋" * 3000), ensure_ascii=False).encode()
    body = body[:5000] if size == 1 else body
    if size == 1:
        body = json.dumps(chat_body(model, "ä👋" * 300), ensure_ascii=False).encode()
    with RawClient(roomy.port) as client:
        coded = chunked(body, size)
        answer = client.ask(post("/v1/chat/completions", coded, [("Transfer-Encoding", "chunked")]))
        assert answer.status == 200
        assert client.ask(get("/health"), "GET").status == 200
    request = upstream.of(model)[0].request
    assert request.body == body


@pytest.mark.timeout(90)
def test_32_mebibytes_pass_and_one_byte_more_does_not(roomy, upstream):
    model = upstream.script(lambda e: e.answer(OK))
    body = json.dumps(chat_body(model)).encode()
    body += b" " * (32 * MIB - len(body))
    before = roomy.anonymous_memory()
    answer = ask(roomy.port, post("/v1/chat/completions", body), timeout=40)
    assert answer.status == 200, answer
    received = upstream.of(model)[0].request.body
    assert hashlib.sha256(received).digest() == hashlib.sha256(body).digest()
    upstream.of(model)[0].request.body = b""
    assert ask(roomy.port, post("/v1/chat/completions", body + b" "), timeout=40).status == 413
    time.sleep(0.2)
    assert roomy.anonymous_memory() - before < 100 * MIB


def test_a_body_of_50_megabytes_is_refused_with_bounded_memory(roomy, upstream):
    before = roomy.anonymous_memory()
    for _ in range(3):
        with RawClient(roomy.port) as client:
            client.try_send(post("/v1/chat/completions", b" " * 50_000_000))
            assert client.read().status == 413
    assert roomy.anonymous_memory() - before < 64 * MIB


# -- counts --------------------------------------------------------------------------------------------------------


def test_a_connection_beyond_the_limit_gets_a_503_and_a_close(start_gateway, provider, upstream):
    gateway = start_gateway({
        "server": {"limits": {"connections": 8}}, "providers": {"openai": provider()},
    })
    gateway.await_connections(0)  # the one that asked whether it is up must not count
    clients = [RawClient(gateway.port) for _ in range(8)]
    for client in clients:
        assert client.ask(get("/health"), "GET").status == 200
    with RawClient(gateway.port) as extra:
        extra.try_send(get("/health"))
        assert extra.read("GET").status == 503
        extra.expect_close()
    assert clients[0].ask(get("/health"), "GET").status == 200
    clients.pop().close()
    gateway.await_connections(7)
    assert ask(gateway.port, get("/health"), "GET").status == 200
    for client in clients:
        client.close()


def test_half_open_heads_and_idle_connections_leave_the_rest_served(roomy, upstream):
    """300 unfinished heads and 500 idle connections beside healthy requests."""
    crowd = [RawClient(roomy.port) for _ in range(800)]
    for number, client in enumerate(crowd):
        client.send(b"GET /health HTTP/1.1\r\nHo" if number < 300 else get("/health"))
    with RawClient(roomy.port) as client:
        for number in range(50):
            assert client.ask(chat("gpt-x", str(number))).status == 200
    for client in crowd[300:]:
        assert client.read("GET").status == 200
    for client in crowd:
        client.close()


# -- a client's own time-out ---------------------------------------------------------------------------------------


def test_a_clients_time_out_header_lowers_our_clocks_and_never_raises_them(gateway, upstream, at_once):
    def timed(header, value, low, high):
        def run():
            began = time.monotonic()
            answer = ask(gateway.port, chat(upstream.script(lambda e: e.hang()), headers=[(header, value)]))
            assert answer.status == 504 and answer.error, answer
            assert low <= time.monotonic() - began <= high

        return run

    at_once({
        "python lowers": timed("x-stainless-read-timeout", "1", 0.7, 2.0),
        "python lowers, fraction": timed("x-stainless-read-timeout", "1.5", 1.2, 2.5),
        "node lowers": timed("x-stainless-timeout", "1", 0.7, 2.0),
        "never raises": timed("x-stainless-timeout", "600", 2.5, 4.2),
        "nonsense": timed("x-stainless-timeout", "soon", 2.5, 4.2),
        "negative": timed("x-stainless-timeout", "-1", 2.5, 4.2),
    })
