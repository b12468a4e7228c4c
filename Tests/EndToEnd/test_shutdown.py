# The end of the program: SIGTERM lets running answers finish, takes no new ones, and leaves with 0.

import signal
import socket
import subprocess
import threading
import time

import pytest

from fake_upstream import completion, text_chunks
from gateway_process import binary, clean_environment, write_config
from raw_http import Closed, RawClient, ask, chat, get, parse_stream, payload, stream_text


def slow_stream(exchange):
    exchange.start_stream()
    for value in [*text_chunks("one two three four five"), "[DONE]"]:
        exchange.event(value)
        exchange.wait(0.15)
    exchange.finish()


@pytest.fixture
def gateway(start_gateway, provider):
    return start_gateway({
        "server": {"shutdown_grace": "5s"}, "providers": {"openai": provider(timeouts={"head": "5s", "idle": "5s"})},
    })


def test_running_answers_finish_and_new_ones_are_refused(gateway, upstream):
    stream_model = upstream.script(slow_stream)
    unary_model = upstream.script(lambda e: (e.wait(0.8), e.answer(completion("whole"))))
    with RawClient(gateway.port) as stream, RawClient(gateway.port) as unary, RawClient(gateway.port) as idle:
        assert idle.ask(get("/health"), "GET").status == 200
        stream.send(chat(stream_model, stream=True))
        stream.read_head()
        unary.send(chat(unary_model))
        upstream.await_exchange(unary_model)
        gateway.terminate()
        idle.expect_close(1)
        time.sleep(0.1)
        with pytest.raises((OSError, Closed)):
            ask(gateway.port, get("/health"), "GET", timeout=1)
        texts = [payload(text) for _, text in stream.events()]
        assert stream_text(texts) == ("one two three four five", "stop", True)
        answer = unary.read()
        assert answer.json()["choices"][0]["message"]["content"] == "whole"
        assert answer.headers.get("connection") == "close"
        done = time.monotonic()
        assert gateway.wait(3) == 0
        assert time.monotonic() - done < 1.5
    gateway.assert_no_secret()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_an_idle_gateway_leaves_at_once(gateway, upstream, number):
    assert ask(gateway.port, chat("gpt-x")).status == 200
    began = time.monotonic()
    gateway.terminate(number)
    assert gateway.wait(3) == 0
    assert time.monotonic() - began < 1.0


def test_the_grace_is_the_longest_wait(start_gateway, provider, upstream):
    gateway = start_gateway({"server": {"shutdown_grace": "1s"}, "providers": {"openai": provider()}})

    def endless(exchange):
        exchange.start_stream()
        exchange.event(text_chunks("a")[1])
        exchange.hang()

    model = upstream.script(endless)
    with RawClient(gateway.port) as client:
        client.send(chat(model, stream=True))
        client.read_head()
        began = time.monotonic()
        gateway.terminate()
        assert gateway.wait(4) == 0
        assert 0.8 <= time.monotonic() - began <= 2.5
        try:
            rest = client.read_to_end(1)
        except TimeoutError:
            rest = b""
        assert b"[DONE]" not in rest
    assert upstream.of(model)[0].connection.gone.wait(1)


def test_a_load_during_the_end_sees_whole_answers_or_none(gateway, upstream):
    outcomes, stop = [], threading.Event()

    def work():
        while not stop.is_set():
            try:
                answer = ask(gateway.port, chat("gpt-x", "all or nothing", stream=True), timeout=5)
                whole = stream_text(parse_stream(answer.body)) == ("all or nothing", "stop", True)
                outcomes.append("whole" if answer.status == 200 and whole else f"bad {answer}")
            except ConnectionRefusedError:
                outcomes.append("refused")
                time.sleep(0.01)
            except (Closed, OSError) as failure:
                outcomes.append(f"closed: {failure}")

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    gateway.terminate()
    assert gateway.wait(5) == 0
    stop.set()
    for thread in threads:
        thread.join(5)
    assert outcomes.count("whole") > 10
    assert [one for one in outcomes if one.startswith("bad")] == []
    # a connection that the kernel had queued when listening ended is reset: at most one per client
    assert len([one for one in outcomes if one.startswith("closed")]) <= len(threads)


def test_a_taken_port_is_one_clear_sentence_and_an_exit_code(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = write_config(tmp_path, {"server": {"host": "127.0.0.1", "port": taken.getsockname()[1], "workers": 1}})
        result = subprocess.run([binary(), "serve", "--config", config], capture_output=True, text=True, timeout=10,
                                env=clean_environment(), cwd=tmp_path)
    assert result.returncode != 0
    assert "in use" in (result.stdout + result.stderr).lower()
