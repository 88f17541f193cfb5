"""Stage: load jobs that can be found again, and that hold exactly the rows of their batch."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from unittest import mock

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import Gap, JobResult, OffsetRange, RawBatch, Staged
from airflow_kafka_bq.config import TableId
from airflow_kafka_bq.exceptions import AccountingError, MergeRejectedError, WarehouseUnavailableError
from airflow_kafka_bq.pipeline.decode import decode
from airflow_kafka_bq.pipeline.plan import look, plan
from airflow_kafka_bq.pipeline.stage import RowsRejected, Stager, rejects, stage, unexplained
from airflow_kafka_bq.testing.memory import Fate, MemoryWarehouse
from tests.pipeline.decoding import Message, raw
from tests.pipeline.world import World

GOOD, BAD = Message(b'{"n": 1}'), Message(b"{")
LOADS = "kafka-bq-load-*"


def stager(world: World) -> Stager:
    job = world.job()
    planned = plan(job.config, job.source, job.target, look(job.config, job.source, job.warehouse, job.target))
    return Stager(job.warehouse, job.target, planned, job.fingerprint, 72.0, world.clock.advance, world.clock)


def batch(*messages: Message, gaps: tuple[Gap, ...] = ()) -> RawBatch:
    return RawBatch(raw(messages), (OffsetRange(0, 100, 100 + len(messages)),), gaps)


def staged(world: World, given: RawBatch) -> Staged:
    job = world.job()
    return stage(stager(world), given, decode(given.messages, job.target, job.rules))


def rows(world: World, name: str | None) -> list[dict[str, object]]:
    return world.database.rows(name or "")


def test_rows_and_dead_letters_lie_in_tables_of_their_own() -> None:
    world = World(1)
    found = staged(world, batch(GOOD, BAD, GOOD))
    assert (found.messages, found.rows, found.dead_lettered, found.ignored) == (3, 2, 1, 0)
    assert [row["_row"] for row in rows(world, found.rows_tables[0].table)] == [0, 1]
    assert [row["_kafka_value"] for row in rows(world, found.dead_letters_tables[0].table)] == [b"{"]
    assert len(found.load_job_ids) == 2
    assert {one.column for one in found.bounds} == {"_kafka_timestamp", "_kafka_partition", "_kafka_offset"}


def test_what_there_is_nothing_of_is_not_loaded() -> None:
    """A load job of no rows would count towards the quota, and say nothing."""
    world = World(1)
    assert (staged(world, batch(GOOD)).dead_letters_tables, staged(world, batch(BAD)).rows_tables) == ((), ())
    empty = staged(world, RawBatch(raw([]), (OffsetRange(0, 100, 105),)))
    assert (empty.rows_tables, empty.dead_letters_tables, empty.load_job_ids) == ((), (), ())


def test_a_lost_range_is_a_dead_letter_that_counts_as_no_message() -> None:
    world = World(1)
    found = staged(world, batch(gaps=(Gap(0, 90, 100),)))
    assert (found.messages, found.dead_lettered) == (0, 0)
    (letter,) = rows(world, found.dead_letters_tables[0].table)
    assert (letter["_kafka_offset"], letter["_kafka_end_offset"], letter["stage"]) == (90, 100, "lost")
    assert letter["error"] == "offsets 90 to 99 were no longer in Kafka"


def test_doing_it_twice_is_doing_it_once() -> None:
    world = World(1)
    first, again = staged(world, batch(GOOD, BAD)), staged(world, batch(GOOD, BAD))
    assert first == again
    assert len(world.database.jobs.by_id) == 2


def test_staging_tables_expire_by_themselves() -> None:
    world = World(1)
    staged(world, batch(GOOD))
    world.clock.advance(timedelta(hours=71).total_seconds())
    assert len(world.staging()) == 1
    world.clock.advance(timedelta(hours=2).total_seconds())
    assert world.staging() == []


def test_an_expired_staging_table_is_loaded_anew() -> None:
    """The old job still says how many rows it wrote; they are no longer there."""
    world = World(1)
    first = staged(world, batch(GOOD))
    world.database.drop_table(TableId.parse(first.rows_tables[0].table))
    again = staged(world, batch(GOOD))
    assert again.rows_tables != first.rows_tables
    assert len(rows(world, again.rows_tables[0].table)) == 1


@pytest.mark.parametrize("failures", [1, 4])
def test_trouble_of_bigquery_is_another_attempt_under_another_name(failures: int) -> None:
    world = World(1)
    world.database.script(LOADS, Fate.AGAIN, times=failures)
    found = staged(world, batch(GOOD))
    assert found.load_job_ids[0].endswith(f"-{failures}")
    assert len(rows(world, found.rows_tables[0].table)) == 1


def test_trouble_that_does_not_end_is_an_error_and_the_next_run_steps_over_it() -> None:
    """Failures of earlier processes under the same names are not counted as this one's, however many an outage made."""
    world = World(1)
    for _ in range(30):
        world.database.script(LOADS, Fate.AGAIN, times=5)
        with pytest.raises(WarehouseUnavailableError):
            staged(world, batch(GOOD))
    assert staged(world, batch(GOOD)).load_job_ids[0].endswith("-150")


def test_a_refusal_is_not_tried_again() -> None:
    world = World(1)
    world.database.script(LOADS, Fate.REJECTED)
    with pytest.raises(MergeRejectedError):
        staged(world, batch(GOOD))
    assert len(world.database.jobs.by_id) == 1


def test_rejected_rows_are_a_signal_to_look_for_them() -> None:
    world = World(1)
    world.database.script(LOADS, Fate.BAD_ROWS)
    with pytest.raises(RowsRejected) as caught:
        staged(world, batch(GOOD))
    assert isinstance(caught.value.error, MergeRejectedError)


def test_an_attached_job_with_other_rows_is_stepped_over_and_an_own_one_is_an_error() -> None:
    world = World(1)
    first = staged(world, batch(GOOD))
    load = MemoryWarehouse.load

    def short(self: MemoryWarehouse, job_id: str, *others: object) -> JobResult:
        result = load(self, job_id, *others)  # type: ignore[arg-type]
        return replace(result, output_rows=7) if job_id == first.load_job_ids[0] else result

    with mock.patch.object(MemoryWarehouse, "load", short):
        assert staged(world, batch(GOOD)).load_job_ids[0].endswith("-1")
        with pytest.raises(AccountingError, match="wrote 7 rows"):
            staged(World(1), batch(GOOD))


def test_a_probe_says_what_is_wrong_and_leaves_nothing_that_was_taken() -> None:
    world = World(1)
    table = pa.table({"a": [1, 2, 3]})
    world.database.reject_rows(lambda row: "too large" if row["a"] == 2 else None, at="load")
    probe = rejects(stager(world), table)
    assert probe(0, 0) is None
    assert "too large" in (probe(0, 2) or "")
    assert probe(2, 2) is None
    assert len(world.staging()) == 1  # of the one that was refused; it is empty, and expires in an hour
    world.clock.advance(3_601)
    assert world.staging() == []


def test_an_error_of_another_kind_gets_a_name() -> None:
    known = WarehouseUnavailableError("quota")
    assert unexplained(known) is known
    assert isinstance(unexplained(ValueError("odd")), MergeRejectedError)
