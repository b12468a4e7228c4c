# Credentials that are lent for a time: obtained once for all who wait, renewed ahead of time, renewed at once where a
# provider refuses them, kept over a restart, shared by gateways with one state directory. For each kind of login.

import json
import os
import stat
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import openai
import pytest

from chat_client import ChatClient
from gateway_process import binary, clean_environment
from matrix import CLAUDE, GPT, environment, providers
from mocks import faults


@dataclass(frozen=True)
class Login:
    """`provider` and one of its models; how the mock's tokens are counted, ended and shortened."""

    name: str
    provider: str
    mock: str
    model: str
    route: str | None  # of the token endpoint, for `once`; None at Google's
    file: str

    def granted(self, mock):
        """Tokens that were given, so far."""
        if self.mock == "gemini_mock":
            return len(mock.tokens.grants)
        return len(mock.org.tokens) if self.mock == "salesforce_mock" else len(mock.sessions)

    def revoke(self, mock):
        (mock.tokens.revoke if self.mock == "gemini_mock" else mock.revoke_all)()

    def shorten(self, mock, seconds):
        place = {"gemini_mock": "tokens", "salesforce_mock": "org"}.get(self.mock)
        (getattr(mock, place) if place else mock).lifetime = seconds


LOGINS = [
    Login("service-account", "vertex", "gemini_mock", "gemini-2.5-flash", None, "vertex_token.json"),
    Login("refresh-token", "vertex-user", "gemini_mock", "claude-sonnet-4-5", None, "vertex-user_token.json"),
    Login("metadata", "vertex-metadata", "gemini_mock", "gemini-3-flash", None, "vertex-metadata_token.json"),
    Login("client-credentials", "salesforce", "salesforce_mock", CLAUDE, "token", "salesforce_models_token.json"),
    Login("jwt-bearer", "salesforce-jwt", "salesforce_mock", GPT, "token", "salesforce-jwt_token.json"),
    Login("web-session", "sambanova-web", "sambaweb_mock", "Meta-Llama-3.3-70B-Instruct", "authenticate",
          "sambanova-web_token.json"),
]
KEYED = [login for login in LOGINS if login.route]


@pytest.fixture(params=LOGINS, ids=lambda login: login.name)
def login(request):
    return request.param


@pytest.fixture
def mock(login, request):
    mock = request.getfixturevalue(login.mock)
    yield mock
    if login.mock == "gemini_mock":
        mock.tokens.lifetime, mock.tokens.failures = 3599, 0


@pytest.fixture
def cold(start_gateway, session_mocks, certificates, tmp_path):
    """Starts gateways that have no token yet; all of a test share one state directory."""
    state = tmp_path / "state"

    def start(**server):
        config = {"providers": providers(session_mocks, certificates.ca_file, tmp_path), "state_directory": str(state)}
        gateway = start_gateway({**config, "server": server}, environment=environment(session_mocks, tmp_path))
        gateway.state = state
        gateway.environment = environment(session_mocks, tmp_path)
        return gateway

    return start


def ask(gateway, login, mock, text="hello there", stream=False):
    client = ChatClient(gateway)
    try:
        return client.ask(f"{login.provider}/{mock.model(login.model)}", text, stream)
    finally:
        client.close()


def burst(gateway, login, mock, count):
    """`count` requests at the same time, every other one streamed; raises what any of them raised."""
    with ThreadPoolExecutor(count) as pool:
        asked = [pool.submit(ask, gateway, login, mock, f"number {number}", number % 2 == 1) for number in range(count)]
        assert [one.result(20).text for one in asked] == [f"number {number}" for number in range(count)]


def ended(gateway):
    began = time.monotonic()
    gateway.stop()
    assert time.monotonic() - began < 2, "a token's clock kept the process"


def test_twenty_cold_requests_are_one_login_and_the_token_outlives_a_restart(cold, login, mock):
    gateway, before = cold(), login.granted(mock)
    burst(gateway, login, mock, 20)
    assert login.granted(mock) == before + 1
    path = gateway.state / login.file
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(gateway.state.stat().st_mode) == 0o700
    ended(gateway)
    json.loads(path.read_text())
    gateway = cold()
    burst(gateway, login, mock, 4)
    assert login.granted(mock) == before + 1, "the token of the file was not used"
    ended(gateway)
    path.write_text('{"access_token": "half')
    gateway = cold()
    assert ask(gateway, login, mock).text == "hello there"
    assert login.granted(mock) == before + 2
    login.revoke(mock)
    assert ask(gateway, login, mock, stream=True).text == "hello there", "a revoked token lost a request"
    assert login.granted(mock) == before + 3
    assert json.loads(path.read_text())
    ended(gateway)


