# The supervisor and its workers: crashes, reloads, rolling upgrades and the end, under load. What must hold:
# nothing fails but what was in flight on a worker that was killed.

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from gateway_process import Gateway, binary, clean_environment
from load import Load, await_events, events, workers
from raw_http import RawClient, ask, chat, get, payload, stream_text

SIMULATOR = {"sim": {"type": "simulator", "ttft": "2ms", "tokens_per_second": 2000}}


def health(gateway):
    return ask(gateway.port, get("/health"), "GET").json()


@pytest.fixture
def start(start_gateway):
    def make(count, server=None, **options):
        return start_gateway({
            "server": {"workers": count, "shutdown_grace": "5s", **(server or {})}, "providers": SIMULATOR,
        }, **options)
    return make


@pytest.mark.parametrize("count", [2, 4])
def test_workers_share_the_load_and_their_counts(start, count):
    gateway = start(count)
    await_events(gateway, "listening", 1)
    assert len(workers(gateway)) == count
    before = health(gateway)["requests"]["succeeded"]
    for _ in range(60):
        assert ask(gateway.port, chat("sim-1")).status == 200
    # every one of the 60 and of those that ask for health is counted, whichever worker is asked
    time.sleep(0.05)
    for index in range(10):
        requests = health(gateway)["requests"]
        assert requests["succeeded"] == before + 60 + 1 + index
        assert requests["in_flight"] == 1
        time.sleep(0.01)
    # every worker gets connections
    held = {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in workers(gateway)}
    clients = [RawClient(gateway.port) for _ in range(24 * count)]
    assert all(client.ask(get("/healthz"), "GET").status == 200 for client in clients)
    for pid, before in held.items():
        assert len(os.listdir(f"/proc/{pid}/fd")) > before
        assert Path(f"/proc/{pid}/comm").read_text() == "gateway\n"
    for client in clients:
        client.close()


def test_a_killed_worker_costs_only_what_was_in_flight_on_it(start):
    gateway = start(2)
    await_events(gateway, "worker_ready", 2)
    load = Load(gateway.port, clients=8, connections="new")
    load.await_whole(200)
    for index in range(3):
        victim = workers(gateway)[0]
        os.kill(victim, signal.SIGKILL)
        await_events(gateway, "worker_ready", 3 + index)
        load.await_whole(100)
    crashed = events(gateway, "worker_crashed")
    load.end()
    assert len(crashed) == 3 and all(e["signal"] == 9 for e in crashed)
    # a client has one request in flight at most
    assert len(load.failures) <= 3 * 8, load.failures
    assert all(f.startswith(("Closed", "ConnectionReset", "BrokenPipe")) for f in load.failures), load.failures
    assert len(workers(gateway)) == 2
    # what was in flight on the dead is not counted as in flight for ever
    assert health(gateway)["requests"]["in_flight"] == 1
    # and their counts have not gone with them
    assert health(gateway)["requests"]["succeeded"] >= load.whole


def test_a_worker_that_crashes_again_and_again_is_left_alone_for_a_while(start):
    gateway = start(2)
    await_events(gateway, "worker_ready", 2)
    place = events(gateway, "worker_ready")[0]["worker"]
    for index in range(5):
        pid = [e for e in events(gateway, "worker_ready") if e["worker"] == place][-1]["pid"]
        os.kill(pid, signal.SIGKILL)
        await_events(gateway, "worker_crashed", index + 1)
        if index < 4:
            await_events(gateway, "worker_ready", 3 + index)
    given_up = await_events(gateway, "worker_given_up", 1)[0]
    assert given_up["worker"] == place and given_up["wait_ms"] <= 1000
    # its socket is closed: the other one gets every connection
    assert len(workers(gateway)) == 1
    for _ in range(40):
        assert ask(gateway.port, chat("sim-1"), timeout=2).status == 200
    await_events(gateway, "worker_ready", 7)
    assert len(workers(gateway)) == 2


@pytest.mark.parametrize("connections", ["kept", "new"])
def test_reloads_under_load_fail_nothing(start, connections):
    gateway = start(2)
    await_events(gateway, "worker_ready", 2)
    before = set(workers(gateway))
    load = Load(gateway.port, connections=connections)
    load.await_whole(50)
    for index in range(20):
        gateway.process.send_signal(signal.SIGHUP)
        await_events(gateway, "worker_reloaded", 2 * (index + 1))
        load.await_whole(20)
    load.end()
    assert load.failures == []
    assert set(workers(gateway)) == before


def test_a_reload_takes_the_new_configuration_and_running_requests_keep_theirs(start):
    gateway = start(2)
    await_events(gateway, "worker_ready", 2)
    config = json.loads(Path(gateway.config_file).read_text())
    config["providers"]["slow"] = {"type": "simulator", "ttft": "1500ms", "tokens_per_second": 2000}
    Path(gateway.config_file).write_text(json.dumps(config))
    gateway.process.send_signal(signal.SIGHUP)
    await_events(gateway, "worker_reloaded", 2)
    with RawClient(gateway.port) as client:
        client.send(chat("slow/sim-1"))
        time.sleep(0.2)
        del config["providers"]["slow"]
        Path(gateway.config_file).write_text(json.dumps(config))
        gateway.process.send_signal(signal.SIGHUP)
        await_events(gateway, "worker_reloaded", 4)
        assert client.read().headers.get("x-gateway-provider") == "slow"
        # the same connection, the next request
        client.send(get("/health"))
        assert client.read("GET").json()["configuration"]["providers"] == 1


