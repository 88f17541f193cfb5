"""What a run in slices takes of a job's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_kafka_bq.exceptions import ConfigError

MOST = 1_000
"""Mapped tasks that Airflow makes of one list, unless ``[core] max_map_length`` says otherwise."""
_BOUNDS = ("max_messages", "max_bytes", "max_seconds")


class SliceCount(int):
    """How many slices a run has at most."""

    @classmethod
    def of(cls, value: object) -> SliceCount:
        """:raises ConfigError: it is no number of slices."""
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST:
            return cls(value)
        raise ConfigError(f"slices={value!r}: expected a whole number from 1 to {MOST}")


def check_sliceable(given: Mapping[str, Any]) -> None:
    """:raises ConfigError: a parameter means nothing where several tasks share a run; names it."""
    if given.get("fence") == "none":
        raise ConfigError(
            "fence='none' and a task group exclude each other: without a ledger nothing holds the slices together",
            remedy="leave fence out, or use KafkaToBigQueryOperator",
        )
    if given.get("assignment") == "subscribe":
        raise ConfigError(
            "assignment='subscribe' and a task group exclude each other: slices share the topic out without a group",
            remedy="leave assignment out, or use several KafkaToBigQueryOperator tasks",
        )
    for name in _BOUNDS:
        if given.get(name) is not None:
            raise ConfigError(
                f"{name}={given[name]!r} is a bound of a whole run, and slices do not know of each other",
                remedy="leave it out, or give a window; batch_messages and batch_bytes bound what is in memory",
            )
