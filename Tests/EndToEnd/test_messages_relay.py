# What the Messages door does besides translating: bytes that are kept on the way to Anthropic and back, credentials and
# versions, errors in the dialect before and after the head, pings, counts, and a client that leaves.

import json
import time

import anthropic
import pytest

from event_order import check_messages, named_events
from messages_client import MessagesClient
from mocks.anthropic_rules import signature
from mocks.google import GEMINI_KEY
from raw_http import RawClient, ask, chunked, post

VERSIONS = ("2023-06-01", "2026-10-21")
HEADERS = [("anthropic-version", "2023-06-01")]


@pytest.fixture(scope="module")
def gateway(start_gateway, session_anthropic_mock, session_gemini_mock, session_upstream, provider, certificates):
    anthropic_, google = session_anthropic_mock, session_gemini_mock
    return start_gateway({
        "server": {"heartbeat_interval": "200ms", "limits": {"body": "256KiB"}},
        "providers": {
            "anthropic": {"type": "anthropic", "base_url": anthropic_.url, "api_key": anthropic_.key,
                          "ca_file": certificates.ca_file, "timeouts": {"idle": "2s", "head": "2s"}},
            "wrong": {"type": "anthropic", "base_url": anthropic_.url, "api_key": "sk-ant-wrong",
                      "ca_file": certificates.ca_file},
            "gemini": {"type": "gemini", "base_url": google.main.origin, "api_key": GEMINI_KEY, "ca_file": certificates.ca_file,
                       "timeouts": {"idle": "2s", "head": "2s"}},
            "chat": provider(timeouts={"idle": "3s", "head": "3s"})},
        "models": {"claude-opus-*": {"provider": "anthropic"}, "haiku": {"provider": "anthropic", "model": "claude-haiku-4-5"},
                   "claude-for-gpt": {"provider": "chat", "model": "gpt-aliased"}}})


@pytest.fixture(scope="module")
def keyed(start_gateway):
    return start_gateway({"auth": {"keys": [{"name": "one", "key": "sk-client-secret", "models": ["sim"]}]},
                          "providers": {"sim": {"type": "simulator", "ttft": "1ms"}}})


