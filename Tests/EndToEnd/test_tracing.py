# Records of requests for Langfuse and for OpenTelemetry collectors: what they hold, that all of them arrive, and that a
# collector that is dead, slow or wrong is nobody else's trouble.

import json
import re
import time

import pytest

from collecting import langfuse_block, metric, otlp_block
from fake_upstream import chunk
from mocks.collectors import LANGFUSE_PUBLIC, LANGFUSE_SECRET
from gateway_process import free_port
from load import await_events
from matrix import providers
from raw_http import RawClient, ask, chat, get, post

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE, SPAN = PARENT.split("-")[1:3]


@pytest.fixture(scope="module")
def gateway(start_gateway, provider, session_langfuse, session_collector, session_anthropic_mock, certificates):
    return start_gateway({
        "providers": {"up": provider(), "claude": {
            "type": "anthropic", "base_url": session_anthropic_mock.url, "api_key": "sk-ant-upstream-secret",
            "ca_file": certificates.ca_file}},
        "models": {"claude-*": {"provider": "claude"}, "*": {"provider": "up"}},
        "observability": {
            "prices": {"gpt-priced": {"input": 1, "output": 2}},
            "langfuse": langfuse_block(session_langfuse, certificates, environment="Staging"),
            "otlp": otlp_block(session_collector, certificates),
        },
    })


def by_request(answer, kind=None):
    """Matches the spans of one answer's request."""
    request = answer.headers.get("x-request-id")

    def matches(span):
        values = span["attributes"]
        return request in (values.get("langfuse.observation.metadata.request_id"), values.get("gateway.request.id"))

    return matches


def generation(mock, answer):
    span, = mock.await_spans(by_request(answer))
    return span, {name.removeprefix("langfuse.observation."): value for name, value in span["attributes"].items()}


def test_a_whole_answer_at_langfuse(gateway, upstream, langfuse, collector):
    answer = ask(gateway.port, chat(
        "gpt-priced", "Hi \"you\"", user="user-123", temperature=0.25, max_tokens=50,
        metadata={"session_id": "sess-9", "tags": ["blue"]}))
    span, values = generation(langfuse, answer)
    assert values["model.name"] == "gpt-priced" and values["level"] == "DEFAULT"
    assert values["langfuse.user.id"] == "user-123" and values["langfuse.session.id"] == "sess-9"
    assert values["langfuse.environment"] == "staging"
    assert json.loads(values["langfuse.trace.tags"]) == ["gateway", "up", "blue"]
    assert json.loads(values["input"]) == [{"role": "user", "content": "Hi \"you\""}]
    assert json.loads(values["output"])["content"] == "Hi \"you\""
    assert json.loads(values["usage_details"]) == {"input": 12, "output": 3, "total": 15}
    assert json.loads(values["cost_details"]) == {"total": pytest.approx(18e-6)}
    assert json.loads(values["model.parameters"]) == {"stream": False, "max_tokens": 50, "temperature": 0.25}
    assert values["metadata.finish_reason"] == "stop" and "completion_start_time" not in values
    assert abs(span["end"] / 1e9 - time.time()) < 60 and span["status"] == {"code": 1}
    record = gateway.await_record(lambda r: r["request_id"] == answer.headers.get("x-request-id"))
    assert record["trace_id"] == span["traceId"]
    # Who knows one of the two ids knows the other.
    assert answer.headers.get("x-request-id") == "req_" + span["traceId"]


@pytest.mark.parametrize("model", ["gpt-stream", "claude-sonnet-5"])
def test_a_stream_at_langfuse(gateway, upstream, anthropic_mock, langfuse, collector, model):
    with RawClient(gateway.port) as client:
        answer = client.ask(chat(model, "three little words", stream=True, max_tokens=50))
    span, values = generation(langfuse, answer)
    assert values["completion_start_time"] and json.loads(values["usage_details"])["output"] > 0
    output = json.loads(values["output"])
    assert output == {"role": "assistant", "content": "three little words"}
    assert json.loads(values["model.parameters"])["stream"] is True


