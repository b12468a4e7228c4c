# Proves the SambaNova web mock: a login that keeps to every step gets a cookie, the cookie opens the site, and for each
# rule there is a request that breaks it and is refused.

import base64
import json
import re
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from mock_client import MockClient
from mocks import faults, jwt, sambaweb
from mocks.sambaweb_rules import GRANT, REALM, SITE

LLAMA = "Meta-Llama-3.3-70B-Instruct"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Origin": SITE, "Referer": f"{SITE}/", "Accept": "*/*"}
USER = {"role": "user", "content": "Grüße an alle"}


def random_text():
    return secrets.token_urlsafe(32)


def cookie_header(found):
    return "; ".join(f"{name}={value}" for name, value in found.items())


def set_cookies(answer):
    return dict(value.split(";")[0].split("=", 1) for value in answer.headers.all("set-cookie"))


class Browser:
    """Logs in step by step; a test changes what a step sends and looks at its answer."""

    def __init__(self, mock, tls):
        self.mock = mock
        self.site = MockClient(mock, tls, BROWSER)
        self.issuer = MockClient(mock, tls, BROWSER, mock.issuer)
        self.nonce, self.state = random_text(), random_text()
        self.cookies = {}

    def authenticate(self, headers=None, **changes):
        body = {"client_id": self.mock.client_id, "username": self.mock.email, "password": self.mock.password,
                "realm": REALM, "credential_type": GRANT, **changes}
        answer = self.issuer.post("/co/authenticate", body, headers)
        self.ticket, self.cookies = answer.json().get("login_ticket"), set_cookies(answer)
        return answer

    def authorize(self, headers=None, **changes):
        blob = base64.b64encode(json.dumps({"name": "lock.js", "version": "12.3.0"}).encode()).decode()
        fields = {"client_id": self.mock.client_id, "response_type": "code", "redirect_uri": self.mock.redirect_url,
                  "scope": "openid profile email", "nonce": self.nonce, "state": self.state,
                  "login_ticket": self.ticket, "realm": REALM, "auth0Client": blob, **changes}
        query = urlencode({name: value for name, value in fields.items() if value is not None})
        answer = self.issuer.get(f"/authorize?{query}", {"Cookie": cookie_header(self.cookies), **(headers or {})})
        self.location = answer.headers.get("location")
        return answer

    @property
    def returned(self):
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}

    def callback(self, headers=None, **changes):
        query = urlencode({**self.returned, **changes})
        return self.site.get(f"/web/auth/callback?{query}", {"Cookie": f"nonce={self.nonce}", **(headers or {})})

    def log_in(self):
        assert self.authenticate().status == 200 and self.authorize().status == 302
        return set_cookies(self.callback())["access_token"]


@pytest.fixture(autouse=True)
def clean(session_sambaweb_mock):
    session_sambaweb_mock.reset()


@pytest.fixture
def mock(session_sambaweb_mock):
    return session_sambaweb_mock


@pytest.fixture
def browser(mock, client_tls):
    return Browser(mock, client_tls)


@pytest.fixture
def client(mock, client_tls):
    return MockClient(mock, client_tls, {**BROWSER, "Cookie": f"access_token={mock.issue()}"})


def completion(*messages, env="text", fingerprint="anon_00112233445566778899", model=LLAMA, **members):
    body = {"model": model, "messages": list(messages) or [USER], "stream": True, "stop": ["<|eot_id|>"],
            "temperature": 0.2, "max_tokens": 512, "do_sample": True, "stream_options": {"include_usage": True},
            **members}
    return {"body": body, "env_type": env, "fingerprint": fingerprint}


# -- the login -------------------------------------------------------------------------------------------------------


def test_a_login_gets_a_cookie_that_opens_the_site(mock, browser, client_tls):
    config = browser.site.get("/api/config").json()
    assert config["clientId"] == mock.client_id and config["issuerBaseUrl"] == f"127.0.0.1:{mock.issuer.port}"
    assert config["redirectURL"] == mock.redirect_url
    cookie = browser.log_in()
    _, claims, _, _ = jwt.take_apart(cookie)
    assert claims["exp"] - claims["iat"] == 604800
    client = MockClient(mock, client_tls, {**BROWSER, "Cookie": f"access_token={cookie}"})
    assert client.streamed("/api/completion", completion())[-1] == (None, "[DONE]")
    assert client.get("/v1/models").json()["object"] == "list"
    assert mock.count("authenticate") == mock.count("callback") == 1 and mock.violations == []


def test_the_cookie_may_be_opaque_and_come_after_another_redirect(mock, browser):
    mock.cookie_is_jwt, mock.hops, mock.lifetime = False, 1, 60
    assert browser.authenticate().status == 200 and browser.authorize().status == 302
    first = browser.callback()
    location = first.headers.get("location")
    assert location.startswith("/web/auth/hop?") and set_cookies(first) == {}
    second = browser.site.get(location, {"Cookie": f"nonce={browser.nonce}"})
    assert set_cookies(second)["access_token"].startswith("opaque")
    assert "Max-Age=60" in second.headers.get("set-cookie") and mock.violations == []


def test_wrong_passwords_lock_the_account_and_are_nobodys_violation(mock, browser):
    answers = [browser.authenticate(password="wrong") for _ in range(4)]
    assert [answer.status for answer in answers] == [403, 403, 403, 429]
    assert answers[0].json()["error"] == "access_denied" and answers[3].json()["error"] == "too_many_attempts"
    assert mock.violations == [] and mock.count("authenticate") == 4


@pytest.mark.parametrize("changes", [
    {"client_id": "other"}, {"realm": "Other"}, {"credential_type": "password"}, {"scope": "openid"},
    {"username": None},
])
def test_the_first_step_is_exact(mock, browser, changes):
    assert browser.authenticate(**changes).status in (400, 401) and len(mock.violations) == 1


@pytest.mark.parametrize("headers", [
    {"Origin": None}, {"Origin": "https://elsewhere.example"}, {"Referer": None}, {"Referer": SITE},
    {"User-Agent": "curl/8"}, {"User-Agent": None}, {"Accept": "text/html"}, {"Cookie": "access_token=a"},
    {"Cookie": "broken"}, {"Authorization": "Bearer a"}, {"Content-Type": "text/plain"},
])
def test_a_browser_sends_these_headers(mock, browser, headers):
    assert browser.authenticate(headers).status >= 400 and len(mock.violations) == 1


@pytest.mark.parametrize("changes", [
    {"nonce": "short"}, {"nonce": "A" * 44}, {"state": None}, {"scope": "openid"}, {"response_type": "token"},
    {"redirect_uri": "https://elsewhere.example/"}, {"client_id": "other"}, {"auth0Client": "e30="},
    {"auth0Client": "?"}, {"login_ticket": None}, {"realm": None}, {"connection": "google"}, {"prompt": "none"},
])
def test_the_second_step_is_exact(mock, browser, changes):
    browser.authenticate()
    assert browser.authorize(**changes).status in (400, 403) and len(mock.violations) == 1
    assert browser.authorize(nonce=random_text(), state=random_text()).status == 302  # the ticket is still good


def test_a_query_is_read_without_forgiving(mock, browser):
    browser.authenticate()
    for query in ("", "a", "scope=openid profile".replace(" ", "|"), "nonce=a&nonce=b"):
        assert browser.issuer.get(f"/authorize?{query}").status == 400
    assert len(mock.violations) == 4 and "name=value" in mock.violations[0] and "twice" in mock.violations[3]


def test_nonce_and_state_are_new_and_differ(mock, browser):
    browser.log_in()
    browser.authenticate()
    assert browser.authorize().status == 400
    same = random_text()
    assert browser.authorize(nonce=same, state=same).status == 400 and len(mock.violations) == 2


def test_cookies_are_carried_to_the_second_step(mock, browser):
    browser.authenticate()
    for cookies in ({}, {**browser.cookies, "access_token": "a"}, dict(list(browser.cookies.items())[:1])):
        answer = browser.authorize({"Cookie": cookie_header(cookies) or None}, nonce=random_text(), state=random_text())
        assert answer.status == 400
    assert len(mock.violations) == 3


def test_a_ticket_is_good_once(mock, browser):
    browser.log_in()
    assert browser.authorize(nonce=random_text(), state=random_text()).status == 302
    assert browser.returned["error"] == "login_required" and len(mock.violations) == 1
    browser.authorize(login_ticket="ticket-0", nonce=random_text(), state=random_text())
    assert browser.returned["error"] == "login_required" and len(mock.violations) == 2


@pytest.mark.parametrize("headers, changes", [
    ({"Cookie": None}, {}), ({"Cookie": "nonce=other"}, {}), ({}, {"state": "other"}), ({}, {"code": "other"}),
    ({"Origin": None}, {}), ({}, {"extra": "x"}),
])
def test_the_callback_is_exact(mock, browser, headers, changes):
    browser.authenticate(), browser.authorize()
    assert browser.callback(headers, **changes).status in (400, 403) and len(mock.violations) == 1
    assert browser.callback().status == 302
    assert browser.callback().status == 400 and len(mock.violations) == 2  # a code is good once


def test_login_cookies_do_not_go_to_the_site(mock, browser):
    browser.authenticate(), browser.authorize()
    both = cookie_header({"nonce": browser.nonce, **browser.cookies})
    assert browser.callback({"Cookie": both}).status == 400 and len(mock.violations) == 1


def test_logins_are_spoiled_on_request(mock, browser):
    mock.once("authenticate", sambaweb.without_ticket, faults.html(403))
    assert "login_ticket" not in browser.authenticate().json()
    with pytest.raises(json.JSONDecodeError):
        browser.authenticate()
    mock.once("authorize", sambaweb.without_code, sambaweb.with_another_state, sambaweb.login_required)
    spoiled = []
    for _ in range(3):
        browser.authenticate(), browser.authorize(nonce=random_text(), state=random_text())
        spoiled.append(browser.returned)
    assert "code" not in spoiled[0] and re.fullmatch("A+", spoiled[1]["state"])
    assert spoiled[2]["error"] == "login_required"
    mock.once("callback", sambaweb.without_cookie)
    browser.nonce, browser.state = random_text(), random_text()
    browser.authenticate(), browser.authorize()
    assert set_cookies(browser.callback()) == {} and mock.violations == []


def test_each_host_serves_its_own_pages(mock, browser):
    assert browser.issuer.get("/api/config").status == 404
    assert browser.site.post("/co/authenticate", {}).status == 404 and len(mock.violations) == 2


# -- the site --------------------------------------------------------------------------------------------------------


def test_a_completion_is_streamed(mock, client):
    found = [value for _, value in client.streamed("/api/completion", completion())[:-1]]
    assert "".join(value["choices"][0]["delta"].get("content", "") for value in found[:-1]) == USER["content"]
    assert found[-1]["usage"]["total_tokens"] == 6 and "choices" not in found[-1]
    short = client.streamed("/api/completion", completion(max_tokens=1))
    assert short[-3][1]["choices"][0]["finish_reason"] == "length"
    cold = completion(temperature=0, do_sample=False, fingerprint="anon_" + "0" * 32)
    assert client.streamed("/api/completion", cold)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    assert client.streamed("/api/completion", completion({"role": "user", "content": [image]}, env="vision"))
    assert mock.violations == []


def test_the_site_fails_on_request(mock, client):
    def ask(*words):
        return client.post("/api/completion", completion(model=mock.model(LLAMA, *words)))

    page = ask("page")
    assert page.status == 200 and page.headers.get("content-type").startswith("text/html")
    assert ask("challenge").status == 403 and ask("ratelimited").status == 429 and ask("expired").status == 401
    assert set(client.streamed("/api/completion", completion(model=mock.model(LLAMA, "bare")))[0][1]) == {
        "model", "choices", "usage"}
    assert client.streamed("/api/completion", completion(model=mock.model(LLAMA, "split")))[-1] == (None, "[DONE]")
    assert client.streamed("/api/completion", completion(model=mock.model(LLAMA, "unfinished")))[-1] != (None, "[DONE]")
    assert client.post("/api/completion", completion(model="gpt-4")).status == 404
    mock.revoke_all()
    assert ask().status == 401 and client.get("/v1/models").status == 401 and mock.violations == []


def test_a_session_ends_by_itself(mock, client_tls):
    mock.lifetime = -1
    late = MockClient(mock, client_tls, {**BROWSER, "Cookie": f"access_token={mock.issue()}"})
    assert late.post("/api/completion", completion()).status == 401 and mock.violations == []


@pytest.mark.parametrize("body", [
    completion(stream=False), completion(do_sample=False), completion(temperature=0), completion(stop=[]),
    completion(stop="END"), completion(top_p=1), completion(tools=[]), completion(fingerprint="anon"),
    completion(env="vision"), completion(env="tp16"), completion(fingerprint="anon_0011223344556677889"),
    completion({"role": "tool", "content": "a"}),
    completion(stream_options={}), {"body": completion()["body"], "env_type": "text"}, completion()["body"],
    completion({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}),
    {**completion(), "extra": 1}, b"{",
])
def test_wrong_completions_are_violations(mock, client, body):
    assert client.post("/api/completion", body).status == 400 and len(mock.violations) == 1


@pytest.mark.parametrize("headers, status", [
    ({"Cookie": None}, 401), ({"Cookie": "access_token=unheard"}, 401), ({"Origin": None}, 403),
    ({"Referer": None}, 403), ({"User-Agent": "python"}, 403), ({"Accept": "application/json"}, 406),
    ({"x-api-key": "a"}, 400),
])
def test_wrong_headers_of_completions_are_violations(mock, client, headers, status):
    assert client.post("/api/completion", completion(), headers).status == status and len(mock.violations) == 1
    stray = {"Cookie": client.headers["Cookie"] + "; nonce=a"}
    assert client.post("/api/completion", completion(), stray).status == 400 and len(mock.violations) == 2
