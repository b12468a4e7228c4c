# The real Open WebUI, as PyPI carries it, with data of its own, a made-up account and the gateway as its only address: its list
# of models, chats that stream, a tool that it runs itself, and its page in a browser. `./dev matrix` installs it, into an
# environment of its own, without the packages that run models on the machine itself.

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
import uuid

import pytest

from browser import Browser, chromium
from gateway_process import free_port
from matrix import CLAUDE

PROGRAM = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.venv-open-webui/bin/open-webui"))
PASSWORD = "made-up-password"
TOOL = '''"""
title: Weather
"""
class Tools:
    def weather(self, city: str) -> str:
        """
        Tells the weather of a city.
        :param city: The city.
        """
        return f"It rains in {city}."
'''

pytestmark = [pytest.mark.skipif(not os.access(PROGRAM, os.X_OK), reason="open-webui is not installed: ./dev matrix does that"),
              pytest.mark.timeout(240)]


class OpenWebUI:
    def __init__(self, directory, base_url):
        port = free_port()
        self.url, self.token = f"http://127.0.0.1:{port}", None
        closed = "http://127.0.0.1:9"  # no way out but to the loopback address
        for name in ("data", "home"):
            (directory / name).mkdir()
        self._log = open(directory / "log", "wb")
        self._process = subprocess.Popen([PROGRAM, "serve", "--host", "127.0.0.1", "--port", str(port)], cwd=directory, env={
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(directory / "home"), "DATA_DIR": str(directory / "data"),
            "HTTPS_PROXY": closed, "HTTP_PROXY": closed, "NO_PROXY": "127.0.0.1", "WEBUI_SECRET_KEY": "made-up",
            "OPENAI_API_BASE_URL": base_url, "OPENAI_API_KEY": "sk-made-up", "ENABLE_OLLAMA_API": "false", "OFFLINE_MODE": "true",
            "RAG_EMBEDDING_ENGINE": "openai", "ANONYMIZED_TELEMETRY": "false", "WEBUI_ADMIN_EMAIL": "admin@example.com",
            "WEBUI_ADMIN_PASSWORD": PASSWORD, "WEBUI_ADMIN_NAME": "Admin"}, stdout=self._log, stderr=subprocess.STDOUT)
        try:
            self._await(directory / "log")
        except BaseException:
            self.stop()
            raise
        self.token = self.call("/api/v1/auths/signin", {"email": "admin@example.com", "password": PASSWORD})["token"]

    def _await(self, log):
        deadline = time.monotonic() + 180
        while True:
            assert self._process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
            try:
                return self.call("/health")
            except OSError:
                time.sleep(0.3)

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._log.close()

    def open(self, path, body=None):
        fields = {"content-type": "application/json", **({"authorization": f"Bearer {self.token}"} if self.token else {})}
        data = None if body is None else json.dumps(body).encode()
        return urllib.request.urlopen(urllib.request.Request(self.url + path, data, fields), timeout=30)

    def call(self, path, body=None):
        with self.open(path, body) as answer:
            return json.load(answer)

    def chat(self, model, text, within=30, **options):
        """A message as its page sends it: the answer is streamed into the chat that it keeps. Returns the message there."""
        answer, now = str(uuid.uuid4()), int(time.time())
        user = {"id": str(uuid.uuid4()), "parentId": None, "childrenIds": [], "role": "user", "content": text, "timestamp": now,
                "models": [model]}
        begun = self.call("/api/chat/completions", {
            "model": model, "stream": True, "messages": [{"role": "user", "content": text}], "parent_id": None,
            "user_message": user, "id": answer, "session_id": f"session-{answer}", **options})
        deadline = time.monotonic() + within
        while True:
            message = self.call(f"/api/v1/chats/{begun['chat_id']}")["chat"]["history"]["messages"][answer]
            if message.get("done"):
                return message
            assert time.monotonic() < deadline, message
            time.sleep(0.2)


@pytest.fixture(scope="module")
def gateway(start_matrix):
    return start_matrix({"sim": {"type": "simulator", "models": ["sim"]}}, models={
        # Names that its page offers: it takes what GET /v1/models lists.
        f"at-{name}": {"provider": provider, "model": model} for name, (provider, _, model) in PROVIDERS.items()})


