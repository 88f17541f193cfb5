"""What every Warehouse promises of two writers: one wins, the other changes nothing. Held by ``test_warehouse_*``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_kafka_bq.batch import Failure, Kind, LedgerRow, Position
from airflow_kafka_bq.config.values import TableId
from tests.contract.warehouse_world import WarehouseWorld
from tests.contract.workbench import CONTEXT, PIPELINE, START, Workbench, dead_letter, keep_target, row


def ledger(bench: Workbench) -> LedgerRow:
    found = bench.warehouse.ledger(bench.target, PIPELINE)
    assert found is not None
    return found


class Fence:
    """The revision is the fencing token."""

    @pytest.fixture
    def bench(self, world: WarehouseWorld) -> Workbench:
        return Workbench(world, keep_target(world))

    def test_a_batch_moves_the_ledger_with_its_rows(self, bench: Workbench) -> None:
        staged, job_id = bench.stage(row("a", 0)), bench.job_id("merge")
        bench.merge(bench.spec(staged), job_id)
        found = ledger(bench)
        assert (found.revision, found.batch_id, found.job_id, found.updated_by) == (
            1,
            staged.batch_id,
            job_id,
            "contract",
        )
        assert found.positions == {0: Position(100, 3), 1: Position(0)}
        assert (found.topic_id, found.group_id) == ("id-1", "group")

    def test_an_isolated_batch_moves_the_revision_only(self, bench: Workbench) -> None:
        bench.apply(row("a", 0))
        before = ledger(bench)
        staged = bench.stage(row("b", 1))
        assert bench.merge(bench.spec(staged, 1, positions=None)).failure is None
        assert ledger(bench) == replace(before, revision=2)
        assert sorted(bench.notes()) == ["a", "b"]

    def test_every_batch_has_its_row_in_the_history(self, bench: Workbench) -> None:
        staged, job_id = replace(bench.stage(row("a", 0), dead=(dead_letter(1),)), ignored=2), bench.job_id("merge")
        staged = replace(staged, kind=Kind.WINDOW)
        bench.merge(bench.spec(staged), job_id)
        (found,) = bench.world.rows(bench.target.history)
        assert found.pop("applied_at") is not None
        assert found == {
            "pipeline": PIPELINE,
            "revision": 1,
            "batch_id": staged.batch_id,
            "kind": "window",
            "ranges": [{"partition": 0, "start_offset": 0, "end_offset": 100}],
            "messages": 2,
            "rows_staged": 1,
            "dead_lettered": 1,
            "ignored": 2,
            "load_job_ids": list(staged.load_job_ids),
            "merge_job_id": job_id,
            "dag_id": "shop",
            "task_id": "orders",
            "run_id": "manual-1",
            "try_number": 2,
            "started_at": START,
        }
        asked = [(staged.batch_id, 1), (staged.batch_id, 2), ("other", 1)]
        assert [bench.warehouse.applied(bench.target, *one) for one in asked] == [True, False, False]

    def test_a_stale_revision_changes_nothing(self, bench: Workbench) -> None:
        bench.apply(row("a", 0))
        before = ledger(bench)
        result = bench.merge(bench.spec(bench.stage(row("b", 1), dead=(dead_letter(2),)), 0))
        assert result.failure is Failure.LEDGER_MOVED
        assert result.error is not None
        assert ledger(bench) == before
        assert bench.notes() == {"a": "0/0"}
        assert bench.world.rows(bench.target.dead_letters) == []
        assert len(bench.world.rows(bench.target.history)) == 1

    def test_without_its_ledger_row_nothing_is_applied(self, bench: Workbench) -> None:
        bench.world.forget(bench.target.ledger, PIPELINE)
        assert bench.merge(bench.spec(bench.stage(row("a", 0)))).failure is Failure.LEDGER_MOVED
        assert bench.rows() == []

    def test_with_a_doubled_ledger_row_nothing_is_applied(self, bench: Workbench) -> None:
        bench.world.double(bench.target.ledger, PIPELINE)
        assert bench.merge(bench.spec(bench.stage(row("a", 0)))).failure is Failure.LEDGER_MOVED
        assert bench.rows() == []

    def test_without_the_dead_letter_table_nothing_is_applied(self, bench: Workbench) -> None:
        bench.world.drop(bench.target.dead_letters)
        result = bench.merge(bench.spec(bench.stage(row("a", 0), dead=(dead_letter(1),))))
        assert result.failure is Failure.TERMINAL
        assert (bench.rows(), ledger(bench).revision) == ([], 0)

    @pytest.mark.parametrize("lost", ["rows_tables", "dead_letters_tables"])
    def test_staging_that_lost_a_row_is_not_merged(self, bench: Workbench, lost: str) -> None:
        """Expired and made again by another writer, or changed by hand: the position would move over what is gone."""
        staged = bench.stage(row("a", 0), dead=(dead_letter(1),))
        (table,) = getattr(staged, lost)
        changes: dict[str, Any] = {lost: (replace(table, rows=table.rows + 1),), "messages": staged.messages + 1}
        short = replace(staged, **changes)
        result = bench.merge(bench.spec(short))
        assert result.failure is Failure.TERMINAL
        assert "staging" in str(result.error)
        assert (bench.rows(), bench.world.rows(bench.target.dead_letters), ledger(bench).revision) == ([], [], 0)
        assert bench.merge(bench.spec(staged)).failure is None

    def test_of_two_at_one_revision_one_wins(self, bench: Workbench) -> None:
        specs = [bench.spec(bench.stage(row("a", offset))) for offset in (1, 2)]
        results = bench.world.merge_together(*[(bench.job_id("merge"), spec) for spec in specs])
        failures = [result.failure for result in results]
        assert failures.count(None) == 1
        assert {*failures} <= {None, Failure.CONFLICT, Failure.LEDGER_MOVED}
        winner = specs[failures.index(None)].staged
        assert bench.notes() == {"a": f"0/{1 + failures.index(None)}"}
        assert (ledger(bench).revision, ledger(bench).batch_id) == (1, winner.batch_id)

    def test_pipelines_of_one_target_meet_at_its_ledger(self, bench: Workbench) -> None:
        bench.warehouse.register(bench.target, bench.ledger_row(pipeline="other"))
        specs = [bench.spec(bench.stage(row("a", 1))), bench.spec(bench.stage(row("a", 2)), pipeline="other")]
        results = bench.world.merge_together(*[(bench.job_id("merge"), spec) for spec in specs])
        failures = sorted(str(result.failure) for result in results)
        assert failures == ["None", "conflict"]
        assert len(bench.rows()) == 1

    def test_without_a_fence_two_inserts_overlap_and_double(self, bench: Workbench) -> None:
        specs = [bench.spec(bench.stage(row("a", 0)), None) for _ in range(2)]
        results = bench.world.merge_together(*[(bench.job_id("merge"), spec) for spec in specs])
        assert [(result.failure, result.inserted) for result in results] == [(None, 1), (None, 1)]
        assert [one["id"] for one in bench.rows()] == ["a", "a"]  # what fence="none" promises only to one writer
        assert bench.world.rows(bench.target.history) == []

    def test_a_seek_fences_out_who_is_about_to_merge(self, bench: Workbench) -> None:
        spec = bench.spec(bench.stage(row("a", 0)))
        assert bench.warehouse.place(bench.target, bench.ledger_row(positions={0: Position(50)}))
        assert bench.merge(spec).failure is Failure.LEDGER_MOVED
        assert ledger(bench).positions == {0: Position(50)}

    def test_a_target_that_is_gone_fails_by_name(self, bench: Workbench) -> None:
        spec = bench.spec(bench.stage(row("a", 0)))
        bench.world.drop(TableId(bench.world.project, bench.world.dataset, "orders"))
        assert bench.merge(spec).failure is Failure.TERMINAL
        assert ledger(bench).revision == 0

    def test_a_place_of_a_task_is_in_the_history_also_where_it_skips_nothing(self, bench: Workbench) -> None:
        bench.apply(row("a", 0))
        assert not bench.warehouse.placed_by(bench.target, PIPELINE, CONTEXT), "a batch is no seek"
        revision = bench.revision()
        back = bench.ledger_row(revision=revision, positions={0: Position(0)})
        assert not bench.warehouse.place(bench.target, replace(back, revision=revision - 1), (), CONTEXT)
        assert not bench.warehouse.placed_by(bench.target, PIPELINE, CONTEXT)
        assert bench.warehouse.place(bench.target, back, (), CONTEXT)
        assert bench.warehouse.placed_by(bench.target, PIPELINE, replace(CONTEXT, try_number=3, who="the next try"))
        for other in (replace(CONTEXT, dag_id="x"), replace(CONTEXT, task_id="x"), replace(CONTEXT, run_id="x")):
            assert not bench.warehouse.placed_by(bench.target, PIPELINE, other)
        assert not bench.warehouse.placed_by(bench.target, "another", CONTEXT)
        assert bench.warehouse.audits.skipped(bench.target, PIPELINE) == ()
        bench.world.drop(bench.target.history)
        assert not bench.warehouse.placed_by(bench.target, PIPELINE, CONTEXT)
