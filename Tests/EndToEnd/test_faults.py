# The upstream's faults, one by one, and what the client must see of each. After every fault the gateway answers
# the next request cleanly, the connection of the fault is not used again, and nothing was sent twice.

import gzip
import io
import itertools
import json
import socket
import threading
import time
import zlib

import pytest

from conftest import run_all
from fake_upstream import chunk, completion, error_body, event, head, resets, text_chunks, text_stream
from gateway_process import free_port
from raw_http import Closed, RawClient, ask, chat, parse_stream, stream_error, stream_text

T = 1.0  # every clock of the upstream but `total`
FOREIGN = "FOREIGN-BYTES"
JSON = ("content-type", "application/json")
SSE = ("content-type", "text/event-stream")
CHUNKED = ("transfer-encoding", "chunked")


@pytest.fixture(scope="module")
def gateway(start_gateway, provider, session_upstream):
    plain_listener = {"resets": session_upstream.listen(greeting=resets)}
    clocks = {"connect": "1s", "head": "1s", "idle": "1s", "total": "4s"}
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    crowd = [socket.socket() for _ in range(4)]
    for one in crowd:  # the queue of connections is full: a further SYN gets no answer
        one.setblocking(False)
        one.connect_ex(full.getsockname())
    here = {
        "openai": provider(timeouts=clocks),
        "refused": provider(f"https://localhost:{free_port()}/v1", timeouts=clocks),
        "nowhere": provider("https://name.does-not-exist.invalid/v1", timeouts=clocks),
        "resets": provider(f"https://localhost:{plain_listener['resets'].port}/v1", timeouts=clocks),
        "full": provider(f"https://127.0.0.1:{full.getsockname()[1]}/v1", timeouts=clocks),
    }
    yield start_gateway({"server": {"heartbeat_interval": "60s"}, "providers": here})
    for one in [full, *crowd]:
        one.close()


@pytest.fixture(autouse=True)
def clean_afterwards(gateway, session_upstream):
    """A fresh pool before each fault, and a clean next answer after it, without a foreign byte."""
    session_upstream.drop_idle()
    yield
    for stream in (False, True):
        answer = ask(gateway.port, chat("gpt-clean", "clean as new", stream))
        assert answer.status == 200
        assert FOREIGN not in answer.body.decode()
        if stream:
            assert stream_text(parse_stream(answer.body)) == ("clean as new", "stop", True)
        else:
            assert answer.json()["choices"][0]["message"]["content"] == "clean as new"


def ask_for(gateway, upstream, play, stream, **options):
    model = upstream.script(play)
    answer = ask(gateway.port, chat(model, stream=stream), **options)
    sends = upstream.of(model)
    return answer, sends


def assert_failed(answer, statuses=(502,), stream=False):
    """An error the client cannot take for success: a status, or an error event without [DONE]."""
    if answer.status == 200:
        assert stream, f"a 200 for a failed answer: {answer}"
        payloads = parse_stream(answer.body)
        error = stream_error(payloads)
        assert error and error["message"], answer
        assert "[DONE]" not in payloads
    else:
        assert answer.status in statuses, answer
        assert answer.error["message"]
    assert FOREIGN not in answer.body.decode()
    assert b"sk-upstream" not in answer.body
    assert b"<html" not in answer.body.lower()


def assert_closed(exchange, within=1.5):
    assert exchange.connection.gone.wait(within), "the gateway kept the connection of a fault"


# -- before the head ----------------------------------------------------------------------------------------------

HUGE_HEAD = b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: %s\r\n" % (i, b"y" * 1000) for i in range(80)) + b"\r\n"
MANY_HEADERS = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n" + b"".join(b"x-%d: y\r\n" % i for i in range(250)) + b"\r\n{}"