def test_reloads_leave_no_connection_behind(start_gateway, provider, upstream):
    gateway = start_gateway({"server": {"workers": 1}, "providers": {"openai": provider()}})
    await_events(gateway, "worker_ready", 1)
    assert ask(gateway.port, chat("gpt-x")).status == 200
    held = gateway.descriptors()
    for index in range(8):
        gateway.process.send_signal(signal.SIGHUP)
        await_events(gateway, "worker_reloaded", index + 1)
        assert ask(gateway.port, chat("gpt-x")).status == 200
    assert gateway.descriptors() > held
    deadline = time.monotonic() + 12
    while gateway.descriptors() > held:
        assert time.monotonic() < deadline, f"{gateway.descriptors()} descriptors, not {held}"
        time.sleep(0.1)
    assert ask(gateway.port, chat("gpt-x")).status == 200


def test_a_bad_configuration_is_refused_and_the_old_one_stays(start):
    gateway = start(2)
    await_events(gateway, "worker_ready", 2)
    good = Path(gateway.config_file).read_text()
    Path(gateway.config_file).write_text(good.replace('"workers"', '"wrokers"'))
    gateway.process.send_signal(signal.SIGHUP)
    refused = await_events(gateway, "reload_refused", 1)[0]
    assert refused["level"] == "error" and "wrokers" in refused["message"] and "workers" in refused["message"]
    gateway.process.send_signal(signal.SIGUSR2)
    await_events(gateway, "reload_refused", 2)
    assert events(gateway, "worker_reloaded") == [] and events(gateway, "roll") == []
    # a worker that is started now comes up with what was good
    os.kill(workers(gateway)[0], signal.SIGKILL)
    await_events(gateway, "worker_ready", 3)
    for _ in range(20):
        assert ask(gateway.port, chat("sim-1")).status == 200
    Path(gateway.config_file).write_text(good)


@pytest.mark.parametrize("connections", ["kept", "new"])
def test_rolling_under_load_fails_nothing(start, connections):
    gateway = start(2)
    await_events(gateway, "worker_ready", 2)
    load = Load(gateway.port, connections=connections)
    load.await_whole(50)
    for index in range(5):
        before = set(workers(gateway))
        gateway.process.send_signal(signal.SIGUSR2)
        await_events(gateway, "rolled", index + 1)
        await_events(gateway, "worker_left", 2 * (index + 1), within=15)
        assert not before & set(workers(gateway))
        load.await_whole(30)
    load.end()
    assert load.failures == []
    assert events(gateway, "worker_killed") == []


def test_a_stream_outlives_the_roll_that_replaces_its_worker(start_gateway):
    gateway = start_gateway({
        "server": {"workers": 2, "shutdown_grace": "10s"},
        "providers": {"sim": {"type": "simulator", "ttft": "2ms", "tokens_per_second": 40}},
    })
    await_events(gateway, "worker_ready", 2)
    with RawClient(gateway.port) as client:
        client.send(chat("sim-1", stream=True))
        client.read_head()
        gateway.process.send_signal(signal.SIGUSR2)
        await_events(gateway, "rolled", 1)
        texts = [payload(text) for _, text in client.events()]
        assert stream_text(texts)[2]
    await_events(gateway, "worker_left", 2)


def test_a_roll_runs_what_the_name_means_now_and_a_broken_one_stops_it(tmp_path):
    name = tmp_path / "gateway"
    shutil.copy(binary(), name)
    os.environ["GATEWAY_BINARY"], kept = str(name), os.environ["GATEWAY_BINARY"]
    try:
        gateway = Gateway({"server": {"workers": 2}, "providers": SIMULATOR}, tmp_path)
    finally:
        os.environ["GATEWAY_BINARY"] = kept
    try:
        await_events(gateway, "worker_ready", 2)

        def inodes():
            return {os.stat(f"/proc/{pid}/exe").st_ino for pid in workers(gateway)}

        old = name.stat().st_ino
        assert inodes() == {old}
        replacement = tmp_path / "next"
        shutil.copy(binary(), replacement)
        os.replace(replacement, name)
        new = name.stat().st_ino
        # a crash brings the version back that was meant
        os.kill(workers(gateway)[0], signal.SIGKILL)
        await_events(gateway, "worker_ready", 3)
        assert inodes() == {old}
        gateway.process.send_signal(signal.SIGUSR2)
        await_events(gateway, "rolled", 1)
        await_events(gateway, "worker_left", 2)
        assert inodes() == {new}
        # a program that does not come up replaces nobody
        shutil.copy("/bin/false", replacement)
        os.replace(replacement, name)
        gateway.process.send_signal(signal.SIGUSR2)
        await_events(gateway, "roll_failed", 1)
        assert len(workers(gateway)) == 2 and inodes() == {new}
        os.kill(workers(gateway)[0], signal.SIGKILL)
        await_events(gateway, "worker_ready", 6)
        assert inodes() == {new}
        assert ask(gateway.port, chat("sim-1")).status == 200
        gateway.stop()
    finally:
        if gateway.alive():
            gateway.kill()


