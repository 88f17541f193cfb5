"""Options of a table that is there against those that a job would have given it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_kafka_bq.schema.target import TableFacts, Target

_SAID = {
    "description": "description",
    "labels": "labels",
    "expires": "expiration",
    "partition_expiration_days": "expiration of partitions in days",
    "require_partition_filter": "require_partition_filter",
    "kms_key_name": "key",
}


def asked(target: Target) -> dict[str, Any]:
    """What the job says, by name. ``expires`` is whether: the moment depends on when the table was made."""
    options = target.options
    found: dict[str, Any] = {
        "description": options.get("description"),
        "labels": target.table_labels,
        "expires": bool(options.get("expiration_hours")),
        "partition_expiration_days": options.get("partition_expiration_days"),
        "require_partition_filter": bool(options.get("require_partition_filter")),
        "kms_key_name": target.kms_key_name,
    }
    return {name: value for name, value in found.items() if value}


def notes_on_options(target: Target, facts: TableFacts) -> Iterator[str]:
    """What differs of that which the job says. What it does not say is the table's own affair."""
    if facts.options is None:
        return
    for name, wanted in asked(target).items():
        there = facts.options.get(name)
        if name == "labels":
            there = {key: value for key, value in (there or {}).items() if key in wanted}
        if there != wanted:
            yield f"its {_SAID[name]} is {there or 'not set'} and the job says {wanted}; it is left alone"