BROKEN_HEADS = {
    "garbage": b"\x00\xff\xfe\x80 garbage\r\n\r\n" + FOREIGN.encode(),
    "http/0.9": b"{" + json.dumps(completion(FOREIGN)).encode()[1:],
    "html without a head": b"<html>" + FOREIGN.encode() + b"</html>",
    "status 99999": b"HTTP/1.1 99999 OK\r\ncontent-length: 2\r\n\r\n{}",
    "status 20": b"HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\n{}",
    "status with letters": b"HTTP/1.1 2xx OK\r\ncontent-length: 2\r\n\r\n{}",
    "version 9.9": b"HTTP/9.9 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "NUL in a header": b"HTTP/1.1 200 OK\r\nx-a: b\x00c\r\ncontent-length: 2\r\n\r\n{}",
    "bare CR in a header": b"HTTP/1.1 200 OK\r\nx-a: b\rc: d\r\ncontent-length: 2\r\n\r\n{}",
    "header without colon": b"HTTP/1.1 200 OK\r\nx-a b\r\ncontent-length: 2\r\n\r\n{}",
    "empty header name": b"HTTP/1.1 200 OK\r\n: b\r\ncontent-length: 2\r\n\r\n{}",
    "space before colon": b"HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\n{}",
    "cut in the status line": b"HTTP/1.1 20",
    "cut in the headers": b"HTTP/1.1 200 OK\r\ncontent-ty",
    "head over 64 KiB": HUGE_HEAD,
    "over 200 headers": MANY_HEADERS,
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 5\r\n\r\n{}" + FOREIGN.encode(),
    "length and chunked": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}",
    "signed length": b"HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\n{}",
    "hexadecimal length": b"HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\n{}",
    "length beyond 64 bits": b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n{}",
    "length list": b"HTTP/1.1 200 OK\r\ncontent-length: 2, 5\r\n\r\n{}",
    "unknown transfer coding": b"HTTP/1.1 200 OK\r\ntransfer-encoding: rot13\r\n\r\n{}",
    "101 unasked": b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n" + FOREIGN.encode(),
    "426 with upgrade": b"HTTP/1.1 426 Upgrade Required\r\nupgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n",
    "endless status line": b"HTTP/1.1 200 " + b"a" * 200_000,
}


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("name", BROKEN_HEADS)
def test_a_broken_head_is_a_502_and_is_not_sent_again(gateway, upstream, name, stream):
    def play(exchange):
        exchange.send(BROKEN_HEADS[name])
        exchange.wait(0.1)
        exchange.close()

    answer, sends = ask_for(gateway, upstream, play, stream)
    assert answer.status == 502
    assert_failed(answer)
    assert len(sends) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("ending", ["close", "close_without_notify", "reset"])
def test_a_fresh_connection_that_dies_after_the_request_is_a_502_without_a_second_send(
    gateway, upstream, ending, stream
):
    answer, sends = ask_for(gateway, upstream, lambda e: getattr(e, ending)(), stream)
    assert answer.status == 502
    assert_failed(answer)
    assert [one.reused for one in sends] == [False]


@pytest.mark.parametrize("target", ["refused", "nowhere", "resets"])
def test_no_connection_is_a_502(gateway, upstream, target):
    began = time.monotonic()
    answer = ask(gateway.port, chat(f"{target}/gpt-x"))
    assert answer.status == 502 and time.monotonic() - began < 2 * T + 1.5
    assert_failed(answer)


def test_waits_end_at_their_clock(gateway, upstream, at_once):
    """Each silence is a 504 (or an error event once the stream runs) within its clock and a second."""

    def timed(play, stream, statuses=(504,), limit=T + 1.0, least=0.7 * T):
        def run():
            began = time.monotonic()
            answer, sends = ask_for(gateway, upstream, play, stream)
            took = time.monotonic() - began
            assert_failed(answer, statuses, stream)
            assert least <= took <= limit, f"{took:.2f} s"
            assert len(sends) == 1
            assert_closed(sends[0])

        return run

    def partial(data):
        return lambda e: (e.send(data), e.hang())

    def endless_interim(exchange):
        while True:
            exchange.send(b"HTTP/1.1 102 Processing\r\n\r\n")
            exchange.wait(0.15)

    def dripped_head(exchange):
        for byte in itertools.chain(b"HTTP/1.1 200 OK\r\nx-a: ", itertools.repeat(ord("b"))):
            exchange.send(bytes([byte]))
            exchange.wait(0.1)

    def hangs_in_stream(exchange):
        exchange.start_stream()
        exchange.event(chunk({"content": "a"}))
        exchange.hang()

    def hangs_in_event(exchange):
        exchange.start_stream()
        exchange.event(chunk({"content": "a"}))
        exchange.write('data: {"id":')
        exchange.hang()

    def stalled_body(exchange):
        exchange.send(head(200, [JSON, ("content-length", 100)]) + b"{")
        exchange.hang()

    def steady(exchange):
        exchange.start_stream()
        while True:
            exchange.event(chunk({"content": "a"}))
            exchange.wait(0.2)

    def comments_only(exchange):
        exchange.start_stream()
        while True:
            exchange.write(": still here\n\n")
            exchange.wait(0.2)

    def full_queue():
        began = time.monotonic()
        answer = ask(gateway.port, chat("full/gpt-x"))
        assert answer.status == 504, answer
        assert 0.7 * T <= time.monotonic() - began <= 2 * T + 1

    at_once({
        "connect hangs": full_queue,
        "before the head, unary": timed(lambda e: e.hang(), False),
        "before the head, stream": timed(lambda e: e.hang(), True),
        "in the status line": timed(partial(b"HTTP/1.1 20"), False),
        "in the headers, stream": timed(partial(b"HTTP/1.1 200 OK\r\nx-a: "), True),
        "endless 1xx": timed(endless_interim, False, (502, 504), least=0),
        "dripped head": timed(dripped_head, False),
        "in a unary body": timed(stalled_body, False),
        "after the head of a stream": timed(lambda e: (e.start_stream(), e.hang()), True),
        "between events": timed(hangs_in_stream, True),
        "inside an event": timed(hangs_in_event, True),
        "a stream without end": timed(steady, True, limit=5.0, least=3.5),
        "a stream of comments without end": timed(comments_only, True, limit=5.0, least=0.7),
    })


