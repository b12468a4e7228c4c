# The list of models: the configured names and what every provider lists, asked for with the provider's own credential, kept
# for a while, told by the rights of a key and in the words of whoever asks. Seed rows S2, S36, N2, N7.

import gzip
import json
import os
import signal
import threading
import time

import anthropic
import openai
import pytest

from matrix import MOCKS, environment, providers
from mocks import faults
from mocks.anthropic_models import LISTED as CLAUDES
from mocks.google_models import LISTED as GEMINIS
from mocks.google_models import PUBLISHED
from mocks.openai import COMPLETERS, EMBEDDERS, MODELS
from mocks.sambanova_rules import CONTEXT
from mocks.sambanova_rules import EMBEDDERS as SAMBA_EMBEDDERS
from raw_http import RawClient, ask, get
from test_workers import await_events

VERSION = [("anthropic-version", "2023-06-01")]


def ids(answer):
    assert answer.status == 200, answer
    return [entry["id"] for entry in answer.json()["data"]]


def listing(gateway, headers=(), path="/v1/models"):
    return ids(ask(gateway.port, get(path, headers), "GET"))


@pytest.fixture
def start(start_gateway, session_mocks, certificates, tmp_path, request):
    """Starts a gateway with every provider of the matrix, or those named, and whatever else is said."""
    for name in MOCKS:
        request.getfixturevalue(name)

    def run(*names, **config):
        every = providers(session_mocks, certificates.ca_file, tmp_path)
        chosen = {name: every[name] for name in names} or every
        for name, block in config.pop("change", {}).items():
            chosen[name] = {**chosen[name], **block}
        return start_gateway({"providers": chosen, "state_directory": str(tmp_path / "state"), **config},
                             environment=environment(session_mocks, tmp_path))

    return run


def test_every_provider_that_lists_is_listed(start, sdk):
    gateway = start(models={"fast": {"provider": "gemini", "model": "gemini-2.5-flash"}})
    client = sdk(gateway)
    models = {model.id: model for model in client.models.list()}
    # Names that lead to who listed them stand alone, others behind their provider.
    wanted = {*MODELS[:1], *CLAUDES, *GEMINIS, "gpt-oss-120b", "Meta-Llama-3.3-70B-Instruct", "sambanova/MiniMax-M3",
              *EMBEDDERS, "vertex/gemini-2.5-pro", *(f"sambanova-web/{name}" for name in CONTEXT), "sambanova/gemma-4-31B-it",
              "fast"}
    assert wanted <= set(models), wanted - set(models)
    for model in models.values():
        assert model.object == "model" and isinstance(model.created, int) and model.owned_by
    assert {models[name].owned_by for name in CLAUDES} == {"anthropic"}
    assert models["gpt-4o"].created == 1767225600 and models["gpt-4o"].owned_by == "openai"
    told = models["Meta-Llama-3.3-70B-Instruct"].to_dict()
    assert (told["context_length"], told["max_completion_tokens"]) == (128000, 7168)
    # A configured name is told what its provider says of the model behind it.
    assert models["fast"].to_dict()["context_length"] == 1048576
    assert client.models.retrieve("sambanova/MiniMax-M3").id == "sambanova/MiniMax-M3"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("sambanova/none")
    assert caught.value.code == "model_not_found"
    assert len(models) == len(listing(gateway))


VERTEX = ["gemini-2.5-pro", "gemini-2.5-flash", "gemini-3-pro", "gemini-embedding-001", "text-embedding-005", *PUBLISHED["anthropic"]]


