# Salesforce's token endpoint: who may have a token, which tokens are good, what introspection says. Facts of the
# grants: "Authenticate to the Models API", "OAuth 2.0 JWT Bearer Flow", "OpenID Connect Token Introspection".
# Served by salesforce.py; holds the state that its Models routes ask for.

import base64
import hashlib
import re
import time

from . import jwt
from .forms import BadForm, parse_form, require
from .transport import Refused

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MOST_AHEAD = 300  # seconds that an assertion's `exp` may lie ahead
SCOPE = "sfap_api einstein_gpt_api api"
USER_ID = "005000000000001AAA"
ORG_ID = "00D000000000001EAA"


class Token:
    def __init__(self, text, issued_at, expires_at, opaque):
        self.text, self.issued_at, self.expires_at, self.opaque = text, issued_at, expires_at, opaque
        self.revoked = False
        self.calls = 0  # Models requests that came with it

    @property
    def active(self):
        return not self.revoked and time.time() < self.expires_at


class Org:
    """An org with one connected app. Tests set `lifetime` (seconds), `opaque`, `api_instance_url` (None leaves it
    out), `credentials_enabled`, `approved`, `may_introspect`, `optional_members`; `reset()` sets them back."""

    client_id = "3MVG9.e2e_consumer.KEY"
    client_secret = "e2e+secret/&=%ü"  # every character that a form can get wrong
    username = "integration+e2e@acme.example"
    audiences = ("https://login.salesforce.com", "https://test.salesforce.com")

    def __init__(self, origin):
        self.origin = origin
        self.signing_key = jwt.make_key()  # the org's, for its access tokens
        self.app_key = jwt.make_key()  # the app's: the gateway signs assertions with it
        self.tokens = {}
        self.reset()

    def reset(self):
        self.lifetime = 1800
        self.opaque = False
        self.api_instance_url = self.origin
        self.credentials_enabled = True
        self.approved = True
        self.may_introspect = True
        self.optional_members = True

    @property
    def private_key(self):
        """PEM, for the gateway's `private_key_file`."""
        return jwt.private_pem(self.app_key)

    def revoke_all(self):
        for token in self.tokens.values():
            token.revoked = True

    def active(self, text):
        token = self.tokens.get(text)
        return token if token and token.active else None

    # -- issuing ---------------------------------------------------------------------------------------------

    def issue(self):
        now = time.time()
        if self.opaque:
            text = f"{ORG_ID[:15]}!AR{len(self.tokens):06d}.{hashlib.sha256(str(now).encode()).hexdigest()}"
        else:
            claims = {
                "scp": SCOPE, "sub": f"uid:{USER_ID}", "iss": self.origin, "client_id": self.client_id,
                "aud": ["https://api.salesforce.com", self.origin], "roles": [], "mty": "oauth",
                "iat": int(now), "nbf": int(now), "exp": int(now + self.lifetime), "jti": f"e2e-{len(self.tokens)}",
            }
            header = {"tnk": f"core/prod/{ORG_ID}", "ver": "1.0", "kid": "CORE_AT_JWT.e2e", "tty": "sfdc-core-token",
                      "alg": "RS256"}
            text = jwt.mint(claims, self.signing_key, header)
        expires_at = now + self.lifetime if self.opaque else int(now + self.lifetime)
        token = self.tokens[text] = Token(text, now, expires_at, self.opaque)
        return token

    def success(self, token):
        issued_at = str(int(token.issued_at * 1000))
        body = {"access_token": token.text, "instance_url": self.origin, "token_type": "Bearer", "issued_at": issued_at}
        if self.api_instance_url is not None:
            body["api_instance_url"] = self.api_instance_url
        if self.optional_members:
            digest = hashlib.sha256(issued_at.encode()).digest()
            body |= {"signature": base64.b64encode(digest).decode(), "scope": SCOPE,
                     "id": f"https://login.salesforce.com/id/{ORG_ID}/{USER_ID}"}
            if not self.opaque:
                body["token_format"] = "jwt"
        return body

    # -- checks ----------------------------------------------------------------------------------------------

    def form(self, request):
        kind = request.headers.get("content-type", "")
        if not re.fullmatch(r"application/x-www-form-urlencoded(; ?charset=utf-8)?", kind, re.I):
            raise refusal("invalid_request", f"content type {kind!r}")
        try:
            return parse_form(request.body.decode("ascii"))
        except (BadForm, UnicodeDecodeError) as error:
            raise refusal("invalid_request", str(error)) from None

    def check_grant(self, request):
        if "authorization" in request.headers:
            raise refusal("invalid_request", "a header Authorization at the token endpoint")
        fields = self.form(request)
        grant = fields.get("grant_type")
        if grant == "client_credentials":
            _only(fields, ("grant_type", "client_id", "client_secret"))
            self._check_client(fields)
            if not self.credentials_enabled:
                raise refusal("invalid_grant", "no client credentials user enabled", blamed=False)
        elif grant == JWT_BEARER:
            _only(fields, ("grant_type", "assertion"))
            self.check_assertion(fields["assertion"])
        else:
            raise refusal("unsupported_grant_type", "grant type not supported")
        return fields

    def _check_client(self, fields):
        if fields["client_id"] != self.client_id:
            raise refusal("invalid_client_id", "client identifier invalid", blamed=False)
        if fields["client_secret"] != self.client_secret:
            raise refusal("invalid_client", "invalid client credentials", blamed=False)

    def check_assertion(self, assertion):
        try:
            _, claims = jwt.verify(assertion, self.app_key.public_key())
        except jwt.BadToken as bad:
            # Another key than the app's is a matter of configuration; a broken token is the gateway's own.
            raise refusal("invalid_grant", f"invalid assertion: {bad}", blamed=not bad.signature) from None
        if unknown := set(claims) - {"iss", "sub", "prn", "aud", "exp", "iat", "nbf", "jti"}:
            raise refusal("invalid_grant", f"unknown claims {sorted(unknown)}")
        expires, now = claims.get("exp"), time.time()
        if not isinstance(expires, int) or isinstance(expires, bool):
            raise refusal("invalid_grant", "exp must be whole seconds")
        if not now < expires <= now + MOST_AHEAD:
            raise refusal("invalid_grant", f"expired assertion: exp is {expires - now:.0f} s ahead")
        for name in ("iat", "nbf"):
            if name in claims and not (isinstance(claims[name], int) and claims[name] <= now + 5):
                raise refusal("invalid_grant", f"{name} lies ahead")
        if claims.get("iss") != self.client_id:
            raise refusal("invalid_client_id", "client identifier invalid", blamed="iss" not in claims)
        if claims.get("aud") not in (*self.audiences, self.origin):
            raise refusal("invalid_grant", "audience is invalid", blamed=not isinstance(claims.get("aud"), str))
        user = claims.get("sub", claims.get("prn"))
        if user != self.username or not self.approved:
            raise refusal("invalid_grant", "user hasn't approved this consumer", blamed=not isinstance(user, str))

    def check_introspection(self, request):
        fields = self.form(request)
        basic = request.headers.get("authorization")
        if basic is not None:
            wanted = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
            _only(fields, ("token",), ("token_type_hint",))
            if basic != f"Basic {wanted}":
                raise refusal("invalid_client", "invalid client credentials", blamed=False)
        else:
            _only(fields, ("token", "client_id", "client_secret"), ("token_type_hint",))
            self._check_client(fields)
        if fields.get("token_type_hint", "access_token") not in ("access_token", "refresh_token"):
            raise refusal("invalid_request", "token_type_hint")
        return fields

    def introspect(self, text):
        token = self.active(text)
        if token is None or not self.may_introspect:
            return {"active": False}
        return {"active": True, "scope": SCOPE, "client_id": self.client_id, "username": self.username,
                "sub": f"https://login.salesforce.com/id/{ORG_ID}/{USER_ID}", "token_type": "access_token",
                "exp": int(token.expires_at), "iat": int(token.issued_at), "nbf": int(token.issued_at)}

    def check_revocation(self, request):
        fields = self.form(request)
        _only(fields, ("token",))
        if fields["token"] not in self.tokens:
            raise refusal("unsupported_token_type", "this token type is not supported")
        return fields


def _only(fields, required, optional=()):
    try:
        require(fields, required, optional)
    except BadForm as error:
        raise refusal("invalid_request", str(error)) from None


def refusal(error, description, blamed=True):
    """Every refusal of the token endpoint is a 400 in OAuth's shape."""
    return Refused(400, description, blamed=blamed, oauth=error)
