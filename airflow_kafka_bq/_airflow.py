"""The one door to Airflow's names, and the one place where our errors become Airflow's."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowOptionalProviderFeatureException,
    BaseHook,
    BaseOperator,
    BaseOperatorLink,
    BaseSensorOperator,
    Context,
    PokeReturnValue,
    TaskGroup,
    Variable,
    XCom,
    conf,
)
from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from jinja2 import UndefinedError

from airflow_kafka_bq.exceptions import ConfigError, IngestError, TransientError

log = logging.getLogger(__name__)


def failure(error: IngestError) -> AirflowException:
    """The exception to raise ``from`` an error of ours: Airflow retries after a transient one, never after another."""
    kind = AirflowException if isinstance(error, TransientError) else AirflowFailException
    return kind(f"{type(error).__name__}: {error}")


def connection(conn_id: str, default: str) -> dict[str, Any] | None:
    """A connection's extra; None where the default connection is not defined.

    :raises ConfigError: a connection that was named is not there.
    """
    try:
        return dict(BaseHook.get_connection(conn_id).extra_dejson)
    except AirflowNotFoundException as error:
        if conn_id == default:
            return None
        raise ConfigError(
            f"connection {conn_id!r} is not defined", remedy=f"airflow connections add {conn_id} …, or name another one"
        ) from error


def variable(key: str) -> str | None:
    """An Airflow variable's text; None where there is none."""
    found: str | None = Variable.get(key, default=None)
    return found


def in_dag_processor() -> bool:
    """Whether this process parses a DAG file for Airflow's DAG processor, and neither runs a task nor a command."""
    parses = "airflow.dag_processing.processor" in sys.modules
    return parses and os.environ.get("_AIRFLOW_PROCESS_CONTEXT") == "client"


def dag_bag(folder: Path) -> Any:
    """The DAGs of a folder, each file loaded in this process."""
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # Airflow 3.1
        from airflow.models.dagbag import DagBag  # type: ignore[no-redef]
    if str(folder) not in sys.path:
        sys.path.append(str(folder))  # as the DAG processor has it, for what the files import from beside them
    return DagBag(dag_folder=folder)


__all__ = [
    "DAG",
    "AirflowException",
    "AirflowFailException",
    "AirflowNotFoundException",
    "AirflowOptionalProviderFeatureException",
    "BaseEventTrigger",
    "BaseHook",
    "BaseOperator",
    "BaseOperatorLink",
    "BaseSensorOperator",
    "Context",
    "PokeReturnValue",
    "TaskGroup",
    "TriggerEvent",
    "UndefinedError",
    "XCom",
    "conf",
    "connection",
    "dag_bag",
    "failure",
    "in_dag_processor",
    "variable",
]
