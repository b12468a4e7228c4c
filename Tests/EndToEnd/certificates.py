# Certificates for one run: an authority, a good leaf, and one leaf for each way a certificate can be wrong.
# Everything is made at run time in a temporary directory, so no key is ever committed and none expires.

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


@dataclass
class Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@dataclass
class Leaf:
    """Two files in PEM: the certificate (with its chain) and its private key."""

    certificate: str
    private_key: str


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject, issuer, public_key, not_before, not_after):
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def make_authority(common_name):
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    name = _name(common_name)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )
    certificate = (
        _builder(name, name, key.public_key(), now - DAY, now + 30 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(key, certificate)


def make_leaf(directory, label, authority, names, not_before=None, not_after=None,
              usage=ExtendedKeyUsageOID.SERVER_AUTH):
    """Signs a leaf; `authority=None` makes it sign itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = _name(names[0])
    alternatives = []
    for name in names:
        try:
            alternatives.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            alternatives.append(x509.DNSName(name))
    issuer = authority.certificate.subject if authority else subject
    issuer_key = authority.key if authority else key
    certificate = (
        _builder(subject, issuer, key.public_key(), not_before or now - DAY, not_after or now + 30 * DAY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
        .sign(issuer_key, hashes.SHA256())
    )
    certificate_file = directory / f"{label}.pem"
    key_file = directory / f"{label}.key"
    chain = certificate.public_bytes(serialization.Encoding.PEM)
    if authority:
        chain += authority.certificate.public_bytes(serialization.Encoding.PEM)
    certificate_file.write_bytes(chain)
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    key_file.chmod(0o600)
    return Leaf(str(certificate_file), str(key_file))


class Certificates:
    """`ca_file` is what the gateway is told to trust; each leaf but `good` must be refused."""

    def __init__(self, directory: Path):
        now = datetime.datetime.now(datetime.timezone.utc)
        local = ["localhost", "127.0.0.1", "::1"]
        trusted, stranger = make_authority("Test authority"), make_authority("Another authority")
        self.authority = trusted
        self.ca_file = str(directory / "ca.pem")
        Path(self.ca_file).write_bytes(trusted.certificate.public_bytes(serialization.Encoding.PEM))
        self.good = make_leaf(directory, "good", trusted, local)
        self.expired = make_leaf(directory, "expired", trusted, local, now - 9 * DAY, now - 2 * DAY)
        self.not_yet_valid = make_leaf(directory, "early", trusted, local, now + 2 * DAY, now + 9 * DAY)
        self.wrong_host = make_leaf(directory, "wrong-host", trusted, ["elsewhere.example", "10.9.8.7"])
        self.other_authority = make_leaf(directory, "stranger", stranger, local)
        self.self_signed = make_leaf(directory, "self-signed", None, local)