def test_a_streams_text_is_kept_as_it_was(gateway, upstream, langfuse, collector):
    text = "one \"two\"\n \\ three \tf\u00fcr \U0001f30d " + "and more " * 50 + "end"
    with RawClient(gateway.port) as client:
        answer = client.ask(chat("gpt-stream", text, stream=True))
    _, values = generation(langfuse, answer)
    assert json.loads(values["output"]) == {"role": "assistant", "content": text}


def test_thoughts_and_text_of_a_stream_stay_apart(gateway, upstream, langfuse, collector):
    def play(exchange):
        exchange.start_stream()
        for delta in [{"role": "assistant", "content": ""}, {"reasoning_content": "so"}, {"reasoning_content": " it"}, {"content": ""},
                      {"content": "is"}, {"content": " so"}, {"content": "."}, {}]:
            exchange.event(chunk(delta, None if delta else "stop"))
        exchange.event("[DONE]")
        exchange.finish()

    with RawClient(gateway.port) as client:
        answer = client.ask(chat(upstream.script(play), stream=True))
    _, values = generation(langfuse, answer)
    output = json.loads(values["output"])
    assert output["content"] == "is so." and "so it" in json.dumps(output)


def test_tool_calls_at_langfuse(gateway, upstream, langfuse, collector):
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    for stream in (False, True):
        answer = ask(gateway.port, chat("gpt-tools", stream=stream, tools=tools))
        _, values = generation(langfuse, answer)
        call, = json.loads(values["output"])["tool_calls"]
        assert call["function"] == {"name": "weather", "arguments": '{"city":"Köln"}'}


def test_the_messages_door_tells_its_system_prompt(gateway, upstream, anthropic_mock, langfuse, collector):
    for stream in (False, True):
        answer = ask(gateway.port, post("/v1/messages", {
            "model": "claude-sonnet-5", "max_tokens": 20, "system": "Be kind.", "stream": stream,
            "metadata": {"user_id": "u-7"}, "messages": [{"role": "user", "content": "Hi"}]},
            [("anthropic-version", "2023-06-01")]))
        assert answer.status == 200, answer
        _, values = generation(langfuse, answer)
        assert json.loads(values["input"]) == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
        assert json.loads(values["output"])["content"] and values["langfuse.user.id"] == "u-7"
        assert values["langfuse.trace.name"] == "messages"


def test_older_completions_and_embeddings(gateway, openai_mock, start_gateway, langfuse, certificates):
    gateway = start_gateway({"providers": {"up": {
        "type": "openai", "base_url": openai_mock.url, "api_key": "sk-upstream-secret-openai", "ca_file": certificates.ca_file}},
        "observability": {"langfuse": langfuse_block(langfuse, certificates)}})
    for stream in (False, True):
        answer = ask(gateway.port, post("/v1/completions", {
            "model": "up/gpt-3.5-turbo-instruct", "prompt": "Say it", "max_tokens": 9, "stream": stream}))
        assert answer.status == 200, answer
        span, values = generation(langfuse, answer)
        assert span["name"] == "text_completion gpt-3.5-turbo-instruct" and json.loads(values["input"]) == "Say it"
        assert json.loads(values["output"]) and json.loads(values["usage_details"])["output"] > 0
    answer = ask(gateway.port, post("/v1/embeddings", {"model": "up/text-embedding-3-small", "input": ["a", "b"]}))
    assert answer.status == 200, answer
    _, values = generation(langfuse, answer)
    assert values["type"] == "embedding" and json.loads(values["input"]) == ["a", "b"] and "output" not in values


def test_pictures_are_left_out(gateway, upstream, langfuse, collector):
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 5000
    answer = ask(gateway.port, post("/v1/chat/completions", {"model": "gpt-picture", "messages": [{
        "role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": picture}}]}]}))
    _, values = generation(langfuse, answer)
    part = json.loads(values["input"])[0]["content"][1]["image_url"]["url"]
    assert part == "data:image/png;base64,[55000 characters of data]"


