# The pool of upstream connections: reuse, what a dead connection costs, and that no exchange ever sees a byte of
# another one, however many of them are cancelled.

import json
import os
import random
import threading
import time

import pytest

from conftest import run_all
from fake_upstream import chunk, completion, event, head, text_stream
from raw_http import Closed, RawClient, ask, chat, parse_stream, stream_text


@pytest.fixture(scope="module")
def gateway(start_gateway, provider, session_upstream):
    listener = session_upstream.listen(session_upstream.main.context, label="narrow")
    brief = session_upstream.listen(session_upstream.main.context, label="brief")
    return start_gateway({"providers": {
        "openai": provider(timeouts={"connect": "2s", "head": "3s", "idle": "3s", "total": "20s"}),
        "narrow": provider(listener.url, pool={"max": 2}),
        "brief": provider(brief.url, pool={"idle_timeout": "1s"}),
    }})


def listener(upstream, label):
    return next(one for one in reversed(upstream.listeners) if one.label == label)


def warm(gateway, upstream):
    """Exactly one idle connection in the pool."""
    upstream.drop_idle()
    assert ask(gateway.port, chat("gpt-warm")).status == 200
    deadline = time.monotonic() + 1
    while not upstream.idle_connections() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert len(upstream.idle_connections()) == 1


def test_more_than_999_of_1000_requests_reuse_a_connection(gateway, upstream):
    upstream.drop_idle()
    workers, each = 8, 250

    def work():
        with RawClient(gateway.port) as client:
            for number in range(each):
                assert client.ask(chat("gpt-reuse", str(number), stream=number % 3 == 0)).status == 200

    before = len(upstream.main.connections)
    results = run_all({str(number): work for number in range(workers)})
    assert set(results.values()) == {None}, results
    assert len(upstream.of("gpt-reuse")) == workers * each
    # A client that has [DONE] may ask again before the upstream has ended its answer: twice at most.
    assert len(upstream.main.connections) - before <= 2 * workers
    warmed = len(upstream.main.connections)
    results = run_all({str(number): work for number in range(workers)})
    assert set(results.values()) == {None}, results
    opened = len(upstream.main.connections) - warmed
    assert opened / (workers * each) <= 0.001, f"{opened} new connections"


DEATHS = ["close", "close_without_notify", "reset"]


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("death", DEATHS)
def test_a_reused_connection_that_dies_is_replaced_once(gateway, upstream, death, stream):
    def play(exchange):
        if exchange.reused:
            getattr(exchange, death)()
        exchange.answer(completion("ok")) if not stream else stream_whole(exchange, "ok")

    warm(gateway, upstream)
    model = upstream.script(play)
    answer = ask(gateway.port, chat(model, stream=stream))
    assert answer.status == 200 and b"ok" in answer.body
    sends = upstream.of(model)
    assert [one.reused for one in sends] == [True, False]
    assert sends[0].request.body == sends[1].request.body
    if not stream:
        assert answer.headers.get("x-gateway-attempts") == "2"


def stream_whole(exchange, text):
    exchange.start_stream()
    exchange.write(text_stream(text))
    exchange.finish()


@pytest.mark.parametrize("death", DEATHS)
def test_the_second_death_is_a_502(gateway, upstream, death):
    warm(gateway, upstream)
    model = upstream.script(lambda e: getattr(e, death)())
    answer = ask(gateway.port, chat(model))
    assert answer.status == 502 and answer.error
    assert [one.reused for one in upstream.of(model)] == [True, False]


@pytest.mark.parametrize("death", DEATHS)
def test_a_fresh_connection_that_dies_is_not_replaced(gateway, upstream, death):
    upstream.drop_idle()
    model = upstream.script(lambda e: getattr(e, death)())
    answer = ask(gateway.port, chat(model))
    assert answer.status == 502 and answer.error
    assert [one.reused for one in upstream.of(model)] == [False]


