"""The work that proxies are measured at. Each scenario takes a running Bench and returns figures by
name; the first figure of its table is the one whose ratio to the anchor is reported.
"""
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from typing import Callable

from rig import Window

CONNECTIONS = 64


@dataclass
class Scenario:
    run: Callable
    figures: tuple                 # shown in the table, the main one first
    upstream: tuple = ()           # flags of the mock
    streams: int = 0               # how many it holds open at once
    pooled: bool = False           # makes sense only for peers that pool upstream connections


def errors_of(*results):
    """How many requests went wrong, and for the raw figures in what way."""
    kinds = Counter()
    for result in results:
        kinds.update(result["error_kinds"], unfinished=result["unfinished"])
    return {"errors": sum(kinds.values()), "error_kinds": dict(+kinds)}


def unary(bench, body="unary", seconds=2.5):
    bench.load("unary", body, conns=CONNECTIONS, seconds=0.7)  # fills pools and caches
    window = Window(bench)
    result = bench.load("unary", body, conns=CONNECTIONS, seconds=seconds)
    window.end()
    completed = max(result["completed"], 1)
    return {"cpu_us_per_request": window.cpu / completed * 1e6,
            "requests_per_s": completed / result["seconds"], "utilization": window.utilization,
            "p50_us": result["latency_us"]["p50"], "p99_us": result["latency_us"]["p99"],
            "memory_mb": bench.memory_kb() / 1024, "start_ms": bench.start_seconds * 1e3,
            **errors_of(result), "foreign": window.foreign}


def unary_64k(bench):
    return unary(bench, "64k")


def paced_streams(bench, connections, chunks, ramp_ms, seconds):
    """CPU per chunk while streams are under way, and how old chunks are on arrival."""
    bench.load("stream", "stream", conns=4, seconds=0.2, once=1, grace_s=5)
    running = bench.load_async("stream", "stream", conns=connections, ramp_ms=ramp_ms,
                               seconds=ramp_ms / 1000 + seconds + 0.6, expect_chunks=chunks)
    time.sleep(ramp_ms / 1000 + 0.3)
    window = Window(bench)
    time.sleep(seconds)
    window.end()
    result = bench.finish(running)
    sent = max(window.counters["chunks"], 1)
    return {"cpu_us_per_chunk": window.cpu / sent * 1e6, "chunks_per_s": sent / window.seconds,
            "utilization": window.utilization,
            "first_p50_us": result["first_chunk_us"]["p50"],
            "first_p99_us": result["first_chunk_us"]["p99"],
            "age_p50_us": result["chunk_age_us"]["p50"],
            "age_p99_us": result["chunk_age_us"]["p99"],
            **errors_of(result), "foreign": window.foreign}


def steady(bench):
    return paced_streams(bench, connections=100, chunks=100, ramp_ms=2000, seconds=3)


def burst(bench):
    return paced_streams(bench, connections=50, chunks=200, ramp_ms=200, seconds=2.5)


def settle(bench, target_kb, patience=45):
    """Memory once it is down to `target_kb` again, or when patience ends (a pool keeps idle
    connections for half a minute), and how long that took."""
    start = time.monotonic()
    while True:
        memory, waited = bench.memory_kb(), time.monotonic() - start
        if memory <= target_kb or waited > patience:
            return memory, waited
        time.sleep(1)


def held(bench, connections, ramp_ms, chunks):
    """One chunk a second on every stream: memory and CPU while all are open, and memory after. What
    it is compared with has served both kinds of requests: a program's own pages come with first use."""
    bench.load("unary", conns=8, seconds=0.5)
    bench.load("stream", "stream", conns=8, seconds=0.1, once=1, grace_s=chunks + 5)
    time.sleep(0.3)
    base = bench.memory_kb()
    running = bench.load_async("stream", "stream", conns=connections, ramp_ms=ramp_ms, once=1,
                               seconds=ramp_ms / 1000 + 1, grace_s=chunks + 30,
                               expect_chunks=chunks)
    time.sleep(ramp_ms / 1000 + 1)
    window = Window(bench)
    time.sleep(2)
    window.end()
    memory, active = bench.memory_kb(), bench.upstream.counters()["streams_active"]
    result = bench.finish(running)
    time.sleep(1)
    after = bench.memory_kb()
    settled, seconds = settle(bench, base * 1.1)
    return {"kb_per_stream": (memory - base) / max(active, 1), "open": active,
            "cpu_us_per_chunk": window.cpu / max(window.counters["chunks"], 1) * 1e6,
            "base_mb": base / 1024, "after_mb": after / 1024,
            "settled_mb": settled / 1024, "settled_s": seconds,
            "first_p99_us": result["first_chunk_us"]["p99"],
            "age_p50_us": result["chunk_age_us"]["p50"],
            "age_p99_us": result["chunk_age_us"]["p99"],
            "completed": result["completed"], **errors_of(result), "foreign": window.foreign}


