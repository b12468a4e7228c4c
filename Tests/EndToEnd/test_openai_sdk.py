# The official OpenAI package, unmodified, against the gateway with a TLS upstream behind it: answers, streams,
# tools, error classes, heartbeats, cancellation. What the SDK cannot see (exact bytes) is checked on raw sockets.

import asyncio
import json
import time

import openai
import pytest

from fake_upstream import chunk, completion, event, silent, text_chunks, usage_chunk
from gateway_process import free_port
from raw_http import RawClient, ask, chat, chat_body, parse_stream, post, stream_error, stream_text

HEARTBEAT = 0.5
TEXT = "Grüße 👋 an alle, 你好 and good day"
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]


@pytest.fixture(scope="module")
def gateway(start_gateway, provider, session_upstream):
    stalled = session_upstream.listen(greeting=silent)
    return start_gateway({
        "server": {"heartbeat_interval": "500ms"},
        "providers": {
            "openai": provider(timeouts={"connect": "3s", "head": "4s", "idle": "4s", "total": "20s"}),
            "stalled": provider(f"https://localhost:{stalled.port}/v1", timeouts={"connect": "8s"}),
            "narrow": provider(session_upstream.listen(session_upstream.main.context).url, pool={"max": 1}),
        },
        "models": {"alias": {"provider": "openai", "model": "gpt-real-name"}},
    })


def create(client, model="gpt-x", text=TEXT, **fields):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **fields)


def joined(chunks):
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


# -- answers ------------------------------------------------------------------------------------------------------


def test_a_completion_arrives_whole(gateway, upstream, sdk):
    answer = create(sdk(gateway))
    assert answer.id.startswith("chatcmpl-") and answer.object == "chat.completion"
    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens + answer.usage.completion_tokens == answer.usage.total_tokens
    assert answer._request_id