@pytest.mark.parametrize("name", ["vertex", "vertex-user", "vertex-metadata"])
def test_vertex_lists_what_its_publishers_have(name, start, sdk, gemini_mock):
    """With an account's, a person's and a machine's credential: each model once, and no other than can be asked here."""
    gateway, before = start(name), len(gemini_mock.tokens.grants)
    assert {one.removeprefix(f"{name}/") for one in listing(gateway)} == set(VERTEX)
    asked = gemini_mock.of("publishers")[-2:]
    assert [one.publisher for one in asked] == ["google", "anthropic"]
    assert {one.request.headers.get("x-goog-user-project") for one in asked} == {"e2e-project" if name == "vertex-user" else None}
    assert len(gemini_mock.tokens.grants) == before + 1
    owners = {model.id.removeprefix(f"{name}/"): model.owned_by for model in sdk(gateway).models.list()}
    assert owners["gemini-3-pro"] == "google" and owners["claude-sonnet-4-5"] == "anthropic"
    chosen = next(one for one in listing(gateway) if one.endswith("claude-sonnet-4-5"))
    made = sdk(gateway).chat.completions.create(model=chosen, messages=[{"role": "user", "content": "one two"}])
    assert made.choices[0].message.content == "one two"


def test_vertex_goes_on_page_by_page_and_without_a_publisher_that_is_not_there(start, session_gemini_mock, gemini_mock):
    mock, kept = session_gemini_mock, (session_gemini_mock.publishers, session_gemini_mock.publishers_page)
    before = len(mock.of("publishers"))
    try:
        # The second page has nothing that can be asked.
        many = ["gemini-2.5-pro", "gemini-2.5-flash", "bert-base", "imagen-4", "gemini-3-pro"]
        mock.publishers, mock.publishers_page = {"google": many}, 2
        assert set(listing(start("vertex"))) == {"gemini-2.5-pro", "gemini-2.5-flash", "gemini-3-pro"}
        assert len(mock.of("publishers")) == before + 4
        # Without the first there is no list.
        mock.publishers = {"anthropic": ["claude-sonnet-4-5"]}
        gateway = start("vertex")
        assert listing(gateway) == []
        assert awaited(lambda: any("status 404" in line for line in gateway.lines))
    finally:
        mock.publishers, mock.publishers_page = kept


def test_vertex_renews_a_token_that_is_refused(start, gemini_mock):
    gateway = start("vertex", model_list={"fresh_for": "1s"})
    assert len(listing(gateway)) == len(VERTEX)
    gemini_mock.tokens.revoke()
    before = len(gemini_mock.of("publishers"))
    time.sleep(1.1)
    assert len(listing(gateway)) == len(VERTEX)
    assert awaited(lambda: len(gemini_mock.of("publishers")) == before + 3), "refused once, then both publishers"


def test_a_name_of_the_list_can_be_asked_for(start, sdk):
    gateway = start("openai", "sambanova")
    client = sdk(gateway)
    for name in [*MODELS, "Meta-Llama-3.3-70B-Instruct", "sambanova/MiniMax-M3"]:
        assert name in listing(gateway)
        made = client.chat.completions.create(model=name, messages=[{"role": "user", "content": "one two"}])
        assert made.choices[0].message.content == "one two"


def test_an_anthropic_client_is_told_in_its_words(start):
    gateway = start("anthropic", "openai")
    client = anthropic.Anthropic(base_url=gateway.url.removesuffix("/v1"), api_key="any-key", max_retries=0)
    page = client.models.list(limit=3)
    assert len(page.data) == 3 and page.has_more and page.last_id == page.data[-1].id
    found = list(client.models.list(limit=3))
    assert [model.id for model in found] == listing(gateway) and len(found) > 6
    assert all(model.type == "model" and model.display_name and model.created_at for model in found)
    claude = client.models.retrieve("claude-sonnet-4-5")
    assert claude.id == "claude-sonnet-4-5" and claude.type == "model"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("none")
    before = ask(gateway.port, get(f"/v1/models?before_id={found[4].id}&limit=2", VERSION), "GET").json()
    assert [model["id"] for model in before["data"]] == [model.id for model in found[2:4]]
    for query in ("limit=0", "limit=1001", "after_id=none", "after_id=a&before_id=b"):
        answer = ask(gateway.port, get(f"/v1/models?{query}", VERSION), "GET")
        assert answer.status == 400 and answer.json()["error"]["type"] == "invalid_request_error", query
    client.close()


