# JSON Web Tokens, as far as the mocks need them: mint one, take one apart, verify RS256. Nothing is forgiven:
# base64url has no padding, no stray bits, and the three parts are JSON objects where they must be.

import base64
import binascii
import json
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .shapes import Misshapen, parse


class BadToken(Exception):
    """It is no token at all (`signature=False`), or its signature does not fit (`signature=True`)."""

    def __init__(self, message, signature=False):
        super().__init__(message)
        self.signature = signature


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    """Base64url without padding, one spelling only; raises BadToken."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise BadToken("not base64url without padding")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise BadToken("not base64url") from None
    if encode(data) != text:
        raise BadToken("stray bits at the end of base64url")
    return data


def make_key(bits=2048):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def private_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def mint(claims, key, header=None):
    """Signs with RS256; `claims` may be bytes, to make a token that is broken inside."""
    body = claims if isinstance(claims, bytes) else json.dumps(claims, separators=(",", ":")).encode()
    signed = f"{encode(json.dumps(header or {'alg': 'RS256'}).encode())}.{encode(body)}"
    return f"{signed}.{encode(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def take_apart(token):
    """(header, claims, signed bytes, signature); raises BadToken."""
    parts = token.split(".")
    if len(parts) != 3:
        raise BadToken("not three parts")
    try:
        header, claims = (parse(decode(part)) for part in parts[:2])
    except Misshapen as failure:
        raise BadToken(str(failure)) from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise BadToken("header and claims must be objects")
    return header, claims, f"{parts[0]}.{parts[1]}".encode(), decode(parts[2])


def verify(token, public_key):
    """(header, claims) of a token that RS256 vouches for; raises BadToken."""
    header, claims, signed, signature = take_apart(token)
    if header.get("alg") != "RS256" or not set(header) <= {"alg", "typ", "kid"} or header.get("typ", "JWT") != "JWT":
        raise BadToken(f"header {header}")
    try:
        public_key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise BadToken("the signature does not fit", signature=True) from None
    return header, claims
