"""A BigQuery client from a job file's ``bigquery:`` section, or from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from google.api_core.client_options import ClientOptions
from google.auth import default, impersonated_credentials, load_credentials_from_file
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from airflow_kafka_bq.bigquery.errors import translated
from airflow_kafka_bq.exceptions import ConfigError

SETTINGS = {"project", "location", "api_endpoint", "credentials_file", "quota_project"}
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def connect(
    settings: Mapping[str, Any], project: str | None = None, impersonation_chain: str | tuple[str, ...] | None = None
) -> bigquery.Client:
    """Build a client; no request is made.

    An ``api_endpoint`` on loopback, or ``BIGQUERY_EMULATOR_HOST``, means a local server: anonymous credentials.

    :raises ConfigError: a setting is unknown or malformed.
    :raises AccessDeniedError: no usable credentials.
    """
    extra = sorted(set(settings) - SETTINGS)
    if extra:
        message = f"bigquery: unknown setting {extra[0]!r}"
        raise ConfigError(message, remedy=f"the settings are {sorted(SETTINGS)}")
    endpoint = settings.get("api_endpoint") or os.environ.get("BIGQUERY_EMULATOR_HOST")
    named = settings.get("project") or project
    if endpoint and _is_loopback(str(endpoint)):
        options = ClientOptions(api_endpoint=str(endpoint))
        return bigquery.Client(named, AnonymousCredentials(), client_options=options)
    try:
        credentials, found = _credentials(settings, impersonation_chain)
        options = ClientOptions(api_endpoint=endpoint) if endpoint else ClientOptions()
        return bigquery.Client(named or found, credentials, client_options=options)
    except (GoogleAuthError, OSError, ValueError) as error:
        raise translated(error, "BigQuery credentials") from error


def _is_loopback(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = f"bigquery: {endpoint!r} is not an address"
        raise ConfigError(message, remedy="write the scheme too: http://localhost:9050")
    return parts.hostname in _LOOPBACK


def _credentials(
    settings: Mapping[str, Any], impersonation_chain: str | tuple[str, ...] | None
) -> tuple[Credentials, str | None]:
    if path := settings.get("credentials_file"):
        credentials, project = load_credentials_from_file(str(path), scopes=_SCOPES)
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
