"""A batch keeps few columns of its rows; the others are in its file, and made again where BigQuery rejects a row."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import Decoded
from airflow_kafka_bq.config import Partitioning
from airflow_kafka_bq.exceptions import AccountingError
from airflow_kafka_bq.pipeline import reader
from airflow_kafka_bq.pipeline.ahead import Ahead, Piece
from airflow_kafka_bq.pipeline.bounds import looked_at, of_rows, touched
from airflow_kafka_bq.pipeline.decode import decode
from airflow_kafka_bq.pipeline.file_ahead import FileAhead
from airflow_kafka_bq.pipeline.reader import Prepared
from tests.pipeline.decoding import Message, job, raw
from tests.pipeline.world import KEEP, World


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Prepared]:
    """Batches of a run as they are once they are staged."""
    found: list[Prepared] = []
    whole = reader.staged

    def look(*arguments: Any) -> Prepared:
        found.append(whole(*arguments))
        return found[-1]

    monkeypatch.setattr(reader, "staged", look)
    return found


def test_only_what_is_looked_at_is_kept_and_all_of_it_lands(seen: list[Prepared]) -> None:
    world = World(1)
    world.fill(9)
    assert world.run(batch_messages=4, **KEEP).rows["inserted"] == 9
    kept = [one.decoded for one in seen]
    assert [one.rows.num_rows for one in kept] == [4, 4, 1]
    assert {"n", "updated"}.isdisjoint(name for one in kept for name in one.rows.column_names)
    assert [one.written and one.written.result().file for one in kept] == [None] * 3, "it was loaded"
    again = [one.whole() for one in kept]
    assert [one.rows.num_rows for one in again] == [4, 4, 1]
    assert {"id", "n", "_kafka_offset"} <= {*again[0].rows.column_names}


@pytest.mark.parametrize("at", ["load", "merge"])
def test_rows_that_are_made_again_are_the_rows_that_were_staged(
    at: Literal["load", "merge"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their numbers say which message is the bad one: of other rows it would be another message."""
    whole = Decoded.whole

    def turned(self: Decoded) -> Decoded:
        found = whole(self)
        return replace(found, rows=found.rows.take(pa.array(range(found.rows.num_rows))[::-1]))

    monkeypatch.setattr(Decoded, "whole", turned)
    world = World(1)
    world.fill(9)
    world.database.reject_rows(lambda row: "no" if row.get("_kafka_offset") == 2 and "payload" in row else None, at=at)
    with pytest.raises(AccountingError, match="other rows than the one that was staged"):
        world.run()
    assert world.committed() == {}


def test_no_piece_is_parsed_while_a_batch_is_decoded_again(
    seen: list[Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was learnt of messages is one thread's at a time."""
    locks: list[threading.Lock] = []
    held: list[bool] = []
    made = Ahead

    def noted(*arguments: Any, **named: Any) -> Ahead:
        found = made(*arguments, **named)
        locks.append(found.parsing)
        return found

    monkeypatch.setattr(reader, "Ahead", noted)
    world = World(1)
    world.fill(3)
    world.run()
    monkeypatch.setattr(reader, "decode", lambda *_: held.append(locks[0].locked()))
    seen[0].decoded.whole()
    assert held == [True]
    assert not locks[0].locked()


def test_a_piece_is_dropped_once_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[Piece] = []
    add = FileAhead.add

    def noted(self: FileAhead, piece: Piece) -> None:
        pieces.append(piece)
        add(self, piece)

    monkeypatch.setattr(FileAhead, "add", noted)
    world = World(1)
    world.fill(5)
    world.run(batch_messages=2)
    assert [one.result().records.rows.num_rows for one in pieces] == [2, 2, 1]
    assert [one.result().to_write for one in pieces] == [[], [], []]
    assert all("payload" not in one.result().records.rows.column_names for one in pieces)


NOW = datetime(2026, 1, 1, tzinfo=UTC)
TARGETS: list[dict[str, Any]] = [
    {},
    {"dedup_key": ["id"], "cluster_by": ["id"]},
    {"dedup_key": ["id", "_kafka_partition"], "cluster_by": ["_kafka_partition", "id"]},
    {"dedup_key": ["id"], "partition_by": Partitioning("_kafka_timestamp"), "partition_immutable": True},
    {"dedup_key": ["id"], "partition_by": Partitioning("_PARTITIONTIME"), "dedup_window": "2d"},
]


@pytest.mark.parametrize("settings", TARGETS, ids=str)
def test_what_is_kept_is_all_that_is_looked_at(settings: dict[str, Any]) -> None:
    target, rules = job(KEEP["model"], {}, **settings)
    messages = [Message(b'{"id": "%d", "n": %d}' % (n, n), timestamp_ms=n * 40_000_000) for n in range(9)]
    rows = decode(raw(messages), target, rules).rows
    few = rows.select(looked_at(target))
    assert few.num_columns < rows.num_columns
    assert of_rows(few, target, NOW) == of_rows(rows, target, NOW)
    assert str(touched(few, target)) == str(touched(rows, target))