def test_errors_and_those_who_leave(gateway, upstream, langfuse, collector):
    broken = upstream.script(lambda exchange: exchange.error(500, "it broke"))
    answer = ask(gateway.port, chat(broken))
    assert answer.status == 502
    span, values = generation(langfuse, answer)
    assert values["level"] == "ERROR" and values["status_message"] == "The upstream failed (status 500)."
    assert span["status"]["code"] == 2
    served, called = sorted(collector.await_spans(lambda s: s["traceId"] == span["traceId"], 2), key=lambda s: s["kind"])
    assert served["status"]["code"] == 2 and called["attributes"]["error.type"] == "502"
    unknown = ask(gateway.port, post("/v1/chat/completions", b"{broken"))
    assert unknown.status == 400
    _, values = generation(langfuse, unknown)
    assert values["level"] == "ERROR"
    # The caller's own mistake is no error of the server's.
    span, = collector.await_spans(by_request(unknown))
    assert span["status"]["code"] == 1 and span["attributes"]["http.response.status_code"] == 400
    hanging = upstream.script(lambda exchange: exchange.hang())
    with RawClient(gateway.port) as client:
        client.send(chat(hanging, stream=True))
        upstream.await_exchange(hanging)
    span, = langfuse.await_spans(lambda s: s["attributes"]["langfuse.observation.model.name"] == hanging)
    assert span["attributes"]["langfuse.observation.level"] == "WARNING"


def test_the_clients_trace_goes_on_to_the_provider(gateway, upstream, langfuse, collector):
    model = "gpt-traced"
    answer = ask(gateway.port, chat(model, headers=[("traceparent", PARENT), ("tracestate", "a=1,b=2")]))
    served, called = sorted(
        collector.await_spans(lambda s: s["traceId"] == TRACE and by_request(answer)(s) or s.get("parentSpanId") in
                              {x["spanId"] for x in collector.spans if by_request(answer)(x)}, 2),
        key=lambda s: s["kind"])
    assert served["kind"] == 2 and served["parentSpanId"] == SPAN and served["name"] == "POST /v1/chat/completions"
    assert called["kind"] == 3 and called["parentSpanId"] == served["spanId"] and called["name"] == f"chat {model}"
    sent = upstream.of(model)[-1].request.headers
    assert sent.all("traceparent") == [f"00-{TRACE}-{called['spanId']}-01"]
    assert sent.all("tracestate") == ["a=1,b=2"]
    values = called["attributes"]
    assert values["gen_ai.operation.name"] == "chat" and values["gen_ai.provider.name"] == "openai"
    assert values["gen_ai.request.model"] == model and values["gen_ai.response.finish_reasons"] == ["stop"]
    assert values["gen_ai.usage.input_tokens"] == 12 and values["gen_ai.usage.output_tokens"] == 3
    assert values["server.address"] == "localhost" and values["server.port"] == upstream.main.port
    assert values["gen_ai.response.id"] == "chatcmpl-e2e" and values["gen_ai.response.model"] == model
    assert not {name for name in values if name.endswith("messages")}, "content is off unless asked for"
    assert served["start"] <= called["start"] <= called["end"] <= served["end"]
    assert called["resource"]["service.name"] == "gateway"
    # Langfuse has its generation in the same trace.
    span, _ = generation(langfuse, answer)
    assert (span["traceId"], span["parentSpanId"], span["spanId"]) == (TRACE, SPAN, called["spanId"])


def test_a_trace_that_the_client_does_not_record(gateway, upstream, langfuse, collector):
    parent = "00-11f7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    answer = ask(gateway.port, chat("gpt-unsampled", headers=[("traceparent", parent)]))
    span, _ = generation(langfuse, answer)
    assert span["traceId"] == parent.split("-")[1]
    assert upstream.of("gpt-unsampled")[-1].request.headers.get("traceparent") == \
        f"00-{span['traceId']}-{span['spanId']}-00"
    other = ask(gateway.port, chat("gpt-unsampled", headers=[("traceparent", "rubbish"), ("tracestate", "a=1")]))
    collector.await_spans(by_request(other))
    assert not [s for s in collector.spans if s["traceId"] == span["traceId"]]
    # Without a trace there is no state of one.
    assert "tracestate" not in upstream.of("gpt-unsampled")[-1].request.headers


