# What keys have spent outlives the gateway: an orderly end, an end by SIGKILL, a reload and an upgrade count nothing twice
# and lose nothing that the limits do not say; a file that is broken or another's is said and stops nobody.

import json
import os
import signal
import time

import pytest

from gateway_process import Program
from load import await_events, events
from raw_http import ask, chat
from test_rate_limits import bearer, key, told

REQUEST = 0.0015  # 12 tokens read and 3 written, in USD
INTERVAL = 5  # BudgetKeeper.interval, in seconds


@pytest.fixture
def start(start_gateway, provider, upstream, tmp_path):
    """Starts another run of the same gateway."""
    def run(**fields):
        gateway = start_gateway({
            "server": {"workers": 2},
            "auth": {"keys": [key("spender", budget={"usd": 0.004, "period": "total"}),
                              key("boss", admin=True, budget={"usd": 5, "period": "month"})], **fields},
            "providers": {"up": provider()},
            "observability": {"prices": {"gpt-priced": {"input": 100, "output": 100}}},
        }, environment={"STATE_DIR": str(tmp_path / "state")})
        await_events(gateway, "worker_ready", 2)
        return gateway

    return run


@pytest.fixture
def file(tmp_path):
    return tmp_path / "state" / "budgets.json"


def spend(gateway, name="spender"):
    return ask(gateway.port, chat("up/gpt-priced", headers=bearer(name))).status


def await_spent(gateway, requests, name="spender"):
    """What a request cost is counted behind its answer."""
    deadline = time.monotonic() + 5
    while (spent := told(gateway, "boss")[name]["spent_usd"]) != pytest.approx(requests * REQUEST):
        assert time.monotonic() < deadline, spent
        time.sleep(0.01)


def await_file(file, requests, name="spender"):
    began = time.monotonic()
    while True:
        kept = {entry["key"]: entry["spent_nanodollars"] for entry in json.loads(file.read_text())["keys"]} if file.exists() else {}
        if kept.get(name) == round(requests * REQUEST * 1e9):
            return time.monotonic() - began
        assert time.monotonic() < began + 2 * INTERVAL, kept
        time.sleep(0.02)


def test_budgets_outlive_the_gateway(start, file):
    first = start()
    assert [spend(first) for _ in range(2)] == [200, 200]
    await_spent(first, 2)
    # Neither a reload nor new workers read anything again.
    first.terminate(signal.SIGHUP)
    await_events(first, "worker_reloaded", 2)
    first.terminate(signal.SIGUSR2)
    await_events(first, "rolled", 1)
    await_spent(first, 2)
    assert spend(first, "boss") == 200
    await_spent(first, 1, "boss")
    first.stop()
    assert file.stat().st_mode & 0o777 == 0o600 and "sk-" not in file.read_text()
    await_file(file, 2)

    second = start()
    assert events(second, "budgets_restored")[0]["keys"] == 2
    await_spent(second, 2)
    await_spent(second, 1, "boss")
    assert spend(second) == 200
    await_spent(second, 3)
    assert spend(second) == 429
    await_file(file, 3)  # while it runs
    second.kill()

    third = start()
    assert spend(third) == 429 and spend(third, "boss") == 200
    await_spent(third, 3)
    third.stop()


def test_a_broken_file_is_put_aside(start, file):
    file.parent.mkdir(mode=0o700)
    file.write_text('{"keys":[{"key":"spender","period":"total","spent_nano')
    file.chmod(0o600)
    gateway = start()
    broken, = events(gateway, "budgets_broken")
    assert broken["level"] == "error" and f"{file}.broken" in broken["message"] and not file.exists()
    assert spend(gateway) == 200
    gateway.stop()
    await_file(file, 1)


def test_two_gateways_do_not_share_a_file(start, file):
    first, second = start(), start()
    assert str(file) in events(second, "budgets_not_kept")[0]["message"] and not events(first, "budgets_not_kept")
    assert [spend(first), spend(second)] == [200, 200]
    await_spent(second, 1)
    first.stop()
    # Its turn: what both have spent is spent.
    await_events(second, "budgets_kept", 1, within=3 * INTERVAL)
    await_spent(second, 2)
    second.stop()
    await_file(file, 2)


def test_without_a_supervisor_too(start, file, tmp_path):
    first = start()
    first.stop()
    for requests in (1, 2):
        alone = Program(["serve", "--no-supervisor", "--config", first.config_file], first.port, tmp_path,
                        {"STATE_DIR": str(file.parent)})
        assert spend(alone) == 200
        await_spent(alone, requests)
        alone.stop()
        await_file(file, requests)


def test_nothing_is_kept_where_it_is_switched_off(start, file):
    gateway = start(keep_budgets=False)
    assert spend(gateway) == 200
    await_spent(gateway, 1)
    gateway.stop()
    assert not os.path.exists(file) and not os.path.exists(f"{file}.lock")