def test_heartbeats_never_reset_the_upstreams_clocks(start_gateway, provider, upstream):
    gateway = start_gateway({
        "server": {"heartbeat_interval": "300ms"},
        "providers": {"openai": provider(timeouts={"head": "1s", "idle": "1s"})},
    })

    def hangs(exchange):
        exchange.start_stream()
        exchange.event(chunk({"content": "a"}))
        exchange.hang()

    for play in (hangs, lambda e: e.hang()):
        began = time.monotonic()
        answer, _ = ask_for(gateway, upstream, play, True)
        assert 0.7 <= time.monotonic() - began <= 2.0
        assert b":ka\n\n:ka\n\n" in answer.body
        assert_failed(answer, stream=True)


def test_many_interim_answers_are_bounded(gateway, upstream):
    def flood(exchange):
        exchange.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 500)
        exchange.answer(completion(FOREIGN))
        exchange.hang()

    answer, sends = ask_for(gateway, upstream, flood, False)
    assert_failed(answer, (502, 504))
    assert_closed(sends[0])


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_a_few_interim_answers_are_stepped_over(gateway, upstream, stream):
    def play(exchange):
        exchange.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
        if stream:
            exchange.start_stream()
            exchange.write(text_stream("fine"))
            exchange.finish()
        else:
            exchange.answer(completion("fine"))

    answer, _ = ask_for(gateway, upstream, play, stream)
    assert answer.status == 200 and b"fine" in answer.body


# -- framing of the body ------------------------------------------------------------------------------------------

WHOLE = json.dumps(completion("whole")).encode()


def coded(body, *, end=b"0\r\n\r\n", size=None):
    return head(200, [JSON, CHUNKED]) + (size or b"%x" % len(body)) + b"\r\n" + body + b"\r\n" + end


