# What the gateway tells of its work: counts that equal what was asked for, in every form, to whom it may be told.

import json
import re

import pytest

from raw_http import ask, chat, get

KEYS = {"auth": {"keys": [{"name": "team", "key": "sk-client-secret"},
                          {"name": "boss", "key": "sk-client-secret-2", "admin": True}]}}
CLIENT = [("Authorization", "Bearer sk-client-secret")]
BOSS = [("Authorization", "Bearer sk-client-secret-2")]

_SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (-?[0-9.]+)( # .+)?')


def scrape(gateway, headers=()):
    """{name{labels}: value}, every line held to the grammar; the content type."""
    answer = ask(gateway.port, get("/metrics", headers), "GET")
    assert answer.status == 200, answer
    found = {}
    for line in answer.body.decode().splitlines():
        if line.startswith("# "):
            assert line == "# EOF" or re.match(r"# (HELP|TYPE|UNIT) [a-z_]+ .+", line), line
            continue
        match = _SAMPLE.fullmatch(line)
        assert match, line
        name = match[1] + (match[2] or "")
        assert name not in found, name
        found[name] = float(match[3])
    return found, answer.headers.get("content-type"), answer.body.decode()


@pytest.fixture(scope="module")
def gateway(start_gateway, provider):
    return start_gateway({
        "providers": {"up": provider(), "simulator": {"type": "simulator"}},
        "models": {"priced": {"provider": "up", "model": "gpt-4o"}, "sim": {"provider": "simulator", "model": "m"}},
        "observability": {"prometheus_aliases": "litellm", "debug_token": True},
    })


def test_counts_equal_what_was_asked(gateway, upstream):
    for _ in range(5):
        assert ask(gateway.port, chat("priced")).status == 200
    for _ in range(3):
        assert ask(gateway.port, chat("sim", stream=True)).status == 200
    assert ask(gateway.port, get("/nothing"), "GET").status == 404
    found, kind, _ = scrape(gateway)
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    assert found['gateway_model_requests_total{provider="up",model="gpt-4o",outcome="ok"}'] == 5
    assert found['gateway_model_requests_total{provider="simulator",model="m",outcome="ok"}'] == 3
    assert found['gateway_requests_total{door="chat",code="2xx"}'] == 8
    assert found['gateway_requests_total{door="none",code="4xx"}'] == 1
    assert found['gateway_request_duration_seconds_count{provider="up",model="gpt-4o"}'] == 5
    assert found['gateway_request_duration_seconds_bucket{provider="up",model="gpt-4o",le="+Inf"}'] == 5
    assert found['gateway_time_to_first_token_seconds_count{provider="simulator",model="m"}'] == 3
    assert found["gateway_overhead_seconds_count"] == 8
    assert found["gateway_streams_total"] == 3
    assert found['gateway_pool_connections_created_total{provider="up"}'] >= 1
    assert found["gateway_requests_in_flight"] == 1  # this very one
    assert found['gateway_memory_anonymous_bytes{worker="0"}'] > 1e6
    assert found['litellm_proxy_total_requests_metric_total{requested_model="gpt-4o",api_provider="up"}'] == 5
    records = [r for r in gateway.records() if r.get("upstream_model") == "gpt-4o"]
    gateway.await_record(lambda r: r.get("upstream_model") == "gpt-4o" and "cost_usd" in r)
    tokens = found['gateway_input_tokens_total{provider="up",model="gpt-4o"}']
    cost = found['gateway_cost_dollars_total{provider="up",model="gpt-4o"}']
    written = found['gateway_output_tokens_total{provider="up",model="gpt-4o"}']
    cached = found['gateway_cached_tokens_total{provider="up",model="gpt-4o"}']
    assert tokens > 0 and cost == pytest.approx(((tokens - cached) * 2.5 + cached * 1.25 + written * 10) / 1e6), records


def test_openmetrics_on_request(gateway, upstream):
    ask(gateway.port, chat("priced"))
    _, kind, text = scrape(gateway, [("Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")])
    assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert text.endswith("# EOF\n") and " # {request_id=" in text


def test_failures_of_unknown_models_open_no_series(gateway, upstream):
    before = {name for name in scrape(gateway)[0] if name.startswith("gateway_model_requests")}
    for number in range(20):
        ask(gateway.port, chat(f"simulator/junk-{number}+status-500"))
    after = {name for name in scrape(gateway)[0] if name.startswith("gateway_model_requests")}
    assert len(after - before) <= 3, after - before


def test_performance_metrics_have_the_keys_that_scripts_read(gateway, upstream):
    report = ask(gateway.port, get("/v1/performance/metrics"), "GET").json()
    assert report["request_count"] >= 1 and report["memory"]["anonymous_bytes"] > 1e6
    assert report["connection_pool"]["created"] >= 1 and "token_cache_hit_rate" in report
    assert report["latency"]["count"] >= 1 and report["latency"]["p95_ms"] >= report["latency"]["p50_ms"] > 0


def test_info_and_debug_token(gateway, start_gateway, provider, upstream):
    info = ask(gateway.port, get("/info"), "GET").json()
    assert info["status"] == "running" and info["api_key_configured"] is False
    assert info["samba_credentials_configured"] is False and info["token_status"] == "none"
    assert "token_expires_in" in info
    assert ask(gateway.port, get("/debug/token"), "GET").json() == {"tokens": []}
    plain = start_gateway({"providers": {"up": provider()}})
    assert ask(plain.port, get("/debug/token"), "GET").status == 404


def test_tokens_are_told_without_the_secret(start_gateway, upstream):
    gateway = start_gateway({"observability": {"debug_token": True}, **KEYS})
    assert ask(gateway.port, get("/info"), "GET").json()["api_key_configured"] is True
    assert ask(gateway.port, get("/debug/token", CLIENT), "GET").status == 403
    assert ask(gateway.port, get("/debug/token", BOSS), "GET").status == 200


def test_keys_guard_metrics_and_the_feed(start_gateway, upstream):
    gateway = start_gateway(KEYS)
    assert ask(gateway.port, get("/metrics"), "GET").status == 401
    assert ask(gateway.port, get("/metrics", CLIENT), "GET").status == 200
    assert ask(gateway.port, get("/v1/performance/metrics"), "GET").status == 401
    assert ask(gateway.port, get("/status/events"), "GET").status == 401
    assert ask(gateway.port, get("/status/events", CLIENT), "GET").status == 403
    page = ask(gateway.port, get("/"), "GET")
    assert page.status == 200 and b"<!doctype html>" in page.body
    assert "script-src 'sha256-" in page.headers.get("content-security-policy")


def test_the_feed_tells_of_a_request_and_ends_with_the_gateway(start_gateway, upstream):
    import http.client

    gateway = start_gateway({})
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.request("GET", "/status/events")
    answer = connection.getresponse()
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/event-stream")

    def event():
        line = answer.readline()
        assert line.startswith(b"data: ") and answer.readline() == b"\n", line
        return json.loads(line[6:])

    assert event()["recent"] == []
    served = ask(gateway.port, chat("gpt-4o", "a secret wish"))
    told = event()
    while not told["recent"]:
        told = event()
    assert told["recent"][0]["id"] == served.headers.get("x-request-id")
    assert told["recent"][0]["status"] == 200 and "secret wish" not in json.dumps(told)
    assert told["models"][0]["requests"] == 1
    # A watcher does not hold up the end.
    gateway.stop()
    connection.close()
    record = next(r for r in gateway.records() if r["path"] == "/status/events")
    assert record["status"] == 200 and record["outcome"] == "ok"
