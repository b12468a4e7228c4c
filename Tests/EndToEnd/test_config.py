# `gateway check` and what `serve` says about a bad file: the sentence a person needs, and never a secret.

import json
import signal
import subprocess

import pytest

from gateway_process import binary, clean_environment, write_config
from raw_http import ask, get


def check(directory, config, environment=None):
    path = write_config(directory, config) if isinstance(config, dict) else str(directory / "gateway.yaml")
    if not isinstance(config, dict):
        (directory / "gateway.yaml").write_text(config)
    return subprocess.run([binary(), "check", "--config", path], capture_output=True, text=True, timeout=10,
                          cwd=directory, env=clean_environment(**(environment or {})))


GOOD = """\
server:
  host: 127.0.0.1
  port: 8123
  heartbeat_interval: 15s
auth:
  keys:
    - {name: team-a, key: "sk-client-secret-a"}
providers:
  openai: {type: openai, base_url: "https://api.example/v1", api_key: "${SOME_KEY}"}
  sim: {type: simulator, ttft: 50ms}
models:
  "gpt-*": {provider: openai}
"""


def test_a_good_file_is_printed_with_its_secrets_masked(tmp_path):
    result = check(tmp_path, GOOD, {"SOME_KEY": "sk-upstream-secret"})
    assert result.returncode == 0, result.stderr
    assert "8123" in result.stdout and "api.example" in result.stdout and "***" in result.stdout
    assert "secret" not in result.stdout + result.stderr


@pytest.mark.parametrize("wrong, words", [
    (GOOD.replace("heartbeat_interval", "heartbeat_intervall"), ["heartbeat_intervall", "heartbeat_interval", ":4:3"]),
    (GOOD.replace("providers:", "provider:"), ["provider", "providers"]),
    (GOOD.replace("port: 8123", "port: eighty"), ["port", ":3:"]),
    (GOOD.replace("port: 8123", "port: 99999"), ["port"]),
    (GOOD.replace("15s", "15 parsecs"), ["heartbeat_interval"]),
    (GOOD.replace("type: openai", "type: opnai"), ["opnai", "openai"]),
    (GOOD.replace("{provider: openai}", "{provider: opnai}"), ["opnai"]),
    (GOOD.replace("https://api.example/v1", "ftp://api.example"), ["base_url"]),
    (GOOD + "  - broken: [", [":"]),
], ids=["near key", "near section", "not a number", "no port", "not a duration", "near type", "unknown provider",
        "not a URL", "not YAML"])
def test_a_bad_file_is_refused_with_its_place_and_the_nearest_name(tmp_path, wrong, words):
    result = check(tmp_path, wrong, {"SOME_KEY": "sk-upstream-secret"})
    output = result.stdout + result.stderr
    assert result.returncode != 0
    for word in ["gateway.yaml", *words]:
        assert word in output, output
    assert "secret" not in output


def test_http2_without_tls_is_refused(tmp_path):
    plain = GOOD.replace('base_url: "https://api.example/v1"', 'base_url: "http://api.example/v1", http2: true')
    result = check(tmp_path, plain, {"SOME_KEY": "sk-upstream-secret"})
    assert result.returncode == 78
    assert "providers.openai.http2" in result.stdout + result.stderr


def test_a_missing_variable_is_named(tmp_path):
    result = check(tmp_path, GOOD)
    assert result.returncode != 0 and "SOME_KEY" in result.stdout + result.stderr


def test_a_missing_file_is_named(tmp_path):
    result = subprocess.run([binary(), "serve", "--config", str(tmp_path / "absent.yaml")], capture_output=True,
                            text=True, timeout=10, env=clean_environment(), cwd=tmp_path)
    assert result.returncode != 0 and "absent.yaml" in result.stdout + result.stderr


def test_an_earlier_gateways_config_json_is_found_and_what_it_lacks_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"SALESFORCE_CONSUMER_KEY": "the-hidden-key", "username": "the-hidden-user"}')
    result = subprocess.run([binary(), "check"], capture_output=True, text=True, timeout=10, cwd=tmp_path,
                            env=clean_environment())
    output = result.stdout + result.stderr
    assert result.returncode == 78
    for word in ["config.json:1:29", "SALESFORCE_INSTANCE_URL", "SALESFORCE_CONSUMER_SECRET", "SALESFORCE_PRIVATE_KEY_FILE"]:
        assert word in output, output
    assert "SALESFORCE_USERNAME" not in output and "hidden" not in output


def test_another_address_without_keys_is_refused(tmp_path):
    keys = GOOD[GOOD.index("  keys:") : GOOD.index("providers:")]
    result = check(tmp_path, GOOD.replace("127.0.0.1", "0.0.0.0").replace(keys, "  mode: auto\n"), {"SOME_KEY": "x"})
    assert result.returncode != 0 and "auth" in result.stdout + result.stderr


def test_the_version_and_the_help_are_told(tmp_path):
    for arguments in (["version"], ["--help"], ["serve", "--help"]):
        result = subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=10, cwd=tmp_path)
        assert result.returncode == 0 and result.stdout.strip()


def test_port_0_takes_a_free_port_and_tells_which(tmp_path):
    path = write_config(tmp_path, {"server": {"host": "127.0.0.1", "port": 0, "workers": 1}})
    process = subprocess.Popen([binary(), "serve", "--config", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               cwd=tmp_path, env=clean_environment())
    try:
        for line in process.stdout:
            if b"listening" in line:
                break
        port = json.loads(line)["port"]
        assert ask(port, get("/health"), "GET").status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    finally:
        process.kill()


def test_an_earlier_proxys_layers_are_found(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "work").mkdir()
    (tmp_path / "config" / "default.yml").write_text(
        "llmProxy:\n  openai: {apiKey: ''}\n  vertexAI: {location: us-central1}\napp: {port: 3000, host: 127.0.0.1}\n")
    (tmp_path / "config" / "local.yml").write_text("llmProxy: {anthropic: {apiKey: sk-ant-upstream-secret}}\napp: {port: 54011}\n")
    (tmp_path / "config" / "custom-environment-variables.yml").write_text("llmProxy: {openai: {apiKey: MY_KEY}}\n")
    # from a directory below the one that holds them
    result = subprocess.run([binary(), "check"], capture_output=True, text=True, timeout=10, cwd=tmp_path / "work",
                            env=clean_environment(MY_KEY="sk-upstream-secret"))
    assert result.returncode == 0 and result.stderr == "", result.stderr
    assert "port: 54011" in result.stdout and "type: openai" in result.stdout and "type: anthropic" in result.stdout
    assert "secret" not in result.stdout
