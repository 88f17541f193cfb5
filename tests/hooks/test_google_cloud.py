"""A Google connection as a client: every form of login, with and without the Google provider."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError
from google.auth.identity_pool import Credentials as External
from google.auth.impersonated_credentials import Credentials as Impersonated
from google.oauth2.service_account import Credentials as ServiceAccount

from airflow_kafka_bq.bigquery import client as room
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import AccessDeniedError, ConfigError
from airflow_kafka_bq.hooks import google_cloud
from airflow_kafka_bq.hooks.google_cloud import GoogleLogin
from tests import airflow_home

LOCAL = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(google_cloud, "_has_google_provider", lambda: False)


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
        "client_email": "loader@keyed.iam.gserviceaccount.com",
        "token_uri": "http://127.0.0.1:9/token",
        "private_key": pem.decode(),
    }


def login(extra: dict[str, Any], **parameters: Any) -> GoogleLogin:
    with airflow_home.connections(google_test=extra):
        return GoogleLogin("google_test", **parameters)


def test_a_key_file(key: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key))
    found = login({"key_path": str(path)}).client()
    assert isinstance(found._credentials, ServiceAccount)
    assert found.project == "keyed"


@pytest.mark.parametrize("prefix", ["", "extra__google_cloud_platform__"])
@pytest.mark.parametrize("as_text", [True, False])
def test_a_key_in_the_connection(key: dict[str, str], prefix: str, as_text: bool) -> None:
    extra = {f"{prefix}keyfile_dict": json.dumps(key) if as_text else key, f"{prefix}project": "mine"}
    found = login(extra).client()
    assert (found._credentials.service_account_email, found.project) == (key["client_email"], "mine")


def test_the_project_of_the_task_comes_first(key: dict[str, str]) -> None:
    assert login({"keyfile_dict": key, "project": "mine"}, project_id="other").client().project == "other"


def test_an_external_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Google's library logs in to ask for the project as soon as it sees such a configuration.
    monkeypatch.setattr(External, "get_project_id", lambda *_, **__: None)
    source = tmp_path / "token"
    source.write_text("x")
    config = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": str(source)},
    }
    path = tmp_path / "external.json"
    path.write_text(json.dumps(config))
    for value in (str(path), json.dumps(config), config):
        found = login({"credential_config_file": value, "project": "mine"}).client()
        assert isinstance(found._credentials, External)


def test_an_impersonation_chain_of_the_connection_or_of_the_task(key: dict[str, str]) -> None:
    extra = {"keyfile_dict": key, "impersonation_chain": "b@x, a@x"}
    found = login(extra).client()._credentials
    assert isinstance(found, Impersonated)
    assert (found._target_principal, found._delegates) == ("a@x", ["b@x"])
    assert login(extra, impersonation_chain="c@x").client()._credentials._target_principal == "c@x"


def test_a_quota_project(key: dict[str, str]) -> None:
    assert login({"keyfile_dict": key, "quota_project_id": "payer"}).client()._credentials.quota_project_id == "payer"


@pytest.mark.parametrize("extra", [{"is_anonymous": True}, {"is_anonymous": "True"}, {"api_endpoint": LOCAL}])
def test_anonymous(extra: dict[str, Any]) -> None:
    assert isinstance(login({**extra, "project": "mine"}).client()._credentials, AnonymousCredentials)
    with pytest.raises(ConfigError, match="project is missing"):
        login(extra).client()


def test_the_emulator_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", LOCAL)
    found = login({"project": "mine"}).client()
    assert (found._connection.API_BASE_URL, type(found._credentials)) == (LOCAL, AnonymousCredentials)


def test_without_a_default_connection_the_machines_credentials_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", raising=False)
    monkeypatch.setattr(room, "default", lambda **_: (AnonymousCredentials(), "machine"))
    assert GoogleLogin().client().project == "machine"

    def none(**_: Any) -> Any:
        raise DefaultCredentialsError("Your default credentials were not found.")

    monkeypatch.setattr(room, "default", none)
    with pytest.raises(AccessDeniedError, match="credentials"):
        GoogleLogin().client()


def test_a_connection_that_was_named_must_be_there() -> None:
    with pytest.raises(ConfigError, match="'google_nowhere' is not defined"):
        GoogleLogin("google_nowhere")


@pytest.mark.parametrize("name", ["key_secret_name", "idp_issuer_url"])
def test_what_only_the_provider_can_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} needs the Google provider") as caught:
        login({name: "x", "project": "mine"}).client()
    assert "[google]" in str(caught.value.remedy)


def test_a_broken_key_shows_nothing_of_itself(key: dict[str, str]) -> None:
    broken = {**key, "private_key": "-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----\n"}
    for value in (json.dumps(broken), json.dumps(broken)[:-20]):
        with pytest.raises((ConfigError, AccessDeniedError)) as caught:
            login({"keyfile_dict": value}).client()
        assert "CANARY" not in f"{caught.value!r} {caught.value} {caught.value.__cause__}"


def test_the_location_of_the_connection_is_known() -> None:
    assert login({"location": "EU", "project": "p", "is_anonymous": True}).location == "EU"


def test_the_provider_is_used_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    asked: list[dict[str, Any]] = []

    class Provided:
        def __init__(self, **named: Any) -> None:
            asked.append(named)

        def get_credentials_and_project_id(self) -> tuple[Any, str]:
            return AnonymousCredentials(), "provided"

    module = ModuleType("airflow.providers.google.common.hooks.base_google")
    module.GoogleBaseHook = Provided  # type: ignore[attr-defined]
    for name in (
        "airflow.providers.google",
        "airflow.providers.google.common",
        "airflow.providers.google.common.hooks",
    ):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(google_cloud, "_has_google_provider", lambda: True)
    found = login({"key_secret_name": "x"}, impersonation_chain=("b@x", "a@x"))
    assert found.client().project == "provided"
    assert asked == [{"gcp_conn_id": "google_test", "impersonation_chain": ["b@x", "a@x"]}]


def test_a_job_names_its_login() -> None:
    with airflow_home.connections(google_test={"api_endpoint": LOCAL}):
        config = JobConfig.of(topic="t", table="d.t", gcp_conn_id="google_test", project_id="mine")
        assert GoogleLogin.of(config).client().project == "mine"
