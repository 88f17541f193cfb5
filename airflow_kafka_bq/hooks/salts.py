"""Salts of hashed columns, out of Airflow's connections."""

from __future__ import annotations

from airflow_kafka_bq._airflow import AirflowNotFoundException, BaseHook
from airflow_kafka_bq.exceptions import ConfigError


def salt_of(conn_id: str) -> str:
    """The password of a connection of any type.

    :raises ConfigError: no such connection, or it has no password.
    """
    remedy = f"airflow connections add {conn_id} --conn-type generic --conn-password …"
    try:
        found = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise ConfigError(
            f"a column is hashed with the salt of connection {conn_id!r}, which is not defined", remedy=remedy
        ) from error
    if not found.password:
        raise ConfigError(f"connection {conn_id!r} has no password, and a column is hashed with it", remedy=remedy)
    return str(found.password)
