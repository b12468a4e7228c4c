# What SambaNova's site accepts from a browser that logs in and chats. Nothing of this is documented: the shapes are
# those that several independent programs send. Pure checks; sambaweb.py keeps the state of the logins.

import base64
import binascii
import json
import re

from .jwt import BadToken, decode
from .sambanova_rules import data_or_url
from .shapes import Between, Filled, Misshapen, Tagged, check
from .transport import Refused

SITE = "https://cloud.sambanova.ai"
REALM = "Username-Password-Authentication"
GRANT = "http://auth0.com/oauth/grant-type/password-realm"


def random_text(value, path):
    """32 random bytes in base64url without padding."""
    check(value, str, path)
    try:
        good = len(decode(value)) == 32
    except BadToken:
        good = False
    if not good:
        raise Misshapen(path, "not 32 bytes in base64url without padding", "value")


def telemetry(value, path):
    """A blob that names the login library: base64 of a JSON object with name and version."""
    try:
        blob = json.loads(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        blob = None
    if not isinstance(blob, dict) or not {"name", "version"} <= set(blob):
        raise Misshapen(path, "not base64 of an object with name and version", "value")


def fingerprint(value, path):
    check(value, str, path)
    if not re.fullmatch(r"[A-Za-z0-9]+_([0-9a-f]{20}|[0-9a-f]{32})", value):
        raise Misshapen(path, f"{value!r} is no prefix with 20 or 32 hexadecimal digits", "value")


AUTHENTICATE = {"client_id!": str, "username!": str, "password!": str, "realm!": {REALM}, "credential_type!": {GRANT}}
AUTHORIZE = {
    "client_id!": str, "response_type!": {"code"}, "redirect_uri!": str, "scope!": {"openid profile email"},
    "nonce!": random_text, "state!": random_text, "login_ticket!": str, "realm!": {REALM}, "auth0Client!": telemetry,
    "connection": {REALM}, "redirect_path": {"/"},
}
PART = Tagged("type", text={"text!": str}, image_url={"image_url!": {"url!": data_or_url("image")}})
COMPLETION = {
    "body!": {
        "model!": str,
        "messages!": Filled(Tagged("role", system={"content!": str}, user={"content!": (str, Filled(PART))},
                                   assistant={"content!": str})),
        "stream!": bool, "stop!": Filled(str), "temperature!": Between(0, 2), "max_tokens!": Between(1, whole=True),
        "do_sample!": bool, "stream_options!": {"include_usage!": bool},
    },
    "env_type!": {"text", "vision", "audio"}, "fingerprint!": fingerprint,
}


def check_completion(value):
    """The rules that join several members; the shape has been checked."""
    body = value["body"]
    if body["stream"] is not True:
        raise Misshapen("body.stream", "is always true", "value")
    if body["do_sample"] != (body["temperature"] > 0):
        raise Misshapen("body.do_sample", f"does not fit temperature {body['temperature']}", "value")
    lists = [message["content"] for message in body["messages"] if isinstance(message["content"], list)]
    wanted = "vision" if any(part["type"] == "image_url" for parts in lists for part in parts) else "text"
    if value["env_type"] != wanted:
        raise Misshapen("env_type", f"{value['env_type']!r} where the parts say {wanted!r}", "value")


def check_browser(request, origins):
    """What every request of a browser on the site carries. `origins` are the site's own and the mock's."""
    headers = request.headers
    if not headers.get("user-agent", "").startswith("Mozilla/5.0 ("):
        raise Refused(403, f"user-agent {headers.get('user-agent')!r} is no browser's")
    if headers.get("origin") not in origins:
        raise Refused(403, f"origin {headers.get('origin')!r}")
    if headers.get("referer") not in [f"{origin}/" for origin in origins]:
        raise Refused(403, f"referer {headers.get('referer')!r}")
    for name in ("authorization", "x-api-key"):
        if name in headers:
            raise Refused(400, f"header {name} from a browser")


def cookies(request):
    """{name: value}; refuses what is not name=value pairs, each name once."""
    text, found = request.headers.get("cookie"), {}
    for pair in text.split("; ") if text is not None else ():
        match = re.fullmatch(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+)=([!#-+\--:<-\[\]-~]*)", pair)
        if not match or match[1] in found:
            raise Refused(400, f"cookie {pair[:60]!r}")
        found[match[1]] = match[2]
    return found
