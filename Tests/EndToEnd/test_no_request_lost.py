# No step of an operator's loses a request: reloads, upgrades and new certificates under constant load of real clients,
# and workers that are killed, where what was in flight on them is counted exactly. CI runs a few of each; `./dev soak`
# runs them all (GATEWAY_SOAK=1).

import json
import os
import shutil
import signal
import socket
import ssl
import time
from pathlib import Path

import pytest

from certificates import make_leaf
from gateway_process import Gateway, binary
from load import Load, SDKLoad, accepted, await_events, events, workers

SOAK = os.environ.get("GATEWAY_SOAK") == "1"
RELOADS, KILLS, UPGRADES, CERTIFICATES = (50, 20, 5, 10) if SOAK else (5, 3, 1, 2)
LEAK_REQUESTS = 60_000 if SOAK else 3_000
if SOAK:
    pytestmark = pytest.mark.timeout(900)


class Stage:
    """A gateway of several workers over TLS in front of a simulator that is a server of its own, also over TLS."""

    def __init__(self, directory, certificates, simulator, count=4):
        self.count = count
        self.directory, self.certificates = directory, certificates
        self.program = directory / "gateway"
        shutil.copy(binary(), self.program)
        self.leaf = 0
        self.files = directory / "cert.pem", directory / "key.pem"
        self.new_certificate()
        self.tls = ssl.create_default_context(cafile=certificates.ca_file)
        config = {
            "server": {"workers": count, "shutdown_grace": "20s",
                       "tls": {"certificate": str(self.files[0]), "private_key": str(self.files[1])}},
            "providers": {"sim": {"type": "openai", "base_url": f"https://localhost:{simulator.port}/v1",
                                  "ca_file": certificates.ca_file}},
        }
        os.environ["GATEWAY_BINARY"], kept = str(self.program), os.environ["GATEWAY_BINARY"]
        try:
            self.gateway = Gateway(config, directory, tls=self.tls)
        finally:
            os.environ["GATEWAY_BINARY"] = kept
        await_events(self.gateway, "worker_ready", count)

    def worker_at(self, place):
        """The process that serves at a place now."""
        return [e["pid"] for e in events(self.gateway, "worker_ready") if e["worker"] == place][-1]

    def new_certificate(self):
        """Another certificate in the place of the one before; both files change at once for who reads them whole."""
        self.leaf += 1
        leaf = make_leaf(self.directory, f"leaf-{self.leaf}", self.certificates.authority, ["localhost", "127.0.0.1"])
        for made, place in zip((leaf.certificate, leaf.private_key), self.files):
            fresh = place.with_suffix(".new")
            shutil.copy(made, fresh)
            os.replace(fresh, place)

    def served_certificate(self):
        with socket.create_connection(("127.0.0.1", self.gateway.port)) as raw:
            with self.tls.wrap_socket(raw, server_hostname="localhost") as secure:
                return secure.getpeercert()["serialNumber"]

    def reload(self):
        before = len(events(self.gateway, "worker_reloaded"))
        self.gateway.process.send_signal(signal.SIGHUP)
        await_events(self.gateway, "worker_reloaded", before + 4, within=20)

    def edit(self, **fields):
        config = json.loads(Path(self.gateway.config_file).read_text())
        config.update(fields)
        fresh = Path(self.gateway.config_file + ".new")
        fresh.write_text(json.dumps(config))
        os.replace(fresh, self.gateway.config_file)


@pytest.fixture
def stage(tmp_path, certificates, start_simulator, client_tls, request):
    simulator = start_simulator(leaf=certificates.good, tls=client_tls,
                                options=["--ttft", "2", "--tokens-per-second", "4000"])
    stage = Stage(tmp_path, certificates, simulator, getattr(request, "param", 4))
    yield stage
    try:
        stage.gateway.stop()
    finally:
        if stage.gateway.alive():
            stage.gateway.kill()


@pytest.fixture
def loads(stage):
    """Three kinds of clients at once: the official one, exact ones on kept connections, exact ones on new ones."""
    running = [SDKLoad(stage.gateway.url, ca_file=stage.tls), Load(stage.gateway.port, 3, "kept", tls=stage.tls),
               Load(stage.gateway.port, 2, "new", tls=stage.tls)]
    yield running
    for load in running:
        load.end()


def await_more(loads, count=10, within=30):
    """Until each load has had that many more whole answers."""
    targets, deadline = [load.whole + count for load in loads], time.monotonic() + within
    while any(load.whole < target for load, target in zip(loads, targets)):
        assert time.monotonic() < deadline, [(load.whole, load.failures[-3:]) for load in loads]
        time.sleep(0.005)


def end(loads):
    for load in loads:
        load.end()
    return [failure for load in loads for failure in load.failures], sum(load.whole for load in loads)


