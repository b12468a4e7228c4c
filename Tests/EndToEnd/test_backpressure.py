# Speeds that differ: a client that does not read stops the upstream, nothing grows, everything still arrives. And
# what is left when many exchanges are over: memory, descriptors, sockets, CPU.

import gc
import time
from pathlib import Path

import pytest

from conftest import run_all
from fake_upstream import chunk, event
from raw_http import RawClient, ask, chat

MIB = 2**20
PIECE = "x" * 32_000


@pytest.fixture(scope="module")
def gateway(start_gateway, provider):
    return start_gateway({"providers": {"openai": provider()}})


def floods(pieces):
    def play(exchange):
        exchange.start_stream()
        for number in range(pieces):
            exchange.event(chunk({"content": f"{number}:{PIECE}"}))
        exchange.write(event(chunk({}, "stop")) + event("[DONE]"))
        exchange.finish()

    return play


def settled(read, within=5.0):
    """The value once it has stood still for 0.3 s."""
    deadline, last, since = time.monotonic() + within, read(), time.monotonic()
    while time.monotonic() < deadline:
        time.sleep(0.02)
        now = read()
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > 0.3:
            break
    return last


def test_a_client_that_reads_nothing_stops_the_upstream(gateway, upstream):
    pieces = 3000  # about 96 MB
    model = upstream.script(floods(pieces))
    before = gateway.anonymous_memory()
    with RawClient(gateway.port, receive_buffer=64 * 1024, timeout=30) as client:
        client.send(chat(model, stream=True))
        exchange = upstream.await_exchange(model)
        sent = settled(lambda: exchange.connection.sent)
        assert sent < 24 * MIB, f"{sent / MIB:.1f} MiB in flight"
        assert gateway.anonymous_memory() - before < 8 * MIB
        cpu = gateway.cpu_seconds()
        time.sleep(0.3)
        assert gateway.cpu_seconds() - cpu < 0.1, "it spins while it waits"
        client.read_head()
        numbers = []
        for _, text in client.events():
            if text.startswith("data: {") and '"content": "' in text:
                numbers.append(int(text.split('"content": "', 1)[1].split(":", 1)[0]))
    assert numbers == list(range(pieces))
    assert gateway.anonymous_memory() - before < 8 * MIB


def test_many_stalled_clients_stay_bounded_and_disturb_nobody(gateway, upstream):
    model = upstream.script(floods(2000))
    before = gateway.anonymous_memory()
    clients = [RawClient(gateway.port, receive_buffer=32 * 1024) for _ in range(20)]
    for client in clients:
        client.send(chat(model, stream=True))
    upstream.await_exchange(model, 20)
    settled(lambda: sum(one.connection.sent for one in upstream.of(model)))
    began = time.monotonic()
    assert ask(gateway.port, chat("gpt-x")).status == 200
    assert time.monotonic() - began < 0.5
    grown = gateway.anonymous_memory() - before
    assert grown < 20 * MIB, f"{grown / 20 / 1024:.0f} KiB a stalled stream"
    for client in clients:
        client.close()
    for exchange in upstream.of(model):
        assert exchange.connection.gone.wait(2)


def test_a_slow_reader_gets_everything_in_order(gateway, upstream):
    pieces = 60
    model = upstream.script(floods(pieces))
    with RawClient(gateway.port, receive_buffer=4096) as client:
        client.send(chat(model, stream=True))
        client.read_head()
        numbers = []
        for _, text in client.events():
            time.sleep(0.002)
            if '"content": "' in text:
                numbers.append(int(text.split('"content": "', 1)[1].split(":", 1)[0]))
    assert numbers == list(range(pieces))


def test_equal_rounds_do_not_grow(gateway, upstream):
    def one_round():
        def work():
            with RawClient(gateway.port) as client:
                for number in range(25):
                    assert client.ask(chat("gpt-x", "word " * 50, stream=number % 2 == 0)).status == 200

        results = run_all({str(number): work for number in range(12)})
        assert set(results.values()) == {None}, results
        gc.collect()
        return gateway.anonymous_memory()

    one_round()
    first, *_, last = [one_round() for _ in range(3)]
    assert last - first < 5 * MIB


def close_waiting(port):
    """Sockets in CLOSE_WAIT (state 08) at a local port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[3] == "08" and int(row[1].split(":")[1], 16) == port for row in rows)


def test_descriptors_and_sockets_come_back_and_idle_costs_no_cpu(gateway, upstream):
    upstream.drop_idle()
    time.sleep(0.3)
    before = gateway.descriptors()
    model = upstream.script(lambda e: e.hang())
    for leave in ("close", "reset"):
        clients = [RawClient(gateway.port) for _ in range(50)]
        for client in clients:
            client.send(chat(model, stream=True))
        upstream.await_exchange(model, 50 if leave == "close" else 100)
        for client in clients:
            getattr(client, leave)()
    deadline = time.monotonic() + 3
    while gateway.descriptors() > before + 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gateway.descriptors() <= before + 2
    assert all(one.connection.gone.wait(1) for one in upstream.of(model))
    assert close_waiting(gateway.port) == 0
    cpu = gateway.cpu_seconds()
    time.sleep(1.5)
    assert gateway.cpu_seconds() - cpu <= 0.03
