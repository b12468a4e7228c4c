# Google's credentials as the mock gives and checks them: the token endpoint (a service account's signed JWT, or a refresh
# token), the metadata server, and access tokens that a test can expire or revoke.

import itertools
import time
from urllib.parse import parse_qsl

from . import jwt
from .transport import Refused

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCOUNT = "gateway@e2e-project.iam.gserviceaccount.com"
KEY_ID = "e2e-key-1"
CLIENT = ("e2e-client.apps.googleusercontent.com", "e2e-client-secret", "1//e2e-refresh-secret")


class Tokens:
    """Every access token ever granted. `lifetime` (seconds) holds for the next ones; `failures` is how many of the next
    grants are answered with 503; `grants` tells what was granted: [(kind, claims or form, token)]."""

    def __init__(self, project):
        self.project = project
        self.lifetime, self.failures = 3599, 0
        self.grants = []
        self._ends, self._ended_by_test = {}, set()
        self._numbers = itertools.count(1)
        self._key = jwt.make_key()

    # -- for tests -------------------------------------------------------------------------------------------------

    def service_account(self, token_uri):
        """A key file as Google's console gives it out."""
        return {"type": "service_account", "project_id": self.project, "private_key_id": KEY_ID,
                "private_key": jwt.private_pem(self._key),
                "client_email": ACCOUNT, "client_id": "100000000000000000001", "token_uri": token_uri}

    @staticmethod
    def authorized_user(token_uri):
        """What `gcloud auth application-default login` leaves behind."""
        return {"type": "authorized_user", "client_id": CLIENT[0], "client_secret": CLIENT[1], "refresh_token": CLIENT[2],
                "token_uri": token_uri}

    def issue(self, kind="test", about=None):
        token = f"ya29.e2e-{next(self._numbers):06d}"
        self._ends[token] = time.time() + self.lifetime
        self.grants.append((kind, about, token))
        return token

    def revoke(self, token=None):
        """Ends one token, or all of them, before their time."""
        for ended in [token] if token else list(self._ends):
            self._ends[ended] = 0
            self._ended_by_test.add(ended)

    # -- checks ----------------------------------------------------------------------------------------------------

    def is_users(self, token):
        """Whether a token is a person's, not a service account's."""
        return any(kind == "refresh" and granted == token for kind, _, granted in self.grants)

    def check(self, token):
        """An expired token is nobody's violation: a gateway may learn of the end by this very answer."""
        known = self._ends.get(token)
        if known is None or known < time.time():
            raise Refused(401, "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
                               "other valid authentication credential.", blamed=known is None,
                          reason="ACCESS_TOKEN_TYPE_UNSUPPORTED" if known is None else "ACCESS_TOKEN_EXPIRED")

    def grant(self, request, token_uri):
        """POST /token: the answer's body. Refused carries `oauth`, the error's name."""
        if self.failures:
            self.failures -= 1
            raise Refused(503, "try again", blamed=False, oauth="temporarily_unavailable")
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            raise _bad("invalid_request", "the content type is not application/x-www-form-urlencoded")
        try:
            pairs = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True, strict_parsing=True)
        except ValueError:
            raise _bad("invalid_request", "the body is not a form") from None
        form = dict(pairs)
        if len(form) != len(pairs):
            raise _bad("invalid_request", "a parameter stands twice")
        if form.get("grant_type") == JWT_GRANT:
            claims = self._claims(form, token_uri)
            return self._granted(self.issue("jwt", claims))
        if form.get("grant_type") == "refresh_token":
            self._check_refresh(form)
            return {**self._granted(self.issue("refresh", form)), "scope": SCOPE}
        raise _bad("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")

    def metadata(self, request):
        if request.headers.get("metadata-flavor") != "Google":
            raise Refused(403, "Missing Metadata-Flavor:Google header.", oauth="forbidden")
        return self._granted(self.issue("metadata"))

    def _granted(self, token):
        return {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}

    def _check_refresh(self, form):
        if set(form) != {"grant_type", "client_id", "client_secret", "refresh_token"}:
            raise _bad("invalid_request", f"parameters {sorted(form)}")
        if (form["client_id"], form["client_secret"]) != CLIENT[:2]:
            raise Refused(401, "The OAuth client was not found.", oauth="invalid_client")
        if form["refresh_token"] != CLIENT[2]:
            raise _bad("invalid_grant", "Bad Request")

    def _claims(self, form, token_uri):
        if set(form) != {"grant_type", "assertion"}:
            raise _bad("invalid_request", f"parameters {sorted(form)}")
        try:
            header, claims = jwt.verify(form["assertion"], self._key.public_key())
        except jwt.BadToken as failure:
            raise _bad("invalid_grant", "Invalid JWT Signature." if failure.signature else f"Invalid JWT: {failure}") from None
        if header.get("kid") != KEY_ID:
            raise _bad("invalid_grant", f"Invalid JWT header: no key {header.get('kid')}")
        _check_claims(claims, token_uri)
        return claims


def _bad(name, message):
    return Refused(400, message, oauth=name)


def _check_claims(claims, token_uri):
    now = time.time()
    if claims.get("iss") != ACCOUNT:
        raise _bad("invalid_grant", "Invalid grant: account not found")
    if "sub" in claims and claims["sub"] != ACCOUNT:
        raise _bad("unauthorized_client", "Client is unauthorized to retrieve access tokens using this method")
    if SCOPE not in str(claims.get("scope", "")).split():
        raise _bad("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    if claims.get("aud") != token_uri:
        raise _bad("invalid_grant", "Invalid JWT: Failed audience check.")
    issued, ends = claims.get("iat"), claims.get("exp")
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in (issued, ends)):
        raise _bad("invalid_grant", "Invalid JWT: iat and exp must be whole numbers.")
    if issued > now + 60 or ends <= now or ends - issued > 3600:
        raise _bad("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                                    "Check your iat and exp values in the JWT claim.")
