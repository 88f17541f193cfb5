"""A self-signed certificate for a listener on 127.0.0.1."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

_VALID = datetime.timedelta(days=7)


def write_self_signed(directory: Path) -> tuple[Path, Path]:
    """Write ``server.pem`` (private key and certificate) and ``ca.pem`` (the certificate alone, for clients).

    :returns: the two paths, in that order. The certificate is for ``127.0.0.1`` and ``localhost``, for seven days.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = self_signed(key, "localhost", hosts).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    server, authority = directory / "server.pem", directory / "ca.pem"
    server.touch(mode=0o600)
    server.write_bytes(private + certificate)
    authority.write_bytes(certificate)
    return server, authority


def self_signed(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, common_name: str, hosts: Sequence[x509.GeneralName]
) -> x509.Certificate:
    """A certificate of these hosts that is its own authority, for seven days."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # a clock that runs behind must not refuse it
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
