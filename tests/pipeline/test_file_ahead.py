"""The staging file is written while its batch is read, and is what it would be afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import pyarrow as pa
import pytest
from pydantic import BaseModel

from airflow_kafka_bq.batch import Decoded, RawBatch, Written
from airflow_kafka_bq.exceptions import AccountingError
from airflow_kafka_bq.formats.records import Records, records
from airflow_kafka_bq.pipeline import pieces, reader, row_files
from airflow_kafka_bq.pipeline.ahead import Ahead, ParsedPiece
from airflow_kafka_bq.pipeline.bounds import looked_at
from airflow_kafka_bq.pipeline.consume import Drain
from airflow_kafka_bq.pipeline.decode import decode, finished
from airflow_kafka_bq.pipeline.file_ahead import FileAhead
from airflow_kafka_bq.pipeline.held import Places
from airflow_kafka_bq.pipeline.pieces import Pieces
from airflow_kafka_bq.pipeline.row_files import RowFile, numbered
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.pipeline.stage import stage
from airflow_kafka_bq.testing.memory import MemoryWarehouse
from airflow_kafka_bq.testing.memory.staging_file import MemoryFile, rows_in
from tests.pipeline.decoding import Message, job, raw
from tests.pipeline.test_stage import GOOD, batch, stager
from tests.pipeline.world import World


class Order(BaseModel):
    """What most messages hold; the dedup key may be missing."""

    n: int
    name: str | None = None


@pytest.fixture
def writer() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as one:
        yield one


def _messages(count: int) -> list[Message]:
    texts = [b'{"n": %d, "name": "x"}' % n if n % 7 != 3 else b'{"n": %d}' % n for n in range(count)]
    return [Message(b"{" if n % 5 == 2 else text) for n, text in enumerate(texts)]


@pytest.mark.parametrize("piece", [1, 4, 9, 100])
@pytest.mark.parametrize("settings", [{}, {"dedup_key": ["name"]}], ids=["coordinates", "a key that may be null"])
def test_it_is_what_would_be_written_afterwards(
    writer: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, piece: int, settings: dict[str, Any]
) -> None:
    monkeypatch.setattr(pieces, "PIECE_MESSAGES", piece)
    monkeypatch.setattr(row_files, "SLICE_ROWS", 5)
    target, rules = job(Order, {}, max_bad_ratio=None, **settings)
    with ThreadPoolExecutor(1) as parser:
        files = FileAhead(MemoryFile, partial(finished, target=target), writer)
        ahead = Ahead(rules.records, parser, Places(), files.add, looked_at(target))
        for size in (23, 40):  # the second batch begins anew
            table = raw(_messages(size))
            cut = Pieces(1 << 20, ahead.places, ahead.add)
            for one in table.to_batches():
                cut.add(one, 10)
            cut.taken()
            kept, found = decode(table, target, rules, ahead.take(), looked_at(target)), files.take()
            assert found is not None
            decoded = decode(table, target, rules)
            assert kept.rows.equals(decoded.rows.select(kept.rows.column_names))
            assert {*kept.rows.column_names} < {*decoded.rows.column_names}
            assert (kept.ignored, kept.origins) == (decoded.ignored, decoded.origins)
            assert kept.dead_letters.equals(decoded.dead_letters)
            afterwards = RowFile(MemoryFile())
            afterwards.add(decoded.rows)
            whole = afterwards.whole()
            assert (found.result().rows, found.result().digest) == (decoded.rows.num_rows, whole.digest)
            assert found.result().schema == whole.schema
            assert rows_in(found.result().file).equals(numbered(decoded.rows).combine_chunks())
        assert files.take() is None


def test_what_writing_raised_is_raised_with_the_file(writer: ThreadPoolExecutor) -> None:
    def broken(_: Records) -> Any:
        raise MemoryError

    _, rules = job(None, {})
    found, piece = records(raw(_messages(3)).to_batches()[0], 0, rules.records), Future[ParsedPiece]()
    piece.set_result(ParsedPiece(found, [found], 0.0))
    files = FileAhead(MemoryFile, broken, writer)
    files.add(piece)
    file = files.take()
    assert file is not None
    with pytest.raises(MemoryError):
        file.result()


def test_a_file_of_another_number_of_rows_is_not_loaded() -> None:
    world = World(1)
    one, given = world.job(), batch(GOOD, GOOD)
    decoded = decode(given.messages, one.target, one.rules)
    file = RowFile(MemoryFile())
    file.add(decoded.rows.slice(1))
    written: Future[Written] = Future()
    written.set_result(file.whole())
    with pytest.raises(AccountingError, match="1 rows were written for a batch of 2"):
        stage(stager(world), given, replace(decoded, written=written))


def test_what_lies_in_the_file_is_loaded_and_named() -> None:
    world = World(1)
    one, given = world.job(), batch(GOOD, GOOD)
    decoded = decode(given.messages, one.target, one.rules)
    file, written = RowFile(MemoryFile()), Future[Written]()
    file.add(decoded.rows.slice(1))
    file.add(decoded.rows.slice(0, 1))
    written.set_result(file.whole())
    swapped = stage(stager(world), given, replace(decoded, written=written))
    assert [row["_kafka_offset"] for row in world.database.rows(swapped.rows_tables[0].table)] == [101, 100]
    assert swapped.batch_id != stage(stager(world), given, decoded).batch_id


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Decoded]:
    """Batches of a run as they come to be staged."""
    found: list[Decoded] = []
    whole = reader.staged

    def look(stager: Any, raw: RawBatch, decoded: Decoded) -> Any:
        found.append(decoded)
        return whole(stager, raw, decoded)

    monkeypatch.setattr(reader, "staged", look)
    return found


def test_each_batch_of_a_run_has_a_file_of_its_own(seen: list[Decoded]) -> None:
    world = World(1)
    for number in range(2_500):
        world.send(b"%d" % number)
    world.run(batch_messages=1_000)
    assert [one.written.result().rows for one in seen if one.written] == [1_000, 1_000, 500]
    assert len(world.rows()) == 2_500


def test_the_last_file_is_written_to_its_end_though_nothing_is_left_to_read(
    seen: list[Decoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader is done, and closes, before the writer has begun with the last piece."""
    world = World(1)
    for number in range(1_500):
        world.send(b"%d" % number)
    whole = RowFile.add

    def slow(self: RowFile, rows: Any) -> None:
        if threading.current_thread().name.startswith("kafka-bq-writer"):
            time.sleep(0.5)
        whole(self, rows)

    monkeypatch.setattr(RowFile, "add", slow)
    world.run(batch_messages=1_000)
    assert [one.written.result().rows for one in seen if one.written] == [1_000, 500]
    assert len(world.rows()) == 1_500


