# OpenHands' agent, as PyPI carries it, with a home of its own, a made-up key and the gateway as its only address: one task
# with its terminal and its way to end a task, over providers of every dialect. `./dev matrix` installs it, into an
# environment of its own: it pins clients that others pin otherwise.

import json
import os
import subprocess

import pytest

from matrix import CLAUDE

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.path.abspath(os.path.join(HERE, "../../.venv-openhands/bin/python"))
# It asks GPT-5 by the responses door, all others by chat, and names that it does not know for an effort.
PROVIDERS = {"openai": ("openai_mock", "gpt-5"), "own": ("responses_mock", "gpt-5"), "known": ("openai_mock", "gpt-4o"),
             "anthropic": ("anthropic_mock", "claude-sonnet-4-5"),
             "gemini": ("gemini_mock", "gemini-2.5-flash"), "vertex-metadata": ("gemini_mock", "claude-sonnet-4-5"),
             "salesforce": ("salesforce_mock", CLAUDE), "salesforce-models": ("salesforce_mock", "sfdc_ai__DefaultGPT4Omni"),
             "sambanova": ("sambanova_mock", "Meta-Llama-3.3-70B-Instruct")}

pytestmark = [pytest.mark.skipif(not os.access(PYTHON, os.X_OK), reason="openhands-sdk is not installed: ./dev matrix does that"),
              pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def gateway(start_matrix, own_responses, session_openai_mock):
    known = session_openai_mock.model("gpt-4o")
    gateway = start_matrix({"own": own_responses}, models={"gpt-4o": {"provider": "openai", "model": known}})
    gateway.known = known
    return gateway


@pytest.mark.parametrize("provider, way", [*[(name, "streams") for name in PROVIDERS], ("openai", "whole"), ("anthropic", "whole")])
def test_a_task_is_done(provider, way, gateway, tmp_path, request):
    mock, name = PROVIDERS[provider]
    mock = request.getfixturevalue(mock)
    mock.thinking = True  # Salesforce's has to be allowed it
    model = gateway.known if provider == "known" else mock.model(name)
    asked = "gpt-4o" if provider == "known" else f"{provider}/{model}"
    before = len(mock.of(model))
    home, work, closed = tmp_path / "home", tmp_path / "work", "http://127.0.0.1:9"
    home.mkdir()
    work.mkdir()
    # What the terminal shows is what the model calls next.
    (work / "note.txt").write_text('the word is plover\ncall finish {"message": "plover"}\n')
    done = subprocess.run(
        [PYTHON, f"{HERE}/openhands_task.py", gateway.url, f"openai/{asked}", way,
         'call terminal {"command": "cat note.txt", "security_risk": "LOW"}'],
        cwd=work, capture_output=True, timeout=90, stdin=subprocess.DEVNULL, env={
            "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb", "HTTPS_PROXY": closed, "HTTP_PROXY": closed,
            "NO_PROXY": "127.0.0.1", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "OPENHANDS_SUPPRESS_BANNER": "1"})
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-3000:], gateway.lines[-6:])
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["status"] == "finished", told
    assert [name for name, _ in told["called"]] == ["terminal", "finish"], told
    assert told["called"][1][1]["message"] == "plover" and "the word is plover" in told["seen"][0], told
    assert min(told["tokens"]) > 0, told
    if name != "gpt-5":  # of a response it tells pieces of text only, of which there are none
        assert (told["pieces"] > 0) == (way == "streams"), told
    assert len(mock.of(model)) == before + 2
