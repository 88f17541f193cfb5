"""An Airflow connection as settings of the schema registry's client."""

from __future__ import annotations

from typing import Any

from airflow_kafka_bq._airflow import AirflowNotFoundException, BaseHook
from airflow_kafka_bq.exceptions import ConfigError


def registry_settings(conn_id: str | None) -> dict[str, Any]:
    """Settings by their dotted names: the connection's extra, and where it says nothing, its host, login and password.

    :param conn_id: a connection of any type, such as ``http``; None: there are no settings here.
    :raises ConfigError: no such connection.
    """
    if conn_id is None:
        return {}
    try:
        found = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise ConfigError(
            f"schema registry connection {conn_id!r} is not defined",
            remedy=f"airflow connections add {conn_id} --conn-type http --conn-host https://… --conn-login … "
            "--conn-password …",
        ) from error
    settings: dict[str, Any] = {}
    if found.host:
        settings["url"] = _url(found)
    if found.login:
        settings["basic.auth.user.info"] = f"{found.login}:{found.password or ''}"
    return settings | dict(found.extra_dejson)


def _url(found: Any) -> str:
    """The host may be a whole address, or need the scheme and the port beside it."""
    if "://" in found.host:
        return str(found.host)
    scheme = found.schema if found.schema in {"http", "https"} else "https"
    return f"{scheme}://{found.host}" + (f":{found.port}" if found.port else "")