PROVIDERS = {"openai": ("openai", "openai_mock", "gpt-4o"), "anthropic": ("anthropic", "anthropic_mock", "claude-sonnet-4-5"),
             "gemini": ("gemini", "gemini_mock", "gemini-2.5-flash"),
             "vertex": ("vertex-metadata", "gemini_mock", "claude-sonnet-4-5"),
             "salesforce": ("salesforce", "salesforce_mock", CLAUDE),
             "sambanova": ("sambanova", "sambanova_mock", "Meta-Llama-3.3-70B-Instruct")}


@pytest.fixture(scope="module")
def webui(gateway, tmp_path_factory):
    webui = OpenWebUI(tmp_path_factory.mktemp("open-webui"), gateway.url)
    yield webui
    webui.stop()


@pytest.fixture(scope="module")
def weather(webui):
    webui.call("/api/v1/tools/create", {"id": "weather", "name": "Weather", "content": TOOL, "access_grants": [],
                                        "meta": {"description": "Tells the weather.", "manifest": {}}})
    return "weather"


def test_it_lists_what_the_gateway_lists(webui, gateway):
    listed = {model["id"] for model in webui.call("/api/models")["data"]}
    with urllib.request.urlopen(f"{gateway.url}/models", timeout=10) as answer:
        told = {model["id"] for model in json.load(answer)["data"]}
    assert {"sim", *(f"at-{name}" for name in PROVIDERS)} <= listed and listed <= told, listed ^ told


def test_its_own_door_streams(webui):
    """What it passes on to programs that ask it as they would ask OpenAI."""
    body = {"model": "at-anthropic", "stream": True, "messages": [{"role": "user", "content": "one two three"}]}
    with webui.open("/api/chat/completions", body) as answer:
        events = [line[6:].strip() for line in answer if line.startswith(b"data: ")]
    assert events[-1] == b"[DONE]"
    pieces = [choice["delta"].get("content") or "" for event in events[:-1] for choice in json.loads(event)["choices"]]
    assert "".join(pieces) == "one two three" and len([piece for piece in pieces if piece]) > 1


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_chat_streams_and_it_runs_a_tool(name, webui, weather, gateway):
    message = webui.chat(f"at-{name}", "plain words")
    assert message["content"] == "plain words" and not message.get("error"), message
    message = webui.chat(f"at-{name}", 'call weather {"city": "Köln"}', tool_ids=[weather])
    assert not message.get("error"), message
    calls = [item for item in message["output"] if item["type"] == "function_call"]
    assert [(item["name"], json.loads(item["arguments"])) for item in calls] == [("weather", {"city": "Köln"})]
    assert "It rains in Köln." in message["content"], message
    provider, _, model = PROVIDERS[name]
    record = gateway.await_record(lambda record: record.get("provider") == provider and record.get("upstream_model") == model)
    assert record["status"] == 200 and record["stream"]


def test_an_error_is_shown(webui):
    with pytest.raises(urllib.error.HTTPError) as refused:
        webui.call("/api/chat/completions", {"model": "at-openai", "temperature": 9, "stream": False,
                                             "messages": [{"role": "user", "content": "x"}]})
    assert refused.value.code == 400 and b"temperature" in refused.value.read()


@pytest.mark.skipif(not chromium(), reason="no Chromium: apt-get install chromium")
def test_its_page(webui):
    """Its page in a browser: a message is typed, the answer comes. OPEN_WEBUI_PICTURE=file keeps a picture."""
    browser = Browser()
    try:
        browser.open(webui.url)
        browser.evaluate(f"localStorage.token = {json.dumps(webui.token)}")
        browser.open(f"{webui.url}/?models=at-gemini")
        browser.wait("document.querySelector('#chat-input') !== null", 20)
        for label in ("Okay, Let's Go!", "Close"):  # what a first visit is greeted with
            browser.evaluate(f"[...document.querySelectorAll('button')].find(b => b.innerText.trim() === {json.dumps(label)})?.click()")
        browser.evaluate("document.querySelector('#chat-input').focus()")
        browser.call("Input.insertText", text="typed by hand")
        # Once all of it is there: before that it takes no click.
        browser.wait("document.querySelector('#send-message-button')?.click(), location.pathname.startsWith('/c/')", 30)
        browser.wait("[...document.querySelectorAll('#response-content-container')].some(e => e.innerText.includes('typed by hand'))",
                     20)
        outside = [url for url in browser.requests if url.startswith("http") and "//127.0.0.1" not in url]
        assert not outside, outside
    finally:
        if os.environ.get("OPEN_WEBUI_PICTURE"):
            browser.picture(os.environ["OPEN_WEBUI_PICTURE"], whole=False)
        browser.close()