def test_what_ends_the_run_leaves_the_batch_before_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer is still busy with the first batch when reading the second one fails."""
    world, calls = World(1), count()
    for number in range(1_500):
        world.send(b"%d" % number)
    add, next_batch = RowFile.add, Drain.next_batch

    def slow(self: RowFile, rows: Any) -> None:
        time.sleep(0.3)
        add(self, rows)

    monkeypatch.setattr(RowFile, "add", slow)
    monkeypatch.setattr(Drain, "next_batch", lambda self: next_batch(self) if next(calls) < 1 else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.run(batch_messages=1_000)
    assert len(world.rows()) == 1_000


def test_a_run_that_fails_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(1)
    for number in range(3_000):
        world.send(b"%d" % number)
    monkeypatch.setattr(MemoryWarehouse, "load", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.run(batch_messages=1_000)
    threads = {one.name for one in threading.enumerate() if one.name.startswith("kafka-bq")}
    assert threads == set()


def _from_1_200(rows: Any) -> Any:
    return pa.array([offset >= 1_200 for offset in rows.column("_kafka_offset").to_pylist()])


def _as_it_is(rows: Any) -> Any:
    return rows


@pytest.mark.parametrize(("function", "left"), [({"filter": _from_1_200}, 300), ({"transform": _as_it_is}, 1_500)])
def test_where_a_function_sees_the_batch_first_nothing_is_written_before(
    seen: list[Decoded], function: dict[str, Any], left: int
) -> None:
    world = World(1)
    for number in range(1_500):
        world.send(b"%d" % number)
    one = world.job()
    report = run(replace(one, rules=replace(one.rules, **function)))
    assert [one.written for one in seen] == [None] * len(seen)
    assert (report.messages, len(world.rows())) == (1_500, left)
