"""Copies of dead letters by their meaning: which wait for one, and the mark of those that have one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import pyarrow as pa

from airflow_kafka_bq.batch import UNCOPIED_SCHEMA, LetterPlace, Uncopied
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.testing.memory.letters import place, waits, whole
from airflow_kafka_bq.testing.memory.tables import Row, Tables, Transaction

_PIECE_ROWS = 3
COPIED_AT = Column("copied_at", "TIMESTAMP")


def uncopied(rows: Sequence[Row], topic: str) -> list[Row]:
    """Letters of a topic that wait, and were not copied."""
    return [row for row in rows if row["_kafka_topic"] == topic and waits(row) and row["copied_at"] is None]


def count(rows: Sequence[Row], topic: str) -> Uncopied:
    """How many, and between which times."""
    times = [row["_kafka_timestamp"] for row in uncopied(rows, topic)]
    return Uncopied(len(times), min(times, default=None), max(times, default=None))


def select(rows: Sequence[Row], topic: str, found: Uncopied, most: int) -> Iterator[pa.Table]:
    """The oldest messages of them, in pieces."""
    assert found.oldest is not None  # noqa: S101 - none is asked for where none waits
    assert found.newest is not None  # noqa: S101
    between = [row for row in uncopied(rows, topic) if found.oldest <= row["_kafka_timestamp"] <= found.newest]
    chosen = sorted(between, key=place)[:most]
    messages = [{**whole(row), "error": row["error"], "batch_id": row["batch_id"]} for row in chosen]
    for first in range(0, len(messages), _PIECE_ROWS):
        yield pa.Table.from_pylist(messages[first : first + _PIECE_ROWS], UNCOPIED_SCHEMA)


def mark(transaction: Transaction, target: Target, topic: str, letters: pa.Table, now: datetime) -> None:
    """By coordinates; a lost range is no letter. :raises NotFoundError: no such table."""
    places = {
        LetterPlace(one["timestamp_ms"], one["partition"], one["offset"])
        for one in letters.select(["timestamp_ms", "partition", "offset"]).to_pylist()
    }
    marked = {
        number: {**row, "copied_at": now}
        for number, row in transaction.rows(target.dead_letters).items()
        if row["_kafka_topic"] == topic and place(row) in places
        and row["_kafka_end_offset"] is None and row["copied_at"] is None
    }  # fmt: skip
    transaction.update(target.dead_letters, marked)


def add_copied_at(tables: Tables, target: Target) -> None:
    """DDL; nothing that is there was copied."""
    there = tables.get(target.dead_letters)
    if there.facts.column(COPIED_AT.name) is None:
        tables.alter(target.dead_letters, (*there.columns, COPIED_AT))
        empty = {number: {**row, COPIED_AT.name: None} for number, row in there.rows.items()}
        tables.write(str(target.dead_letters), empty, changed=False)