CUT_BODIES = {
    "length too long": head(200, [JSON, ("content-length", len(WHOLE) + 50)]) + WHOLE,
    "length much too long": head(200, [JSON, ("content-length", 10_000_000)]) + WHOLE,
    "half a body": head(200, [JSON, ("content-length", len(WHOLE))]) + WHOLE[: len(WHOLE) // 2],
    "chunked without end": coded(WHOLE, end=b""),
    "chunked with half an end": coded(WHOLE, end=b"0\r\n"),
    "chunked, half a chunk": head(200, [JSON, CHUNKED]) + b"%x\r\n" % len(WHOLE) + WHOLE[:40],
    "chunk size not hexadecimal": coded(WHOLE, size=b"zz"),
    "chunk size signed": coded(WHOLE, size=b"+10"),
    "chunk size 0x": coded(WHOLE, size=b"0x%x" % len(WHOLE)),
    "chunk size overflows": coded(WHOLE, size=b"10000000000000010"),
    "chunk longer than its size": coded(WHOLE, size=b"5"),
    "no body at all": head(200, [JSON, ("content-length", len(WHOLE))]),
}


@pytest.mark.parametrize("notify", [True, False], ids=["close_notify", "truncated"])
@pytest.mark.parametrize("name", CUT_BODIES)
def test_a_cut_body_is_never_a_truncated_200(gateway, upstream, name, notify):
    def play(exchange):
        exchange.send(CUT_BODIES[name])
        exchange.wait(0.02)
        exchange.close() if notify else exchange.close_without_notify()

    answer, sends = ask_for(gateway, upstream, play, False)
    assert answer.status == 502
    assert_failed(answer)
    assert len(sends) == 1


def test_a_body_that_ends_with_the_connection_needs_a_clean_end(gateway, upstream):
    def play(exchange):
        exchange.send(head(200, [JSON]) + WHOLE)
        exchange.close() if clean else exchange.close_without_notify()

    clean = True
    answer, _ = ask_for(gateway, upstream, play, False)
    assert answer.status == 200 and answer.body == WHOLE
    clean = False
    answer, _ = ask_for(gateway, upstream, play, False)
    assert_failed(answer)


EXTRA = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n"' + FOREIGN.encode() + b'"..'


@pytest.mark.parametrize("delay", [0, 0.1], ids=["at once", "later"])
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_bytes_behind_an_answer_reach_nobody_and_close_the_connection(gateway, upstream, stream, delay):
    def play(exchange):
        if stream:
            exchange.start_stream()
            body = text_stream("whole")
            end = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        else:
            end = head(200, [JSON, ("content-length", len(WHOLE))]) + WHOLE
        if delay:
            exchange.send(end)
            exchange.wait(delay)
            exchange.send(EXTRA)
        else:
            exchange.send(end + EXTRA)
        exchange.hang()

    answer, sends = ask_for(gateway, upstream, play, stream)
    assert answer.status == 200 and FOREIGN.encode() not in answer.body
    assert_closed(sends[0])


def test_a_length_too_short_shows_no_foreign_bytes(gateway, upstream):
    def play(exchange):
        exchange.send(head(200, [JSON, ("content-length", len(WHOLE) - 10)]) + WHOLE + EXTRA)
        exchange.hang()

    answer, sends = ask_for(gateway, upstream, play, False)
    assert_failed(answer)
    assert_closed(sends[0])


@pytest.mark.parametrize("status", [204, 205, 304])
def test_an_answer_without_a_body_is_a_502(gateway, upstream, status):
    def play(exchange):
        exchange.send(head(status, [("content-length", 20)]) + FOREIGN.encode() + EXTRA)
        exchange.hang()

    answer, sends = ask_for(gateway, upstream, play, False)
    assert_failed(answer)
    assert_closed(sends[0])


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_a_late_answer_reaches_nobody(gateway, upstream, stream):
    def play(exchange):
        for _ in range(30):  # deaf to the end of the connection, as a proxy in between would be
            time.sleep(0.05)
        exchange.answer(completion(FOREIGN))

    answer, sends = ask_for(gateway, upstream, play, stream)
    assert answer.status == 504
    time.sleep(0.7)


def test_an_answer_before_the_body_was_sent_is_passed_on(gateway, upstream):
    def early(exchange):
        exchange.error(413, "too much for me")
        time.sleep(0.3)  # reads nothing more
        exchange.wait(1)

    upstream.early_script = early
    before = len(upstream.of("early"))
    answer = ask(gateway.port, chat("gpt-big", "x" * 12_000_000), timeout=20)
    assert answer.status == 413 and "too much for me" in answer.error["message"]
    assert_closed(upstream.of("early")[before], 3)


# -- answers that are not what was asked for ------------------------------------------------------------------------

UNUSABLE = {
    "HTML": (b"<html><body>nginx</body></html>", "text/html"),
    "HTML said to be JSON": (b"<html><body>nginx</body></html>", "application/json"),
    "empty": (b"", "application/json"),
    "not JSON": (b'{"id": "chatcmpl', "application/json"),
    "JSON and more": (WHOLE + b"}", "application/json"),
    "an array": (b"[1, 2, 3]", "application/json"),
    "a string": (b'"hello"', "application/json"),
    "null": (b"null", "application/json"),
    "not UTF-8": (WHOLE.replace(b"whole", b"\xff\xfe"), "application/json"),
}


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_200_is_a_502(gateway, upstream, name, stream):
    body, kind = UNUSABLE[name]
    answer, sends = ask_for(gateway, upstream, lambda e: e.answer(body, content_type=kind), stream)
    assert_failed(answer, stream=stream)
    assert len(sends) == 1


def test_a_whole_completion_in_answer_to_a_stream_request_is_not_lost_silently(gateway, upstream):
    answer, _ = ask_for(gateway, upstream, lambda e: e.answer(completion("whole")), True)
    if answer.status == 200 and answer.headers.get("content-type").startswith("text/event-stream"):
        payloads = parse_stream(answer.body)
        assert stream_error(payloads) or stream_text(payloads) == ("whole", "stop", True)
    elif answer.status == 200:
        assert answer.json()["choices"][0]["message"]["content"] == "whole"
    else:
        assert_failed(answer)


def test_a_stream_in_answer_to_a_unary_request_is_a_502(gateway, upstream):
    def play(exchange):
        exchange.start_stream()
        exchange.write(text_stream("stream"))
        exchange.finish()

    answer, _ = ask_for(gateway, upstream, play, False)
    assert_failed(answer)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_502_and_never_followed(gateway, upstream, status):
    elsewhere = upstream.listen()
    location = ("location", f"http://localhost:{elsewhere.port}/v1/chat/completions")
    answer, sends = ask_for(gateway, upstream, lambda e: e.answer({}, status, [location]), False)
    assert answer.status == 502
    assert_failed(answer)
    assert len(sends) == 1 and elsewhere.connections == []


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("status, expected", [
    (400, 400), (401, 502), (403, 502), (404, 404), (408, 504), (409, 409), (410, 502), (413, 413), (422, 422),
    (424, 502), (429, 429), (500, 502), (502, 502), (503, 503), (504, 504), (529, 503),
])
@pytest.mark.parametrize("shape", ["json", "html", "empty"])
def test_a_status_of_the_upstream_becomes_ours(gateway, upstream, status, expected, shape, stream):
    body = {"json": json.dumps(error_body("its own words", "its_code")).encode(),
            "html": b"<html><h1>its own words</h1></html>", "empty": b""}[shape]
    kind = "text/html" if shape == "html" else "application/json"
    answer, sends = ask_for(gateway, upstream, lambda e: e.answer(body, status, content_type=kind), stream)
    assert answer.status == expected
    assert_failed(answer, (expected,))
    assert len(sends) == 1
    if shape == "json" and status == expected and status < 429:
        assert "its own words" in answer.error["message"]
    if status in (401, 403):
        assert answer.error["code"] == "upstream_authentication_failed"


def test_secrets_and_floods_in_an_upstreams_message_do_not_pass(gateway, upstream):
    model = upstream.script(lambda e: e.error(400, "Incorrect API key sk-upstream-secret provided"))
    assert b"sk-upstream-secret" not in ask(gateway.port, chat(model)).body
    model = upstream.script(lambda e: e.error(400, "x" * 1_000_000))
    answer = ask(gateway.port, chat(model))
    assert answer.status in (400, 502) and len(answer.body) < 100_000
    assert answer.error


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_the_providers_key_is_erased_from_errors_under_a_200(gateway, upstream, stream):
    """Access log and answer alike: the gateway's output is searched for the key when it stops."""
    error = {"error": {"message": "key sk-upstream-secret is over its quota", "type": "x", "code": None}}

    def play(e):
        if stream:
            e.start_stream()
            e.event(error)
        else:
            e.answer(error)

    answer = ask(gateway.port, chat(upstream.script(play), stream=stream))
    assert b"sk-upstream-secret" not in answer.body and b"quota" in answer.body


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_passed_when_numeric(gateway, upstream, status):
    def with_header(value):
        answer, _ = ask_for(gateway, upstream, lambda e: e.error(status, headers=[("retry-after", value)]), False)
        assert answer.status == status
        return answer.headers.get("retry-after")

    assert with_header("17") == "17"
    for odd in ("Wed, 21 Oct 2037 07:28:00 GMT", "soon", "-5", "1e9", "99999999999999999999"):
        passed = with_header(odd)
        assert passed is None or passed.isdigit() and int(passed) < 10**9, (odd, passed)


# -- compression --------------------------------------------------------------------------------------------------

GZIP = ("content-encoding", "gzip")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_unasked_compression_is_decoded(gateway, upstream, coding):
    body = gzip.compress(WHOLE) if coding == "gzip" else zlib.compress(WHOLE)
    answer, sends = ask_for(
        gateway, upstream, lambda e: e.answer(body, headers=[("content-encoding", coding)]), False)
    assert sends[0].request.headers.get("accept-encoding") == "identity"
    if coding == "deflate" and answer.status == 502:
        return
    assert answer.status == 200 and answer.body == WHOLE and "content-encoding" not in answer.headers


def test_a_compressed_stream_is_decoded_event_by_event(gateway, upstream):
    def play(exchange):
        exchange.start_stream([GZIP])
        squeeze = zlib.compressobj(wbits=31)
        for value in [*text_chunks("one two three"), "[DONE]"]:
            exchange.write(squeeze.compress(event(value)) + squeeze.flush(zlib.Z_SYNC_FLUSH))
        exchange.write(squeeze.flush())
        exchange.finish()

    answer, _ = ask_for(gateway, upstream, play, True)
    assert answer.status == 200
    assert stream_text(parse_stream(answer.body)) == ("one two three", "stop", True)


def test_broken_compression_is_a_502(gateway, upstream):
    whole = gzip.compress(WHOLE)
    for body in (whole[:-12], b"not gzip at all", whole[:20] + b"\x00" * 20, gzip.compress(b"<html>")):
        answer, _ = ask_for(gateway, upstream, lambda e: e.answer(body, headers=[GZIP]), False)
        assert_failed(answer)
    answer, _ = ask_for(gateway, upstream, lambda e: e.answer(WHOLE, headers=[("content-encoding", "br")]), False)
    assert_failed(answer)


def test_a_gzip_bomb_is_refused_with_bounded_memory(gateway, upstream):
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=9) as file:
        for _ in range(400):
            file.write(b" " * 2**20)
    before = gateway.anonymous_memory()
    answer, sends = ask_for(gateway, upstream, lambda e: e.answer(bomb.getvalue(), headers=[GZIP]), False)
    assert_failed(answer)
    assert gateway.anonymous_memory() - before < 120 * 2**20
    assert_closed(sends[0])