def test_a_stream_arrives_whole_and_in_order(gateway, upstream, sdk):
    chunks = list(create(sdk(gateway), stream=True))
    assert joined(chunks) == TEXT
    assert len({(c.id, c.created) for c in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(c.choices[0].finish_reason is None for c in chunks[:-1])


def test_the_async_client_gets_both(gateway, upstream):
    async def run():
        async with openai.AsyncOpenAI(base_url=gateway.url, api_key="k", max_retries=0) as client:
            answer = await create(client)
            text = joined([c async for c in await create(client, stream=True)])
            return answer.choices[0].message.content, text

    assert asyncio.run(run()) == (TEXT, TEXT)


def test_sixty_concurrent_streams_are_never_mixed_up(gateway, upstream):
    async def run():
        async with openai.AsyncOpenAI(base_url=gateway.url, api_key="k", max_retries=0) as client:
            async def one(number):
                text = f"stream-{number} " * 20
                return joined([c async for c in await create(client, text=text, stream=True)]) == text

            return await asyncio.gather(*map(one, range(60)))

    assert all(asyncio.run(run()))


def test_the_providers_key_is_used_and_any_client_key_is_accepted(gateway, upstream, sdk):
    model = upstream.script(lambda e: e.answer(completion("ok")))
    assert create(sdk(gateway, api_key="sk-client-secret-1"), model).choices[0].message.content == "ok"
    assert upstream.of(model)[0].request.headers.get("authorization") == "Bearer sk-upstream-secret"


def test_a_models_list_is_read_by_the_sdk(gateway, upstream, sdk):
    assert [model.id for model in sdk(gateway).models.list()]


# -- tools --------------------------------------------------------------------------------------------------------


def test_tool_calls_pass_through(gateway, upstream, sdk):
    choice = create(sdk(gateway), tools=TOOLS, tool_choice="auto").choices[0]
    assert choice.finish_reason == "tool_calls" and choice.message.content is None
    call = choice.message.tool_calls[0]
    assert call.id == "call_e2e" and call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"city": "Köln"}


def test_tool_calls_stream_natively(gateway, upstream, sdk):
    with sdk(gateway).chat.completions.with_streaming_response.create(
        model="gpt-x", messages=[{"role": "user", "content": "x"}], tools=TOOLS, stream=True
    ) as response:
        assert response.headers["x-stream-downgraded"] == "false"
        chunks = list(response.parse())
    calls = [call for c in chunks for call in c.choices[0].delta.tool_calls or []]
    assert calls[0].id == "call_e2e" and calls[0].function.name == "weather"
    assert "".join(call.function.arguments for call in calls) == '{"city":"Köln"}'
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


# -- bytes are kept -----------------------------------------------------------------------------------------------

ODD = ('{ "messages" : [ {"role":"user","content":"a\\u00e9\\/ \\ud83d\\ude00 é"} ] ,\n\t"model":"%s",'
       '"x_vendor":{"b":[1.0,1e2,-0],"a":null},"temperature":0.70, "seed":12345678901234567890 , "zz":"é"}')


def test_a_request_reaches_the_upstream_byte_for_byte(gateway, upstream):
    model = upstream.script(lambda e: e.answer(completion("ok")))
    body = (ODD % model).encode()
    assert ask(gateway.port, post("/v1/chat/completions", body)).status == 200
    assert upstream.of(model)[0].request.body == body


def test_only_the_model_is_spliced_where_it_is_mapped(gateway, upstream):
    model = upstream.script(lambda e: e.answer(completion("ok")))
    assert ask(gateway.port, post("/v1/chat/completions", (ODD % f"openai/{model}").encode())).status == 200
    assert upstream.of(model)[0].request.body == (ODD % model).encode()


def test_an_alias_sends_the_mapped_name(gateway, upstream):
    before = len(upstream.of("gpt-real-name"))
    assert ask(gateway.port, post("/v1/chat/completions", (ODD % "alias").encode())).status == 200
    assert upstream.of("gpt-real-name")[before].request.body == (ODD % "gpt-real-name").encode()


def test_an_answer_reaches_the_client_byte_for_byte(gateway, upstream):
    body = (b'{ "id":"chatcmpl-1" ,"object":"chat.completion","created":1,"model":"m","x_new":[1.50,{"z":1,"a":2}],'
            b'"choices":[{"index":0,"message":{"role":"assistant","content":"\\u00e9\\/"},"finish_reason":"stop"}],'
            b'\n "usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"tomorrow":3}}\n')
    model = upstream.script(lambda e: e.answer(body))
    assert ask(gateway.port, chat(model)).body == body


def test_stream_events_keep_their_bytes(gateway, upstream):
    payloads = [
        '{ "id":"c" ,"object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
        '{"content":"\\u00e9 \\/ é 👋","reasoning_content":"hm"},"finish_reason":null}],"obfuscation":"aB3"}',
        '{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{ },'
        '"finish_reason":"stop"}],"x_new":1.50}',
    ]

    def play(exchange):
        exchange.start_stream()
        for value in [*payloads, "[DONE]"]:
            exchange.event(value)
        exchange.finish()

    answer = ask(gateway.port, chat(upstream.script(play), stream=True))
    assert answer.body == b"".join(map(event, [*payloads, "[DONE]"]))


# -- usage --------------------------------------------------------------------------------------------------------


def test_usage_is_asked_for_upstream_and_hidden_from_a_client_that_did_not_ask(gateway, upstream, sdk):
    model = "gpt-usage-hidden"
    chunks = list(create(sdk(gateway), model, stream=True))
    assert all(c.choices for c in chunks), "the usage chunk was passed on"
    sent = upstream.of(model)[0].request.json()
    assert sent.pop("stream_options")["include_usage"] is True
    assert sent == chat_body(model, TEXT, stream=True)
    record = gateway.await_record(lambda r: r.get("model") == model)
    assert 15 in flat(record).values() or {12, 3} <= set(flat(record).values()), record


def flat(value, prefix=""):
    """Nested JSON objects as one level of names; only values that can be looked up in a set."""
    found = {}
    for name, inner in value.items():
        if isinstance(inner, dict):
            found |= flat(inner, f"{prefix}{name}.")
        elif not isinstance(inner, list):
            found[prefix + name] = inner
    return found


def test_usage_is_passed_on_when_asked_for(gateway, upstream, sdk):
    chunks = list(create(sdk(gateway), "gpt-usage-asked", stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].usage.total_tokens == 15 and chunks[-1].choices == []
    assert upstream.of("gpt-usage-asked")[0].request.json()["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("options", [{"include_usage": False}, {"include_obfuscation": False}, {}, None])
def test_usage_is_spliced_into_options_that_lack_it(gateway, upstream, options):
    model = upstream.script(lambda e: streams(e, [*text_chunks("a b"), usage_chunk()]))
    answer = ask(gateway.port, chat(model, stream=True, stream_options=options))
    assert stream_text(parse_stream(answer.body)) == ("a b", "stop", True)
    assert b'"choices": []' not in answer.body
    sent = upstream.of(model)[0].request.json()["stream_options"]
    assert sent == {**(options or {}), "include_usage": True}


def test_usage_on_the_finish_chunk_itself_is_kept(gateway, upstream):
    """Some servers put usage on the last delta: that chunk belongs to the answer and must not be hidden."""
    last = chunk({}, "stop", usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2})
    model = upstream.script(lambda e: streams(e, [chunk({"content": "a"}), last]))
    answer = ask(gateway.port, chat(model, stream=True))
    assert stream_text(parse_stream(answer.body)) == ("a", "stop", True)


def streams(exchange, values, done=True):
    exchange.start_stream()
    for value in values:
        exchange.event(value)
    if done:
        exchange.event("[DONE]")
    exchange.finish()


# -- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("upstream_status, raised, status", [
    (400, openai.BadRequestError, 400),
    (401, openai.InternalServerError, 502),
    (403, openai.InternalServerError, 502),
    (404, openai.NotFoundError, 404),
    (409, openai.ConflictError, 409),
    (422, openai.UnprocessableEntityError, 422),
    (429, openai.RateLimitError, 429),
    (500, openai.InternalServerError, 502),
    (503, openai.InternalServerError, 503),
])
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_upstream_errors_raise_the_sdks_class(gateway, upstream, sdk, upstream_status, raised, status, stream):
    model = upstream.script(lambda e: e.error(upstream_status, "the very message", "some_code"))
    with pytest.raises(raised) as failure:
        create(sdk(gateway), model, stream=stream)
    assert failure.value.status_code == status
    assert failure.value.request_id
    if status == upstream_status and status < 429:
        assert "the very message" in failure.value.message
    assert len(upstream.of(model)) == 1