def verb(gateway, *arguments):
    """`gateway` with the configuration of one that runs."""
    return subprocess.run([binary(), *arguments, "--config", gateway.config_file], capture_output=True, text=True,
                          timeout=40, env=clean_environment(**gateway.environment))


def test_every_providers_credentials_can_be_tried(cold):
    gateway = cold()
    config = json.loads(open(gateway.config_file).read())
    tried = verb(gateway, "check", "--probe")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    lines = {line.split()[1]: line for line in tried.stdout.splitlines()}
    assert set(lines) == set(config["providers"]) and all(line.startswith("ok ") for line in lines.values())
    assert "lists" in lines["openai"] and "gives a token" in lines["salesforce"] and "lists 5 or more models" in lines["vertex"]
    config["providers"]["openai"]["api_key"] = "sk-wrong"
    config["providers"]["gemini"]["base_url"] = "http://127.0.0.1:1"
    config["providers"]["salesforce"]["consumer_secret"] = "wrong"
    config["state_directory"] += "-other"
    with open(gateway.config_file, "w") as file:
        json.dump(config, file)
    tried = verb(gateway, "check", "--probe")
    assert tried.returncode == 1
    failed = {line.split()[1]: line for line in tried.stdout.splitlines() if line.startswith("failed ")}
    assert set(failed) == {"openai", "gemini", "salesforce"}, tried.stdout
    assert "401" in failed["openai"] and "sk-wrong" not in tried.stdout + tried.stderr


def test_the_command_line_tells_and_renews_a_token(cold, login, mock):
    gateway, before = cold(), login.granted(mock)
    assert verb(gateway, "token", login.provider).stdout == f"{login.provider}: no token\n"
    assert ask(gateway, login, mock).text == "hello there"
    told = verb(gateway, "token", login.provider)
    assert told.stdout.startswith(f"{login.provider}: valid for ") and login.granted(mock) == before + 1
    old = json.loads((gateway.state / login.file).read_text())["access_token"]
    renewed = verb(gateway, "token", login.provider, "--refresh", "--json")
    assert renewed.returncode == 0, renewed.stderr
    assert [(r["provider"], r["state"]) for r in json.loads(renewed.stdout)] == [(login.provider, "valid")]
    new = json.loads((gateway.state / login.file).read_text())["access_token"]
    assert new != old and login.granted(mock) == before + 2
    for output in (told, renewed):
        assert old not in output.stdout + output.stderr and new not in output.stdout + output.stderr
    wrong = verb(gateway, "token", "openai")
    assert wrong.returncode == 64 and "needs no token" in wrong.stderr
    ended(gateway)


def test_two_gateways_log_in_once(cold, login, mock):
    before = login.granted(mock)
    both = [cold(), cold()]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda gateway: burst(gateway, login, mock, 8), both))
    assert login.granted(mock) == before + 1
    login.revoke(mock)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda gateway: burst(gateway, login, mock, 8), both))
    assert login.granted(mock) == before + 2, "each gateway renewed the token for itself"


HOSTED = [one for one in LOGINS if one.name in ("service-account", "client-credentials", "jwt-bearer")]