# -- event streams: every spelling, exact text ---------------------------------------------------------------------

SPOKEN = "Grüße 👋 an alle, 你好 \"quoted\" and \\ back"
CANONICAL = text_stream(SPOKEN)

SPELLINGS = {
    "CRLF": CANONICAL.replace(b"\n", b"\r\n"),
    "CR": CANONICAL.replace(b"\n", b"\r"),
    "mixed line ends": CANONICAL.replace(b"\n\n", b"\r\n\n", 2).replace(b"}\n\n", b"}\r\r", 3),
    "BOM": b"\xef\xbb\xbf" + CANONICAL,
    "comments": b": hello\n\n" + CANONICAL.replace(b"\n\n", b"\n: between\n\n:alone\n\n"),
    "id, retry, unknown fields": CANONICAL.replace(b"data: {", b"id: 7\nretry: 3000\nevent: message\nfoo: bar\nbaz\ndata: {"),
    "no space after the colon": CANONICAL.replace(b"data: ", b"data:"),
    "more blank lines": b"\n\n\n" + CANONICAL.replace(b"\n\n", b"\n\n\n\n"),
    "data in several lines": CANONICAL.replace(b', "choices"', b',\ndata: "choices"'),
    "empty data lines": CANONICAL.replace(b"data: {", b"event: ping\n\ndata: {"),
    "done without a space": CANONICAL.replace(b"data: [DONE]", b"data:[DONE]"),
    "last blank line missing": CANONICAL[:-1],
}


