# The real Claude Code and the real Codex, as PyPI carries them, with a home of their own, a made-up key and the gateway as
# their only address: one prompt that needs one tool, against providers of other dialects. `./dev matrix` installs them.

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

from matrix import CLAUDE


def program(package, *path):
    """A program inside an installed package; skips the test where it is not."""
    found = importlib.util.find_spec(package)
    place = found and Path(found.submodule_search_locations[0]).joinpath(*path)
    if not place or not os.access(place, os.X_OK):
        pytest.skip(f"{package} is not installed: ./dev matrix does that")
    return str(place)


@pytest.fixture(scope="module")
def gateway(start_matrix, own_responses):
    return start_matrix({"own": own_responses})


def run(arguments, home, **variables):
    """Nothing of this machine's own settings, and no way out but to the loopback address."""
    closed = "http://127.0.0.1:9"
    given = {"PATH": os.environ["PATH"], "HOME": str(home), "HTTPS_PROXY": closed, "HTTP_PROXY": closed, "NO_PROXY": "127.0.0.1",
             "LANG": "C.UTF-8", "TERM": "dumb", **variables}
    done = subprocess.run(arguments, cwd=home / "work", env=given, capture_output=True, timeout=50, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def home(tmp_path):
    (tmp_path / "work").mkdir()
    return tmp_path


CLAUDES = {"anthropic": ("anthropic_mock", "claude-sonnet-4-5"), "gemini": ("gemini_mock", "gemini-2.5-flash"),
           "openai": ("openai_mock", "gpt-4o"), "sambanova": ("sambanova_mock", "Meta-Llama-3.3-70B-Instruct"),
           "vertex-metadata": ("gemini_mock", "claude-sonnet-4-5"), "salesforce": ("salesforce_mock", CLAUDE)}


@pytest.mark.parametrize("provider", CLAUDES)
def test_claude_code(provider, gateway, home, request):
    claude = program("claude_agent_sdk", "_bundled", "claude")
    mock, name = CLAUDES[provider]
    mock = request.getfixturevalue(mock)
    mock.thinking = True  # Salesforce's has to be allowed it
    model = mock.model(name)
    (home / "work" / "note.txt").write_text("the word is plover\n")
    code, out, err = run(
        [claude, "-p", "--model", f"{provider}/{model}", "--allowedTools", "Bash", "--output-format", "text",
         'call Bash {"command": "cat note.txt", "description": "Reads the note"}'], home,
        ANTHROPIC_BASE_URL=gateway.url.removesuffix("/v1"), ANTHROPIC_API_KEY="sk-ant-made-up",
        ANTHROPIC_SMALL_FAST_MODEL=f"{provider}/{model}", ANTHROPIC_DEFAULT_HAIKU_MODEL=f"{provider}/{model}",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1", DISABLE_AUTOUPDATER="1", IS_SANDBOX="1")
    assert code == 0, (out[-2000:], err[-2000:], gateway.lines[-6:])
    assert "the word is plover" in out, (out, err)
    assert len(mock.of(model)) >= 2


CODEXES = {"own": ("responses_mock", "gpt-5"), "anthropic": ("anthropic_mock", "claude-sonnet-4-5"),
           "gemini": ("gemini_mock", "gemini-2.5-flash"), "openai": ("openai_mock", "gpt-4o"),
           "sambanova": ("sambanova_mock", "Meta-Llama-3.3-70B-Instruct"),
           "vertex-metadata": ("gemini_mock", "claude-sonnet-4-5"), "salesforce": ("salesforce_mock", CLAUDE)}
CONFIG = """
model = "{model}"
model_provider = "gateway"
approval_policy = "never"
sandbox_mode = "danger-full-access"
[model_providers.gateway]
name = "gateway"
base_url = "{url}"
env_key = "GATEWAY_KEY"
wire_api = "responses"
[analytics]
enabled = false
"""


@pytest.mark.parametrize("provider", CODEXES)
def test_codex(provider, gateway, home, request):
    codex = program("codex_cli_bin", "bin", "codex")
    mock, name = CODEXES[provider]
    mock = request.getfixturevalue(mock)
    mock.thinking = True  # Salesforce's has to be allowed it
    model = mock.model(name)
    (home / "work" / "note.txt").write_text("the word is plover\n")
    (home / "codex").mkdir()
    (home / "codex" / "config.toml").write_text(CONFIG.format(model=f"{provider}/{model}", url=gateway.url))
    code, out, err = run(
        [codex, "exec", "--skip-git-repo-check", 'call exec_command {"cmd": "cat note.txt"}'], home,
        CODEX_HOME=str(home / "codex"), GATEWAY_KEY="sk-made-up")
    assert code == 0, (out[-2000:], err[-3000:], gateway.lines[-6:])
    assert "the word is plover" in out, (out, err[-3000:])
    assert len(mock.of(model)) >= 2
