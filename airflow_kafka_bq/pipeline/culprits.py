"""Rows that make a function of the job fail: found by bisection, and made dead letters.

Otherwise one message that ``filter`` or ``transform`` does not take would block its topic for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pyarrow as pa

from airflow_kafka_bq.exceptions import BadMessagesError, ConfigError
from airflow_kafka_bq.formats.parser import Bad
from airflow_kafka_bq.pipeline.isolate import find_bad

T = TypeVar("T")


def without_culprits(
    parameter: str, rows: pa.Table, origins: Any, call: Callable[[pa.Table], T]
) -> tuple[T, Any, list[Bad]]:
    """(what ``call`` returns, mask of the rows that it was given or None for all, those that it fails for).

    A function that fails for no rows at all, or for more than a hundred, is broken: that is no message's fault.

    :param parameter: ``filter`` or ``transform``. :param origins: index of each row's message.
    :raises ConfigError: the function is broken, or returned what it must not.
    """
    try:
        return call(rows), None, []
    except ConfigError as error:
        if error.__cause__ is None:  # what it returned is wrong, whatever the rows are
            raise
        found = _culprits(rows, call, error)
        cause = type(error.__cause__).__name__
    kept = pa.array([index not in found for index in range(rows.num_rows)])
    said = f"{parameter} raised {cause}, or returned what has no place in a column"
    numbers: list[Any] = origins.take(pa.array(found, pa.int64())).to_pylist()
    bad = [Bad(index, "transform", f"{parameter}_failed", said) for index in numbers]
    return call(rows.filter(kept)), kept, bad


def _culprits(rows: pa.Table, call: Callable[[pa.Table], object], error: ConfigError) -> list[int]:
    def rejected(first: int, last: int) -> str | None:
        try:
            call(rows.slice(first, last - first + 1))
        except ConfigError as failed:
            return failed.message
        return None

    try:
        call(rows.slice(0, 0))
        found = sorted(find_bad(rows.num_rows, rejected))
    except (ConfigError, BadMessagesError):
        raise error from error.__cause__
    if not found:
        raise error from error.__cause__  # only several rows together make it fail
    return found