def test_metrics_by_otlp(gateway, upstream, langfuse, collector):
    ask(gateway.port, chat("gpt-counted"))
    deadline = time.monotonic() + 5

    def counted():
        return [value for values, value in collector.points.get("gen_ai.client.operation.duration", [])
                if values["gen_ai.request.model"] == "gpt-counted"]

    while not counted():
        assert time.monotonic() < deadline, collector.points
        time.sleep(0.02)
    assert counted()[0][0] == 1 and counted()[0][1] > 0
    tokens = {values["gen_ai.token.type"]: value for values, value in collector.points["gen_ai.client.token.usage"]
              if values["gen_ai.request.model"] == "gpt-counted"}
    assert tokens == {"input": (1, 12), "output": (1, 3)}
    # What is no request's own goes with them.
    pools = {values.get("gateway.state"): value for values, value in collector.points["gateway.pool.connections"]
             if values["gateway.provider"] == "up"}
    assert set(pools) == {"connecting", "leased", "idle"} and sum(pools.values()) >= 1
    for name in "process.memory.usage", "process.cpu.time", "gateway.loop.lag", "gateway.sent", "gateway.workers", \
            "gateway.export.records", "gateway.pool.handshakes", "gateway.fallbacks", "gateway.tool_repairs":
        assert name in collector.points, name
    # Between the tokens of a stream; what does not stream has none.
    ask(gateway.port, chat("gpt-spaced", stream=True))

    def spaced():
        return {values["gen_ai.request.model"]: value
                for values, value in collector.points.get("gen_ai.server.time_per_output_token", [])}

    while "gpt-spaced" not in spaced():
        assert time.monotonic() < deadline, collector.points
        time.sleep(0.02)
    assert spaced()["gpt-spaced"][0] == 1 and "gpt-counted" not in spaced()


def test_metrics_by_otlp_tell_what_was_asked_of_a_model(start_gateway, session_mocks, gemini_mock, openai_mock, collector,
                                                        certificates, tmp_path):
    every = providers(session_mocks, certificates.ca_file, tmp_path)
    gateway = start_gateway({"providers": {name: every[name] for name in ("gemini", "openai")},
                             "observability": {"otlp": otlp_block(collector, certificates)}})
    flash, small = gemini_mock.model("gemini-2.5-flash"), openai_mock.model("text-embedding-3-small")
    requests = [chat(f"gemini/{flash}"), chat(f"gemini/{flash}"),
                post("/v1/completions", {"model": f"gemini/{flash}", "prompt": "hello"}),
                post("/v1/embeddings", {"model": f"openai/{small}", "input": "hello"})]
    assert [ask(gateway.port, request).status for request in requests] == [200] * 4
    expected = {("chat", flash): 2, ("text_completion", flash): 1, ("embeddings", small): 1}

    def told(name, **fields):
        return {(values["gen_ai.operation.name"], values["gen_ai.request.model"]): value[0]
                for values, value in collector.points.get(name, []) if fields.items() <= values.items()
                and values["gen_ai.request.model"] in (flash, small)}

    deadline = time.monotonic() + 5
    while told("gen_ai.client.operation.duration") != expected:
        assert time.monotonic() < deadline, collector.points
        time.sleep(0.02)
    assert told("gen_ai.client.token.usage", **{"gen_ai.token.type": "input"}) == expected
    # What has no word for it has one series for a model.
    for provider, model, count in (("gemini", flash, 3), ("openai", small, 1)):
        labels = f'provider="{provider}",model="{model}",outcome="ok"'
        assert metric(gateway, f"gateway_model_requests_total{{{labels}}}") == count