def held_scenario(connections, ramp_ms, chunks):
    def run(bench):
        return held(bench, connections, ramp_ms, chunks)
    return Scenario(run, ("kb_per_stream", "open", "cpu_us_per_chunk", "base_mb", "after_mb",
                          "settled_mb", "settled_s", "first_p99_us", "age_p50_us", "age_p99_us", "completed", "errors"),
                    ("--chunks", chunks, "--interval-us", 1000000), streams=connections)


def idle(bench, connections=2000):
    """Client connections that have been answered once and then stay open."""
    bench.load("unary", conns=8, seconds=0.5)
    time.sleep(0.3)
    base = bench.memory_kb()
    running = bench.load_async("idle", conns=connections, ramp_ms=1500, seconds=4.5, grace_s=0)
    time.sleep(2.5)
    window = Window(bench)
    time.sleep(1)
    window.end()
    memory = bench.memory_kb()
    result = bench.finish(running)
    return {"kb_per_connection": (memory - base) / connections, "base_mb": base / 1024,
            "cpu_ms_per_s": window.cpu / window.seconds * 1e3, "answered": result["completed"],
            **errors_of(result), "foreign": window.foreign}


def latency(bench, rate=200):
    """Latency added at a low rate: through the proxy less straight to the (plain) upstream."""
    bench.load("rate", rate=rate, seconds=0.7)
    direct = bench.load("rate", port=bench.upstream.plain, rate=rate, seconds=2)["latency_us"]
    window = Window(bench)
    result = bench.load("rate", rate=rate, seconds=4)
    window.end()
    through = result["latency_us"]
    return {"added_p50_us": through["p50"] - direct["p50"],
            "added_p99_us": through["p99"] - direct["p99"], "p50_us": through["p50"],
            "p99_us": through["p99"], "direct_p50_us": direct["p50"],
            "cpu_us_per_request": window.cpu / max(result["completed"], 1) * 1e6,
            **errors_of(result), "foreign": window.foreign}


def disconnect(bench, connections=50, patience=5):
    """Clients leave mid-stream, one every 20 ms; when does the upstream see each one go? A stream
    that is still running when patience ends counts with the whole wait."""
    window = Window(bench)
    result = bench.load("abort", "stream", conns=connections, seconds=1, gap_ms=20)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and bench.upstream.counters()["streams_active"]:
        time.sleep(0.05)
    window.end()
    gone = dict(bench.upstream.counters()["aborts"])
    waits = sorted((gone[stream] - left) / 1e6 if stream in gone else patience * 1e3
                   for stream, left in result["left"])
    if not waits:
        raise RuntimeError("no stream was under way when the clients left")
    return {"seen_after_p50_ms": statistics.median(waits), "seen_after_max_ms": waits[-1],
            "left": len(waits),
            "never_seen": sum(stream not in gone for stream, _ in result["left"]),
            "errors": result["errors"], "foreign": window.foreign}


def reuse(bench):
    """Four waves of clients that come and go: what share of requests found a connection open?"""
    bench.load("unary", conns=CONNECTIONS, seconds=0.5)
    window = Window(bench)
    results = [bench.load("unary", conns=connections, seconds=0.8)
               for connections in (CONNECTIONS, 4, CONNECTIONS, 16)]
    window.end()
    counters = window.counters
    requests = max(counters["unary"], 1)
    return {"opened_per_million": counters["connections_tls"] / requests * 1e6,
            "reused_percent": 100 * (1 - counters["connections_tls"] / requests),
            "requests": requests, "opened": counters["connections_tls"],
            "handshakes_full": counters["handshakes_full"],
            "handshakes_resumed": counters["handshakes_resumed"],
            **errors_of(*results), "foreign": window.foreign}