@pytest.mark.parametrize("cut", ["whole", "bytes"])
@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_of_a_stream_gives_the_exact_text(gateway, upstream, name, cut):
    stream = SPELLINGS[name]

    def play(exchange):
        exchange.start_stream()
        if cut == "whole":
            exchange.write(stream)
        else:
            for index in range(0, len(stream), 1):
                exchange.write(stream[index : index + 1])
        exchange.finish()

    answer, _ = ask_for(gateway, upstream, play, True)
    assert answer.status == 200
    assert stream_text(parse_stream(answer.body)) == (SPOKEN, "stop", True)
    assert b"id: " not in answer.body and b"retry" not in answer.body


def test_a_stream_split_inside_characters_is_put_together(gateway, upstream):
    def play(exchange):
        exchange.start_stream()
        for byte in CANONICAL:
            exchange.write(bytes([byte]))
            if byte >= 0x80:
                exchange.wait(0.004)  # its own packet, its own TLS record, its own chunk
        exchange.finish()

    answer, _ = ask_for(gateway, upstream, play, True)
    assert stream_text(parse_stream(answer.body)) == (SPOKEN, "stop", True)


def test_each_event_is_passed_on_as_it_arrives(gateway, upstream):
    sent = []

    def play(exchange):
        exchange.start_stream()
        for value in [*text_chunks("a b c d e f"), "[DONE]"]:
            sent.append(time.monotonic())
            exchange.event(value)
            exchange.wait(0.1)
        exchange.finish()

    with RawClient(gateway.port) as client:
        client.send(chat(upstream.script(play), stream=True))
        client.read_head()
        arrivals = [at for at, _ in client.events()]
    delays = [after - before for before, after in zip(sent, arrivals, strict=True)]
    assert max(delays) < 0.08, delays


