"""A BigQuery client from a job file's ``bigquery:`` section, from a connection, or from the environment."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from google.api_core.client_options import ClientOptions
from google.auth import default, impersonated_credentials, load_credentials_from_dict
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.oauth2 import service_account

from airflow_kafka_bq.bigquery.errors import translated
from airflow_kafka_bq.exceptions import ConfigError

SETTINGS = {
    "project", "location", "api_endpoint", "credentials_file", "credentials_json", "quota_project", "anonymous",
}  # fmt: skip
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def connect(
    settings: Mapping[str, Any],
    project: str | None = None,
    impersonation_chain: str | tuple[str, ...] | None = None,
    credentials: Credentials | None = None,
) -> bigquery.Client:
    """Build a client; no request is made.

    An ``api_endpoint`` on loopback, or ``BIGQUERY_EMULATOR_HOST``, means a local server: anonymous credentials.

    :param settings: see ``SETTINGS``. Files and JSON hold a service account's key, or external or user credentials.
    :param credentials: ready ones, instead of those that ``settings`` or the environment describe.
    :raises ConfigError: a setting is unknown or malformed.
    :raises AccessDeniedError: no usable credentials.
    """
    extra = sorted(set(settings) - SETTINGS)
    if extra:
        message = f"bigquery: unknown setting {extra[0]!r}"
        raise ConfigError(message, remedy=f"the settings are {sorted(SETTINGS)}")
    endpoint = settings.get("api_endpoint") or os.environ.get("BIGQUERY_EMULATOR_HOST")
    options = ClientOptions(api_endpoint=str(endpoint)) if endpoint else ClientOptions()
    named = settings.get("project") or project
    if is_local(endpoint) or str(settings.get("anonymous", "")).lower() == "true":
        if not named:  # or the client would look for default credentials only to learn a project
            raise ConfigError("bigquery: project is missing", remedy="anonymous credentials do not name a project")
        return bigquery.Client(named, AnonymousCredentials(), client_options=options)
    try:
        found = None
        if credentials is None:
            credentials, found = _credentials(settings, impersonation_chain)
        return bigquery.Client(named or found, credentials, client_options=options)
    except (GoogleAuthError, OSError, ValueError) as error:
        raise translated(error, "BigQuery credentials") from error


def is_local(endpoint: str | None) -> bool:
    """Whether an address is on loopback. :raises ConfigError: it is no address, or one with a secret in it."""
    if not endpoint:
        return False
    if any(mark in endpoint for mark in "@?#"):  # every error of Google's client quotes the address, and all log it
        remedy = "write http://host:port alone; a login belongs into credentials_file or credentials_json"
        raise ConfigError("bigquery: api_endpoint holds a login, a query or a fragment", remedy=remedy)
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = f"bigquery: {endpoint!r} is not an address"
        raise ConfigError(message, remedy="write the scheme too: http://localhost:9050")
    return parts.hostname in _LOOPBACK


def login(
    settings: Mapping[str, Any], impersonation_chain: str | tuple[str, ...] | None = None
) -> tuple[Credentials, str | None]:
    """Credentials and the project that they name, for other services of Google's than BigQuery.

    :raises ConfigError, AccessDeniedError: as :func:`connect`.
    """
    try:
        return _credentials(settings, impersonation_chain)
    except (GoogleAuthError, OSError, ValueError) as error:
        raise translated(error, "Google credentials") from error


def _credentials(
    settings: Mapping[str, Any], impersonation_chain: str | tuple[str, ...] | None
) -> tuple[Credentials, str | None]:
    credentials: Any
    if text := settings.get("credentials_json"):
        credentials, project = _loaded(_parsed("credentials_json", text))
    elif path := settings.get("credentials_file"):
        credentials, project = _loaded(_parsed("credentials_file", _content(Path(str(path)))))
    else:
        credentials, project = default(scopes=_SCOPES)
    if quota := settings.get("quota_project"):
        credentials = credentials.with_quota_project(quota)
    if impersonation_chain:
        chain = [impersonation_chain] if isinstance(impersonation_chain, str) else list(impersonation_chain)
        credentials = impersonated_credentials.Credentials(
            source_credentials=credentials, target_principal=chain[-1], delegates=chain[:-1], target_scopes=_SCOPES
        )
    return credentials, project


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"bigquery: credentials_file {path} cannot be read: {type(error).__name__}") from error


def _parsed(name: str, found: Any) -> dict[str, Any]:
    try:
        return dict(json.loads(found) if isinstance(found, str) else found)
    except (TypeError, ValueError):
        raise ConfigError(f"bigquery: {name} is not JSON") from None  # the cause would show a part of the key


def _loaded(info: dict[str, Any]) -> tuple[Credentials, str | None]:
    """Credentials of any type that Google's tools write: a service account's key, a user's, an external account's."""
    if info.get("type") == "service_account":
        return service_account.Credentials.from_service_account_info(info, scopes=_SCOPES), info.get("project_id")
    with warnings.catch_warnings():
        # Google warns of configurations that strangers send. These come from the operator of this machine.
        warnings.simplefilter("ignore", DeprecationWarning)
        credentials, project = load_credentials_from_dict(info, scopes=_SCOPES)
        return credentials, project