def behind_a_model(bench, connections, seconds=8):
    """What clients see of a model that takes its time, each asking again when it is answered: with
    the proxy between, and straight from the upstream."""
    straight = bench.load("unary", port=bench.upstream.plain, conns=connections, seconds=seconds / 2,
                          grace_s=5)
    bench.load("unary", conns=4, seconds=0.5, grace_s=5)
    base, before = bench.memory_kb(), bench.upstream.counters()
    running = bench.load_async("unary", conns=connections, seconds=seconds, grace_s=5)
    time.sleep(seconds / 2)
    window = Window(bench)
    time.sleep(seconds / 4)
    window.end()
    memory = bench.memory_kb()
    result = bench.finish(running)
    latency, direct, after = result["latency_us"], straight["latency_us"], bench.upstream.counters()
    asked, opened = (after[name] - before[name] for name in ("unary", "connections_tls"))
    return {"mean_ms": latency["mean"] / 1e3, "p95_ms": latency["p95"] / 1e3,
            "direct_mean_ms": direct["mean"] / 1e3, "direct_p95_ms": direct["p95"] / 1e3,
            "requests_per_s": window.counters["unary"] / window.seconds,
            "utilization": window.utilization,
            "kb_per_request": (memory - base) / connections, "memory_mb": memory / 1024,
            "reused_percent": 100 * (1 - opened / max(asked, 1)), "opened": opened,
            "completed": result["completed"],
            **errors_of(straight, result), "foreign": window.foreign}


def model_scenario(connections):
    """The upstream: nine answers of ten after 300 ms, the tenth after 700: 340 ms in the mean."""
    def run(bench):
        return behind_a_model(bench, connections)
    return Scenario(run, ("mean_ms", "p95_ms", "direct_mean_ms", "direct_p95_ms", "requests_per_s",
                          "utilization", "kb_per_request", "memory_mb", "reused_percent", "opened",
                          "completed", "errors"),
                    ("--delay-us", 300000, "--slow-every", 10, "--slow-us", 700000), pooled=True)


UNARY = ("cpu_us_per_request", "requests_per_s", "utilization", "p50_us", "p99_us", "memory_mb",
         "start_ms", "errors")
STREAMS = ("cpu_us_per_chunk", "chunks_per_s", "utilization", "first_p50_us", "first_p99_us",
           "age_p50_us", "age_p99_us", "errors")
SCENARIOS = {
    "unary": Scenario(unary, UNARY),
    "unary-64k": Scenario(unary_64k, UNARY),
    "steady": Scenario(steady, STREAMS, ("--chunks", 100, "--interval-us", 20000), streams=100),
    "burst": Scenario(burst, STREAMS, ("--chunks", 200, "--burst", 10), streams=50),
    "held-1000": held_scenario(1000, 1000, 7),
    "held-5000": held_scenario(5000, 4000, 12),
    "held-9500": held_scenario(9500, 8000, 18),
    "idle": Scenario(idle, ("kb_per_connection", "base_mb", "cpu_ms_per_s", "answered", "errors"),
                     streams=2000, pooled=True),
    "latency": Scenario(latency, ("added_p50_us", "added_p99_us", "p50_us", "p99_us",
                                  "direct_p50_us", "cpu_us_per_request", "errors")),
    "model-40": model_scenario(40),
    "model-1000": model_scenario(1000),
    "disconnect": Scenario(disconnect, ("seen_after_p50_ms", "seen_after_max_ms", "left",
                                        "never_seen", "errors"),
                           ("--chunks", 100, "--interval-us", 500000), streams=50),
    "reuse": Scenario(reuse, ("opened_per_million", "reused_percent", "requests", "opened",
                              "handshakes_full", "handshakes_resumed", "errors"), pooled=True),
}
