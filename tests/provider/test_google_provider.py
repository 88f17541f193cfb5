"""With the Google provider installed, its hook makes the credentials of a connection: all forms that it knows."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.impersonated_credentials import Credentials as Impersonated

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.hooks.google_cloud import GoogleLogin
from tests import airflow_home

ACCOUNT = "loader@keyed.iam.gserviceaccount.com"
pytestmark = [
    pytest.mark.airflow,
    pytest.mark.skipif(
        importlib.util.find_spec("airflow.providers.google") is None, reason="the Google provider is not installed"
    ),
]


@pytest.fixture(scope="module")
def key() -> dict[str, str]:
    """A service account's key that opens nothing."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "keyed",
        "client_email": ACCOUNT,
        "token_uri": "http://127.0.0.1:9/token",
        "private_key": pem.decode(),
    }


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The connections that the provider's hook was asked for."""
    from airflow.providers.google.common.hooks.base_google import GoogleBaseHook  # type: ignore[import-not-found]  # optional

    connections: list[str] = []
    real = GoogleBaseHook.get_credentials_and_project_id

    def noted(self: Any) -> Any:
        connections.append(self.gcp_conn_id)
        return real(self)

    monkeypatch.setattr(GoogleBaseHook, "get_credentials_and_project_id", noted)
    return connections


def client_of(extra: dict[str, Any], **parameters: Any) -> Any:
    with airflow_home.connections(google_test=extra):
        return GoogleLogin("google_test", **parameters).client()


def test_a_key_in_the_connection_is_read_by_the_provider(key: dict[str, str], asked: list[str]) -> None:
    found = client_of({"keyfile_dict": json.dumps(key)})
    assert asked == ["google_test"]
    assert (found._credentials.service_account_email, found.project) == (ACCOUNT, "keyed")


def test_a_key_file_is_read_by_the_provider(key: dict[str, str], tmp_path: Path, asked: list[str]) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key), "utf-8")
    found = client_of({"key_path": str(path), "project": "mine"})
    assert asked == ["google_test"]
    assert (found._credentials.service_account_email, found.project) == (ACCOUNT, "mine")


@pytest.mark.parametrize("chain", ["target@keyed.iam.gserviceaccount.com", ("first@k.com", "target@k.com")], ids=type)
def test_an_impersonation_chain_is_followed(key: dict[str, str], chain: Any, asked: list[str]) -> None:
    found = client_of({"keyfile_dict": json.dumps(key)}, impersonation_chain=chain)
    assert asked == ["google_test"]
    assert isinstance(found._credentials, Impersonated)
    assert str(found._credentials.service_account_email).startswith("target@")


def test_a_quota_project_is_kept(key: dict[str, str], asked: list[str]) -> None:
    found = client_of({"keyfile_dict": json.dumps(key), "quota_project_id": "pays-for-it"})
    assert asked == ["google_test"]
    assert found._credentials.quota_project_id == "pays-for-it"


def test_a_malformed_key_is_told_with_the_connection_and_without_the_key(asked: list[str]) -> None:
    with pytest.raises(ConfigError, match="google_test") as caught:
        client_of({"keyfile_dict": '{"type": "service_account", "private_key": "CANARY"'})
    assert asked == ["google_test"]
    assert "CANARY" not in f"{caught.value!r} {caught.value} {caught.value.__cause__}"


def test_an_endpoint_on_this_machine_needs_no_login(asked: list[str]) -> None:
    assert client_of({"project": "demo", "api_endpoint": "http://127.0.0.1:9"}).project == "demo"
    assert asked == []
