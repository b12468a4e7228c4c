# Providers over HTTP/2 (`http2: true`), against a server that speaks nothing else and refuses what the RFC refuses.

import concurrent.futures
import json
import time

import openai
import pytest
from h2.errors import ErrorCodes

from fake_upstream import completion
from http2_upstream import BIG, HTTP2Upstream
from raw_http import RawClient, ask, chat, get, parse_stream


@pytest.fixture(scope="module")
def session_server(certificates):
    server = HTTP2Upstream(certificates)
    yield server
    server.close()


@pytest.fixture
def server(session_server):
    """Fails the test if it was sent anything that HTTP/2 or the service forbids."""
    session_server.violations.clear()
    session_server.requests.clear()
    session_server.refused = False
    yield session_server
    assert session_server.violations == []


@pytest.fixture(scope="module")
def narrow_server(certificates):
    server = HTTP2Upstream(certificates, streams_max=2)
    yield server
    assert server.violations == []
    server.close()


@pytest.fixture(scope="module")
def gateway(start_gateway, provider, session_server, narrow_server, session_upstream):
    clocks = {"head": "1500ms", "idle": "3s"}
    return start_gateway({"providers": {
        "two": provider(session_server.url, http2=True, timeouts=clocks),
        "narrow": provider(narrow_server.url, http2=True),
        "one": provider(session_upstream.url, http2=True),
    }})


@pytest.fixture
def client(gateway):
    return openai.OpenAI(base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key="any", max_retries=0)


def say(model, text="Hello there", **fields):
    return {"model": model, "messages": [{"role": "user", "content": text}], **fields}


def test_the_sdk_gets_answers_and_streams_over_one_connection(client, server):
    before = len(server.connections)
    for _ in range(3):
        assert client.chat.completions.create(**say("two/plain")).choices[0].message.content == "Hello there"
        chunks = list(client.chat.completions.create(**say("two/plain", "a b c d", stream=True)))
        assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "a b c d"
    assert len(server.connections) - before <= 1
    assert server.requests[0].headers["content-type"] == "application/json"


def test_the_providers_request_id_arrives_as_over_http1(gateway, server):
    answer = ask(gateway.port, chat("two/plain"))
    assert answer.status == 200
    assert dict(answer.headers)["x-upstream-request-id"].startswith("req-")


def test_a_hundred_requests_at_once_share_a_connection(gateway, server):
    before, server.open_most = len(server.connections), 0
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        texts = [f"number {n}" for n in range(100)]
        answers = list(pool.map(lambda text: ask(gateway.port, chat("two/slow", text)), texts))
    assert [one.json()["choices"][0]["message"]["content"] for one in answers] == texts
    assert server.open_most > 50
    # One worker, or two: never one for each request.
    assert len(server.connections) - before <= 3


def test_streams_side_by_side_do_not_mix(client, server):
    def read(n):
        chunks = client.chat.completions.create(**say("two/paced", f"this is number {n} of some", stream=True))
        return "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert list(pool.map(read, range(20))) == [f"this is number {n} of some" for n in range(20)]


def test_a_server_that_takes_two_streams_gets_two(gateway, narrow_server):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(gateway.port, chat("narrow/slow")), range(8)))
    assert [one.status for one in answers] == [200] * 8
    for connection in narrow_server.connections:
        assert len(connection.streams) >= 1


def test_megabytes_go_both_ways(client, server):
    text = "0123456789abcdef" * 180_000
    answer = client.chat.completions.create(**say("two/plain", text))
    assert answer.choices[0].message.content == text


def test_a_client_that_leaves_ends_its_stream_and_not_the_connection(gateway, server):
    before = len(server.connections)
    with RawClient(gateway.port) as leaving:
        leaving.send(chat("two/endless", "word", stream=True))
        server.wait("the request", lambda: server.requests)
        time.sleep(0.2)
    stream = server.requests[0]
    server.wait("the reset", lambda: stream.reset is not None)
    assert stream.reset == ErrorCodes.CANCEL
    assert not stream.connection.ended
    assert ask(gateway.port, chat("two/plain")).status == 200
    assert len(server.connections) - before <= 1