def test_reloads_lose_nothing(stage, loads, record_property):
    for number in range(RELOADS):
        stage.edit(models={f"alias-{number}": {"provider": "sim", "model": "sim-1"}})
        stage.reload()
        await_more(loads)
    failures, whole = end(loads)
    record_property("whole", whole)
    print(f"\n{RELOADS} reloads, {whole} whole answers, {len(failures)} failures")
    assert failures == []


def test_upgrades_lose_nothing(stage, loads):
    for number in range(UPGRADES):
        fresh = stage.directory / "next"
        shutil.copy(binary(), fresh)
        os.replace(fresh, stage.program)
        before = set(workers(stage.gateway))
        stage.gateway.process.send_signal(signal.SIGUSR2)
        await_events(stage.gateway, "rolled", number + 1, within=60)
        assert not before & set(workers(stage.gateway)) or len(set(workers(stage.gateway)) - before) == 4
        await_more(loads)
        await_events(stage.gateway, "worker_left", 4 * (number + 1), within=60)
        assert {os.stat(f"/proc/{pid}/exe").st_ino for pid in workers(stage.gateway)} == {stage.program.stat().st_ino}
    failures, whole = end(loads)
    print(f"\n{UPGRADES} upgrades of 4 workers, {whole} whole answers, {len(failures)} failures")
    assert failures == [] and events(stage.gateway, "worker_killed") == []


def test_new_certificates_lose_nothing(stage, loads):
    seen = {stage.served_certificate()}
    for _ in range(CERTIFICATES):
        stage.new_certificate()
        stage.reload()
        assert (serial := stage.served_certificate()) not in seen
        seen.add(serial)
        await_more(loads)
    failures, whole = end(loads)
    print(f"\n{CERTIFICATES} new certificates, {whole} whole answers, {len(failures)} failures")
    assert failures == [] and len(seen) == CERTIFICATES + 1


# Six: a fifth crash of one place within a minute would close its socket for a while (docs/operations.md, Crashes).
@pytest.mark.parametrize("stage", [6], indirect=True)
def test_a_killed_worker_loses_exactly_what_was_in_flight_on_it(stage):
    """The worker is frozen first. Its clients never rest: once they have read what it had sent, those that still hold a
    connection to it are waiting for it, be it for an answer or for the end of a handshake."""
    kept = Load(stage.gateway.port, 10, "kept", tls=stage.tls)
    fresh = Load(stage.gateway.port, 6, "new", tls=stage.tls)
    loads = [kept, fresh]
    expected = 0
    try:
        for number in range(KILLS):
            await_more(loads)
            victim = stage.worker_at(number % stage.count)
            before = [len(load.failures) for load in loads]
            os.kill(victim, signal.SIGSTOP)
            settled, since = None, time.monotonic()
            while time.monotonic() < since + 0.3:
                now = accepted(victim, stage.gateway.port)
                if now != settled:
                    settled, since = now, time.monotonic()
                time.sleep(0.02)
            expected += len(settled)
            os.kill(victim, signal.SIGKILL)
            await_events(stage.gateway, "worker_ready", stage.count + 1 + number, within=20)
            await_more(loads)
            lost = sum(len(load.failures) - had for load, had in zip(loads, before))
            assert lost == len(settled), f"kill {number}: {lost} lost, {len(settled)} were in flight: " + str(
                [load.failures[-3:] for load in loads])
    finally:
        for load in loads:
            load.end()
    failures, whole = end(loads)
    print(f"\n{KILLS} workers killed, {whole} whole answers, {len(failures)} lost, {expected} in flight on the killed")
    assert len(failures) == expected and len(events(stage.gateway, "worker_crashed")) == KILLS
    assert expected > 0, "nothing was ever in flight on a killed worker: the test shows nothing"


def test_memory_and_descriptors_do_not_grow_under_load(stage):
    """Row S70's leak check: the second half of the requests costs no more memory than the first has taken already."""
    clients = 8
    load = Load(stage.gateway.port, clients, "kept", tls=stage.tls)
    try:
        load.await_whole(LEAK_REQUESTS // 3, within=600)
        memory, descriptors = stage.gateway.anonymous_memory(), stage.gateway.descriptors()
        load.await_whole(LEAK_REQUESTS * 2 // 3, within=1200)
        grown = stage.gateway.anonymous_memory() - memory
        more = stage.gateway.descriptors() - descriptors
    finally:
        load.end()
    print(f"\n{load.whole} requests: {memory >> 10} KiB after a third, {grown >> 10} KiB more at the end; "
          f"{descriptors} descriptors, {more} more")
    assert load.failures == []
    assert grown < max(memory // 10, 2 << 20) and abs(more) <= 2 * clients
