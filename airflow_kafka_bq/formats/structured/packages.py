"""Packages that only some formats need."""

from __future__ import annotations

import importlib
from typing import Any

from airflow_kafka_bq.exceptions import ConfigError


def needed(module: str, extra: str) -> Any:
    """Import a package of an extra.

    :raises ConfigError: it is not installed; names the extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        remedy = f"pip install 'airflow-provider-kafka-bq[{extra}]'"
        raise ConfigError(
            f"the format {extra} needs the package {module}, which is not installed", remedy=remedy
        ) from error
