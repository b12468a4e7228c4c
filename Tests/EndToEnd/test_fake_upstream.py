# The suite's own machinery is tested first: the official SDK talks straight to the fake upstream over TLS, and
# the raw client refuses what it must refuse. No gateway is needed here.

import json
import socket
import ssl
import time

import openai
import pytest

from fake_upstream import UPSTREAM_KEY, FakeUpstream, chunk, head
from raw_http import Closed, RawClient, chat, chat_body, parse_stream, post, stream_error, stream_text


@pytest.fixture
def lone_upstream(certificates):
    upstream = FakeUpstream(certificates)
    yield upstream
    upstream.close()


@pytest.fixture
def direct(lone_upstream, client_tls):
    def strip(request):  # what a gateway must not forward, this client must not send
        for name in [name for name in request.headers if name.lower().startswith("x-stainless-")]:
            del request.headers[name]

    client = openai.OpenAI(
        base_url=lone_upstream.url, api_key=UPSTREAM_KEY, max_retries=0, timeout=5,
        http_client=openai.DefaultHttpxClient(verify=client_tls, event_hooks={"request": [strip]}),
    )
    yield client
    client.close()


def hello(client, model="gpt-x", **fields):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Grüße 👋 an alle"}],
                                          **fields)


def authorized(model, host, **fields):
    return chat(model, headers=[("Authorization", f"Bearer {UPSTREAM_KEY}"), ("Host", host)], **fields)


def test_the_sdk_gets_a_completion(lone_upstream, direct):
    assert hello(direct).choices[0].message.content == "Grüße 👋 an alle"
    assert lone_upstream.violations == []
    assert lone_upstream.exchanges[0].request.json()["model"] == "gpt-x"


def test_the_sdk_gets_a_stream_with_usage_only_when_asked(lone_upstream, direct):
    chunks = list(hello(direct, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "Grüße 👋 an alle"
    asked = list(hello(direct, stream=True, stream_options={"include_usage": True}))
    assert asked[-1].usage.total_tokens == 15 and asked[-1].choices == []


def test_the_sdk_gets_a_tool_call(lone_upstream, direct):
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    call = hello(direct, tools=tools).choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "Köln"}
    pieces = [c.choices[0].delta.tool_calls for c in hello(direct, tools=tools, stream=True)]
    assert "".join(p[0].function.arguments for p in pieces if p) == '{"city":"Köln"}'


def test_the_sdk_raises_on_scripted_errors_and_on_a_wrong_key(lone_upstream, direct):
    limited = lone_upstream.script(lambda e: e.error(429, "slow down"))
    with pytest.raises(openai.RateLimitError, match="slow down"):
        hello(direct, limited)
    with pytest.raises(openai.AuthenticationError):
        hello(direct.with_options(api_key="sk-wrong"))
    assert len(lone_upstream.violations) == 1


def test_the_models_are_listed(lone_upstream, direct):
    assert [model.id for model in direct.models.list()] == lone_upstream.models


def test_a_connection_is_reused_and_a_session_resumed(lone_upstream, certificates):
    context = ssl.create_default_context(cafile=certificates.ca_file)
    port = lone_upstream.main.port
    sock = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
    host = f"localhost:{port}"
    sock.sendall(authorized("gpt-a", host))
    sock.recv(65536)
    sock.sendall(authorized("gpt-b", host))
    sock.recv(65536)
    again = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost",
                                session=sock.session)
    again.sendall(authorized("gpt-c", host))
    again.recv(65536)
    first, second = lone_upstream.connections
    assert lone_upstream.of("gpt-b")[0].reused
    assert not first.resumed and second.resumed
    assert "localhost" in lone_upstream.main.context.names_seen
    sock.close()
    again.close()


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_peer_that_leaves_is_noticed_at_once(lone_upstream, client_tls, leave):
    def play(exchange):
        exchange.start_stream()
        exchange.event(chunk({"content": "x"}))
        exchange.hang()

    model = lone_upstream.script(play)
    with RawClient(lone_upstream.main.port, tls=client_tls) as client:
        client.send(authorized(model, f"localhost:{lone_upstream.main.port}", stream=True))
        client.read_head()
        exchange = lone_upstream.await_exchange(model)
        left = time.monotonic()
        client.reset() if leave == "reset" else client.close()
        assert exchange.connection.gone.wait(1)
        assert exchange.connection.closed_at - left < 0.05


def test_truncation_and_clean_end_differ(lone_upstream, client_tls):
    def ending(finish):
        def play(exchange):
            exchange.send(head(200, [("content-length", 100)]) + b"{")
            finish(exchange)

        return lone_upstream.script(play)

    secure, plain = lone_upstream.main, lone_upstream.listen()
    for listener, finish, reason in (
        (secure, lambda e: e.close(), "end of file"),
        (secure, lambda e: e.close_without_notify(), "close_notify"),
        (plain, lambda e: e.reset(), "reset"),
    ):
        tls = client_tls if listener is secure else None
        with RawClient(listener.port, tls=tls) as client, pytest.raises(Closed, match=reason):
            client.ask(authorized(ending(finish), f"localhost:{listener.port}"))


@pytest.mark.parametrize("headers, status", [
    ([("Cookie", "a=b")], 400),
    ([("X-Stainless-Lang", "python")], 400),
    ([("TE", "trailers")], 400),
    ([("Content-Type", "text/plain")], 415),
    ([("Authorization", "Bearer sk-other")], 401),
])
def test_what_must_never_arrive_is_refused(lone_upstream, client_tls, headers, status):
    port = lone_upstream.main.port
    base = [("Host", f"localhost:{port}"), ("Authorization", f"Bearer {UPSTREAM_KEY}")]
    kept = [h for h in base if h[0] not in [name for name, _ in headers]]
    with RawClient(port, tls=client_tls) as client:
        answer = client.ask(post("/v1/chat/completions", chat_body("gpt-x"), kept + headers))
    assert answer.status == status
    assert len(lone_upstream.violations) == 1


def test_a_sender_is_stopped_by_a_reader_that_does_not_read(lone_upstream, client_tls):
    def play(exchange):
        exchange.start_stream()
        while True:
            exchange.event("x" * 60000)

    model = lone_upstream.script(play)
    port = lone_upstream.main.port
    with RawClient(port, tls=client_tls, receive_buffer=65536) as client:
        client.send(authorized(model, f"localhost:{port}", stream=True))
        exchange = lone_upstream.await_exchange(model)
        time.sleep(0.3)
        stalled = exchange.connection.sent
        time.sleep(0.2)
        assert exchange.connection.sent == stalled < 24 * 2**20
    assert exchange.connection.gone.wait(1)


def test_the_stream_reader_knows_canonical_framing():
    stream = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}\n\n:ka\n\ndata: [DONE]\n\n'
    assert stream_text(parse_stream(stream)) == ("a", None, True)
    assert stream_error(parse_stream(b'data: {"error":{"message":"m"}}\n\n')) == {"message": "m"}
    for wrong in (b"data: a\r\n\r\n", b"data: a\n", b"id: 1\n\n", b"data:a\n\n", b"data: a\n:ka\n\n"):
        with pytest.raises(AssertionError):
            parse_stream(wrong)


