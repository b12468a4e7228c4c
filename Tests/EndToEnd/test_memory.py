# Memory behind a crowd: what thousands of streams through a TLS upstream have needed goes back to the system once
# they and the pool's idle connections are gone.

import json
import selectors
import socket
import time

import pytest

from gateway_process import Simulator

STREAMS = 2000


@pytest.fixture(scope="module")
def simulator(tmp_path_factory, certificates, client_tls):
    """Streams of 20 tokens, ten a second."""
    running = Simulator(
        tmp_path_factory.mktemp("simulator"), leaf=certificates.good, tls=client_tls,
        options=["--ttft", "200", "--tokens-per-second", "10", "--answer-tokens", "20"])
    yield running
    running.stop()


@pytest.fixture(scope="module")
def gateway(start_gateway, provider, simulator):
    return start_gateway(
        {"providers": {"sim": provider(simulator.url, pool={"idle_timeout": "1s"})}})


def crowd(port, count):
    """Opens `count` streams as fast as they are taken and reads each to its end; how many had one."""
    body = json.dumps({"model": "sim/sim-small", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
    request = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    waiting, tails = selectors.DefaultSelector(), {}
    whole = 0
    deadline = time.monotonic() + 40

    def read(wait):
        nonlocal whole
        for key, _ in waiting.select(wait):
            data = key.fileobj.recv(65536)
            if data:
                tails[key.fileobj] = (tails[key.fileobj] + data)[-200:]
                continue
            whole += b"data: [DONE]" in tails.pop(key.fileobj)
            waiting.unregister(key.fileobj)
            key.fileobj.close()

    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port), timeout=20)
        client.sendall(request)
        tails[client] = b""
        waiting.register(client, selectors.EVENT_READ)
        read(0)
    while tails and time.monotonic() < deadline:
        read(1)
    return whole


def test_memory_comes_back_after_a_crowd(gateway):
    assert crowd(gateway.port, 100) == 100
    gateway.await_connections(0)
    time.sleep(4)  # the pool's connections go after a second
    before = gateway.anonymous_memory()
    assert crowd(gateway.port, STREAMS) == STREAMS
    high = gateway.anonymous_memory()
    assert high > before + STREAMS * 512, "so few bytes a stream that this shows nothing"
    deadline = time.monotonic() + 12
    while gateway.anonymous_memory() > before * 1.1 and time.monotonic() < deadline:
        time.sleep(0.5)
    after = gateway.anonymous_memory()
    assert after <= before * 1.1, f"{before / 2**20:.2f} MiB before, {high / 2**20:.2f} at the end, {after / 2**20:.2f} after"
    # It still works, and the pool with it.
    assert crowd(gateway.port, 10) == 10
