"""The dead-letter table by its meaning: what a batch writes, what a redrive reads, marks and writes down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch import LETTER_SCHEMA, REDRIVEN, LetterPlace
from airflow_kafka_bq.config.letters import LOST, LetterSelection
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.testing.memory.clock import milliseconds
from airflow_kafka_bq.testing.memory.order import COORDINATES
from airflow_kafka_bq.testing.memory.statements import in_order, key_of, seen
from airflow_kafka_bq.testing.memory.tables import Row, Transaction

_LETTER = (*COORDINATES, "_kafka_end_offset")
_WHY = ("stage", "reason", "error", "schema_id")
_PIECE_ROWS = 3


class LettersMoved(Exception):
    """Another redrive took letters of the batch, or somebody deleted them."""


def waits(letter: Row) -> bool:
    """Whether a message is there, and was not redriven since it failed last."""
    return letter["redriven_at"] is None and letter["stage"] != LOST


def write_dead_letters(transaction: Transaction, spec: MergeSpec, now: datetime) -> None:
    """Once per coordinates, whoever reads them again; a lost range also has an end, which may grow.

    A message that was redriven, and fails when it is read again, waits once more.

    :raises NotFoundError: a table is missing.
    """
    if not spec.staged.dead_letters_tables:
        return
    there = {
        key_of(row, _LETTER): number
        for number, row in transaction.rows(spec.target.dead_letters).items()
        if seen(row, spec.staged.dead_letter_bounds, "_kafka_timestamp")
    }
    empty = {column.name: None for column in transaction.table(spec.target.dead_letters).columns}
    kept, fresh, again = transaction.rows(spec.target.dead_letters), dict[tuple[Any, ...], Row](), dict[int, Row]()
    for letter in _staged(transaction, spec):
        number = there.get(key_of(letter, _LETTER))
        if number is None:
            row = {**empty, **letter, "batch_id": spec.staged.batch_id, "failed_at": now, "redriven_at": None}
            fresh.setdefault(key_of(letter, _LETTER), row)
        elif kept[number]["redriven_at"] is not None:
            again.setdefault(number, {**_failed_again(kept[number], letter, spec, now), "redriven_at": None})
    transaction.insert(spec.target.dead_letters, fresh.values())
    transaction.update(spec.target.dead_letters, again)


def mark_redriven(transaction: Transaction, spec: MergeSpec, now: datetime) -> None:
    """Mark what is a row now, or is left out on purpose; of what failed again, write down why.

    :raises NotFoundError: a table is missing. :raises LettersMoved: not all of them still wait.
    """
    kept = transaction.rows(spec.target.dead_letters)
    waiting = {
        key_of(row, COORDINATES): number
        for number, row in kept.items()
        if waits(row) and seen(row, spec.staged.dead_letter_bounds, "_kafka_timestamp")
    }
    marked: dict[int, Row] = {}
    for letter in _staged(transaction, spec):
        number = waiting.get(key_of(letter, COORDINATES))
        if number is not None:
            well = letter["stage"] == REDRIVEN
            marked[number] = (
                {**kept[number], "redriven_at": now} if well else _failed_again(kept[number], letter, spec, now)
            )
    if len(marked) != spec.staged.messages:
        raise LettersMoved(f"kafka-bq: dead letters moved: {len(marked)} of {spec.staged.messages} wait")
    transaction.update(spec.target.dead_letters, marked)


def select(
    rows: Iterable[Row], topic: str, wanted: LetterSelection, after: LetterPlace | None, most: int
) -> Iterator[pa.Table]:
    """Letters of a topic that wait, oldest message first, behind a place."""
    places = [row for row in rows if row["_kafka_topic"] == topic and waits(row) and _is(row, wanted)]
    chosen = sorted((row for row in places if after is None or place(row) > after), key=place)[:most]
    messages = [whole(row) for row in chosen]
    for first in range(0, len(messages), _PIECE_ROWS):
        yield pa.Table.from_pylist(messages[first : first + _PIECE_ROWS], LETTER_SCHEMA)


def whole(row: Row) -> dict[str, Any]:
    """The message of a letter, and why it failed last."""
    return {
        "partition": row["_kafka_partition"],
        "offset": row["_kafka_offset"],
        "timestamp_ms": milliseconds(row["_kafka_timestamp"]),
        "key": row["_kafka_key"],
        "value": row["_kafka_value"],
        "headers": row["_kafka_headers"] or [],
        "stage": row["stage"],
        "reason": row["reason"],
    }


def place(row: Row) -> LetterPlace:
    """Letters are read in the order of their places."""
    return LetterPlace(milliseconds(row["_kafka_timestamp"]), row["_kafka_partition"], row["_kafka_offset"])


def _is(row: Row, wanted: LetterSelection) -> bool:
    return (
        (wanted.since is None or row["failed_at"] >= wanted.since)
        and (wanted.until is None or row["failed_at"] < wanted.until)
        and (not wanted.stage or row["stage"] in wanted.stage)
        and (not wanted.reason or row["reason"] in wanted.reason)
    )


def _staged(transaction: Transaction, spec: MergeSpec) -> list[dict[str, Any]]:
    staged = in_order(transaction, spec.staged.dead_letters_tables)
    return [{"_kafka_topic": spec.topic, **{n: v for n, v in row.items() if n != "_row"}} for row in staged]


def _failed_again(kept: Row, letter: Row, spec: MergeSpec, now: datetime) -> dict[str, Any]:
    why = {name: letter[name] for name in _WHY}
    return {**kept, **why, "batch_id": spec.staged.batch_id, "failed_at": now}
