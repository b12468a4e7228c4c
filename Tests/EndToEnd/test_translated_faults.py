# What goes wrong at a provider whose dialect is not the client's, and what the client is told: docs/errors.md, row by
# row, for every translated provider, in one piece and streamed. Also what is left out, heartbeats, and a client that goes.

import json
import time

import openai
import pytest

from chat_client import ChatClient
from matrix import TARGETS
from mocks import faults
from raw_http import RawClient, chat

SIX = "one two three four five six"
ROWS = [target for target in TARGETS if target.name in (
    "anthropic", "gemini-2.5", "vertex-gemini-3", "vertex-claude", "vertex-openai", "salesforce-claude", "salesforce-gpt",
    "salesforce-models", "sambanova", "sambanova-web")]
STREAMING = [target for target in ROWS if target.name != "salesforce-models"]
T = 1.0  # seconds of each clock


@pytest.fixture(scope="module")
def gateway(start_matrix):
    clocks = dict.fromkeys(("connect", "head", "idle"), "1s")
    strict = {f"strict-{target.name}": {"provider": target.provider, "model": target.publisher + target.model + "-e0",
                                        "unsupported_params": "error"} for target in ROWS}
    return start_matrix(common={"timeouts": clocks}, models=strict, server={"heartbeat_interval": "300ms"})


@pytest.fixture
def client(gateway):
    client = ChatClient(gateway)
    yield client
    client.close()


@pytest.fixture(params=ROWS, ids=lambda target: target.name)
def target(request):
    return request.param


@pytest.fixture
def mock(target, request):
    return request.getfixturevalue(target.mock)


def scripted(mock, target, play):
    model = mock.model(target.model)
    mock.scripts[model] = play
    return model


def refused(client, target, model, stream):
    with pytest.raises(openai.APIStatusError) as caught:
        client.ask(target.at_gateway(model), SIX, stream)
    body = client.transport.bytes
    assert b"<html" not in body.lower() and b"Traceback" not in body
    return caught.value


def told(error):
    return error.status_code, error.type, error.code


def failing(status, message, *headers):
    return lambda exchange: exchange.error(status, message, headers=list(headers))


EARLY = {
    "429": (failing(429, "slow down", ("retry-after", "7")), (429, "rate_limit_error", "rate_limit_exceeded")),
    "503": (failing(503, "too busy"), (503, "service_unavailable_error", "overloaded")),
    "529": (failing(529, "Overloaded"), (503, "service_unavailable_error", "overloaded")),
    "500": (failing(500, "went wrong"), (502, "server_error", "upstream_error")),
    "403": (failing(403, "not yours"), (502, "server_error", "upstream_authentication_failed")),
    "html": (faults.html(500), (502, "server_error", "upstream_error")),
    "empty": (faults.status(500), (502, "server_error", "upstream_error")),
    "page": (faults.html(200), (502, "server_error", "upstream_invalid_response")),
    "other": (faults.status(200, {"unexpected": True}), (502, "server_error", "upstream_invalid_response")),
    "array": (faults.status(200, [1, 2]), (502, "server_error", "upstream_invalid_response")),
    "broken": (faults.status(200, b'{"a":'), (502, "server_error", "upstream_invalid_response")),
    "short": (faults.short, (502, "server_error", "upstream_connection_lost")),
    "reset": (faults.reset, (502, "server_error", "upstream_connection_lost")),
    "redirect": (faults.status(302, None, [("location", "/elsewhere")]), (502, "server_error", "upstream_invalid_response")),
}


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("case", EARLY)
def test_a_failure_before_the_answer_has_its_status(client, mock, target, case, stream):
    play, wanted = EARLY[case]
    model = scripted(mock, target, play)
    error = refused(client, target, model, stream)
    assert told(error) == wanted, error
    # A pooled connection that dies before any byte is replaced, once.
    assert len(mock.of(model)) in ((1, 2) if case == "reset" else (1,))
    assert error.response.headers["x-gateway-provider"] == target.provider
    if case == "429":
        assert error.response.headers["retry-after"] == "7"
    assert client.ask(target.at_gateway(mock.model(target.model)), SIX, stream).text == SIX


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_a_refusal_keeps_its_words(client, mock, target, stream):
    model = scripted(mock, target, failing(400, "temperature: this is too warm"))
    error = refused(client, target, model, stream)
    words = "error" if target.name == "sambanova-web" else "temperature: this is too warm"  # the site has no words
    assert error.status_code == 400 and error.type and words in error.message
    assert error.response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_a_401_is_never_the_clients(client, mock, target, stream):
    model = scripted(mock, target, failing(401, "who are you"))
    error = refused(client, target, model, stream)
    assert told(error) == (502, "server_error", "upstream_authentication_failed")
    lent = target.provider not in ("anthropic", "gemini", "sambanova")
    assert len(mock.of(model)) == (2 if lent else 1), "a lent credential is renewed, once"


def test_silence_ends_at_the_clock(client, mock, target, at_once, gateway):
    def silent(stream):
        own = ChatClient(gateway)
        began = time.monotonic()
        error = refused(own, target, scripted(mock, target, faults.hang), stream)
        own.close()
        assert told(error) == (504, "server_error", "upstream_timeout") and "head" in error.message
        assert 0.7 * T < time.monotonic() - began < T + 1

    def stalled():
        own = ChatClient(gateway)
        with pytest.raises(openai.APIError) as caught:
            own.ask(target.at_gateway(mock.model(target.model, "stall")), SIX, True)
        assert caught.value.code == "upstream_timeout" and "idle" in caught.value.message
        assert b"[DONE]" not in own.transport.bytes and b'"one' in own.transport.bytes
        own.close()

    cases = {"unary": lambda: silent(False)}
    if target in STREAMING:
        cases |= {"mid-stream": stalled}
    at_once(cases)


