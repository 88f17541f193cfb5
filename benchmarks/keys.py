"""What clients want to see before they write: a service account, and a certificate of Google's hosts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from airflow_kafka_bq.testing.kafka.certificate import self_signed

PASSWORD = "of a store that holds one certificate"  # noqa: S105  # Java asks for one
_HOSTS = ("*.googleapis.com", "www.googleapis.com")
_PEM, _PLAIN = serialization.Encoding.PEM, serialization.NoEncryption()


@dataclass(frozen=True, slots=True)
class Keys:
    """Files of one folder.

    Attributes:
        server: Private key and certificate, for the sink.
        authority: The certificate alone, for clients.
        store: The same for Java, opened with ``PASSWORD``.
        account: A service account's file, once the sink's address is known.
    """

    folder: Path

    @property
    def server(self) -> Path:
        return self.folder / "server.pem"

    @property
    def authority(self) -> Path:
        return self.folder / "authority.pem"

    @property
    def store(self) -> Path:
        return self.folder / "authority.p12"

    @property
    def account(self) -> Path:
        return self.folder / "account.json"


def made(folder: Path) -> Keys:
    """The key pair and its certificate, for a week and for this machine's clients alone."""
    keys, private = Keys(folder), _private()
    certificate = self_signed(private, "sink", [x509.DNSName(host) for host in _HOSTS])
    text = certificate.public_bytes(_PEM)
    keys.server.touch(mode=0o600)
    keys.server.write_bytes(_text(private) + text)
    keys.authority.write_bytes(text)
    only = pkcs12.PKCS12Certificate(certificate, b"sink")
    keys.store.write_bytes(
        pkcs12.serialize_java_truststore([only], serialization.BestAvailableEncryption(PASSWORD.encode()))
    )
    return keys


def write_account(keys: Keys, project: str, sink: str) -> None:
    """A service account whose tokens the sink gives out."""
    named = {"type": "service_account", "project_id": project, "client_id": "1", "private_key_id": "sink"}
    told = {
        "private_key": _text(_private()).decode(),
        "client_email": f"bench@{project}.iam",
        "token_uri": f"{sink}/token",
    }
    keys.account.touch(mode=0o600)
    keys.account.write_text(json.dumps({**named, **told}))


def _private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


def _text(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, _PLAIN)
