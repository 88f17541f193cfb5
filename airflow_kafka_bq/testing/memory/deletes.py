"""Delete markers: what tombstones removed, written from the rule and not from the SQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Any

from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import MARKER_SLACK, Target
from airflow_kafka_bq.testing.memory.order import COORDINATES, is_later, version_of
from airflow_kafka_bq.testing.memory.tables import Row, Transaction

EXPIRES_AT = Column("expires_at", "TIMESTAMP")
Key = tuple[Any, ...]


class TooLate(Exception):
    """Markers that a window relied on when it was planned may have expired."""


def check_in_time(spec: MergeSpec, now: datetime) -> None:
    """:raises TooLate: a window's run slept for longer than markers outlive what windows may reach."""
    if spec.target.delete and spec.positions is None and now >= spec.started_at + MARKER_SLACK:
        raise TooLate("delete markers may have expired since this window was planned")


class Verdict(Enum):
    """What a marker says of a row."""

    ADMITTED = "admitted"
    OLDER = "older"  # behind the tombstone, and older by version than what that removed
    DELETED = "deleted"  # in front of the tombstone


class Markers:
    """The markers that are obeyed now, and what a batch makes of them.

    Of each key: the newest tombstone, and the greatest version of the rows that it removed or kept out.
    """

    def __init__(self, transaction: Transaction, target: Target, now: datetime) -> None:
        self._transaction, self._target, self._now = transaction, target, now
        self._numbers: dict[Key, int] = {}
        self._found: dict[Key, Row] = {}
        self._changed: dict[Key, Row] = {}
        for number, row in transaction.rows(target.deletes).items():
            if row["expires_at"] > now:
                key = tuple(row[name] for name in target.key)
                self._numbers[key], self._found[key] = number, row

    def judge(self, key: Key, row: Row) -> Verdict:
        """Of the newest row of a key; one in front of the tombstone may raise the marker's version."""
        marker = self._found.get(key)
        if marker is None:
            return Verdict.ADMITTED
        ours, theirs = (version_of(one, self._target.version) for one in (row, marker))
        if is_later(row, marker):
            return Verdict.ADMITTED if ours >= theirs else Verdict.OLDER
        if ours > theirs:
            self._change(key, marker, row)
        return Verdict.DELETED

    def mark(self, key: Key, tombstone: Row, removed: Iterable[Row]) -> None:
        """A tombstone, and the rows that it removes."""
        marker = self._found.get(key)
        if marker is None:
            empty = {column.name: None for column in self._target.marker_columns}
            place = {name: tombstone[name] for name in (*self._target.key, *COORDINATES)}
            self._change(key, {**empty, **place, "expires_at": self._expiry()})
        elif is_later(tombstone, marker):
            place = {name: tombstone[name] for name in COORDINATES}
            self._change(key, {**marker, **place, "expires_at": self._expiry()})
        for row in removed:
            if version_of(row, self._target.version) > version_of(self._found[key], self._target.version):
                self._change(key, self._found[key], row)

    def write(self) -> None:
        """Into the transaction."""
        table = self._target.deletes
        there = {self._numbers[key]: row for key, row in self._changed.items() if key in self._numbers}
        self._transaction.update(table, there)
        self._transaction.insert(table, [row for key, row in self._changed.items() if key not in self._numbers])

    def _change(self, key: Key, marker: Row, version_from: Row | None = None) -> None:
        version = {name: version_from[name] for name in self._target.version} if version_from else {}
        self._found[key] = self._changed[key] = {**marker, **version}

    def _expiry(self) -> datetime:
        return self._now + self._target.marker_lifetime