def test_a_client_that_reads_nothing_stops_its_own_stream_only(gateway, server):
    """The window of that stream shuts; others go on."""
    with RawClient(gateway.port) as slow:
        slow.send(chat("two/big", "a page", stream=True))
        server.wait("the request", lambda: server.requests)
        stream = server.requests[0]
        # It stands when nothing more is sent for a while; all of it would not fit in the buffers between.
        last, since = -1, time.monotonic()
        while time.monotonic() - since < 0.5:
            if stream.sent != last:
                last, since = stream.sent, time.monotonic()
            time.sleep(0.02)
        assert stream.sent < len(stream.output), "everything was taken although nobody reads"
        assert ask(gateway.port, chat("two/plain")).status == 200
        answer = slow.read("POST")
        content = "".join(
            json.loads(data)["choices"][0]["delta"].get("content", "")
            for data in parse_stream(answer.body) if data != "[DONE]" and not data.startswith(":"))
        assert content == BIG


@pytest.mark.parametrize("model", ["refuse-once", "goaway"])
def test_what_the_server_did_not_look_at_is_asked_again(gateway, server, model):
    answer = ask(gateway.port, chat(f"two/{model}"))
    assert answer.status == 200 and dict(answer.headers)["x-gateway-attempts"] == "2"
    assert len(server.requests) == 2


def test_refused_twice_is_a_502(gateway, server):
    answer = ask(gateway.port, chat("two/refuse"))
    assert answer.status == 502 and answer.error["message"]
    assert len(server.requests) == 2


def test_a_reset_that_says_nothing_of_that_kind_is_not_asked_again(gateway, server):
    answer = ask(gateway.port, chat("two/reset"))
    assert answer.status == 502 and len(server.requests) == 1
    assert ask(gateway.port, chat("two/plain")).status == 200


@pytest.mark.parametrize("model", ["cut", "half"])
def test_a_stream_that_is_cut_ends_with_an_error_and_no_done(gateway, server, model):
    events = parse_stream(ask(gateway.port, chat(f"two/{model}", stream=True)).body)
    assert events[-1] != "[DONE]" and "error" in events[-1]
    assert ask(gateway.port, chat("two/plain")).status == 200


def test_a_body_that_belies_its_length_is_a_502(gateway, server):
    answer = ask(gateway.port, chat("two/lies"))
    assert answer.status == 502 and answer.error["message"]


def test_a_silent_server_is_a_504_that_names_its_clock(gateway, server):
    answer = ask(gateway.port, chat("two/silent"))
    assert answer.status == 504 and "head" in answer.error["message"]
    # Nothing had come on that connection since: it is closed, and the next request is on another.
    server.wait("the end", lambda: server.requests[0].connection.ended)
    assert ask(gateway.port, chat("two/plain")).status == 200
    assert server.requests[1].connection is not server.requests[0].connection


def test_a_providers_error_keeps_its_status(gateway, server):
    answer = ask(gateway.port, chat("two/limited"))
    assert answer.status == 429 and answer.error["code"] == "rate_limit_exceeded"


def test_a_server_without_http2_is_spoken_to_over_http1(gateway, upstream):
    before = len(upstream.exchanges)
    for _ in range(3):
        answer = ask(gateway.port, chat("one/gpt-x"))
        assert answer.status == 200 and answer.json()["object"] == completion("")["object"]
    assert len(upstream.exchanges) - before == 3


def test_a_server_that_asks_for_http1_gets_it(start_gateway, provider, certificates):
    """Its answer to HTTP/1.1 is none at all, as this one speaks HTTP/2 only: the attempt is what counts."""
    server = HTTP2Upstream(certificates)
    gateway = start_gateway({"providers": {"two": provider(server.url, http2=True)}})
    assert ask(gateway.port, chat("two/http11")).status == 502
    assert len(server.requests) == 1
    server.close()


def test_the_pool_counts_connections_and_not_streams(gateway, server):
    for _ in range(5):
        assert ask(gateway.port, chat("two/plain")).status == 200
    metrics = ask(gateway.port, get("/metrics"), "GET").body.decode()
    created = [line for line in metrics.splitlines() if "created" in line and 'provider="two"' in line]
    assert created and float(created[0].split()[-1]) < len(server.connections) + 5