@pytest.mark.parametrize("transport", ["otlp", "ingestion"])
def test_bodies_as_gzip(start_gateway, provider, upstream, langfuse, collector, certificates, transport):
    gateway = start_gateway(
        {"providers": {"up": provider()}, "observability": {
            "langfuse": langfuse_block(langfuse, certificates, compression="gzip", transport=transport),
            "otlp": otlp_block(collector, certificates)}},
        environment={"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"})
    answers = [ask(gateway.port, chat("gpt-packed", "A long wish. " * 500)) for _ in range(5)]
    for answer in answers:
        collector.await_spans(by_request(answer))
    if transport == "otlp":
        for answer in answers:
            generation(langfuse, answer)
        packed, plain = (sum(column) for column in zip(*(sizes for _, *sizes in langfuse.sizes)))
        assert packed * 5 < plain and plain > 5 * 2 * 6500
    else:
        # Nothing says that the older API reads gzip.
        assert len(langfuse.await_events(10)) == 10 and langfuse.sizes == []
    gateway.stop()
    assert {path for path, _, _ in collector.sizes} == {"/v1/traces", "/v1/metrics"}
    assert all(packed < plain for _, packed, plain in collector.sizes)


def test_content_by_otlp_where_it_is_asked_for(start_gateway, provider, upstream, collector, certificates):
    gateway = start_gateway({"providers": {"up": provider()}, "observability": {
        "otlp": otlp_block(collector, certificates, content=True, metrics=False)}})
    for stream in (False, True):
        answer = ask(gateway.port, chat("up/gpt-content", "Say it", stream=stream))
        served, = collector.await_spans(by_request(answer))
        called, = collector.await_spans(lambda s: s.get("parentSpanId") == served["spanId"])
        assert json.loads(called["attributes"]["gen_ai.input.messages"]) == [
            {"role": "user", "parts": [{"type": "text", "content": "Say it"}]}]
        assert json.loads(called["attributes"]["gen_ai.output.messages"]) == [
            {"role": "assistant", "parts": [{"type": "text", "content": "Say it"}], "finish_reason": "stop"}]


def test_the_environment_alone_switches_langfuse_on(start_gateway, provider, upstream, langfuse, certificates):
    gateway = start_gateway(
        {"providers": {"up": provider()}, "observability": {"langfuse": {"ca_file": certificates.ca_file}}},
        environment={"LANGFUSE_PUBLIC_KEY": LANGFUSE_PUBLIC, "LANGFUSE_SECRET_KEY": LANGFUSE_SECRET,
                     "LANGFUSE_HOST": langfuse.url, "ENVIRONMENT": "QA"})
    _, values = generation(langfuse, ask(gateway.port, chat("gpt-environment")))
    assert values["langfuse.environment"] == "qa"


@pytest.fixture
def older(start_gateway, provider, upstream, langfuse, certificates):
    return start_gateway({"providers": {"up": provider()}, "observability": {
        "langfuse": langfuse_block(langfuse, certificates, transport="ingestion")}})


def test_the_older_api(older, langfuse):
    ask(older.port, chat("gpt-older", "Hello", user="u", metadata={"sessionId": "s"}))
    trace, made = langfuse.await_events(2)
    assert trace["type"] == "trace-create" and made["type"] == "generation-create"
    assert trace["body"]["userId"] == "u" and trace["body"]["sessionId"] == "s"
    assert made["body"]["traceId"] == trace["body"]["id"] and made["body"]["model"] == "gpt-older"
    assert made["body"]["input"] == [{"role": "user", "content": "Hello"}]
    assert made["body"]["output"]["content"] == "Hello"
    assert made["body"]["usageDetails"] == {"input": 12, "output": 3, "total": 15}


@pytest.mark.parametrize("how", ["gone", "refuses"])
def test_a_server_without_the_older_api(older, langfuse, how):
    langfuse.ingestion = how
    ask(older.port, chat("gpt-lost"))
    deadline = time.monotonic() + 5
    while not any("OTLP from now on" in line for line in older.lines):
        assert time.monotonic() < deadline, older.lines
        time.sleep(0.02)
    answer = ask(older.port, chat("gpt-kept"))
    generation(langfuse, answer)
    assert metric(older, 'gateway_export_records_total{exporter="langfuse",result="dropped"}') == 1