def body(model, text="hello", **members):
    return {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": text}], **members}


def send(gateway, value, headers=HEADERS, path="/v1/messages"):
    return ask(gateway.port, post(path, value, headers))


def error_of(answer, status, kind):
    assert answer.status == status, answer
    value = answer.json()
    assert set(value) == {"type", "error", "request_id"} and value["type"] == "error", value
    assert value["error"]["type"] == kind and value["error"]["message"], value
    assert answer.headers.get("request-id") == answer.headers.get("x-request-id") == value["request_id"]
    return value["error"]["message"]


# -- relayed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
def test_the_providers_request_id_and_limits_are_told_under_names_of_their_own(path, gateway, anthropic_mock):
    value = body(f"anthropic/{anthropic_mock.model('claude-sonnet-4-5')}")
    for stream in (False, True):
        headers = ask(gateway.port, post(path, {**value, "stream": stream}, HEADERS)).headers
        assert headers.get("x-upstream-request-id").startswith("req_0")
        assert headers.get("x-upstream-ratelimit-requests-limit") == "50"
        assert headers.get("x-upstream-ratelimit-requests-reset") == "2026-01-01T00:00:00Z"
        assert headers.get("anthropic-ratelimit-requests-limit") is None


RAW = """{ "max_tokens" : 4096,  "model":%s,
 "metadata":{"user_id":"user_1_account__session_2"}, "thinking":{"type":"enabled","budget_tokens":2048},
 "system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=1"},
           {"type":"text","text":"Be k\\u00efnd \\ud83c\\udf0d","cache_control":{"type":"ephemeral","ttl":"1h"}}],
 "tools":[{"name":"clock","input_schema":{"type":"object","properties":{}},"cache_control":{"type":"ephemeral"}}],
 "messages":[{"role":"user","content":"call clock"},
  {"role":"assistant","content":[{"type":"thinking","thinking":"The user says: call clock","signature":%s},
                                 {"type":"tool_use","id":"toolu_1","name":"clock","input":{  }}]},
  {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"noon"}]}]}]
 %s}"""


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
def test_bytes_are_kept_both_ways(streams, gateway, anthropic_mock):
    model = anthropic_mock.model("claude-opus-4-5")
    proof = json.dumps(signature("The user says: call clock"))
    raw = RAW % (json.dumps(model), proof, ', "stream": true' if streams else "")
    answer = send(gateway, raw.encode(), [
        ("anthropic-version", "2023-06-01"), ("anthropic-beta", "interleaved-thinking-2025-05-14,context-1m-2025-08-07"),
        ("authorization", "Bearer sk-anything"), ("x-app", "cli"), ("x-stainless-lang", "js")], "/v1/messages?beta=true")
    assert answer.status == 200, answer
    (exchange,) = anthropic_mock.of(model)
    assert exchange.request.body == raw.encode()
    sent = exchange.request.headers
    assert sent.get("anthropic-beta") == "interleaved-thinking-2025-05-14,context-1m-2025-08-07"
    assert sent.get("anthropic-version") == "2023-06-01" and "x-app" not in sent and "x-stainless-lang" not in sent
    assert answer.headers.get("request-id") and answer.headers.get("x-gateway-provider") == "anthropic"
    if streams:
        blocks = check_messages(answer.body)
        assert [block["type"] for block, _ in blocks] == ["thinking", "text"]
        signed = [value["delta"]["signature"] for name, value in named_events(answer.body)
                  if value.get("delta", {}).get("type") == "signature_delta"]
    else:
        assert [block["type"] for block in answer.json()["content"]] == ["thinking", "text"]
        signed = [answer.json()["content"][0]["signature"]]
    assert signed == [signature(answer.json()["content"][0]["thinking"] if not streams else "".join(
        value["delta"]["thinking"] for _, value in named_events(answer.body)
        if value.get("delta", {}).get("type") == "thinking_delta"))]


def test_an_alias_replaces_the_models_name_alone(gateway, anthropic_mock):
    before = len(anthropic_mock.of("claude-haiku-4-5"))
    raw = b'{"messages":[{"role":"user","content":"hi"}],  "model" : "haiku","max_tokens":9}'
    answer = send(gateway, raw)
    assert answer.status == 200 and answer.json()["content"][0]["text"] == "hi"
    exchange = anthropic_mock.of("claude-haiku-4-5")[before]
    assert exchange.request.body == raw.replace(b'"haiku"', b'"claude-haiku-4-5"')


@pytest.mark.parametrize("version", [*VERSIONS, None])
def test_the_clients_version_goes_to_anthropic(version, gateway, anthropic_mock):
    model = anthropic_mock.model("claude-opus-4-5")
    assert send(gateway, body(model), [("anthropic-version", version)] if version else []).status == 200
    assert anthropic_mock.of(model)[0].request.headers.get("anthropic-version") == (version or "2023-06-01")


@pytest.mark.parametrize("version", [*VERSIONS, "1999-01-01", "next"])
def test_no_version_and_no_beta_goes_elsewhere(version, gateway, upstream):
    model = upstream.script(lambda e: e.answer(COMPLETION))
    answer = send(gateway, body(f"chat/{model}"), [("anthropic-version", version), ("anthropic-beta", "a-2025-01-01")])
    assert answer.status == 200, answer
    sent = upstream.of(model)[0].request.headers
    assert "anthropic-version" not in sent and "anthropic-beta" not in sent and "x-api-key" not in sent


COMPLETION = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}


def test_an_alias_of_another_dialects_model(gateway, upstream):
    upstream.scripts["gpt-aliased"] = lambda e: e.answer(COMPLETION)
    answer = send(gateway, body("claude-for-gpt"))
    assert answer.status == 200 and answer.json()["content"] == [{"type": "text", "text": "hello"}]
    assert upstream.of("gpt-aliased")[0].request.json()["model"] == "gpt-aliased"


# -- counts ----------------------------------------------------------------------------------------------------------


