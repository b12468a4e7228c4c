# The SambaNova web mock: the site (on localhost) and its login service (on 127.0.0.1, a host of its own, so that
# cookies of one must not go to the other). It follows each login from the ticket to the cookie and counts them.
#
# Words in a model's name: those of mocks/mock.py and mocks/routed.py, ratelimited, expired, challenge (a 403 page),
# bare (chunks without id, object and created), nullchoices. For `once`: the plays at the end, which spoil a login.

import itertools
import time
from urllib.parse import urlencode

from . import faults, jwt
from .forms import BadForm, parse_form
from .mock import MockExchange
from .routed import RoutedMock, known_as
from .sambanova_answers import chunks, model_list
from .sambanova_rules import CONTEXT
from .sambaweb_rules import (
    AUTHENTICATE, AUTHORIZE, COMPLETION, SITE, check_browser, check_completion, cookies,
)
from .service import event
from .shapes import check
from .transport import Refused

STATUS_FAULTS = {
    "ratelimited": (429, "Too many requests", {}, [("retry-after", "1")]),
    "expired": (401, "Unauthorized", {}, ()),
    "broken": (500, "Internal server error", {}, ()),
    "overloaded": (503, "Unavailable", {}, ()),
}
_numbers = itertools.count(1)


class Login:
    """One attempt, from its ticket on."""

    def __init__(self):
        number = next(_numbers)
        self.ticket, self.code = f"ticket-{number:08d}", f"code-{number:08d}"
        self.cookies = {"auth0": f"s%3A{number:08d}", "did": f"d{number:08d}"}
        self.nonce = self.state = None
        self.ticket_used = self.code_used = False


class WebExchange(MockExchange):
    def error(self, status, message, code=None, headers=()):
        self.answer({"error": code or "error", "error_description": message}, status, headers)

    def redirect(self, location, headers=()):
        self.answer(b"", 302, [("location", location), *headers], content_type="text/html; charset=utf-8")


