# The built-in upstream: as a provider inside the gateway, as a program of its own (plain and TLS), and behind it.

import concurrent.futures
import json
import ssl
import time

import openai
import pytest

from raw_http import Closed, RawClient, ask, chat, get, parse_stream, stream_error, stream_text

TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]


@pytest.fixture(scope="module")
def inside(start_gateway):
    return start_gateway({"providers": {
        "sim": {"type": "simulator", "ttft": "5ms", "tokens_per_second": 2000},
    }})


@pytest.fixture(scope="module")
def alone(start_simulator):
    return start_simulator()


@pytest.fixture(scope="module")
def alone_tls(start_simulator, certificates, client_tls):
    return start_simulator(leaf=certificates.good, tls=client_tls)


@pytest.fixture(scope="module")
def behind(start_gateway, alone_tls, provider):
    return start_gateway({"providers": {
        "openai": provider(alone_tls.url, timeouts={"connect": "1s", "head": "1s", "idle": "1s"})}})


@pytest.fixture(params=["inside", "alone", "behind"])
def server(request):
    """The three places from which the simulator answers over plain HTTP."""
    return request.getfixturevalue(request.param)


def create(client, model="sim", text="Hello there", **fields):
    fields.setdefault("max_tokens", 8)  # at the simulator's default pace a tenth of a second
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **fields)


def test_a_unary_answer_has_the_promised_shape(server, sdk):
    answer = create(sdk(server))
    assert answer.id.startswith("chatcmpl-") and answer.object == "chat.completion"
    assert isinstance(answer.created, int) and answer.model
    choice = answer.choices[0]
    assert choice.index == 0 and choice.message.role == "assistant" and choice.message.content
    assert choice.finish_reason == "length"  # eight tokens were asked for
    usage = answer.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.prompt_tokens + usage.completion_tokens == usage.total_tokens


def test_a_stream_has_the_promised_shape(server):
    answer = ask(server.port, chat("sim", stream=True, max_tokens=8))
    payloads = [value for value in parse_stream(answer.body) if not value.startswith(":")]
    assert payloads[-1] == "[DONE]"
    chunks = [json.loads(value) for value in payloads[:-1]]
    assert len({(c["id"], c["created"]) for c in chunks}) == 1
    assert all(c["object"] == "chat.completion.chunk" for c in chunks)
    choices = [c["choices"][0] for c in chunks]
    assert choices[0]["delta"]["role"] == "assistant"
    assert all("role" not in c["delta"] and c["finish_reason"] is None for c in choices[1:-1])
    assert choices[-1]["delta"] == {} and choices[-1]["finish_reason"] == "length"


def test_unary_and_stream_say_the_same_and_the_same_again(server, sdk):
    client = sdk(server)
    unary = [create(client).choices[0].message.content for _ in range(2)]
    stream = "".join(c.choices[0].delta.content or "" for c in create(client, stream=True))
    assert unary == [stream, stream]


def test_usage_in_a_stream_only_when_asked(server, sdk):
    client = sdk(server)
    assert all(c.usage is None for c in create(client, stream=True))
    last = list(create(client, stream=True, stream_options={"include_usage": True}))[-1]
    assert last.choices == [] and last.usage.total_tokens > 0


def test_a_tool_is_called_on_request(server, sdk):
    client = sdk(server)
    options = {"tools": TOOLS, "tool_choice": "required"}
    choice = create(client, **options).choices[0]
    assert choice.finish_reason == "tool_calls" and choice.message.content is None
    call = choice.message.tool_calls[0]
    assert call.id.startswith("call_") and call.type == "function" and call.function.name == "weather"
    assert isinstance(json.loads(call.function.arguments), dict)
    deltas = [d for c in create(client, stream=True, **options) if c.choices for d in c.choices[0].delta.tool_calls or []]
    assert deltas[0].function.name == "weather" and all(d.index == 0 for d in deltas)
    assert json.loads("".join(d.function.arguments for d in deltas)) == json.loads(call.function.arguments)


@pytest.mark.parametrize("model, raised", [
    ("sim-400", openai.BadRequestError), ("sim-404", openai.NotFoundError), ("sim-429", openai.RateLimitError),
    ("sim-500", openai.InternalServerError), ("sim-503", openai.InternalServerError),
])
def test_a_suffix_injects_a_status(server, sdk, model, raised):
    for stream in (False, True):
        with pytest.raises(raised) as failure:
            create(sdk(server), model, stream=stream)
        assert failure.value.message


