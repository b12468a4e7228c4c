# application/x-www-form-urlencoded and query strings, read without forgiving: what must be percent-encoded is, each
# field stands once, and the bytes are UTF-8.

import re
from urllib.parse import unquote_to_bytes

_FIELD = re.compile(r"((?:[A-Za-z0-9*._~-]|\+|%[0-9A-Fa-f]{2})+)=((?:[A-Za-z0-9*._~-]|\+|%[0-9A-Fa-f]{2})*)")


class BadForm(Exception):
    pass


def parse_form(text, plus_is_space=True):
    """Returns {name: value}; raises BadForm. In a query `+` is left out of the alphabet by `plus_is_space=False`."""
    fields = {}
    for pair in text.split("&"):
        match = _FIELD.fullmatch(pair)
        if not match or (not plus_is_space and "+" in pair):
            raise BadForm(f"{pair[:80]!r} is not name=value in form encoding")
        try:
            name, value = (unquote_to_bytes(part.replace("+", " ")).decode("utf-8") for part in match.groups())
        except UnicodeDecodeError:
            raise BadForm("not UTF-8") from None
        if name in fields:
            raise BadForm(f"{name} stands twice")
        fields[name] = value
    return fields


def require(fields, required, optional=()):
    """Raises BadForm unless all of `required`, and nothing but those and `optional`, is there and filled."""
    for name in required:
        if not fields.get(name):
            raise BadForm(f"{name} is missing")
    if unknown := set(fields) - set(required) - set(optional):
        raise BadForm(f"unknown fields {sorted(unknown)}")
