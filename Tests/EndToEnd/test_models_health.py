# The small endpoints: the model list (live from the upstream), one model, health, and a gateway without a provider.

import time

import pytest

from raw_http import ask, chat, get


@pytest.fixture(scope="module")
def gateway(start_gateway, provider):
    return start_gateway({
        "providers": {"openai": provider()},
        "models": {"claude-e2e": {"provider": "openai", "model": "gpt-real-name"}},
    })


def listed(gateway):
    answer = ask(gateway.port, get("/v1/models"), "GET")
    assert answer.status == 200 and answer.json()["object"] == "list"
    return {entry["id"]: entry for entry in answer.json()["data"]}


def test_the_list_has_the_promised_shape(gateway, upstream):
    models = listed(gateway)
    assert models
    for entry in models.values():
        assert entry["object"] == "model" and isinstance(entry["created"], int) and entry["owned_by"]


def test_the_list_holds_configured_names(gateway, upstream):
    models = listed(gateway)
    assert models["claude-e2e"]["owned_by"]


def test_one_model_is_found_and_an_unknown_one_is_a_404(gateway, upstream):
    found = ask(gateway.port, get("/v1/models/claude-e2e"), "GET")
    assert found.status == 200 and found.json()["id"] == "claude-e2e" and found.json()["object"] == "model"
    missing = ask(gateway.port, get("/v1/models/no/such-model"), "GET")
    assert missing.status == 404 and missing.error["code"] == "model_not_found"


def test_the_list_answers_without_v1(gateway, upstream):
    assert ask(gateway.port, get("/models"), "GET").json()["object"] == "list"


def test_the_sdk_lists_and_finds(gateway, upstream, sdk):
    client = sdk(gateway)
    assert client.models.retrieve("claude-e2e").id == "claude-e2e"
    assert "claude-e2e" in [model.id for model in client.models.list()]


def test_an_upstream_that_is_gone_does_not_take_the_list_with_it(start_gateway, provider, upstream):
    gateway = start_gateway({
        "providers": {"openai": provider("https://localhost:9/v1", timeouts={"connect": "1s"}), "other": provider()},
        "models": {"named": {"provider": "openai"}},
    })
    began = time.monotonic()
    answer = ask(gateway.port, get("/v1/models"), "GET")
    assert answer.status == 200 and time.monotonic() - began < 3
    assert "named" in [entry["id"] for entry in answer.json()["data"]]


def test_health_tells_status_configuration_and_pool(gateway, upstream):
    ask(gateway.port, chat("gpt-x"))
    report = ask(gateway.port, get("/health"), "GET").json()
    assert report["status"] in ("ok", "healthy")
    assert any("config" in name for name in report), report
    assert any("pool" in name for name in report), report


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_answer(gateway, upstream, path):
    assert ask(gateway.port, get(path), "GET").status == 200


def test_with_no_provider_the_simulator_answers_the_first_request(start_gateway):
    gateway = start_gateway({})
    answer = ask(gateway.port, chat("gpt-4o-mini", "Hello"))
    assert answer.status == 200 and answer.json()["choices"][0]["message"]["content"]
