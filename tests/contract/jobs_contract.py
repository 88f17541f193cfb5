"""What every Warehouse promises about load jobs, job ids, estimates and probes. Held by ``test_warehouse_*``."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from airflow_kafka_bq.batch import Failure, Recent, Written
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import CostLimitError, NotFoundError
from airflow_kafka_bq.pipeline.bounds import of_rows
from airflow_kafka_bq.ports.staging_file import StagingFile
from tests.contract.warehouse_world import WarehouseWorld, soon
from tests.contract.workbench import Workbench, coordinate_target, dead_letter, keep_target, row, update_target


class Jobs:
    """An id is used once."""

    def test_a_load_tells_where_and_how_many(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        table, job_id = bench.target.staging("s"), bench.job_id()
        result = bench.warehouse.load(job_id, table, bench.file([row("a", 0), row("b", 1)]), bench.target, soon(world))
        assert (result.failure, result.attached, result.destination, result.output_rows) == (None, False, str(table), 2)
        assert result.job_id == job_id
        assert bench.warehouse.row_count(table) == 2
        facts = bench.warehouse.table(table)
        assert facts is not None

    def test_a_file_that_was_written_while_its_rows_came_is_what_is_loaded(self, world: WarehouseWorld) -> None:
        """It may be sent again, and the same writes are the same bytes: a batch is named by them."""
        bench = Workbench(world, keep_target(world))
        rows = bench.table([row("a", 0), row("b", 1), row("c", 2)])
        files: list[StagingFile] = []
        for _ in range(2):
            files.append(bench.warehouse.begin_file())
            for part in (rows.slice(0, 2), rows.slice(2)):
                files[-1].write(part)
        assert files[0].finished().getvalue() == files[1].finished().getvalue()
        for number in range(2):
            table = bench.target.staging(f"file_{number}")
            written = Written(files[0], rows.schema, 3, "", 0.0)
            done = bench.warehouse.load(bench.job_id(), table, written, bench.target, soon(world))
            assert (done.failure, done.output_rows) == (None, 3)
            assert bench.warehouse.row_count(table) == 3

    def test_the_same_id_attaches_and_loads_nothing(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        table, other, job_id = bench.target.staging("s"), bench.target.staging("other"), bench.job_id()
        bench.warehouse.load(job_id, table, bench.file([row("a", 0), row("b", 1)]), bench.target, soon(world))
        again = bench.warehouse.load(job_id, table, bench.file([row("c", 2)]), bench.target, soon(world))
        assert (again.failure, again.attached, again.destination, again.output_rows) == (None, True, str(table), 2)
        elsewhere = bench.warehouse.load(job_id, other, bench.file([row("c", 2)]), bench.target, soon(world))
        assert (elsewhere.attached, elsewhere.destination) == (True, str(table))  # the caller must look at it
        assert bench.warehouse.row_count(table) == 2
        assert bench.warehouse.row_count(other) == 0

    def test_a_table_that_holds_rows_is_never_loaded_twice(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        table = bench.target.staging("s")
        bench.warehouse.load(bench.job_id(), table, bench.file([row("a", 0)]), bench.target, soon(world))
        result = bench.warehouse.load(bench.job_id(), table, bench.file([row("b", 1)]), bench.target, soon(world))
        assert result.failure is Failure.TERMINAL
        assert result.error is not None
        assert bench.warehouse.row_count(table) == 1

    def test_the_id_of_a_failed_load_is_burnt(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        table, fresh, job_id = bench.target.staging("s"), bench.target.staging("fresh"), bench.job_id()
        bench.warehouse.load(bench.job_id(), table, bench.file([row("a", 0)]), bench.target, soon(world))
        bench.warehouse.load(job_id, table, bench.file([row("b", 1)]), bench.target, soon(world))
        again = bench.warehouse.load(job_id, fresh, bench.file([row("b", 1)]), bench.target, soon(world))
        assert (again.failure, again.attached) == (Failure.TERMINAL, True)
        assert bench.warehouse.row_count(fresh) == 0

    def test_a_staging_table_expires(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        table, job_id = bench.target.staging("s"), bench.job_id()
        rows = bench.file([row("a", 0)])
        bench.warehouse.load(job_id, table, rows, bench.target, soon(world, 2))
        assert bench.warehouse.row_count(table) == 1
        world.wait(2.5)
        assert bench.warehouse.row_count(table) is None
        again = bench.warehouse.load(job_id, table, rows, bench.target, soon(world))
        assert (again.failure, again.attached) == (None, True)
        assert bench.warehouse.row_count(table) == 0  # the job is done, its rows are gone: the caller must look

    def test_a_merge_attaches_and_applies_nothing(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        first, second = bench.stage(row("a", 0), row("b", 1)), bench.stage(row("c", 2))
        job_id = bench.job_id("merge")
        done = bench.merge(bench.spec(first), job_id)
        again = bench.merge(bench.spec(second, 1), job_id)
        assert (done.failure, done.attached, done.inserted) == (None, False, 2)
        assert (again.failure, again.attached) == (None, True)
        assert bench.notes() == {"a": "0/0", "b": "0/1"}
        assert bench.revision() == 1

    def test_the_id_of_a_failed_merge_is_burnt(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        staged, job_id = bench.stage(row("a", 0)), bench.job_id("merge")
        assert bench.merge(bench.spec(staged, 5), job_id).failure is Failure.LEDGER_MOVED
        again = bench.merge(bench.spec(staged), job_id)
        assert (again.failure, again.attached) == (Failure.LEDGER_MOVED, True)
        assert bench.merge(bench.spec(staged)).failure is None
        assert bench.notes() == {"a": "0/0"}

    def test_a_merge_without_its_staging_table_fails(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        staged = bench.stage(row("a", 0))
        bench.warehouse.drop(TableId.parse(staged.rows_tables[0].table))
        result = bench.merge(bench.spec(staged))
        assert result.failure is Failure.TERMINAL
        assert (bench.revision(), bench.rows()) == (0, [])

    def test_a_merge_from_a_staging_table_that_was_made_anew_fails(self, world: WarehouseWorld) -> None:
        """The same load, asked for again after the table expired, leaves an empty table of the same name."""
        bench = Workbench(world, keep_target(world))
        rows = bench.stage(row("a", 0))
        both = bench.stage(row("a", 0), dead=(dead_letter(1),))
        for staged, table in ((rows, rows.rows_tables[0].table), (both, both.dead_letters_tables[0].table)):
            name = TableId(*str(table).split("."))
            bench.warehouse.drop(name)
            again = bench.warehouse.load(
                f"{staged.batch_id}-{'rows' if staged is rows else 'dead'}",
                name,
                bench.file([row("a", 0)]),
                bench.target,
                soon(world),
            )
            assert (again.failure, again.attached, bench.warehouse.row_count(name)) == (None, True, 0)
            result = bench.merge(bench.spec(staged))
            assert result.failure is Failure.TERMINAL
            assert isinstance(result.error, NotFoundError)
            assert (bench.revision(), bench.rows()) == (0, [])

    def test_batches_of_a_while_are_counted_with_their_load_jobs(self, world: WarehouseWorld) -> None:
        target, since = coordinate_target(world), world.now() - timedelta(hours=1)
        assert world.warehouse().recent(target, since) == Recent()
        bench = Workbench(world, target)
        bench.apply(row("a", 0))
        bench.apply(row("b", 1), dead=(dead_letter(2),))
        assert bench.warehouse.recent(target, since) == Recent(2, 3)
        assert bench.warehouse.recent(target, world.now() + timedelta(hours=1)) == Recent()

    def test_the_estimate_grows_with_the_table(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world))
        small = bench.spec(bench.stage(row("x", 0)))
        before = bench.warehouse.estimate(small)
        bench.apply(*[row(f"id-{number}", number) for number in range(1, 500)])
        after = bench.warehouse.estimate(small)
        assert 0 < before < after
        assert 0 < bench.warehouse.estimate_empty(replace(small, staged=replace(small.staged, bounds=()))) <= after

    @pytest.mark.parametrize("key", ["coordinates", "immutable partition", "dedup_window"])
    def test_the_estimate_stays_flat_while_other_days_grow_a_hundredfold(self, world: WarehouseWorld, key: str) -> None:
        target = coordinate_target(world)
        if key != "coordinates":
            chosen = {"immutable": True} if key == "immutable partition" else {"dedup_window": timedelta(days=1)}
            target = replace(keep_target(world), partitioning=target.partitioning, **chosen)
        bench, batch, week = Workbench(world, target), [row(f"{number:03}", number) for number in range(3)], 7 * 86400
        bench.apply(*batch)
        bounds = of_rows(bench.table(batch), target)
        spec = bench.spec(bench.stage(*batch, bounds=bounds))
        before = bench.warehouse.estimate(spec)
        bench.apply(*[row(f"{number:03}", number, seconds=week + number) for number in range(3, 300)])
        assert 0 < before == bench.warehouse.estimate(spec)
        everywhere = replace(spec, staged=replace(spec.staged, bounds=()))
        assert bench.warehouse.estimate(everywhere) > 5 * before, "what the bounds save"

    def test_a_merge_over_its_limit_spends_nothing(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world))
        bench.apply(*[row(f"id-{number}", number) for number in range(200)])
        spec = bench.spec(bench.stage(row("x", 999)), bench.revision())
        result = bench.warehouse.merge(bench.job_id(), spec, 1)
        assert result.failure is Failure.TERMINAL
        assert isinstance(result.error, CostLimitError)
        assert len(bench.rows()) == 200

    def test_good_rows_pass_the_probe(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        spec = bench.spec(bench.stage(row("a", 0), row("b", 1), row("c", 2)))
        assert [bench.warehouse.probe(spec, *ends) for ends in ((0, 2), (1, 1))] == [None, None]
        assert bench.rows() == []