def test_the_gateways_own_401_and_404_raise_the_sdks_class(start_gateway, provider, upstream, sdk):
    keyed = start_gateway({
        "auth": {"mode": "keys", "keys": [{"name": "a", "key": "sk-client-secret-a"}]},
        "providers": {"openai": provider(), "other": provider()},
    })
    with pytest.raises(openai.AuthenticationError):
        create(sdk(keyed, api_key="sk-client-secret-wrong"))
    with pytest.raises(openai.NotFoundError, match="nobody-has-this"):
        create(sdk(keyed, api_key="sk-client-secret-a"), "nobody-has-this")


@pytest.mark.parametrize("status", [500, 503])
def test_an_upstream_failure_is_left_to_the_sdk_to_retry(gateway, upstream, sdk, status):
    model = upstream.script(lambda e: e.error(status))
    with pytest.raises(openai.InternalServerError):
        create(sdk(gateway, max_retries=1), model)
    assert len(upstream.of(model)) == 2


@pytest.mark.parametrize("status", [401, 504])
def test_final_errors_are_not_retried_by_the_sdk(gateway, upstream, sdk, status):
    model = upstream.script(lambda e: e.error(status))
    with pytest.raises(openai.InternalServerError):
        create(sdk(gateway, max_retries=2), model)
    assert len(upstream.of(model)) == 1


def test_retry_after_is_passed_on(gateway, upstream, sdk):
    model = upstream.script(lambda e: e.error(429, headers=[("retry-after", "7")]))
    with pytest.raises(openai.RateLimitError) as failure:
        create(sdk(gateway), model)
    assert failure.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize("ending", ["close", "close_without_notify", "reset"])
