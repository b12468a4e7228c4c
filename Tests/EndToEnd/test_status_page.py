# The page at `/` in a real browser: it shows what happens, asks for a key where one is needed, streams a chat, talks to
# this server alone, and fits a phone. With STATUS_PICTURES=<folder> it leaves pictures there.

import os
import threading

import pytest

from browser import Browser, chromium
from raw_http import ask, chat

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium here: apt-get install chromium")


@pytest.fixture
def browse():
    opened = []

    def start(**options):
        opened.append(Browser(**options))
        return opened[-1]

    yield start
    for browser in opened:
        browser.close()


@pytest.fixture(scope="module")
def gateway(start_gateway, provider):
    return start_gateway({
        "server": {"workers": 2},
        "providers": {"simulator": {"type": "simulator", "ttft": "40ms", "tokens_per_second": 400}, "openai": provider()},
        "models": {
            "gpt-4o": {"provider": "simulator"}, "claude-sonnet-4-5": {"provider": "simulator"},
            "gemini-2.5-flash": {"provider": "simulator"}, "gpt-4o-mini": {"provider": "openai"},
        },
    })


@pytest.fixture
def traffic(gateway, upstream):
    """Requests of four models, until the test is over."""
    over = threading.Event()

    def run(model, stream, pause):
        while not over.is_set():
            ask(gateway.port, chat(model, "Tell me of the sea. " * 20, stream=stream))
            over.wait(pause)

    threads = [
        threading.Thread(target=run, args=arguments)
        for arguments in [("gpt-4o", True, 0.1), ("gpt-4o", True, 0.2), ("claude-sonnet-4-5", True, 0.1),
                          ("gemini-2.5-flash", False, 0.3), ("gpt-4o-mini", False, 0.05), ("not-there", False, 1.5)]
    ]
    for thread in threads:
        thread.start()
    yield
    over.set()
    for thread in threads:
        thread.join(20)


VIEWS = [("wide-light", 1280, False), ("wide-dark", 1280, True), ("phone-light", 390, False), ("phone-dark", 390, True)]


def test_the_page_shows_real_traffic(gateway, traffic, browse):
    origin = gateway.url.removesuffix("/v1")
    pictures = os.environ.get("STATUS_PICTURES")
    views = {name: browse(width=width, height=900, dark=dark) for name, width, dark in VIEWS[: 4 if pictures else 3]}
    for browser in views.values():
        browser.open(origin + "/")
    for name, browser in views.items():
        browser.wait("document.querySelectorAll('#recent tbody tr').length > 5")
        browser.wait(f"history.length && document.querySelectorAll('#c-rate polyline').length && last && last.window.seconds > {8 if pictures else 2}", 30)
        text = browser.evaluate("document.body.innerText")
        for part in ("running", "claude-sonnet-4-5", "gpt-4o-mini", "openai", "Requests/s", "First token", "Between tokens",
                     "Handshakes", "Loop lag"):
            assert part in text, f"{part!r} is missing in {name}"
        assert browser.evaluate("document.documentElement.dataset.theme") == ("dark" if "dark" in name else "light")
        assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide"
        # What a screen reader and a keyboard need.
        assert browser.evaluate("[...document.querySelectorAll('input,textarea')].every(e => e.labels.length)")
        assert browser.evaluate("[...document.querySelectorAll('button')].every(e => e.textContent.trim())")
        assert browser.evaluate("[...document.querySelectorAll('svg')].every(e => e.querySelector('title').textContent)")
        assert browser.evaluate("document.querySelectorAll('#recent thead th[scope=col]').length") == 10
        assert browser.evaluate("document.querySelectorAll('#workers tbody tr').length") == 2
        assert browser.problems == [], name
        assert all(url.startswith(origin + "/") for url in browser.requests), browser.requests
        if pictures:
            browser.picture(f"{pictures}/status-{name}.png")


def test_the_playground_streams_a_chat(gateway, upstream, browse):
    browser = browse()
    browser.open(gateway.url.removesuffix("v1"))
    browser.wait("document.querySelectorAll('#names option').length > 3")
    browser.evaluate("document.getElementById('model').value = 'gpt-4o', document.getElementById('send').click()")
    browser.wait("document.getElementById('timing').textContent.includes('all after')")
    assert len(browser.evaluate("document.getElementById('answer').textContent")) > 10
    raw = browser.evaluate("document.getElementById('raw').textContent")
    assert '"chat.completion.chunk"' in raw and "data: [DONE]" in raw and '"usage"' in raw
    browser.evaluate("document.getElementById('model').value = 'not-there', document.getElementById('send').click()")
    browser.wait("document.getElementById('timing').textContent === 'status 404'")
    assert "model_not_found" in browser.evaluate("document.getElementById('raw').textContent")


def test_a_key_is_asked_for_and_kept(start_gateway, upstream, browse):
    gateway = start_gateway({"auth": {"keys": [
        {"name": "team", "key": "sk-client-secret"}, {"name": "boss", "key": "sk-client-secret-2", "admin": True}]}})
    browser = browse()
    browser.open(gateway.url.removesuffix("v1"))
    browser.wait("!document.getElementById('door').hidden")
    assert browser.evaluate("document.querySelectorAll('#cards div').length") == 0

    def enter(key):
        browser.evaluate(f"document.getElementById('key').value = '{key}', document.querySelector('#door button').click()")

    enter("wrong")
    browser.wait("document.getElementById('refusal').textContent === 'This key is not known here.'")
    enter("sk-client-secret")
    browser.wait("document.getElementById('refusal').textContent === 'This key is not marked as admin.'")
    enter("sk-client-secret-2")
    browser.wait("document.querySelectorAll('#cards div').length > 10 && document.getElementById('door').hidden")
    browser.open(gateway.url.removesuffix("v1"))
    browser.wait("document.querySelectorAll('#cards div').length > 10")
