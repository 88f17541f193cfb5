from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError
from google.auth.impersonated_credentials import Credentials as Impersonated

from airflow_kafka_bq.bigquery import client as room
from airflow_kafka_bq.bigquery.client import connect
from airflow_kafka_bq.exceptions import AccessDeniedError, ConfigError


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)


class Credentials(AnonymousCredentials):
    """Credentials of a test, which remember the quota project."""

    quota: str | None = None

    def with_quota_project(self, quota_project_id: str) -> Credentials:
        found = Credentials()  # type: ignore[no-untyped-call]
        found.quota = quota_project_id
        return found


def _found(**_: Any) -> tuple[Credentials, str]:
    return Credentials(), "found"  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("address", ["http://localhost:9050", "http://127.0.0.1:1", "https://[::1]:9050"])
def test_loopback_needs_no_credentials(address: str) -> None:
    found = connect({"project": "demo", "api_endpoint": address})
    assert isinstance(found._credentials, AnonymousCredentials)
    assert found.project == "demo"
    assert address == found._connection.API_BASE_URL


def test_the_environment_names_a_local_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9050")
    found = connect({}, "other")
    assert (found.project, found._connection.API_BASE_URL) == ("other", "http://127.0.0.1:9050")


@pytest.mark.parametrize("address", ["localhost:9050", "http://", "ftp://localhost"])
def test_an_address_needs_its_scheme(address: str) -> None:
    with pytest.raises(ConfigError, match="is not an address"):
        connect({"project": "demo", "api_endpoint": address})


@pytest.mark.parametrize(
    "address", ["http://me:c4n4ry@localhost:9050", "me:c4n4ry@host", "http://host?key=c4n4ry", "http://host/#c4n4ry"]
)
def test_an_address_with_a_secret_is_refused_without_it(address: str) -> None:
    """Google's client quotes its address in every error."""
    with pytest.raises(ConfigError, match="holds a login, a query or a fragment") as caught:
        connect({"project": "demo", "api_endpoint": address})
    assert "c4n4ry" not in str(caught.value)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ConfigError, match="'projekt'"):
        connect({"projekt": "demo"})


def test_no_credentials_are_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_: Any) -> Any:
        raise DefaultCredentialsError("Your default credentials were not found.")

    monkeypatch.setattr(room, "default", none)
    with pytest.raises(AccessDeniedError, match="credentials"):
        connect({"project": "demo"})


def test_a_broken_key_file_is_an_error_of_ours_without_the_key(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    key = "-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----\n"
    path.write_text(json.dumps({"type": "service_account", "private_key": key, "client_email": "a@b"}), "utf-8")
    with pytest.raises((AccessDeniedError, ConfigError)) as caught:
        connect({"project": "demo", "credentials_file": str(path)})
    assert "CANARY" not in str(caught.value)
    with pytest.raises((AccessDeniedError, ConfigError)):
        connect({"project": "demo", "credentials_file": str(tmp_path / "missing.json")})


def test_default_credentials_with_a_quota_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "default", _found)
    found = connect({"quota_project": "payer"})
    assert (found.project, found._credentials.quota) == ("found", "payer")
    elsewhere = connect({"project": "mine", "api_endpoint": "https://bigquery.example.com"})
    assert (elsewhere.project, elsewhere._connection.API_BASE_URL) == ("mine", "https://bigquery.example.com")


@pytest.mark.parametrize(("chain", "delegates"), [("a@x", []), (("b@x", "c@x", "a@x"), ["b@x", "c@x"])])
def test_impersonation(monkeypatch: pytest.MonkeyPatch, chain: Any, delegates: list[str]) -> None:
    monkeypatch.setattr(room, "default", _found)
    found = connect({}, impersonation_chain=chain)._credentials
    assert isinstance(found, Impersonated)
    assert (found._target_principal, found._delegates) == ("a@x", delegates)