def streamed(client, target, model):
    """(error, text before it)"""
    with pytest.raises(openai.APIError) as caught:
        client.ask(target.at_gateway(model), SIX, True)
    assert not isinstance(caught.value, openai.APIStatusError), caught.value
    data = client.transport.bytes
    assert b"[DONE]" not in data and b'"content":"one' in data
    return caught.value


@pytest.mark.parametrize("target", STREAMING, ids=lambda target: target.name)
@pytest.mark.parametrize("word", ["cut", "reset"])
def test_a_stream_that_is_cut_is_an_error(client, mock, target, word):
    error = streamed(client, target, mock.model(target.model, word))
    assert (error.code, error.type) == ("upstream_connection_lost", "server_error")


@pytest.mark.parametrize("target", [row for row in STREAMING if row.read.__name__ in ("messages", "gemini")],
                         ids=lambda target: target.name)
def test_a_stream_without_its_end_is_an_error(client, mock, target):
    assert streamed(client, target, mock.model(target.model, "unfinished")).code == "upstream_connection_lost"


@pytest.mark.parametrize("target", STREAMING, ids=lambda target: target.name)
def test_an_error_event_is_told(client, mock, target):
    model = mock.model(target.model, "error")
    error = streamed(client, target, model)
    assert error.code in ("upstream_error", "overloaded", "internal_error") and error.message
    assert mock.of(model)[0].connection.gone.wait(1.5)


@pytest.mark.parametrize("target", STREAMING, ids=lambda target: target.name)
@pytest.mark.parametrize("words", [("split",), ("crlf",), ("unknown",), ("unknown", "split")], ids="-".join)
def test_a_stream_may_come_in_any_form(client, mock, target, words):
    if "crlf" in words and target.name == "salesforce-claude":
        words = ("unknown",)  # frames have no lines
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {
        "city": {"type": "string"}}}}}]
    model = target.at_gateway(mock.model(target.model, *words))
    assert client.ask(model, "Grüße 世界 🌍", True).text == "Grüße 世界 🌍"
    if "tools" not in target.refuses:
        reply = client.ask(model, 'call weather {"city": "世界 🌍"}', True, tools=tools)
        assert json.loads(reply.calls[0][2]) == {"city": "世界 🌍"}


# -- what is left out ------------------------------------------------------------------------------------------------


def test_what_is_dropped_is_named_or_refused(client, mock, target):
    """`logit_bias` and a seed: each provider lacks at least one."""
    if target.name == "vertex-openai":
        return  # it speaks the client's own dialect, and judges for itself
    options = {"logit_bias": {"7": 1}, "seed": 7, "extra_body": {"nobody_knows": 1}}
    model = mock.model(target.model)
    reply = client.ask(target.at_gateway(model), "hello", **options)
    dropped = set(filter(None, reply.headers.get("x-gateway-dropped-params", "").split(", ")))
    sent = json.dumps(mock.of(model)[-1].body)
    for name in ("logit_bias", "seed", "nobody_knows"):
        assert (name in dropped) != (f'"{name}"' in sent), (name, dropped, sent)
    if not dropped:
        return
    with pytest.raises(openai.BadRequestError) as caught:
        client.ask(f"strict-{target.name}", "hello", **options)
    assert caught.value.code == "unsupported_parameter"
    assert all(name in caught.value.message for name in dropped)
    one = sorted(dropped)[0]
    with pytest.raises(openai.BadRequestError) as caught:
        client.ask(f"strict-{target.name}", "hello", **{one: options[one]} if one in options else {"extra_body": {one: 1}})
    assert caught.value.param == one
    assert mock.of(target.model + "-e0") == []


# -- silence and clients that leave ----------------------------------------------------------------------------------


def test_a_silence_is_filled_with_heartbeats(client, mock, target):
    model = scripted(mock, target, lambda exchange: (exchange.wait(0.7), mock.answer(exchange)))
    reply = client.ask(target.at_gateway(model), SIX, True)
    assert reply.text == SIX and client.transport.bytes.count(b":ka\n\n") >= 1
    error = streamed_behind_heartbeats(client, target, scripted(
        mock, target, lambda exchange: (exchange.wait(0.7), exchange.error(500, "went wrong"))))
    assert error.code == "upstream_error"


def streamed_behind_heartbeats(client, target, model):
    with pytest.raises(openai.APIError) as caught:
        client.ask(target.at_gateway(model), SIX, True)
    assert b":ka\n\n" in client.transport.bytes and b"[DONE]" not in client.transport.bytes
    return caught.value


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_a_client_that_leaves_frees_the_provider(gateway, mock, target, stream):
    """Before the answer, and in the middle of one."""
    model = scripted(mock, target, faults.hang)
    if stream and target in STREAMING:
        model = mock.model(target.model, "slow")
    with RawClient(gateway.port) as leaving:
        leaving.send(chat(target.at_gateway(model), "word " * 40, stream))
        exchange = mock.await_exchange(model)
        if stream and target in STREAMING:
            assert leaving.read_head().status == 200
            time.sleep(0.2)
        left = time.monotonic()
    assert exchange.connection.gone.wait(1), "the provider went on"
    assert exchange.connection.closed_at - left < 0.1
