# What one worker says of the gateway is true of all: pools, exports, processes, tokens and recent requests of two workers
# add up whichever of them is asked, over reloads and the death of one.

import http.client
import json
import os
import re
import signal
import time

import pytest

from collecting import langfuse_block
from load import await_events, workers
from raw_http import ask, chat, get


def scrape(gateway):
    """{name{labels}: value} of whichever worker takes the connection."""
    text = ask(gateway.port, get("/metrics"), "GET").body.decode()
    return {name: float(value) for name, value in re.findall(r"^([a-z_]+(?:\{[^}]*\})?) (\S+)$", text, re.M)}


def await_all(gateway, matches, within=10.0):
    """Waits until what is told satisfies `matches` for ten connections in a row, so whichever worker they reach: what
    others hold is told once a second."""
    deadline = time.monotonic() + within
    row = 0
    while row < 10:
        found = scrape(gateway)
        row = row + 1 if matches(found) else 0
        assert time.monotonic() < deadline, {name: value for name, value in found.items() if "bucket" not in name}
        if row == 0:
            time.sleep(0.05)
    return found


def pool(found, name, **labels):
    inside = ",".join(f'{key}="{value}"' for key, value in {"provider": "up", **labels}.items())
    return found.get(f"gateway_pool_{name}{{{inside}}}")


def carried(found):
    return pool(found, "connections_created_total") + pool(found, "connections_reused_total")


def open_connections(found):
    return sum(pool(found, "connections", state=state) for state in ("connecting", "leased", "idle"))


@pytest.fixture
def gateway(start_gateway, provider, upstream, langfuse, certificates):
    gateway = start_gateway({"server": {"workers": 2}, "providers": {"up": provider()}, "observability": {
        "langfuse": langfuse_block(langfuse, certificates)}})
    await_events(gateway, "listening", 1)
    return gateway


def test_sums_are_of_all_workers_and_outlive_them(gateway):
    ids = {ask(gateway.port, chat("gpt-x")).headers.get("x-request-id") for _ in range(40)}
    sent = 'gateway_export_records_total{exporter="langfuse",result="sent"}'
    found = await_all(gateway, lambda f: carried(f) == 40 and f.get(sent) == 40)
    assert found["gateway_workers"] == 2
    # TLS: every connection that was made had a handshake of one kind or the other.
    made = pool(found, "connections_created_total")
    assert pool(found, "handshakes_total", kind="full") + pool(found, "handshakes_total", kind="resumed") == made >= 2
    assert open_connections(found) == made
    for name in "gateway_memory_anonymous_bytes", "process_resident_memory_bytes", "process_cpu_seconds_total":
        assert {worker for worker in "01" if found[f'{name}{{worker="{worker}"}}'] > 0} == {"0", "1"}
    assert 'gateway_loop_lag_max_seconds{worker="1"}' in found
    for path in "/health", "/v1/performance/metrics":
        told = ask(gateway.port, get(path), "GET").json()["connection_pool"]
        assert told["created"] == made and told["created"] + told["reused"] == 40, path
        assert told["handshakes"] + told["resumptions"] == made
    # Bytes of both sides, heads and all, of these very requests at least.
    assert found["gateway_received_bytes_total"] > 40 * 150 and found["gateway_sent_bytes_total"] > 40 * 300
    assert found["gateway_client_connections"] >= 1
    # A reload makes pools that begin at zero; what the former ones did stays.
    gateway.terminate(signal.SIGHUP)
    await_events(gateway, "worker_reloaded", 2)
    ids |= {ask(gateway.port, chat("gpt-x")).headers.get("x-request-id") for _ in range(30)}
    # A worker that dies takes its connections with it, and not what it has done.
    before = await_all(gateway, lambda f: open_connections(f) == 2 and carried(f) == 70 and f.get(sent) == 70)
    cpu = sum(value for name, value in before.items() if name.startswith("process_cpu"))
    os.kill(workers(gateway)[0], signal.SIGKILL)
    await_events(gateway, "worker_crashed", 1)
    left = await_all(gateway, lambda f: open_connections(f) == 1)
    assert carried(left) == 70 and left[sent] == 70
    assert sum(value for name, value in left.items() if name.startswith("process_cpu")) >= cpu
    await_events(gateway, "worker_ready", 3)
    await_all(gateway, lambda f: f["gateway_workers"] == 2)
    assert len(ids) == 70
    for _ in range(4):
        assert recent_ids(gateway) == ids