def test_events_that_arrive_together_leave_together(gateway, upstream):
    def play(exchange):
        body = text_stream("one two three four five six")
        exchange.send(head(200, [SSE, CHUNKED]) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

    answer, _ = ask_for(gateway, upstream, play, True)
    assert stream_text(parse_stream(answer.body))[0] == "one two three four five six"
    assert len({at for at, _ in answer.chunks}) <= 2


def ends(exchange, stream, *, finish=True):
    exchange.start_stream()
    if stream:  # an empty chunk would be the end, and the end behind it the next answer's first bytes
        exchange.write(stream)
    if finish:
        exchange.finish()


def test_a_stream_without_done_but_with_a_finish_reason_ends_properly(gateway, upstream):
    answer, _ = ask_for(gateway, upstream, lambda e: ends(e, text_stream("a b", done=False)), True)
    assert stream_text(parse_stream(answer.body)) == ("a b", "stop", True)


HALF = b"".join(event(value) for value in text_chunks("a b")[:-1])
FAILING_STREAMS = {
    "no finish reason": HALF,
    "an error event": HALF + event({"error": {"message": "overloaded", "type": "server_error", "param": None, "code": None}}),
    "an error event with its name": HALF + b"event: error\n" + event({"error": {"message": "overloaded", "type": "x"}}),
    "only an error event": event({"error": {"message": "overloaded", "type": "server_error"}}),
    "garbage behind events": HALF + b"\x00\xff\xfe garbage <html>",
    "data that is not JSON": HALF + b"data: {not json\n\n" + event(chunk({"content": "c"})),
    "data that is an array": HALF + b"data: [1,2]\n\n",
    "half an event": HALF + b'data: {"id":"chatcmpl-e2e","obj',
    "nothing at all": b"",
    "only comments": b": a\n\n: b\n\n",
    "HTML": b"<html><body>bad gateway</body></html>",
}


@pytest.mark.parametrize("name", FAILING_STREAMS)
def test_a_stream_that_does_not_end_well_ends_in_an_error_event(gateway, upstream, name):
    answer, sends = ask_for(gateway, upstream, lambda e: ends(e, FAILING_STREAMS[name]), True)
    assert_failed(answer, stream=True)
    assert len(sends) == 1


@pytest.mark.parametrize("end", ["close", "close_without_notify", "reset"])
def test_a_stream_that_is_cut_ends_in_an_error_event(gateway, upstream, end):
    def play(exchange):
        ends(exchange, HALF, finish=False)
        exchange.wait(0.02)
        getattr(exchange, end)()

    answer, _ = ask_for(gateway, upstream, play, True)
    assert answer.status == 200
    assert stream_text(parse_stream(answer.body))[0] == "a b"
    assert_failed(answer, stream=True)


def test_a_stream_cut_at_any_byte_is_never_taken_for_success(gateway, upstream):
    """Every ninth byte of head, framing and events; whole answers and streams."""
    stream = text_stream("one two")
    framed = head(200, [SSE, CHUNKED]) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(stream), stream)
    finished = framed.index(b'"finish_reason": "stop"') + 24
    unary = head(200, [JSON, ("content-length", len(WHOLE))]) + WHOLE
    cases = [(framed, cut, True) for cut in range(0, finished, 9)]
    cases += [(unary, cut, False) for cut in range(0, len(unary), 9)]
    queue, problems = iter(cases), []
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                case = next(queue, None)
            if case is None:
                return
            data, cut, streaming = case

            def play(exchange, data=data, cut=cut):
                exchange.send(data[:cut])
                exchange.close() if cut % 2 else exchange.close_without_notify()

            try:
                answer, sends = ask_for(gateway, upstream, play, streaming)
                assert_failed(answer, stream=streaming)
                assert len([one for one in sends if not one.reused]) <= 1
            except (AssertionError, Closed, OSError, ValueError) as problem:
                problems.append((cut, streaming, problem))

    run_all({str(number): work for number in range(6)})
    assert problems == []