@pytest.mark.parametrize("first", [b"H", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_one_byte_of_an_answer_forbids_a_second_send(gateway, upstream, first):
    def play(exchange):
        exchange.send(first)
        exchange.wait(0.02)
        exchange.close()

    warm(gateway, upstream)
    model = upstream.script(play)
    assert ask(gateway.port, chat(model)).status == 502
    assert [one.reused for one in upstream.of(model)] == [True]


def test_idle_connections_that_all_died_cost_no_failure(gateway, upstream):
    """The upstream restarts: connections vanish while idle, some in the very moment of the next request."""
    def work():
        with RawClient(gateway.port) as client:
            for _ in range(3):
                assert client.ask(chat("gpt-x")).status == 200

    run_all({str(number): work for number in range(10)})
    for connection in upstream.idle_connections():
        connection._mark_closed()
        connection.sock.shutdown(2)
    results = run_all({str(number): work for number in range(10)})
    assert set(results.values()) == {None}, results


def test_a_connection_that_says_close_is_not_used_again(gateway, upstream):
    def polite(exchange):
        exchange.answer(completion("ok"), headers=[("connection", "close")])
        exchange.hang()

    def old(exchange):
        body = json.dumps(completion("ok")).encode()
        exchange.send(head(200, [("content-type", "application/json"), ("content-length", len(body))], "HTTP/1.0") + body)
        exchange.hang()

    for play in (polite, old):
        model = upstream.script(play)
        assert ask(gateway.port, chat(model)).status == 200
        assert upstream.of(model)[0].connection.gone.wait(1)


def test_a_cancelled_exchange_takes_its_connection_with_it(gateway, upstream):
    def late(exchange):
        time.sleep(0.2)
        exchange.answer(completion("SOMEBODY ELSE'S ANSWER"))

    warm(gateway, upstream)
    model = upstream.script(late)
    with RawClient(gateway.port) as client:
        client.send(chat(model))
        exchange = upstream.await_exchange(model)
    for number in range(20):
        answer = ask(gateway.port, chat("gpt-x", f"mine-{number}"))
        assert answer.json()["choices"][0]["message"]["content"] == f"mine-{number}"
        time.sleep(0.01)
    assert exchange.connection.gone.is_set()
    assert len(upstream.exchanges) and exchange.connection.requests <= exchange.index + 1


def test_no_byte_of_another_exchange_is_ever_seen_among_cancelled_ones(gateway, upstream):
    """Eight clients leave at random moments of random answers; every answer that arrives is the asker's own."""
    seed = int(os.environ.get("TEST_SEED", random.randrange(2**32)))
    print("seed", seed)

    def play(exchange):
        body = exchange.request.json()
        text, draw = body["messages"][0]["content"], random.Random(body["seed"])
        exchange.wait(draw.random() * 0.01)
        if not body.get("stream"):
            whole = json.dumps(completion(text)).encode()
            cut = draw.randrange(len(whole))
            exchange.send(head(200, [("content-type", "application/json"), ("content-length", len(whole))]) + whole[:cut])
            exchange.wait(draw.random() * 0.005)
            exchange.send(whole[cut:])
            return
        exchange.start_stream()
        for word in text.split():
            exchange.event(chunk({"content": word + " "}))
            exchange.wait(draw.random() * 0.002)
        exchange.write(event(chunk({}, "stop")) + event("[DONE]"))
        exchange.finish()

    model = upstream.script(play)
    whole, left = [], []

    def work(number):
        draw = random.Random(seed + number)
        for round_number in range(60):
            marker = f"client-{number}-round-{round_number} " * 8
            stream = draw.random() < 0.5
            request = chat(model, marker, stream, seed=draw.randrange(2**31))
            with RawClient(gateway.port) as client:
                client.send(request)
                if draw.random() < 0.5:
                    time.sleep(draw.random() * 0.015)
                    client.reset() if draw.random() < 0.5 else client.close()
                    left.append(marker)
                    continue
                answer = client.read()
                assert answer.status == 200, answer
                if stream:
                    got = stream_text(parse_stream(answer.body))[0]
                else:
                    got = answer.json()["choices"][0]["message"]["content"]
                assert got == marker, (got, marker)
                whole.append(marker)

    results = run_all({str(number): lambda number=number: work(number) for number in range(8)})
    assert set(results.values()) == {None}, results
    assert len(whole) > 100 and len(left) > 100


def test_new_connections_resume_the_tls_session(gateway, upstream):
    warm(gateway, upstream)
    before = len(upstream.main.connections)
    for _ in range(5):
        upstream.drop_idle()
        assert ask(gateway.port, chat("gpt-x")).status == 200
    handshakes = upstream.main.connections[before:]
    assert len(handshakes) == 5
    assert sum(one.resumed for one in handshakes) >= 4


def test_an_idle_connection_is_closed_at_its_time_out(gateway, upstream):
    brief = listener(upstream, "brief")
    assert ask(gateway.port, chat("brief/gpt-x")).status == 200
    connection = brief.connections[-1]
    idle_since = time.monotonic()
    assert connection.gone.wait(4)
    assert 0.7 <= connection.closed_at - idle_since <= 2.2


def test_no_more_connections_than_allowed_and_the_rest_waits_its_turn(gateway, upstream):
    narrow = listener(upstream, "narrow")
    model = upstream.script(lambda e: (e.wait(0.1), e.answer(completion("ok"))))
    most = 0
    stop = threading.Event()

    def watch():
        nonlocal most
        while not stop.wait(0.005):
            most = max(most, len(upstream.open_connections(narrow)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    results = run_all({str(number): lambda: ask(gateway.port, chat(f"narrow/{model}")).status for number in range(8)})
    stop.set()
    watcher.join()
    assert set(results.values()) == {200}, results
    assert most <= 2


def test_the_last_used_connection_is_used_first(gateway, upstream):
    upstream.drop_idle()
    model = upstream.script(lambda e: (e.wait(0.1), e.answer(completion("ok"))))
    run_all({str(number): lambda: ask(gateway.port, chat(model)) for number in range(5)})
    last = upstream.script(lambda e: e.answer(completion("ok")))
    for _ in range(6):
        ask(gateway.port, chat(last))
    assert len({one.connection.number for one in upstream.of(last)}) == 1


def test_the_client_of_a_cut_answer_is_told_by_the_framing_too(gateway, upstream):
    """Where the head was out already, a failed stream ends in valid framing after its error event."""
    def play(exchange):
        exchange.start_stream()
        exchange.event(chunk({"content": "a"}))
        exchange.wait(0.05)
        exchange.reset()

    with RawClient(gateway.port) as client:
        answer = client.ask(chat(upstream.script(play), stream=True))
        assert b'"error"' in answer.body
        try:
            assert client.ask(chat("gpt-x", "after")).json()["choices"][0]["message"]["content"] == "after"
        except (Closed, BrokenPipeError):
            pass  # closing the client's connection is allowed, foreign bytes are not
