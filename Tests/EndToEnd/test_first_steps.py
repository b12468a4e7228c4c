# What somebody meets who has just set up a provider: a wrong key, a wrong login, a server that is not there, a name that
# nobody knows. At every door and for every type of provider the error says what is wrong and at whom, in the door's words.

import json

import anthropic
import openai
import pytest

from gateway_process import free_port
from matrix import TARGETS, environment, providers
from mocks import jwt
from raw_http import ask, post

WRONG = "wrong-1234567"
DOORS = {
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}]}),
    "messages": ("/v1/messages", {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}),
    "responses": ("/v1/responses", {"input": "hi"}),
    "completions": ("/v1/completions", {"prompt": "hi"}),
}
MODELS = {target.provider: target.publisher + target.model for target in reversed(TARGETS)}
KEYED = {name: {"api_key": WRONG} for name in ("openai", "anthropic", "gemini", "sambanova")}
LOGINS = {"vertex": {}, "salesforce": {"consumer_secret": WRONG}, "salesforce-models": {"consumer_secret": WRONG},
          "salesforce-jwt": {"username": "nobody@acme.example"}, "sambanova-web": {"password": WRONG}}


@pytest.fixture(scope="module")
def gateway(start_gateway, session_mocks, certificates, tmp_path_factory):
    directory = tmp_path_factory.mktemp("first")
    every = providers(session_mocks, certificates.ca_file, directory)
    account = json.loads((directory / "account.json").read_text()) | {"private_key": jwt.private_pem(jwt.make_key())}
    (directory / "other.json").write_text(json.dumps(account))
    config = {f"wrong-{name}": {**every[name], **fields} for name, fields in {**KEYED, **LOGINS}.items()}
    config["wrong-vertex"]["credentials_file"] = str(directory / "other.json")
    nowhere = f"https://localhost:{free_port()}"
    places = {**dict.fromkeys(KEYED, {"base_url": nowhere + "/v1"}), "vertex": {"base_url": nowhere},
              "salesforce": {"instance_url": nowhere}, "sambanova-web": {"completion_url": nowhere + "/api/completion"}}
    config |= {f"gone-{name}": {**every[name], **place} for name, place in places.items()}
    yield start_gateway({"providers": config, "state_directory": str(directory / "state")},
                        environment=environment(session_mocks, directory))
    for mock in session_mocks.values():
        mock.violations.clear()  # a wrong key is the point here


def refused(gateway, door, model, stream=False, headers=(), status=502):
    """The error's message and code; fails unless it is in the door's form."""
    path, body = DOORS[door]
    answer = ask(gateway.port, post(path, {"model": model, "stream": stream, **body}, headers))
    assert answer.status == status, answer
    assert WRONG not in answer.body.decode()
    if door == "messages":
        value = answer.json()
        assert value["type"] == "error" and value["request_id"] and set(value["error"]) == {"type", "message"}, value
        return value["error"]["message"], None
    return answer.error["message"], answer.error["code"]


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", KEYED)
def test_a_wrong_key_is_told_with_its_provider(gateway, name, door, stream):
    message, code = refused(gateway, door, f"wrong-{name}/{MODELS[name]}", stream)
    assert f"'wrong-{name}' did not accept the gateway's credential" in message
    assert code in (None, "upstream_authentication_failed")


@pytest.mark.parametrize("name", LOGINS)
def test_a_wrong_login_is_told_with_its_reason(gateway, name):
    model = f"wrong-{name}/{MODELS[name]}"
    message, code = refused(gateway, "chat", model)
    assert f"Failed to obtain access token for 'wrong-{name}'" in message and code == "upstream_authentication_failed"
    for door in DOORS:  # from here on nothing is asked for a while, and that is told
        again, code = refused(gateway, door, model)
        assert again.startswith(message) and "The next try is in" in again
        assert code in (None, "upstream_authentication_failed")


def test_official_clients_do_not_try_a_refused_login_again(gateway, sdk):
    """They would wait as long as they are told to, and that again and again, for what only the operator can mend."""
    chat, message = (f"wrong-salesforce/sfdc_ai__DefaultGPT4Omni-{name}" for name in ("chat", "message"))
    body = {"messages": [{"role": "user", "content": "hi"}]}
    with pytest.raises(openai.InternalServerError) as told:
        sdk(gateway, max_retries=2).chat.completions.create(model=chat, **body)
    assert (told.value.status_code, told.value.code) == (502, "upstream_authentication_failed")
    with anthropic.Anthropic(base_url=gateway.url.removesuffix("/v1"), api_key="any-key", max_retries=2, timeout=20) as client:
        with pytest.raises(anthropic.InternalServerError) as told:
            client.messages.create(model=message, max_tokens=9, **body)
    assert told.value.status_code == 502 and told.value.body["error"]["type"] == "api_error"
    assert 0 < int(told.value.response.headers["retry-after"]) <= 300
    gateway.await_record(lambda record: record.get("model") == message)
    assert [record["status"] for record in gateway.records() if record.get("model") in (chat, message)] == [502, 502]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", [*KEYED, "vertex", "sambanova-web"])
def test_a_server_that_is_not_there_is_named(gateway, name, door):
    message, code = refused(gateway, door, f"gone-{name}/{MODELS[name]}")
    assert f"'gone-{name}' could not be reached" in message and code in (None, "upstream_unreachable")


def test_a_login_server_that_is_not_there_is_named(gateway):
    message, code = refused(gateway, "chat", f"gone-salesforce/{MODELS['salesforce']}")
    assert "access token for 'gone-salesforce': localhost could not be reached" in message and code == "upstream_unreachable"


@pytest.mark.parametrize("door", DOORS)
def test_a_name_that_nobody_knows_is_repeated(gateway, door):
    for model in ("nobody-9", "nobody/gpt-4o"):
        message, code = refused(gateway, door, model, status=404)
        assert f"`{model}` does not exist" in message and code in (None, "model_not_found")
    message, _ = refused(gateway, door, "gpt-4o", headers=[("x-provider", "nobody")], status=404)
    assert "`nobody`" in message and "X-Provider" in message