def test_after_done_the_stream_ends_at_once_whatever_the_upstream_does(gateway, upstream):
    def stays_open(exchange):
        ends(exchange, text_stream("a b"), finish=False)
        exchange.hang()

    def goes_on(exchange):
        ends(exchange, text_stream("a b") + event(chunk({"content": FOREIGN})), finish=False)
        exchange.wait(0.05)
        exchange.event(chunk({"content": FOREIGN}))
        exchange.hang()

    for play in (stays_open, goes_on):
        began = time.monotonic()
        answer, sends = ask_for(gateway, upstream, play, True)
        assert time.monotonic() - began < 0.5
        assert stream_text(parse_stream(answer.body)) == ("a b", "stop", True)
        assert FOREIGN.encode() not in answer.body
        assert_closed(sends[0], 2)


def test_text_that_looks_like_framing_is_only_text(gateway, upstream):
    text = 'x\n\ndata: [DONE]\n\ndata: {"error":{"message":"no"}}\r\n\r\n0\r\n\r\n'

    def play(exchange):
        exchange.start_stream()
        for value in [chunk({"content": text}), chunk({}, "stop"), "[DONE]"]:
            exchange.event(value)
        exchange.finish()

    answer, _ = ask_for(gateway, upstream, play, True)
    assert stream_text(parse_stream(answer.body)) == (text, "stop", True)


def test_the_word_error_inside_content_is_not_an_error(gateway, upstream):
    values = [chunk({"content": '{"error":{"message":"no"}}'}), chunk({"content": '"finish_reason":"stop"'}, error=None),
              chunk({}, "stop")]
    answer, _ = ask_for(gateway, upstream, lambda e: ends(e, b"".join(map(event, [*values, "[DONE]"]))), True)
    assert stream_text(parse_stream(answer.body)) == ('{"error":{"message":"no"}}"finish_reason":"stop"', "stop", True)


def test_a_finish_reason_inside_content_does_not_make_a_good_end(gateway, upstream):
    stream = event(chunk({"content": '"finish_reason":"stop" [DONE]'}))
    answer, _ = ask_for(gateway, upstream, lambda e: ends(e, stream), True)
    assert_failed(answer, stream=True)


# -- sizes ---------------------------------------------------------------------------------------------------------


def test_an_event_of_5_megabytes_passes(gateway, upstream):
    text = "ä" * 2_500_000

    def play(exchange):
        exchange.start_stream()
        for value in [chunk({"content": text}), chunk({}, "stop"), "[DONE]"]:
            exchange.event(value)
        exchange.finish()

    answer, _ = ask_for(gateway, upstream, play, True)
    assert stream_text(parse_stream(answer.body)) == (text, "stop", True)


def test_an_event_beyond_8_megabytes_or_without_end_is_an_error(gateway, upstream):
    def too_large(exchange):
        exchange.start_stream()
        exchange.event(chunk({"content": "x" * 9_500_000}))
        exchange.hang()

    def without_end(exchange):
        exchange.start_stream()
        exchange.write("data: ")
        while True:
            exchange.write("x" * 60_000)

    for play in (too_large, without_end):
        before = gateway.anonymous_memory()
        answer, sends = ask_for(gateway, upstream, play, True)
        assert_failed(answer, stream=True)
        assert len(answer.body) < 1_000_000
        assert_closed(sends[0])
        assert gateway.anonymous_memory() - before < 60 * 2**20


def test_a_hundred_thousand_tiny_events_all_pass(gateway, upstream):
    count = 100_000
    piece = event(chunk({"content": "x"}))

    def play(exchange):
        exchange.start_stream()
        for _ in range(count // 1000):
            exchange.write(piece * 1000)
        exchange.write(event(chunk({}, "stop")) + event("[DONE]"))
        exchange.finish()

    before = gateway.anonymous_memory()
    answer, _ = ask_for(gateway, upstream, play, True, timeout=30)
    assert answer.body == piece * count + event(chunk({}, "stop")) + event("[DONE]")
    assert gateway.anonymous_memory() - before < 24 * 2**20


def test_a_unary_answer_of_20_megabytes_passes(gateway, upstream):
    body = json.dumps(completion("y" * 20_000_000)).encode()
    answer, _ = ask_for(gateway, upstream, lambda e: e.answer(body), False, timeout=30)
    assert answer.status == 200 and answer.body == body