def test_all_paths_lead_to_it(start):
    gateway = start("openai")
    for path in ("/v1/models", "/models", "/v1/v1/models", "/v1/models/", "/v1/models?x=1"):
        assert "gpt-4o" in listing(gateway, path=path)
    for path in ("/v1/models/gpt-4o", "/models/gpt-4o", "/v1/v1/models/gpt-4o"):
        assert ask(gateway.port, get(path), "GET").json()["id"] == "gpt-4o"
    assert ask(gateway.port, get("/v1/models", method="HEAD"), "HEAD").status == 200


def test_a_key_sees_what_it_may_use(start):
    keys = {"keys": [{"name": "all", "key": "sk-client-all"}, {"name": "few", "key": "sk-client-few", "models": ["gpt-4*", "named"]}]}
    gateway = start("openai", "anthropic", auth=keys, models={"named": {"provider": "openai"}})
    few, every = [("x-api-key", "sk-client-few")], [("authorization", "Bearer sk-client-all")]
    assert listing(gateway, few) == ["named", "gpt-4o"]
    assert set(listing(gateway, every)) >= {"named", "gpt-5", *CLAUDES}
    assert listing(gateway, [*few, *VERSION]) == ["named", "gpt-4o"]
    assert ask(gateway.port, get("/v1/models/gpt-5", few), "GET").status == 404
    assert ask(gateway.port, get("/v1/models/gpt-5", every), "GET").status == 200
    refused = ask(gateway.port, get("/v1/models"), "GET")
    assert refused.status == 401 and refused.error["message"]
    refused = ask(gateway.port, get("/v1/models", VERSION), "GET")
    assert refused.status == 401 and refused.json()["type"] == "error"


def test_many_at_once_are_one_question(start, openai_mock):
    openai_mock.once("models", lambda exchange: (exchange.wait(0.3), exchange.proceed()))
    gateway = start("openai")
    found, threads = [], []
    for _ in range(12):
        threads.append(threading.Thread(target=lambda: found.append(listing(gateway))))
        threads[-1].start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 12 and all(one == [*MODELS, *COMPLETERS, *EMBEDDERS] or "gpt-4o" in one for one in found)
    assert openai_mock.count("models") == 1
    listing(gateway)
    assert openai_mock.count("models") == 1, "a fresh list was asked for again"


def awaited(condition, within=5.0):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_an_old_list_is_told_at_once_and_one_that_fails_stays(start, openai_mock):
    """Stale while it is asked for anew; and a provider that fails keeps its last list, and fails nobody."""
    gateway = start("openai", model_list={"fresh_for": "1s"})
    assert "gpt-4o" in listing(gateway)
    openai_mock.once("models", lambda exchange: (exchange.wait(0.5), exchange.answer(
        {"object": "list", "data": [{"id": "gpt-new"}]})), faults.status(500))
    time.sleep(1.1)
    began = time.monotonic()
    assert "gpt-4o" in listing(gateway) and time.monotonic() - began < 0.45
    assert awaited(lambda: listing(gateway) == ["gpt-new"]) and openai_mock.count("models") == 2
    time.sleep(1.1)
    assert listing(gateway) == ["gpt-new"]
    assert awaited(lambda: openai_mock.count("models") == 3)
    assert awaited(lambda: any('"event":"model_list"' in line and "status 500" in line for line in gateway.lines))
    assert listing(gateway) == ["gpt-new"] and openai_mock.count("models") == 3, "it was not left alone"


@pytest.mark.parametrize("coding", ["gzip", "x-gzip"])
def test_a_list_that_comes_compressed_is_read(start, openai_mock, coding):
    """Nobody asked for it; some servers do it all the same."""
    whole = gzip.compress(json.dumps({"object": "list", "data": [{"id": "gpt-packed"}]}).encode())
    openai_mock.once("models", lambda exchange: exchange.answer(whole, headers=[("content-encoding", coding)]))
    assert listing(start("openai")) == ["gpt-packed"]