def test_counts_are_relayed_or_estimated(gateway, anthropic_mock, upstream):
    model = anthropic_mock.model("claude-opus-4-5")
    value = {"model": model, "messages": [{"role": "user", "content": "one two three"}]}
    answer = send(gateway, value, path="/v1/messages/count_tokens?beta=true")
    assert answer.status == 200 and answer.json()["input_tokens"] > 0 and "x-gateway-token-count" not in answer.headers
    assert anthropic_mock.of(model)[0].operation == "count"
    answer = send(gateway, {**value, "model": "chat/any"}, path="/v1/messages/count_tokens")
    assert answer.status == 200 and set(answer.json()) == {"input_tokens"} and answer.json()["input_tokens"] > 0
    assert answer.headers.get("x-gateway-token-count") == "estimate"
    error_of(send(gateway, {"model": "chat/any"}, path="/v1/messages/count_tokens"), 400, "invalid_request_error")


# -- errors before the head ------------------------------------------------------------------------------------------


def test_what_the_caller_did_wrong(gateway, upstream, anthropic_mock):
    assert "max_tokens" in error_of(send(gateway, {"model": "chat/m", "messages": [{"role": "user", "content": "x"}]}),
                                    400, "invalid_request_error")
    error_of(send(gateway, b"{"), 400, "invalid_request_error")
    error_of(send(gateway, b"[]"), 400, "invalid_request_error")
    error_of(send(gateway, body("nobody/knows")), 404, "not_found_error")
    error_of(ask(gateway.port, post("/v1/messages", body("m"), [], content_type="text/plain")), 415, "invalid_request_error")
    head = [("transfer-encoding", "chunked")]
    error_of(ask(gateway.port, post("/v1/messages", chunked(b"x" * 300_000, 60_000), head)), 413, "request_too_large")
    error_of(ask(gateway.port, post("/v1/messages", b"x" * 300_000)), 413, "request_too_large")
    answer = ask(gateway.port, b"GET /v1/messages HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET")
    assert answer.status == 405 and answer.headers.get("allow") == "POST, OPTIONS"


@pytest.mark.parametrize("headers, status", [
    ([], 401), ([("x-api-key", "sk-wrong")], 401), ([("authorization", "Bearer sk-wrong")], 401),
    ([("x-api-key", "sk-client-secret")], 200), ([("authorization", "Bearer sk-client-secret")], 200)])
def test_keys_come_either_way(headers, status, keyed):
    answer = send(keyed, body("sim"), headers)
    assert answer.status == status
    if status == 401:
        error_of(answer, 401, "authentication_error")


def test_a_key_without_the_right(keyed):
    error_of(send(keyed, body("other"), [("x-api-key", "sk-client-secret")]), 403, "permission_error")


STATUSES = {"ratelimited": (429, "rate_limit_error"), "overloaded": (529, "overloaded_error"), "broken": (502, "api_error"),
            "timeout": (504, "timeout_error"), "missing": (404, "not_found_error"), "forbidden": (502, "api_error"),
            "toolarge": (413, "request_too_large")}


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("fault", STATUSES)
def test_what_anthropic_refuses(fault, streams, gateway, anthropic_mock):
    model = anthropic_mock.model("claude-opus-4-5", fault)
    answer = send(gateway, body(model, stream=streams))
    error_of(answer, *STATUSES[fault])
    assert answer.headers.get("retry-after") == ("1" if fault == "ratelimited" else None)


def test_a_bad_provider_key_is_not_the_clients(gateway, anthropic_mock):
    with anthropic_mock.expecting():
        error_of(send(gateway, body("wrong/claude-opus-4-5")), 502, "api_error")


@pytest.mark.parametrize("status, told, kind", [
    (400, 400, "invalid_request_error"), (401, 502, "api_error"), (429, 429, "rate_limit_error"), (500, 502, "api_error"),
    (503, 503, "overloaded_error"), (529, 529, "overloaded_error")])
def test_what_another_dialect_refuses(status, told, kind, gateway, upstream):
    model = upstream.script(lambda e: e.answer({"error": {"message": "so it is", "type": "t", "code": None}}, status))
    for streams in (False, True):
        error_of(send(gateway, body(f"chat/{model}", stream=streams)), told, kind)


def test_the_sdk_raises_its_own_classes(gateway, anthropic_mock):
    client = MessagesClient(gateway)
    for fault, kind in (("ratelimited", anthropic.RateLimitError), ("missing", anthropic.NotFoundError),
                        ("broken", anthropic.InternalServerError), ("overloaded", anthropic.InternalServerError)):
        with pytest.raises(kind) as caught:
            client.ask(anthropic_mock.model("claude-opus-4-5", fault), "hello")
        assert caught.value.request_id
    client.close()