def recent_ids(gateway):
    """The ids of recent requests in the first event of whichever worker takes the connection."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.request("GET", "/status/events")
    line = connection.getresponse().readline()
    connection.close()
    told = json.loads(line[6:])
    times = [entry["time_ms"] for entry in told["recent"]]
    assert times == sorted(times)
    return {entry["id"] for entry in told["recent"]}


def test_a_watcher_is_told_of_every_request_once(gateway):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.request("GET", "/status/events")
    answer = connection.getresponse()
    asked, told = [], []
    deadline = time.monotonic() + 10
    for _ in range(3):
        asked += [ask(gateway.port, chat("gpt-x")).headers.get("x-request-id") for _ in range(15)]
        while len(told) < len(asked):
            assert time.monotonic() < deadline, (asked, told)
            line = answer.readline()
            if line.startswith(b"data: "):
                told += [entry["id"] for entry in json.loads(line[6:])["recent"]]
    assert sorted(told) == sorted(asked)
    connection.close()


def test_exemplars_are_the_last_requests_of_all_workers(gateway):
    accept = [("Accept", "application/openmetrics-text")]

    def marks():
        text = ask(gateway.port, get("/metrics", accept), "GET").body.decode()
        return re.findall(r'^gateway_request_duration_seconds_bucket.* # \{request_id="([^"]+)"\}', text, re.M)

    for _ in range(8):
        time.sleep(0.002)  # ends are told to the millisecond
        last = ask(gateway.port, chat("gpt-x")).headers.get("x-request-id")
        # Counted once the answer is on its way: the client may be quicker.
        deadline = time.monotonic() + 5
        while marks() != [last]:
            assert time.monotonic() < deadline, f"{marks()} instead of {last}"
        for _ in range(3):
            assert marks() == [last]


def test_tokens_of_all_workers(start_gateway, salesforce_mock, certificates, tmp_path):
    org = salesforce_mock.org
    gateway = start_gateway({
        "server": {"workers": 2}, "state_directory": str(tmp_path), "observability": {"debug_token": True},
        "providers": {"sf": {"type": "salesforce", "instance_url": org.origin, "consumer_key": org.client_id,
                             "consumer_secret": org.client_secret, "ca_file": certificates.ca_file}}})
    await_events(gateway, "listening", 1)
    for _ in range(20):
        assert ask(gateway.port, chat("sf/sfdc_ai__DefaultGPT4Omni")).status == 200
    leases = 'gateway_token_leases_total{provider="sf",result="%s"}'
    state = 'gateway_token_state{provider="sf",state="%s"}'
    found = await_all(gateway, lambda f: f[leases % "hit"] + f[leases % "miss"] == 20 and f[state % "valid"] == 2)
    assert sum(found[state % name] for name in ("empty", "loading", "valid", "refreshing", "waiting", "broken")) == 2
    assert 0 < found['gateway_token_expires_in_seconds{provider="sf"}'] <= 3600
    token, = ask(gateway.port, get("/debug/token"), "GET").json()["tokens"]
    assert token["state"] == "valid" and token["usable"] and token["workers"] == {"valid": 2}
    assert token["leases"] == 20 and token["expires_in"] > 0 and token["secret_bytes"] > 0
    info = ask(gateway.port, get("/info"), "GET").json()
    assert info["token_status"] == "active" and info["token_expires_in"] > 0
