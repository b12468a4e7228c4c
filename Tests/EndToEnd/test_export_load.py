# Many requests with everything told to everybody: all of it arrives and is taken, and where collectors are dead or hang,
# neither latency nor memory of requests show it. `./dev export` asks 10,000 times; CI fewer.

import os
import statistics
import threading
import time

import pytest

from collecting import langfuse_block, metric, otlp_block
from gateway_process import free_port
from raw_http import RawClient, chat

COUNT = int(os.environ.get("EXPORT_REQUESTS", "1200"))
CLIENTS = 4
QUEUE = 1 << 20


def load(gateway):
    """Asks COUNT times over CLIENTS connections. - Returns: the latencies in ms, sorted, and the memory at its most."""
    latencies, peak = [], 0

    def work(number):
        with RawClient(gateway.port, timeout=30) as client:
            for turn in range(COUNT // CLIENTS):
                began = time.monotonic()
                answer = client.ask(chat("sim/m", "Tell me of the sea. " * 10, stream=turn % 4 == 0, user=f"u-{number}"))
                latencies.append((time.monotonic() - began) * 1000)
                assert answer.status == 200

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        peak = max(peak, gateway.anonymous_memory())
        time.sleep(0.05)
    assert len(latencies) == COUNT // CLIENTS * CLIENTS
    return sorted(latencies), peak


def told(name, latencies, peak):
    middle = statistics.median(latencies)
    print(f"\n{name}: p50 {middle:.2f} ms, p99 {latencies[len(latencies) * 99 // 100]:.2f} ms, {peak / 1e6:.1f} MB", end="")
    return middle


@pytest.fixture(scope="module")
def quiet(start_gateway):
    """What it is like when nobody is told."""
    gateway = start_gateway({"providers": {"sim": {"type": "simulator", "ttft": "0s", "tokens_per_second": 0}}})
    load(gateway)  # warm
    latencies, peak = load(gateway)
    return told("nobody is told", latencies, peak), peak


def observed(langfuse, otlp):
    return {"providers": {"sim": {"type": "simulator", "ttft": "0s", "tokens_per_second": 0}},
            "server": {"shutdown_grace": "1s"},
            "observability": {"langfuse": {**langfuse, "queue": QUEUE}, "otlp": {**otlp, "queue": QUEUE}}}


def test_everything_arrives_and_is_taken(start_gateway, langfuse, collector, certificates, quiet):
    config = observed(langfuse_block(langfuse, certificates), otlp_block(collector, certificates))
    # Nothing may be dropped here, however slow the receivers' Python is.
    for name in ("langfuse", "otlp"):
        config["observability"][name]["queue"] = 1 << 30
    gateway = start_gateway(config)
    latencies, peak = load(gateway)
    told("all told", latencies, peak)
    total = COUNT // CLIENTS * CLIENTS
    langfuse.await_spans(count=total, within=60)
    collector.await_spans(count=2 * total, within=60)
    assert len(langfuse.spans) == total and len(collector.spans) == 2 * total
    for exporter in ("langfuse", "otlp"):
        # The collector has taken them a moment before its answer says so.
        sent, deadline = f'gateway_export_records_total{{exporter="{exporter}",result="sent"}}', time.monotonic() + 10
        while metric(gateway, sent) < total and time.monotonic() < deadline:
            time.sleep(0.05)
        assert metric(gateway, sent) == total
        assert metric(gateway, f'gateway_export_records_total{{exporter="{exporter}",result="dropped"}}') == 0
    assert langfuse.violations == collector.violations == []


@pytest.mark.parametrize("kind", ["dead", "hanging", "slow"])
def test_collectors_in_trouble_are_nobody_elses(start_gateway, langfuse, collector, certificates, quiet, kind):
    blocks = langfuse_block(langfuse, certificates), otlp_block(collector, certificates, metrics=False)
    if kind == "dead":
        place = f"http://127.0.0.1:{free_port()}"
        blocks[0]["base_url"] = blocks[1]["endpoint"] = place
    langfuse.faults, collector.faults = (["hang"], ["hang"]) if kind == "hanging" else ([], [])
    langfuse.delay = collector.delay = 2.0 if kind == "slow" else 0.0
    gateway = start_gateway(observed(*blocks))
    load(gateway)  # warm, and it fills the queues
    latencies, peak = load(gateway)
    middle = told(kind, latencies, peak)
    calm, calm_peak = quiet
    # Records are made all the same, which takes its share of the processor; waiting would be seconds.
    assert middle < 2 * calm + 3, (middle, calm)
    assert peak < calm_peak + 2 * QUEUE + (24 << 20), (peak, calm_peak)
    dropped = metric(gateway, 'gateway_export_records_total{exporter="langfuse",result="dropped"}')
    sent = metric(gateway, 'gateway_export_records_total{exporter="langfuse",result="sent"}')
    waiting = metric(gateway, 'gateway_export_waiting_records{exporter="langfuse"}')
    assert dropped + sent + waiting == 2 * (COUNT // CLIENTS * CLIENTS)
    assert dropped > 0 and (sent == 0 or kind == "slow")