def wait_for(what, holds, within=60):
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.mark.parametrize("login", HOSTED, ids=lambda login: login.name)
def test_no_request_is_lost_while_tokens_end(cold, login, mock):
    """50 at a time, over tokens of four seconds, two revocations and a file that is deleted. A request may meet one
    end of a token, so the next one is made when those that were on their way at the last are through."""
    login.shorten(mock, 4)
    gateway, before = cold(), login.granted(mock)
    failures, counts, over = [], [0] * 50, threading.Event()

    def keep_asking(number):
        client, model = ChatClient(gateway), f"{login.provider}/{mock.model(login.model)}"
        while not over.is_set():
            try:
                assert client.ask(model, f"number {number}", number % 2 == 1).text == f"number {number}"
            except Exception as failure:
                failures.append(failure)
            counts[number] += 1
            over.wait(0.15)
        client.close()

    def await_all(more):
        wanted = [count + more for count in counts]
        wait_for("the answers", lambda: failures or all(had >= want for had, want in zip(counts, wanted)))

    threads = [threading.Thread(target=keep_asking, args=[number], daemon=True) for number in range(50)]
    for thread in threads:
        thread.start()
    try:
        await_all(2)
        login.revoke(mock)
        await_all(2)
        (gateway.state / login.file).unlink(missing_ok=True)
        login.revoke(mock)
        await_all(2)
        granted = login.granted(mock)
        wait_for("a token that ends by itself", lambda: failures or login.granted(mock) > granted)
        await_all(1)
    finally:
        over.set()
    for thread in threads:
        thread.join(20)
    assert failures == [], (len(failures), failures[:3])
    assert sum(counts) >= 350 and login.granted(mock) - before >= 4
    ended(gateway)  # it would go on renewing, and be counted by the next


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("login", HOSTED, ids=lambda login: login.name)
def test_a_token_renewed_for_others_is_not_a_requests_own_renewal(cold, login, mock, stream):
    """The request's token is revoked while it is on its way, and so is the one that another request has had renewed:
    the newer one is tried, and only then is one renewed for the request itself."""
    gateway, before = cold(), login.granted(mock)
    model, released, held = mock.model(login.model), threading.Event(), []

    def hold_the_first(exchange):
        held.append(exchange)
        if len(held) > 1:
            return mock.answer(exchange)
        while not released.is_set():
            exchange.wait(0.02)
        exchange.error(401, "Session expired or invalid")

    mock.scripts[model] = hold_the_first
    client = ChatClient(gateway)
    with ThreadPoolExecutor(1) as pool:
        try:
            asked = pool.submit(client.ask, f"{login.provider}/{model}", "hello there", stream)
            wait_for("the request", lambda: held)
            login.revoke(mock)
            assert ask(gateway, login, mock).text == "hello there"
            assert login.granted(mock) == before + 2
            login.revoke(mock)
        finally:
            released.set()
        assert asked.result(20).text == "hello there"
    client.close()
    # The third arrival came with the token of its own renewal; the mock refused the second by itself.
    assert login.granted(mock) == before + 3 and len(held) == 2
    ended(gateway)


@pytest.mark.parametrize("login", KEYED, ids=lambda login: login.name)
def test_a_login_that_fails_is_told_by_the_words_to_search_for(cold, login, mock):
    for play in (faults.html(200), faults.status(403, {"error": "invalid_grant", "error_description": "no\u00a0more"})):
        gateway = cold()
        mock.once(login.route, *[play] * 3)
        with pytest.raises(openai.APIStatusError) as caught:
            ask(gateway, login, mock)
        assert "Failed to obtain access token" in caught.value.message
        assert (caught.value.status_code, caught.value.code) == (502, "upstream_authentication_failed")
        mock.once_plays.clear()
        ended(gateway)
        assert "Failed to obtain access token" in gateway.output()
        for secret in (mock.password,) if login.mock == "sambaweb_mock" else (mock.org.client_secret,):
            assert secret not in gateway.output() and secret not in caught.value.message


@pytest.mark.parametrize("login", [one for one in KEYED if one.name != "web-session"], ids=lambda login: login.name)
def test_a_token_endpoint_that_stumbles_costs_time_only(cold, login, mock, at_once):
    def fails_once():
        mock.once(login.route, faults.status(500, {"error": "server_error"}))
        gateway = cold()
        burst(gateway, login, mock, 5)
        ended(gateway)

    fails_once()
    mock.once(login.route, faults.slow(1))
    other = cold()
    login.revoke(mock)
    burst(other, login, mock, 5)
    ended(other)  # its last token is written behind the answers: one still on its way would be found by the next
    for path in other.state.iterdir():
        os.unlink(path)
    mock.once(login.route, *[faults.status(500, {"error": "server_error"})] * 3)
    with pytest.raises(openai.APIStatusError) as caught:
        ask(cold(), login, mock)
    assert "Failed to obtain access token" in caught.value.message
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_error")


def test_a_provider_that_refuses_every_token_is_a_502(cold, login, mock):
    model = mock.model(login.model)
    mock.scripts[model] = lambda exchange: exchange.error(401, "no")
    gateway = cold()
    client = ChatClient(gateway)
    for stream in (False, True):
        with pytest.raises(openai.APIStatusError) as caught:
            client.ask(f"{login.provider}/{model}", "hello", stream)
        assert (caught.value.status_code, caught.value.code) == (502, "upstream_authentication_failed")
    client.close()
    assert len(mock.of(model)) == 4, "one more try each"