def test_an_upstream_cut_raises_in_the_sdk(gateway, upstream, sdk, ending):
    def play(exchange):
        exchange.start_stream()
        for value in text_chunks("one two three four")[:3]:
            exchange.event(value)
        exchange.wait(0.05)
        getattr(exchange, ending)()

    received = []
    with pytest.raises(openai.APIError):
        for c in create(sdk(gateway), upstream.script(play), stream=True):
            received.append(c)
    assert joined(received) == "one two "


def test_an_upstream_error_event_raises_in_the_sdk(gateway, upstream, sdk):
    def play(exchange):
        exchange.start_stream()
        exchange.event(chunk({"content": "a"}))
        exchange.event({"error": {"message": "overloaded now", "type": "server_error", "param": None, "code": None}})
        exchange.finish()

    with pytest.raises(openai.APIError, match="overloaded now"):
        list(create(sdk(gateway), upstream.script(play), stream=True))


# -- heartbeats ---------------------------------------------------------------------------------------------------


def test_a_stream_silent_for_longer_than_the_interval_shows_heartbeats(gateway, upstream):
    def play(exchange):
        exchange.start_stream()
        first, *rest = text_chunks("a b")
        exchange.event(first)
        exchange.wait(HEARTBEAT * 2.5)
        half = event(rest[0])
        exchange.write(half[:20])  # an unfinished event: heartbeats may only stand before it or after it
        exchange.wait(HEARTBEAT * 1.5)
        exchange.write(half[20:])
        for value in [*rest[1:], "[DONE]"]:
            exchange.event(value)
        exchange.finish()

    with RawClient(gateway.port) as client:
        client.send(chat(upstream.script(play), stream=True))
        assert client.read_head().status == 200
        blocks = list(client.events())
    texts = [text for _, text in blocks]
    assert 2 <= texts.count(":ka") <= 5, texts
    assert all(text == ":ka" or text.startswith("data: ") for text in texts), texts
    assert texts[-1] == "data: [DONE]"
    first_beat = next(at for at, text in blocks if text == ":ka")
    assert HEARTBEAT * 0.8 <= first_beat - blocks[0][0] <= HEARTBEAT * 1.6


def test_a_slow_first_byte_is_bridged_by_the_head_and_heartbeats(gateway, upstream):
    def play(exchange):
        exchange.wait(HEARTBEAT * 2.5)
        streams(exchange, text_chunks("late"))

    with RawClient(gateway.port) as client:
        asked = time.monotonic()
        client.send(chat(upstream.script(play), stream=True))
        assert client.read_head().status == 200
        assert HEARTBEAT * 0.8 <= time.monotonic() - asked <= HEARTBEAT * 1.6
        texts = [text for _, text in client.events()]
    assert texts[:2] == [":ka", ":ka"] and texts[-1] == "data: [DONE]"


def test_heartbeats_do_not_disturb_the_sdk(gateway, upstream, sdk):
    def play(exchange):
        exchange.wait(HEARTBEAT * 1.5)
        exchange.start_stream()
        for value in text_chunks("a b"):
            exchange.event(value)
            exchange.wait(HEARTBEAT * 1.2)
        exchange.event("[DONE]")
        exchange.finish()

    assert joined(create(sdk(gateway), upstream.script(play), stream=True)) == "a b"


def test_an_early_failure_keeps_its_status_and_a_late_one_is_in_band(gateway, upstream):
    early = ask(gateway.port, chat(upstream.script(lambda e: e.error(404, "gone")), stream=True))
    assert early.status == 404 and early.error["message"]

    def play(exchange):
        exchange.wait(HEARTBEAT * 1.5)
        exchange.error(404, "gone too late")

    late = ask(gateway.port, chat(upstream.script(play), stream=True))
    assert late.status == 200
    payloads = parse_stream(late.body)
    assert stream_error(payloads)["message"] and "[DONE]" not in payloads


# -- cancellation -------------------------------------------------------------------------------------------------

LIMIT = 0.1