# -- errors behind the head ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault, kind", [("cut", "api_error"), ("reset", "api_error"), ("unfinished", "api_error"),
                                         ("error", "overloaded_error"), ("stall", "timeout_error")])
def test_a_relayed_stream_that_fails(fault, kind, gateway, anthropic_mock):
    answer = send(gateway, body(anthropic_mock.model("claude-opus-4-5", fault), "one two three four", stream=True))
    assert answer.status == 200
    check_messages(answer.body, ends_in_error=True)
    assert named_events(answer.body)[-1][1]["error"]["type"] == kind, answer.body[-400:]


@pytest.mark.parametrize("fault", ["cut", "reset", "error", "stall"])
def test_a_translated_stream_that_fails(fault, gateway, gemini_mock):
    model = gemini_mock.model("gemini-2.5-flash", fault)
    answer = send(gateway, body(f"gemini/{model}", "one two three four", stream=True))
    assert answer.status == 200, answer
    check_messages(answer.body, ends_in_error=True)


@pytest.mark.parametrize("fault", ["crlf", "split", "unknown", "crlf--split--unknown"])
def test_framing_is_made_canonical(fault, gateway, anthropic_mock):
    answer = send(gateway, body(anthropic_mock.model("claude-opus-4-5", fault), "one two three", stream=True))
    events = [(name, value) for name, value in named_events(answer.body) if name != "brand_new"]
    assert "".join(value["delta"].get("text", "") for name, value in events if name == "content_block_delta") == "one two three"


# -- pings -----------------------------------------------------------------------------------------------------------


def test_a_silent_stream_is_pinged(gateway, upstream):
    def play(exchange):
        exchange.start_stream()
        exchange.event(chunk({"role": "assistant", "content": ""}))
        exchange.event(chunk({"content": "a"}))
        exchange.wait(0.7)
        exchange.event(chunk({"content": "b"}))
        exchange.event(chunk({}, "stop"))
        exchange.event("[DONE]")
        exchange.finish()

    model = upstream.script(play)
    with RawClient(gateway.port) as client:
        client.send(post("/v1/messages", body(f"chat/{model}", stream=True)))
        assert client.read_head().status == 200
        events = [event for _, event in client.events()]
    data = ("\n\n".join(events) + "\n\n").encode()
    check_messages(data)
    names = [name for name, _ in named_events(data)]
    assert 2 <= names.count("ping") <= 4 and names.index("ping") > names.index("content_block_delta"), names


def chunk(delta, finish=None):
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def test_silence_before_the_answer_keeps_the_stream_legal(gateway, upstream):
    def play(exchange):
        exchange.wait(0.5)
        exchange.start_stream()
        exchange.event(chunk({"role": "assistant", "content": "a"}))
        exchange.event(chunk({}, "stop"))
        exchange.event("[DONE]")
        exchange.finish()

    answer = send(gateway, body(f"chat/{upstream.script(play)}", stream=True))
    assert answer.body.startswith(b":ka\n\n"), answer.body[:80]
    check_messages(answer.body)


# -- a client that leaves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lane", ["relayed", "translated"])
def test_a_client_that_leaves_ends_the_upstreams_work(lane, gateway, upstream, anthropic_mock):
    def play(exchange):
        exchange.start_stream()
        exchange.event(chunk({"role": "assistant", "content": "a"}))
        exchange.hang()

    if lane == "translated":
        service, model = upstream, upstream.script(play)
        named = f"chat/{model}"
    else:
        service, model = anthropic_mock, anthropic_mock.model("claude-opus-4-5", "stall")
        named = model
    client = RawClient(gateway.port)
    client.send(post("/v1/messages", body(named, "one two three four", stream=True)))
    assert client.read_head().status == 200
    next(client.events())
    exchange = service.await_exchange(model)
    left = time.monotonic()
    client.close()
    assert exchange.connection.gone.wait(1)
    assert time.monotonic() - left < 0.1
    gateway.await_record(lambda record: record.get("model") in (named, model) and record["status"] in (200, 499))