def test_a_worker_told_to_leave_is_replaced_at_once(start):
    gateway = start(2)
    await_events(gateway, "worker_ready", 2)
    load = Load(gateway.port, connections="kept")
    load.await_whole(30)
    victim = workers(gateway)[0]
    os.kill(victim, signal.SIGTERM)
    await_events(gateway, "worker_ready", 3)
    await_events(gateway, "worker_left", 1)
    load.await_whole(30)
    load.end()
    assert load.failures == []
    assert len(workers(gateway)) == 2 and victim not in workers(gateway)


def test_readiness_says_no_before_the_listener_closes(start):
    gateway = start(2, server={"drain_delay": "1s"})
    await_events(gateway, "worker_ready", 2)
    assert ask(gateway.port, get("/readyz"), "GET").status == 200
    gateway.terminate()
    await_events(gateway, "stopping", 1)
    time.sleep(0.2)
    # both workers, new connections
    for _ in range(10):
        assert ask(gateway.port, get("/readyz"), "GET").status == 503
        assert ask(gateway.port, chat("sim-1")).status == 200
    assert gateway.wait(5) == 0


def test_the_end_lets_requests_finish_on_every_worker(start_gateway):
    gateway = start_gateway({
        "server": {"workers": 4, "shutdown_grace": "10s"},
        "providers": {"sim": {"type": "simulator", "ttft": "600ms", "tokens_per_second": 2000}},
    })
    await_events(gateway, "worker_ready", 4)
    clients = [RawClient(gateway.port) for _ in range(16)]
    for client in clients:
        client.send(chat("sim-1"))
    time.sleep(0.2)
    gateway.terminate()
    for client in clients:
        answer = client.read()
        assert answer.status == 200 and answer.headers.get("connection") == "close"
        client.close()
    assert gateway.wait(3) == 0


def test_a_second_signal_does_not_wait(start_gateway):
    gateway = start_gateway({
        "server": {"workers": 2, "shutdown_grace": "20s"},
        "providers": {"sim": {"type": "simulator", "ttft": "15s"}},
    })
    await_events(gateway, "worker_ready", 2)
    with RawClient(gateway.port) as client:
        client.send(chat("sim-1"))
        time.sleep(0.2)
        gateway.terminate()
        await_events(gateway, "stopping", 1)
        began = time.monotonic()
        gateway.terminate()
        assert gateway.wait(5) == 0
        assert time.monotonic() - began < 2


def test_workers_leave_when_their_supervisor_is_killed(tmp_path):
    gateway = Gateway({"server": {"workers": 2, "shutdown_grace": "3s"}, "providers": SIMULATOR}, tmp_path)
    try:
        await_events(gateway, "worker_ready", 2)
        left = workers(gateway)
        os.kill(gateway.process.pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while any(Path(f"/proc/{pid}").exists() for pid in left):
            assert time.monotonic() < deadline, "a worker outlives its supervisor"
            time.sleep(0.02)
    finally:
        gateway.process.wait(5)


def test_without_a_supervisor_one_process_serves_and_reloads(tmp_path):
    path = tmp_path / "gateway.yaml"
    path.write_text(json.dumps({"server": {"host": "127.0.0.1", "port": 0}, "providers": SIMULATOR}))
    process = subprocess.Popen([binary(), "serve", "--no-supervisor", "--config", str(path)], cwd=tmp_path,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=clean_environment())
    try:
        port = json.loads(process.stdout.readline())["port"]
        assert ask(port, chat("sim-1")).status == 200
        process.send_signal(signal.SIGHUP)
        while json.loads(process.stdout.readline())["event"] != "reloaded":
            pass
        assert ask(port, chat("sim-1")).status == 200
        assert Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text() == ""
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    finally:
        process.kill()


def test_two_gateways_do_not_share_a_port_unawares(start, tmp_path):
    gateway = start(2)
    path = tmp_path / "second.yaml"
    path.write_text(json.dumps({"server": {"host": "127.0.0.1", "port": gateway.port}}))
    result = subprocess.run([binary(), "serve", "--config", str(path)], capture_output=True, text=True, timeout=10,
                            env=clean_environment(), cwd=tmp_path)
    assert result.returncode != 0 and "in use" in (result.stdout + result.stderr)


def test_the_log_of_several_workers_is_whole_lines(start):
    gateway = start(4)
    await_events(gateway, "worker_ready", 4)
    load = Load(gateway.port, clients=12, connections="new", stream=False)
    load.await_whole(600)
    load.end()
    time.sleep(0.5)
    assert load.failures == []
    assert gateway.errors == []
    for line in list(gateway.lines):
        json.loads(line)
    assert len([r for r in gateway.records() if r["path"] == "/v1/chat/completions"]) == load.whole