def assert_cancelled(exchange, left_at):
    assert exchange.connection.gone.wait(2), "the upstream connection stayed open"
    assert exchange.connection.closed_by == "gateway"
    assert exchange.connection.closed_at - left_at < LIMIT


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("leave", ["close", "reset"])
def test_leaving_while_waiting_for_the_head_cancels(gateway, upstream, stream, leave):
    model = upstream.script(lambda e: e.hang())
    with RawClient(gateway.port) as client:
        client.send(chat(model, stream=stream))
        exchange = upstream.await_exchange(model)
        time.sleep(0.05)
        left = time.monotonic()
        getattr(client, leave)()
        assert_cancelled(exchange, left)
    assert gateway.await_record(lambda r: r.get("model") == model)["status"] == 499


def test_leaving_after_the_early_head_and_before_the_first_token_cancels(gateway, upstream):
    model = upstream.script(lambda e: e.hang())
    with RawClient(gateway.port) as client:
        client.send(chat(model, stream=True))
        exchange = upstream.await_exchange(model)
        client.read_head()
        left = time.monotonic()
        client.close()
        assert_cancelled(exchange, left)


def hangs_in_a_stream(exchange):
    exchange.start_stream()
    exchange.event(chunk({"role": "assistant", "content": "a"}))
    exchange.hang()


def hangs_in_a_body(exchange):
    exchange.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
    exchange.hang()


def test_leaving_mid_stream_cancels(gateway, upstream, sdk):
    model = upstream.script(hangs_in_a_stream)
    stream = create(sdk(gateway), model, stream=True)
    next(iter(stream))
    left = time.monotonic()
    stream.close()
    assert_cancelled(upstream.await_exchange(model), left)
    assert gateway.await_record(lambda r: r.get("model") == model)["status"] in (200, 499)


def test_leaving_in_the_middle_of_a_unary_body_cancels(gateway, upstream):
    model = upstream.script(hangs_in_a_body)
    with RawClient(gateway.port) as client:
        client.send(chat(model))
        exchange = upstream.await_exchange(model)
        time.sleep(0.05)
        left = time.monotonic()
        client.close()
        assert_cancelled(exchange, left)


def test_a_cancelled_task_of_the_async_client_cancels(gateway, upstream):
    model = upstream.script(lambda e: e.hang())

    async def run():
        async with openai.AsyncOpenAI(base_url=gateway.url, api_key="k", max_retries=0) as client:
            task = asyncio.create_task(create(client, model))
            while not upstream.of(model):
                await asyncio.sleep(0.005)
            left = time.monotonic()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return left

    left = asyncio.run(run())
    assert_cancelled(upstream.of(model)[0], left)


def test_leaving_while_connecting_cancels(gateway, upstream, session_upstream):
    listener = next(one for one in session_upstream.listeners if one.greeting is silent)
    before = len(listener.connections)
    with RawClient(gateway.port) as client:
        client.send(chat("stalled/gpt-x"))
        deadline = time.monotonic() + 3
        while len(listener.connections) == before and time.monotonic() < deadline:
            time.sleep(0.005)
        connection = listener.connections[before]
        left = time.monotonic()
        client.close()
    assert connection.gone.wait(2) and connection.closed_at - left < LIMIT


def test_leaving_while_queued_for_a_connection_sends_nothing(gateway, upstream):
    blocking = upstream.script(lambda e: (e.wait(0.4), e.answer(completion("ok"))))
    queued = upstream.script(lambda e: e.answer(completion("ok")))
    with RawClient(gateway.port) as first, RawClient(gateway.port) as second:
        first.send(chat(f"narrow/{blocking}"))
        upstream.await_exchange(blocking)
        second.send(chat(f"narrow/{queued}"))
        time.sleep(0.1)
        assert upstream.of(queued) == []
        second.close()
        assert first.read().status == 200
    time.sleep(0.1)
    assert upstream.of(queued) == []


def test_a_refused_connection_is_a_502(start_gateway, provider, upstream, sdk):
    gateway = start_gateway({"providers": {"openai": provider(f"https://localhost:{free_port()}/v1")}})
    with pytest.raises(openai.InternalServerError) as failure:
        create(sdk(gateway))
    assert failure.value.status_code == 502
