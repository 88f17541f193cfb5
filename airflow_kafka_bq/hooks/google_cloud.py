"""A Google connection as a BigQuery client. The Google provider is used where it is installed, and never needed."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from typing import Any

from airflow_kafka_bq._airflow import AirflowException, connection
from airflow_kafka_bq.bigquery.access import valid_token
from airflow_kafka_bq.bigquery.client import connect, is_local, login
from airflow_kafka_bq.bigquery.errors import translated
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.kafka.tokens import AccessToken

DEFAULT = "google_cloud_default"
_PREFIX = "extra__google_cloud_platform__"
# extra of the connection -> setting of ours
_SETTINGS = {
    "project": "project",
    "location": "location",
    "api_endpoint": "api_endpoint",
    "key_path": "credentials_file",
    "keyfile_dict": "credentials_json",
    "quota_project_id": "quota_project",
    "is_anonymous": "anonymous",
}
_ONLY_PROVIDER = ("key_secret_name", "idp_issuer_url")


class GoogleLogin:
    """The login of one Google connection.

    :param conn_id: connection of type ``google_cloud_platform`` or ``gcpbigquery``; the default one need not exist:
        then the default credentials of the machine are used.
    :param project_id: instead of the connection's. :param impersonation_chain: as in the Google provider.
    :raises ConfigError: the connection is not there, or asks for what only the Google provider can.
    """

    def __init__(
        self,
        conn_id: str = DEFAULT,
        project_id: str | None = None,
        impersonation_chain: str | tuple[str, ...] | None = None,
    ) -> None:
        self._conn_id = conn_id
        found = connection(conn_id, DEFAULT)
        self._defined = found is not None
        extra = {name.removeprefix(_PREFIX): value for name, value in (found or {}).items() if value not in ("", None)}
        self._settings = _settings_of(extra)
        if project_id:
            self._settings["project"] = project_id
        self._chain = impersonation_chain or _chain_of(extra.get("impersonation_chain"))
        self._needs_provider = [name for name in _ONLY_PROVIDER if extra.get(name)]
        self._credentials: Any = None

    @classmethod
    def of(cls, config: JobConfig) -> GoogleLogin:
        """The login that a job names."""
        return cls(config.gcp_conn_id, config.project_id, config.impersonation_chain)

    @property
    def location(self) -> str | None:
        """Location of the datasets, where the connection names one."""
        return self._settings.get("location")

    def client(self) -> Any:
        """``google.cloud.bigquery.Client``; no request is made, but a login may be.

        :raises AccessDeniedError: no usable credentials.
        """
        endpoint = self._settings.get("api_endpoint") or os.environ.get("BIGQUERY_EMULATOR_HOST")
        if is_local(endpoint) or self._settings.get("anonymous") == "true":
            return connect(self._settings)
        if not self._by_provider():
            return connect(self._settings, impersonation_chain=self._chain)
        credentials, project = self._from_provider()
        return connect(self._settings, project, credentials=credentials)

    def access_token(self) -> AccessToken:
        """A valid token of this login, for Google's managed Kafka. Each call after the first costs a login at most."""
        if self._credentials is None:
            found = self._from_provider() if self._by_provider() else login(self._settings, self._chain)
            self._credentials = found[0]
        return AccessToken(*valid_token(self._credentials))

    def _by_provider(self) -> bool:
        installed = self._defined and _has_google_provider()
        if self._needs_provider and not installed:
            raise ConfigError(
                f"Google connection {self._conn_id!r}: {self._needs_provider[0]} needs the Google provider",
                remedy="pip install 'airflow-provider-kafka-bq[google]'",
            )
        return installed

    def _from_provider(self) -> tuple[Any, str | None]:
        from airflow.providers.google.common.hooks.base_google import GoogleBaseHook  # type: ignore[import-not-found]

        chain = list(self._chain) if isinstance(self._chain, tuple) else self._chain
        try:
            hook = GoogleBaseHook(gcp_conn_id=self._conn_id, impersonation_chain=chain)
            credentials, project = hook.get_credentials_and_project_id()
        except AirflowException as error:  # a malformed key, say
            raise ConfigError(f"Google connection {self._conn_id!r}: {error}") from error
        except Exception as error:
            raise translated(error, f"Google connection {self._conn_id!r}") from error
        return credentials, project


def _has_google_provider() -> bool:
    try:
        return importlib.util.find_spec("airflow.providers.google") is not None
    except ModuleNotFoundError:
        return False


def _settings_of(extra: Mapping[str, Any]) -> dict[str, Any]:
    settings = {ours: extra[theirs] for theirs, ours in _SETTINGS.items() if theirs in extra}
    if "credential_config_file" in extra:  # external accounts: a file, or its content
        value = extra["credential_config_file"]
        inline = isinstance(value, dict) or str(value).lstrip().startswith("{")
        settings["credentials_json" if inline else "credentials_file"] = value
    if "anonymous" in settings:
        settings["anonymous"] = str(settings["anonymous"]).lower()
    return settings


def _chain_of(value: Any) -> str | tuple[str, ...] | None:
    """As in the Google provider: a list, or accounts with commas between them."""
    if isinstance(value, str):
        accounts = tuple(one.strip() for one in value.split(",") if one.strip())
        return accounts or None
    return tuple(value) if value else None
