# The regression script for streams (row S71) passes where streams are right, and fails where they are not.

import subprocess
from pathlib import Path

import pytest

from gateway_process import clean_environment

SCRIPT = Path(__file__).resolve().parents[2] / "streaming_regression_tests.sh"


def run(url, model, **environment):
    return subprocess.run([str(SCRIPT), url, model], capture_output=True, text=True, timeout=60,
                          env=clean_environment(**environment))


@pytest.fixture(scope="module")
def gateway(start_gateway):
    return start_gateway({
        "auth": {"keys": [{"name": "me", "key": "sk-client-secret-9"}]},
        "providers": {"sim": {"type": "simulator", "ttft": "5ms", "tokens_per_second": 400}},
    })


def test_it_passes_on_good_streams(gateway):
    result = run(gateway.url, "sim-1", API_KEY="sk-client-secret-9", TOOL_MODEL="sim-tool")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "not ok" not in result.stdout and result.stdout.strip().endswith("1..28")


@pytest.mark.parametrize("model, what", [
    ("sim-nodone", "[DONE] ends it, once"), ("sim-error-mid", "[DONE] ends it, once"), ("sim-429", "answered with 200"),
])
def test_it_fails_on_bad_ones(gateway, model, what):
    result = run(gateway.url, model, API_KEY="sk-client-secret-9")
    assert result.returncode == 1 and any(
        line.startswith("not ok") and what in line for line in result.stdout.splitlines()), result.stdout


def test_it_fails_without_a_key(gateway):
    assert run(gateway.url, "sim-1").returncode == 1