def test_sim_429_says_when_to_come_back(server):
    assert ask(server.port, chat("sim-429")).headers.get("retry-after", "").isdigit()


def test_sim_cut_is_never_taken_for_success(server):
    with RawClient(server.port) as client:
        client.send(chat("sim-cut", "one two three four five six seven eight", stream=True, max_tokens=8))
        try:
            answer = client.read()
        except Closed:
            return  # alone, the simulator cuts its own connection
    if answer.status == 200:
        payloads = parse_stream(answer.body)
        assert stream_error(payloads) and not stream_text(payloads)[2]
    else:
        assert answer.status == 502


def test_sim_hang_ends_at_the_gateways_clock(inside, behind, at_once):
    def ends(gateway, stream):
        def run():
            began = time.monotonic()
            answer = ask(gateway.port, chat("sim-hang", stream=stream, headers=[("x-stainless-read-timeout", "1")]))
            assert answer.status == 504 or stream_error(parse_stream(answer.body)), answer
            assert 0.7 <= time.monotonic() - began <= 2.5

        return run

    at_once({"inside": ends(inside, False), "inside, stream": ends(inside, True),
             "behind": ends(behind, False), "behind, stream": ends(behind, True)})


def test_alone_sim_hang_hangs(alone):
    with RawClient(alone.port) as client:
        client.send(chat("sim-hang"))
        client.expect_silence(0.5)


@pytest.mark.parametrize("place", ["inside", "alone"])
def test_it_lists_its_models(request, place):
    server = request.getfixturevalue(place)
    names = [entry["id"] for entry in ask(server.port, get("/v1/models"), "GET").json()["data"]]
    assert "sim" in names


def test_alone_over_tls_the_sdk_talks_to_it(alone_tls, client_tls):
    http_client = openai.DefaultHttpxClient(verify=client_tls)
    with openai.OpenAI(base_url=alone_tls.url, api_key="any", http_client=http_client, max_retries=0) as client:
        assert create(client).choices[0].message.content
        assert "".join(c.choices[0].delta.content or "" for c in create(client, stream=True))


def test_alone_over_tls_it_ends_cleanly_and_refuses_plain_http(alone_tls, client_tls):
    with RawClient(alone_tls.port, tls=client_tls) as client:
        assert client.ask(get("/v1/models", [("Connection", "close")], host="localhost"), "GET").status == 200
        client.expect_close()
    with RawClient(alone_tls.port) as client:
        client.try_send(get("/v1/models"))
        assert b'"object"' not in client.read_to_end(5)


def test_tokens_come_at_the_configured_speed(start_gateway):
    gateway = start_gateway({"providers": {"sim": {"type": "simulator", "ttft": "200ms", "tokens_per_second": 20}}})
    with RawClient(gateway.port) as client:
        asked = time.monotonic()
        client.send(chat("sim", "one two three four five six", stream=True, max_tokens=8))
        client.read_head()
        times = [at - asked for at, text in client.events() if '"content":"' in text.replace(": ", ":")]
    assert 0.15 <= times[0] <= 0.45
    spread = (times[-1] - times[0]) / max(1, len(times) - 1)
    assert 0.03 <= spread <= 0.08, times


def test_hundreds_of_streams_at_once(inside):
    def one(number):
        payloads = parse_stream(ask(inside.port, chat("sim", f"number {number}", stream=True), timeout=20).body)
        return stream_text(payloads)[2]

    with concurrent.futures.ThreadPoolExecutor(100) as threads:
        assert all(threads.map(one, range(300)))


def test_a_gateway_can_serve_tls_itself(start_gateway, certificates, client_tls):
    leaf = certificates.good
    gateway = start_gateway({
        "server": {"tls": {"certificate": leaf.certificate, "private_key": leaf.private_key}},
        "providers": {"sim": {"type": "simulator"}},
    }, tls=client_tls)
    with RawClient(gateway.port, tls=client_tls) as client:
        assert client.sock.version() in ("TLSv1.2", "TLSv1.3")
        assert client.ask(chat("sim", max_tokens=4)).status == 200
        answer = client.ask(chat("sim", stream=True, max_tokens=4))
        assert stream_text(parse_stream(answer.body))[2]
        assert client.ask(get("/health", [("Connection", "close")]), "GET").status == 200
        client.expect_close()
    old = ssl.create_default_context(cafile=certificates.ca_file)
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, OSError)):
        RawClient(gateway.port, tls=old)
    with RawClient(gateway.port) as client:
        client.try_send(get("/health"))
        assert b'"status"' not in client.read_to_end(5)
