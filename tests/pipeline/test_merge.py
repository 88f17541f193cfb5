"""Merge: a batch is applied once, or the reason why not has a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from airflow_kafka_bq.batch import Position, RawBatch, Staged
from airflow_kafka_bq.config import TableId
from airflow_kafka_bq.exceptions import (
    CostLimitError,
    MergeConflictError,
    MergeRejectedError,
    StopRequested,
    TargetChangedError,
    WarehouseUnavailableError,
)
from airflow_kafka_bq.pipeline.consume import Drain
from airflow_kafka_bq.pipeline.decode import decode
from airflow_kafka_bq.pipeline.merge import MAX_LOSSES, LedgerMoved, Merger, MergeRejected, merge
from airflow_kafka_bq.pipeline.plan import look, plan
from airflow_kafka_bq.pipeline.stage import Stager, stage
from airflow_kafka_bq.pipeline.target import ready
from airflow_kafka_bq.testing.memory import Fate
from tests.pipeline.world import GROUP, KEEP, TABLE, World

MERGES = "kafka-bq-merge-*"


@dataclass
class Batch:
    """Three messages, staged, and what merges them."""

    world: World
    merger: Merger
    staged: Staged
    pauses: list[float]

    def apply(self, revision: int | None = 0) -> Any:
        return merge(self.merger, self.staged, revision, {0: Position(3, 0)})

    def jobs(self) -> list[str]:
        """Numbers of revision and attempt of each merge job."""
        return ["-".join(name.split("-")[-2:]) for name in self.world.database.jobs.by_id if "merge" in name]


def staged_batch(world: World | None = None, limit: int | None = None, check: Any = lambda: None, **more: Any) -> Batch:
    world = world or World(1)
    world.fill(3)
    job = world.job(**more)
    seen = look(job.config, job.source, job.warehouse, job.target)
    planned = plan(job.config, job.source, job.target, seen)
    tables = ready(job.config, job.warehouse, job.target, seen, planned, job.context)
    raw = Drain(job.source, planned, job.config, GROUP, clock=world.clock.monotonic).next_batch()
    assert isinstance(raw, RawBatch)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        world.clock.advance(seconds)

    stager = Stager(job.warehouse, tables.target, planned, job.fingerprint, 72, pause, world.clock)
    merger = Merger(job.warehouse, tables.target, planned, job.context, world.clock(), limit, check, pause)
    return Batch(world, merger, stage(stager, raw, decode(raw.messages, job.target, job.rules)), pauses)


def test_rows_ledger_and_history_move_together() -> None:
    batch = staged_batch()
    done = batch.apply()
    assert (done.revision, done.inserted, done.overtaken) == (1, 3, False)
    assert batch.world.positions() == {0: 3}
    (applied,) = batch.world.history()
    assert (applied["batch_id"], applied["revision"], applied["messages"]) == (batch.staged.batch_id, 1, 3)
    assert batch.jobs() == ["0-0"]


def test_applying_again_finds_that_it_was_applied() -> None:
    batch = staged_batch()
    first = batch.apply()
    again = batch.apply()
    assert (again.revision, again.merge_job_id) == (1, first.merge_job_id)
    assert len(batch.world.rows()) == len(batch.world.history()) + 2 == 3


@pytest.mark.parametrize("losses", [1, MAX_LOSSES - 1])
def test_a_cancelled_transaction_is_sent_again_with_jitter(losses: int) -> None:
    batch = staged_batch()
    batch.world.database.script(MERGES, Fate.CONFLICT, times=losses)
    assert batch.apply().inserted == 3
    assert batch.jobs() == [f"0-{attempt}" for attempt in range(losses + 1)]
    assert all(0.1 * 2**n <= seconds <= 0.5 * 2**n for n, seconds in enumerate(batch.pauses, 1))


def test_five_losses_are_enough() -> None:
    batch = staged_batch()
    batch.world.database.script(MERGES, Fate.CONFLICT, times=99)
    with pytest.raises(MergeConflictError, match="lost against other writers") as caught:
        batch.apply()
    assert len(batch.jobs()) == MAX_LOSSES
    assert "max_active_tis_per_dag=1" in (caught.value.remedy or "")
    assert caught.value.batch_id == batch.staged.batch_id
    assert batch.world.rows() == []


def test_trouble_of_bigquery_itself_is_not_called_a_conflict() -> None:
    batch = staged_batch()
    batch.world.database.script(MERGES, Fate.AGAIN, times=99)
    with pytest.raises(WarehouseUnavailableError, match="internal error"):
        batch.apply()
    assert len(batch.jobs()) == 2 * MAX_LOSSES


def test_ids_that_an_outage_has_burnt_do_not_block_the_batch() -> None:
    """Its name stays the same as long as no message is added, and each run that fails leaves ten ids behind."""
    batch = staged_batch()
    for _ in range(12):
        batch.world.database.script(MERGES, Fate.AGAIN, times=2 * MAX_LOSSES)
        with pytest.raises(WarehouseUnavailableError):
            batch.apply()
    batch.apply()
    assert len(batch.jobs()) == 24 * MAX_LOSSES + 1
    assert batch.world.positions() == {0: 3}


def test_another_batch_in_between_means_planning_anew() -> None:
    batch = staged_batch()
    batch.world.run(max_messages=2)
    with pytest.raises(LedgerMoved):
        batch.apply()
    assert batch.world.positions() == {0: 2}


def test_a_window_in_between_moves_the_revision_alone() -> None:
    batch = staged_batch()
    batch.world.run(window={"from": {0: 0}, "to": {0: 1}})
    done = batch.apply()
    assert (done.revision, done.inserted) == (2, 2)
    assert batch.jobs()[-1] == "1-0"


def test_a_ledger_row_that_is_gone_is_named() -> None:
    batch = staged_batch()
    batch.world.database.delete(TABLE.companion("ledger"), lambda row: row["pipeline"] != "*")
    with pytest.raises(TargetChangedError, match="is gone") as caught:
        batch.apply()
    assert "seek" in (caught.value.remedy or "")
    assert batch.world.rows() == []


def test_a_target_that_was_dropped_is_named() -> None:
    batch = staged_batch()
    batch.world.database.drop_table(TABLE)
    with pytest.raises(TargetChangedError, match="was dropped while the run was writing to it"):
        batch.apply()


def test_a_staging_table_that_is_gone_is_run_again() -> None:
    batch = staged_batch()
    batch.world.database.drop_table(TableId.parse(batch.staged.rows_tables[0].table))
    with pytest.raises(WarehouseUnavailableError, match="staging tables of batch"):
        batch.apply()
    assert batch.world.run().rows["inserted"] == 3


def test_a_merge_over_the_limit_costs_nothing() -> None:
    world = World(1)
    world.fill(5)
    world.run(**KEEP)
    batch = staged_batch(world, limit=1, **KEEP)
    with pytest.raises(CostLimitError, match="allowed are 1") as caught:
        batch.apply(revision=1)
    for way in ("coordinate keys", "in the dedup key", "partition_immutable", "dedup_window", "max_bytes_billed"):
        assert way in (caught.value.remedy or "")
    assert batch.jobs() == ["0-0"]  # the first run's


@pytest.mark.parametrize("fate", [Fate.BAD_ROWS, Fate.REJECTED])
def test_a_refusal_is_a_signal_only_where_a_row_may_be_the_cause(fate: Fate) -> None:
    batch = staged_batch()
    batch.world.database.script(MERGES, fate)
    with pytest.raises(MergeRejected if fate is Fate.BAD_ROWS else MergeRejectedError):
        batch.apply()
    assert (batch.world.rows(), batch.world.positions()) == ([], {0: 0})


def test_a_stop_is_seen_before_every_attempt() -> None:
    calls: list[int] = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise StopRequested

    batch = staged_batch(check=check)
    batch.world.database.script(MERGES, Fate.CONFLICT, times=99)
    with pytest.raises(StopRequested):
        batch.apply()
    assert len(batch.jobs()) == 2


def test_without_a_ledger_a_batch_has_no_revision() -> None:
    batch = staged_batch(fence="none", start="earliest")
    done = batch.apply(revision=None)
    assert (done.revision, done.inserted) == (None, 3)
    assert batch.jobs() == ["x-0"]
