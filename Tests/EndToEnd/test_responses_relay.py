# What the Responses door does besides translating: bytes that are kept on the way to OpenAI and back, errors in the dialect
# before and after the head, what only OpenAI could do, and a client that leaves.

import time

import pytest

from event_order import check_responses, named_events
from mocks.openai import OPENAI_KEY
from raw_http import RawClient, ask, post
from responses_client import ResponsesClient


@pytest.fixture(scope="module")
def gateway(start_gateway, session_responses_mock, session_anthropic_mock, provider, certificates):
    clocks = {"timeouts": {"idle": "2s", "head": "2s"}, "ca_file": certificates.ca_file}
    return start_gateway({
        "server": {"heartbeat_interval": "200ms", "limits": {"body": "256KiB"}},
        "providers": {
            "own": {"type": "openai", "base_url": session_responses_mock.url, "api_key": OPENAI_KEY, "responses": True, **clocks},
            "anthropic": {"type": "anthropic", "base_url": session_anthropic_mock.url, "api_key": session_anthropic_mock.key,
                          **clocks},
            "chat": provider(timeouts={"idle": "3s", "head": "3s"})},
        "models": {"gpt-5-*": {"provider": "own"}, "short": {"provider": "own", "model": "gpt-5-aliased"}}})


@pytest.fixture(scope="module")
def keyed(start_gateway):
    return start_gateway({"auth": {"keys": [{"name": "one", "key": "sk-client-secret"}]},
                          "server": {"doors": {"store_responses": False}},
                          "providers": {"sim": {"type": "simulator", "ttft": "1ms"}}})


def send(gateway, value, headers=()):
    return ask(gateway.port, post("/v1/responses", value, headers))


RAW = """{ "input" : [{"role":"user","content":"h\\u00e9llo \\ud83c\\udf0d"}],"model":%s,
  "metadata":{"a":"b"},"include":["reasoning.encrypted_content"], "store":false,"reasoning":{"effort":"low"}%s }"""


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
def test_bytes_are_kept_both_ways(streams, gateway, responses_mock):
    model = responses_mock.model("gpt-5")
    raw = (RAW % (f'"{model}"', ',"stream":true' if streams else "")).encode()
    answer = send(gateway, raw, [("authorization", "Bearer sk-anything"), ("originator", "codex"), ("openai-beta", "x=y")])
    (exchange,) = responses_mock.of(model)
    assert exchange.request.body == raw and exchange.request.headers.get("openai-beta") == "x=y"
    assert "originator" not in exchange.request.headers
    value = check_responses(answer.body) if streams else answer.json()
    assert value["output"][0]["encrypted_content"].startswith("gAAAA") and value["output"][1]["content"][0]["text"] == "héllo 🌍"
    assert answer.headers.get("x-upstream-request-id") == "req_mock"


def test_an_alias_replaces_the_models_name_alone(gateway, responses_mock):
    before = len(responses_mock.of("gpt-5-aliased"))
    raw = b'{"input":"hi",  "model" : "short"}'
    assert send(gateway, raw).status == 200
    exchange = responses_mock.of("gpt-5-aliased")[before]
    assert exchange.request.body == raw.replace(b'"short"', b'"gpt-5-aliased"')


def error_of(answer, status, code=..., param=...):
    assert answer.status == status, answer
    error = answer.error
    assert code is ... or error["code"] == code, error
    assert param is ... or error["param"] == param, error
    assert answer.headers.get("x-request-id")
    return error


def test_what_the_caller_did_wrong(gateway, upstream):
    error_of(send(gateway, b"{"), 400)
    error_of(send(gateway, {"input": "hi"}), 400, "missing_required_parameter", "model")
    error_of(send(gateway, {"model": "chat/m"}), 400, "missing_required_parameter", "input")
    error_of(send(gateway, {"model": "nobody/knows", "input": "hi"}), 404, "model_not_found")
    error_of(send(gateway, {"model": "chat/m", "input": [{"type": "computer_call"}]}), 400, ..., "input[0].type")
    error_of(send(gateway, {"model": "chat/m", "input": "hi", "background": True}), 400, ..., "background")
    error_of(send(gateway, {"model": "chat/m", "input": "hi", "previous_response_id": "resp_unknown"}), 400, ...,
             "previous_response_id")
    error_of(ask(gateway.port, post("/v1/responses", b"x" * 300_000)), 413)
    error_of(ask(gateway.port, post("/v1/responses", b"a=b", content_type="application/x-www-form-urlencoded")), 415)
    assert ask(gateway.port, b"GET /v1/responses HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET").status == 405