class SambaWebMock(RoutedMock):
    """`completion_url` and `url` are the site's. Tests set `lifetime` (seconds), `cookie_is_jwt`, `hops` (redirects
    between the callback and the cookie); `reset()` sets them back."""

    exchange_type = WebExchange
    own_headers = frozenset({"cookie", "origin", "referer"})
    script_prefix = "Meta-Llama-3.3-70B-Instruct"
    status_faults = STATUS_FAULTS
    stream_type = "text/event-stream"
    email, password, client_id = "person+e2e@acme.example", 'pa"ss\\wörd', "e2eClientId0123456789"
    plays = RoutedMock.plays | {"challenge": faults.html(403)}
    routes = (
        ("GET", "/api/config", "config"), ("POST", "/api/completion", "completion"), ("GET", "/v1/models", "models"),
        ("GET", r"/web/auth/(?:callback|hop)\?(.*)", "callback"), ("GET", "/", "home"),
        ("POST", "/co/authenticate", "authenticate"), ("GET", r"/authorize\?(.*)", "authorize"),
    )

    def __init__(self, certificates):
        super().__init__(certificates)
        self.issuer = self.listen(self.tls_context(certificates.good), host="127.0.0.1")
        self.key = jwt.make_key()
        self.logins, self.used_texts, self.sessions = {}, set(), {}
        self._set_back()

    def _set_back(self):
        self.lifetime, self.cookie_is_jwt, self.hops, self.failures = 604800, True, 0, 0

    def reset(self):
        super().reset()
        self._set_back()

    @property
    def completion_url(self):
        return f"{self.main.origin}/api/completion"

    @property
    def redirect_url(self):
        return f"{self.main.origin}/web/auth/callback"

    def revoke_all(self):
        """Every cookie that was given is worth nothing from now on."""
        for cookie in self.sessions:
            self.sessions[cookie] = 0

    def answer_refusal(self, exchange, refusal, headers):
        exchange.error(refusal.status, str(refusal), refusal.details.get("code"), headers)

    # -- checks ----------------------------------------------------------------------------------------------

    def _check_page(self, exchange, listener, accept="*/*"):
        if exchange.connection.listener is not listener:
            raise Refused(404, f"{exchange.request.target} is asked of the wrong host")
        check_browser(exchange.request, (SITE, self.main.origin))
        self.check_accept(exchange.request, accept)
        exchange.cookies = cookies(exchange.request)

    @staticmethod
    def _only_cookies(exchange, names):
        if unknown := set(exchange.cookies) - set(names):
            raise Refused(400, f"cookies {sorted(unknown)} do not belong here")

    def check_config(self, exchange):
        self._check_page(exchange, self.main)
        self._only_cookies(exchange, ["access_token"])

    def check_home(self, exchange):
        self._check_page(exchange, self.main)

    def check_authenticate(self, exchange):
        self._check_page(exchange, self.issuer)
        self._only_cookies(exchange, [])
        body = self.shaped_body(exchange, AUTHENTICATE)
        if body["client_id"] != self.client_id:
            raise Refused(401, "unknown client", code="invalid_client")
        if self.failures >= 3:
            raise Refused(429, "Your account has been blocked.", blamed=False, code="too_many_attempts")
        if (body["username"], body["password"]) != (self.email, self.password):
            self.failures += 1
            raise Refused(403, "Wrong email or password.", blamed=False, code="access_denied")

    def _query(self, exchange, shape):
        try:
            fields = parse_form(exchange.match[1])
        except BadForm as error:
            raise Refused(400, str(error)) from None
        check(fields, shape)
        return fields

    def check_authorize(self, exchange):
        self._check_page(exchange, self.issuer)
        fields = exchange.body = self._query(exchange, AUTHORIZE)
        if fields["client_id"] != self.client_id or fields["redirect_uri"] != self.redirect_url:
            raise Refused(403, "client_id or redirect_uri is not registered")
        fresh = {fields["nonce"], fields["state"]}
        if len(fresh) < 2 or fresh & self.used_texts:
            raise Refused(400, "nonce and state must be new and different each time")
        self.used_texts |= fresh
        login = exchange.login = self.logins.get(fields["login_ticket"])
        if login is not None and exchange.cookies != login.cookies:
            raise Refused(400, f"the cookies of the first step are missing: {exchange.cookies}")
        if login is None or login.ticket_used:
            self.violations.append("a login_ticket that was never given or is used up")

    def check_callback(self, exchange):
        self._check_page(exchange, self.main)
        fields = exchange.body = self._query(exchange, {"code!": str, "state!": str})
        login = exchange.login = next((one for one in self.logins.values() if one.code == fields["code"]), None)
        if login is None or login.code_used or login.nonce is None:
            raise Refused(400, "a code that was never given or is used up")
        if fields["state"] != login.state:
            raise Refused(400, "state is not the one of this login")
        if exchange.cookies != {"nonce": login.nonce}:
            raise Refused(400, f"the nonce cookie of this login is missing: {exchange.cookies}")

    def _check_session(self, exchange, accept):
        self._check_page(exchange, self.main, accept)
        self._only_cookies(exchange, ["access_token"])
        cookie = exchange.cookies.get("access_token")
        if cookie not in self.sessions:
            raise Refused(401, "not a cookie of this site", code="Unauthorized")
        if time.time() >= self.sessions[cookie]:
            raise Refused(401, "the session has expired", blamed=False, code="Unauthorized")

    def check_models(self, exchange):
        self._check_session(exchange, "application/json")

    def check_completion(self, exchange):
        inner = exchange.body.get("body")
        named = inner.get("model") if isinstance(inner, dict) else None
        exchange.model = named if isinstance(named, str) else None
        self._check_session(exchange, "text/event-stream")
        check_completion(self.shaped_body(exchange, COMPLETION))
        if known_as(named) not in CONTEXT and named not in self.scripts:
            raise Refused(404, f"Model {named} not found", blamed=False, code="model_not_found")
        return exchange.model

    # -- answers ---------------------------------------------------------------------------------------------

    def answer_config(self, exchange):
        exchange.answer({"clientId": self.client_id, "redirectURL": self.redirect_url, "environment": "e2e",
                         "issuerBaseUrl": f"127.0.0.1:{self.issuer.port}"})

    def answer_home(self, exchange):
        exchange.answer(b"<html></html>", content_type="text/html; charset=utf-8")

    def answer_authenticate(self, exchange, ticket=True):
        login = Login()
        self.logins[login.ticket] = login
        flags = "Path=/; HttpOnly; Secure; SameSite=None"
        set_cookies = [("set-cookie", f"{name}={value}; {flags}") for name, value in login.cookies.items()]
        body = {"login_ticket": login.ticket, "co_verifier": "v", "co_id": "i"} if ticket else {"co_verifier": "v"}
        exchange.answer(body, headers=set_cookies)

    def answer_authorize(self, exchange, state=None, code=True):
        fields, login = exchange.body, exchange.login
        if login is None or login.ticket_used:
            failure = {"error": "login_required", "error_description": "Login required", "state": fields["state"]}
            exchange.redirect(f"{self.redirect_url}?{urlencode(failure)}")
            return
        login.ticket_used, login.nonce, login.state = True, fields["nonce"], fields["state"]
        answer = {"code": login.code} if code else {}
        exchange.redirect(f"{self.redirect_url}?{urlencode({**answer, 'state': state or login.state})}")

    def answer_callback(self, exchange, cookie=True):
        if exchange.request.target.startswith("/web/auth/callback") and self.hops:
            exchange.redirect(f"/web/auth/hop?{exchange.match[1]}")  # relative, and still without the cookie
            return
        exchange.login.code_used = True
        headers = [("set-cookie", f"access_token={self.issue()}; Path=/; Max-Age={self.lifetime}; HttpOnly; Secure; "
                                  "SameSite=Lax")] if cookie else []
        exchange.redirect("/", headers)

    def issue(self):
        """A new cookie of the site; tests may ask for one without a login."""
        expires = int(time.time() + self.lifetime)
        text = f"opaque{next(_numbers):08d}"
        if self.cookie_is_jwt:
            text = jwt.mint({"iss": f"https://127.0.0.1:{self.issuer.port}/", "sub": "auth0|e2e", "exp": expires,
                             "iat": int(time.time()), "jti": text}, self.key)
        self.sessions[text] = expires
        return text

    def answer_models(self, exchange):
        exchange.answer(model_list(CONTEXT))

    def answer_completion(self, exchange):
        frames = [event(value) for value in chunks(exchange.body["body"], exchange.faults)] + [event("[DONE]")]
        failure = event({"error": {"message": "The model went away."}})
        exchange.play(frames, failure, [b": a comment\n\n"])


# -- plays that spoil a login, for `once` ------------------------------------------------------------------------


def without_ticket(exchange):
    exchange.mock.answer_authenticate(exchange, ticket=False)


def without_code(exchange):
    exchange.mock.answer_authorize(exchange, code=False)


def with_another_state(exchange):
    exchange.mock.answer_authorize(exchange, state="A" * 43)


def without_cookie(exchange):
    exchange.mock.answer_callback(exchange, cookie=False)


def login_required(exchange):
    exchange.login = None
    exchange.mock.answer_authorize(exchange)