@pytest.mark.parametrize("name", ["cut", "broken", "bomb", "other"])
def test_a_compressed_list_that_makes_no_sense_is_a_failure(start, openai_mock, name):
    whole = gzip.compress(b'{"data":[]}')
    body, coding = {"cut": (whole[:-9], "gzip"), "broken": (b"no gzip at all", "gzip"), "other": (whole, "br"),
                    "bomb": (gzip.compress(b" " * (17 << 20)), "gzip")}[name]
    openai_mock.once("models", lambda exchange: exchange.answer(body, headers=[("content-encoding", coding)]))
    gateway = start("openai", "anthropic")
    assert set(listing(gateway)) == set(CLAUDES)
    assert awaited(lambda: any('"event":"model_list"' in line for line in gateway.lines))


def asked_often(gateway, count=30):
    """Fresh connections, so that each worker has some of them."""
    found, threads = [], [threading.Thread(target=lambda: found.append(listing(gateway))) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == count
    return found


def test_all_workers_ask_once(start, openai_mock, tmp_path):
    """One of them asks, under the lock of a file, and the others read it: a list, and that there is none just now."""
    openai_mock.once("models", lambda exchange: (exchange.wait(0.5), exchange.proceed()))
    gateway = start("openai", server={"workers": 4}, model_list={"fresh_for": "2s", "first_wait": "10s"})
    began = time.monotonic()
    assert all("gpt-4o" in one for one in asked_often(gateway)) and openai_mock.count("models") == 1
    kept = json.loads((tmp_path / "state" / "openai_models.json").read_text())
    assert "gpt-4o" in {model["id"] for model in kept["models"]}
    assert os.stat(tmp_path / "state" / "openai_models.json").st_mode & 0o77 == 0
    openai_mock.once("models", faults.status(500))
    time.sleep(max(0, began + 3.6 - time.monotonic()))
    # The old one is told while it fails, once for all of them.
    for _ in range(3):
        assert all("gpt-4o" in one for one in asked_often(gateway))
        time.sleep(0.1)
    assert openai_mock.count("models") == 2
    assert sum('"event":"model_list"' in line for line in gateway.lines) == 1


def test_who_asks_as_somebody_else_asks_anew(start, openai_mock):
    assert "gpt-4o" in listing(start("openai", server={"workers": 2}))
    assert "gpt-4o" in listing(start("openai", server={"workers": 2}))
    assert openai_mock.count("models") == 1, "the second gateway did not read the first one's file"
    gateway = start("openai", server={"workers": 2}, change={"openai": {"headers": {"openai-organization": "org-other"}}})
    assert "gpt-4o" in listing(gateway) and openai_mock.count("models") == 2


def test_without_a_place_for_files_each_worker_asks(start, openai_mock, tmp_path):
    (tmp_path / "file").write_text("")
    gateway = start("openai", server={"workers": 2}, state_directory=str(tmp_path / "file"))
    assert all("gpt-4o" in one for one in asked_often(gateway))
    assert 1 <= openai_mock.count("models") <= 2


@pytest.mark.parametrize("play", ["html", "page", "hang", "reset", "huge"])
def test_no_failure_of_a_provider_is_the_clients(start, openai_mock, play):
    plays = {"html": faults.html(500), "page": faults.html(200), "hang": faults.hang, "reset": lambda exchange: exchange.reset(),
             "huge": lambda exchange: exchange.answer(b"[" + b" " * (17 << 20) + b"]")}
    openai_mock.once("models", plays[play])
    gateway = start("openai", "anthropic", models={"named": {"provider": "openai"}}, model_list={"first_wait": "1s"})
    began = time.monotonic()
    assert set(listing(gateway)) >= {"named", *CLAUDES} and time.monotonic() - began < 4


def test_who_leaves_while_waiting_is_forgotten(start, openai_mock):
    openai_mock.once("models", faults.hang)
    gateway = start("openai", model_list={"first_wait": "60s"})
    with RawClient(gateway.port) as client:
        client.send(get("/v1/models"))
        assert awaited(lambda: openai_mock.count("models") == 1)
    gateway.await_record(lambda line: line["path"] == "/v1/models" and line["status"] == 499)
    gateway.stop()


def test_the_web_session_lists_with_its_cookie_and_renews_it(start, sambaweb_mock):
    """Rows N2, N7, S36: the list's own address, the session's cookie, one renewal and one replay behind a 401."""
    gateway, before = start("sambanova-web", model_list={"fresh_for": "1s"}), len(sambaweb_mock.sessions)
    assert set(listing(gateway)) == set(CONTEXT) and len(sambaweb_mock.sessions) == before + 1
    sambaweb_mock.revoke_all()
    time.sleep(1.1)
    assert set(listing(gateway)) == set(CONTEXT)
    assert awaited(lambda: sambaweb_mock.count("models") == 3), "refused once, then replayed"
    refused, replayed = sambaweb_mock.seen("models")[-2:]
    assert refused.refusal.status == 401 and replayed.refusal is None and len(sambaweb_mock.sessions) == before + 2


def test_sambanovas_api_lists_what_it_has_now(start, sambanova_mock):
    """Row N2: the live list, whatever it holds."""
    sambanova_mock.once("models", lambda exchange: exchange.answer({"object": "list", "data": [
        {"id": "New-Model-7", "context_length": 4096, "max_completion_tokens": 512}, {"name": "without an id"}, {"id": ""}]}))
    gateway = start("sambanova")
    answer = ask(gateway.port, get("/v1/models"), "GET").json()["data"]
    assert [(one["id"], one["owned_by"], one["context_length"]) for one in answer] == [("New-Model-7", "sambanova", 4096)]
    assert isinstance(answer[0]["created"], int)


def test_a_reload_keeps_what_was_listed(start, openai_mock):
    gateway = start("openai", "anthropic", server={"workers": 1})
    assert {"gpt-4o", *CLAUDES} <= set(listing(gateway))
    openai_mock.once("models", faults.hang)
    gateway.terminate(signal.SIGHUP)
    await_events(gateway, "worker_reloaded", 1)
    began = time.monotonic()
    assert {"gpt-4o", *CLAUDES} <= set(listing(gateway)) and time.monotonic() - began < 1.5
    assert awaited(lambda: openai_mock.count("models") == 2)


def test_it_can_be_switched_off(start, openai_mock, sambanova_mock, anthropic_mock):
    named = {"models": {"named": {"provider": "openai"}}}
    assert listing(start("openai", "sambanova", model_list={"live": False}, **named)) == ["named"]
    assert listing(start("openai", "sambanova", models_only=True, **named)) == ["named"]
    assert openai_mock.count("models") == sambanova_mock.count("models") == 0
    found = listing(start("openai", "sambanova", change={"openai": {"list_models": False}}))
    assert {name.removeprefix("sambanova/") for name in found} == {*CONTEXT, *SAMBA_EMBEDDERS}
    assert openai_mock.count("models") == 0


def test_pages_are_gathered(start, session_gemini_mock, session_anthropic_mock):
    many = [f"gemini-2.5-flash-{number}" for number in range(1203)]
    session_gemini_mock.models, kept = many, session_gemini_mock.models
    try:
        assert listing(start("gemini")) == many
    finally:
        session_gemini_mock.models = kept
    many = [f"claude-{number}" for number in range(1203)]
    session_anthropic_mock.models, kept = many, session_anthropic_mock.models
    try:
        assert listing(start("anthropic")) == many
    finally:
        session_anthropic_mock.models = kept