def test_keys_and_the_store_that_is_off(keyed):
    error_of(send(keyed, {"model": "sim", "input": "hi"}), 401)
    error_of(send(keyed, {"model": "sim", "input": "hi"}, [("authorization", "Bearer sk-wrong")]), 401, "invalid_api_key")
    key = [("authorization", "Bearer sk-client-secret")]
    answer = send(keyed, {"model": "sim", "input": "hi"}, key)
    assert answer.status == 200 and answer.json()["store"] is False
    error_of(send(keyed, {"model": "sim", "input": "hi", "previous_response_id": answer.json()["id"]}, key), 400, ...,
             "previous_response_id")


STATUSES = {"ratelimited": (429, "rate_limit_exceeded"), "quota": (429, "insufficient_quota"), "broken": (502, ...),
            "overloaded": (503, ...), "missing": (404, "model_not_found")}


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("fault", STATUSES)
def test_what_openai_refuses(fault, streams, gateway, responses_mock):
    answer = send(gateway, {"model": responses_mock.model("gpt-5", fault), "input": "hi", "stream": streams})
    error_of(answer, *STATUSES[fault])
    assert answer.headers.get("retry-after") == ("1" if fault == "ratelimited" else None)


@pytest.mark.parametrize("fault, status", [("ratelimited", 429), ("overloaded", 503), ("broken", 502), ("forbidden", 502),
                                           ("timeout", 504), ("missing", 404)])
def test_what_another_dialect_refuses(fault, status, gateway, anthropic_mock):
    for streams in (False, True):
        model = anthropic_mock.model("claude-sonnet-4-5", fault)
        error_of(send(gateway, {"model": f"anthropic/{model}", "input": "hi", "stream": streams}), status)


@pytest.mark.parametrize("fault", ["cut", "reset", "unfinished", "error", "stall"])
def test_a_relayed_stream_that_fails(fault, gateway, responses_mock):
    model = responses_mock.model("gpt-5", fault)
    answer = send(gateway, {"model": model, "input": "one two three four", "stream": True})
    assert answer.status == 200
    check_responses(answer.body, ends_in_error=True)
    client = ResponsesClient(gateway)
    *_, last = client.sdk.responses.create(model=model, input="one two three four", stream=True)
    assert last.type == "error" and last.message
    client.close()


@pytest.mark.parametrize("fault", ["cut", "reset", "unfinished", "error", "stall"])
def test_a_translated_stream_that_fails(fault, gateway, anthropic_mock):
    model = anthropic_mock.model("claude-sonnet-4-5", fault)
    answer = send(gateway, {"model": f"anthropic/{model}", "input": "one two three four", "stream": True})
    assert answer.status == 200
    failed = check_responses(answer.body)
    assert failed["status"] == "failed" and failed["error"]["code"] and failed["error"]["message"]


@pytest.mark.parametrize("fault", ["crlf", "split", "unknown", "crlf--split--unknown"])
def test_framing_is_made_canonical(fault, gateway, responses_mock):
    model = responses_mock.model("gpt-5", fault)
    answer = send(gateway, {"model": model, "input": "one two three", "stream": True})
    assert check_responses(answer.body)["output"][0]["content"][0]["text"] == "one two three"


def chunk(delta, finish=None):
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def test_a_silent_stream_shows_heartbeats(gateway, upstream):
    def play(exchange):
        exchange.start_stream()
        exchange.event(chunk({"role": "assistant", "content": "a"}))
        exchange.wait(0.5)
        exchange.event(chunk({"content": "b"}))
        exchange.event(chunk({}, "stop"))
        exchange.event("[DONE]")
        exchange.finish()

    answer = send(gateway, {"model": f"chat/{upstream.script(play)}", "input": "hi", "stream": True})
    assert answer.body.count(b":ka\n\n") >= 1
    assert check_responses(answer.body)["output"][0]["content"][0]["text"] == "ab"
    assert named_events(answer.body)


@pytest.mark.parametrize("lane", ["relayed", "translated"])
def test_a_client_that_leaves_ends_the_upstreams_work(lane, gateway, responses_mock, anthropic_mock):
    if lane == "relayed":
        mock, model = responses_mock, responses_mock.model("gpt-5", "stall")
        named = model
    else:
        mock, model = anthropic_mock, anthropic_mock.model("claude-sonnet-4-5", "stall")
        named = f"anthropic/{model}"
    client = RawClient(gateway.port)
    client.send(post("/v1/responses", {"model": named, "input": "one two three four", "stream": True}))
    assert client.read_head().status == 200
    next(client.events())
    exchange = mock.await_exchange(model)
    left = time.monotonic()
    client.close()
    assert exchange.connection.gone.wait(1)
    assert time.monotonic() - left < 0.1