def test_what_fails_is_sent_again_and_nothing_twice(start_gateway, provider, upstream, langfuse, certificates):
    gateway = start_gateway({"providers": {"up": provider()}, "observability": {
        "langfuse": langfuse_block(langfuse, certificates)}})
    langfuse.faults = [(503, [("retry-after", "1")]), 429]
    began = time.monotonic()
    answer = ask(gateway.port, chat("gpt-again"))
    generation(langfuse, answer)
    assert langfuse.arrivals == 3 and time.monotonic() - began >= 1.5
    assert metric(gateway, 'gateway_export_records_total{exporter="langfuse",result="sent"}') == 1
    # Lines are written together, a moment later.
    lines = [event["message"] for event in await_events(gateway, "export", 2)]
    assert len(lines) == 2 and "status 503" in lines[0] and "again" in lines[1], lines


def test_what_is_refused_is_not_sent_again(start_gateway, provider, upstream, langfuse, certificates):
    gateway = start_gateway({"providers": {"up": provider()}, "observability": {
        "langfuse": langfuse_block(langfuse, certificates)}})
    langfuse.faults = [(200, [], {"partialSuccess": {"rejectedSpans": "1", "errorMessage": "no"}}), 401]
    ask(gateway.port, chat("gpt-partial"))
    deadline = time.monotonic() + 5
    while langfuse.arrivals < 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    ask(gateway.port, chat("gpt-refused"))
    while metric(gateway, 'gateway_export_records_total{exporter="langfuse",result="refused"}') < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert langfuse.arrivals == 2
    assert len([line for line in gateway.lines if "refused 1 records" in line]) == 1, "told once a minute"


def test_the_end_sends_what_is_left(start_gateway, provider, upstream, langfuse, collector, certificates):
    gateway = start_gateway({"server": {"workers": 2}, "providers": {"up": provider()}, "observability": {
        "langfuse": langfuse_block(langfuse, certificates, flush_interval="300s"),
        "otlp": otlp_block(collector, certificates, flush_interval="300s", metrics=False)}})
    for _ in range(20):
        ask(gateway.port, chat("gpt-end"))
    assert langfuse.spans == []
    gateway.stop()
    assert len(langfuse.spans) == 20 and len(collector.spans) == 40


def test_a_reload_sends_what_is_left(start_gateway, provider, upstream, langfuse, certificates):
    gateway = start_gateway({"providers": {"up": provider()}, "observability": {
        "langfuse": langfuse_block(langfuse, certificates, flush_interval="300s")}})
    ask(gateway.port, chat("gpt-before"))
    gateway.terminate(1)  # SIGHUP
    langfuse.await_spans(lambda s: s["attributes"]["langfuse.observation.model.name"] == "gpt-before")
    ask(gateway.port, chat("gpt-behind"))
    gateway.stop()
    assert len(langfuse.spans) == 2


@pytest.mark.parametrize("kind", ["dead", "hanging"])
def test_a_collector_that_is_gone_costs_no_request_anything(start_gateway, provider, upstream, langfuse, certificates, kind):
    fields = {"queue": "64KiB", "content": False}
    if kind == "dead":
        fields |= {"base_url": f"http://127.0.0.1:{free_port()}"}
    gateway = start_gateway({"server": {"shutdown_grace": "1s"}, "providers": {"up": provider()}, "observability": {
        "langfuse": {**langfuse_block(langfuse, certificates), **fields}}})
    langfuse.faults = ["hang"]
    with RawClient(gateway.port) as client:
        for _ in range(400):
            assert client.ask(chat("gpt-lost", "Hello")).status == 200
    sent = metric(gateway, 'gateway_export_records_total{exporter="langfuse",result="sent"}')
    dropped = metric(gateway, 'gateway_export_records_total{exporter="langfuse",result="dropped"}')
    waiting = metric(gateway, 'gateway_export_waiting_records{exporter="langfuse"}')
    assert sent == 0 and dropped > 100 and dropped + waiting == 400
    began = time.monotonic()
    gateway.stop()
    assert time.monotonic() - began < 8
