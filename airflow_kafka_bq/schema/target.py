"""The target table, as a job sees it and as BigQuery has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from airflow_kafka_bq.config.partitioning import Layout, Partitioning
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.schema.columns import Column

MARKER_SLACK = timedelta(days=1)
"""A delete marker lives longer than windows reach back: for clocks that differ, and runs that merge after a while."""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table that exists. ``created_at`` is ISO UTC with milliseconds: a re-created table has another one."""

    columns: tuple[Column, ...]
    created_at: str
    num_rows: int
    partitioning: Layout | None = None
    cluster_by: tuple[str, ...] = ()
    require_partition_filter: bool = False
    is_table: bool = True  # False: a view, an external table, a snapshot
    options: Mapping[str, Any] | None = None  # by the names of schema.table_options; None: not known

    def column(self, name: str) -> Column | None:
        """Column by name, case-insensitively as BigQuery compares."""
        return next((found for found in self.columns if found.name.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a job: what to create, how to merge, where companions live."""

    table: TableId
    columns: tuple[Column, ...]  # in the order of creation: the message's, then Kafka's, then _deleted_at
    key: tuple[str, ...]
    by_coordinates: bool = True
    update: bool = False  # on_duplicate="update"
    version: tuple[str, ...] = ()
    soft_delete: bool = False
    delete: bool = False  # a tombstone removes its row and leaves a marker
    dedup_window: timedelta | None = None  # look for duplicates only this far around the partitions of a batch
    delete_expiration_days: float = 0.0  # how far back windows may reach
    immutable: bool = True  # equal keys always have equal partition values
    partitioning: Layout | None = None
    cluster_by: tuple[str, ...] = ()
    staging_dataset: str | None = None
    companion_dataset: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    kms_key_name: str | None = None
    of_table: bool = False  # the message's columns were read from the table: a run never adds one
    envelope: tuple[str, ...] = ()  # columns that the envelope of a message fills

    @property
    def table_labels(self) -> dict[str, str]:
        """Of the table itself; what its options say goes before what is said for all that the job makes."""
        return {**self.labels, **self.options.get("labels", {})}

    @property
    def ledger(self) -> TableId:
        """One row per pipeline: positions and fencing token."""
        return self.table.companion("ledger", self.companion_dataset)

    @property
    def history(self) -> TableId:
        """One row per applied batch."""
        return self.table.companion("batches", self.companion_dataset)

    @property
    def dead_letters(self) -> TableId:
        """Messages that could not be used."""
        return self.table.companion("dead_letters", self.companion_dataset)

    @property
    def deletes(self) -> TableId:
        """Keys that tombstones removed, with what keeps older messages of theirs out."""
        return self.table.companion("deletes", self.companion_dataset)

    @property
    def looks_nearby(self) -> bool:
        """Whether duplicates that lie further away than ``dedup_window`` are not found."""
        if self.dedup_window is None or self.immutable or not isinstance(self.partitioning, Partitioning):
            return False
        return self.partitioning.column.lower() not in {name.lower() for name in self.key}

    @property
    def marker_lifetime(self) -> timedelta:
        """How long a delete marker is obeyed."""
        return timedelta(days=self.delete_expiration_days) + MARKER_SLACK

    @property
    def marker_columns(self) -> tuple[Column, ...]:
        """What a delete marker has beside ``expires_at``: key, version and the tombstone's coordinates."""
        wanted = {name.lower() for name in (*self.key, *self.version)}
        return tuple(one for one in self.columns if one.name.lower() in wanted or one.name in COORDINATES)

    def staging(self, name: str) -> TableId:
        """A staging table of this target."""
        return self.table.companion(f"stg_{name}", self.staging_dataset)

    def column(self, name: str) -> Column | None:
        """Column by name, case-insensitively as BigQuery compares."""
        return next((found for found in self.columns if found.name.lower() == name.lower()), None)

    @property
    def kafka_columns(self) -> bool:
        """Whether the table carries coordinates."""
        return self.column("_kafka_offset") is not None
