"""How a run may end while faults are about: as asked, or with an error that has a name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow_kafka_bq import exceptions
from airflow_kafka_bq.exceptions import IngestError, TransientError


def error_of(document: dict[str, Any]) -> type[IngestError] | None:
    """The class that a failure names; None where it names none of ours."""
    found = getattr(exceptions, str(document.get("error")), None)
    return found if isinstance(found, type) and issubclass(found, IngestError) else None


def is_named(document: dict[str, Any], terminal: Collection[str]) -> bool:
    """Whether it is an error to run again from, or one of these that need a person; and says where and what to do.

    :param terminal: names of errors that the faults of the round explain.
    """
    error = error_of(document)
    if error is None or not document.get("message") or not document.get("topic"):
        return False
    return issubclass(error, TransientError) or error.__name__ in terminal
