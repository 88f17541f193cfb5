"""What every Warehouse promises about tables and the ledger. Held by ``test_warehouse_*``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from airflow_kafka_bq.batch import LedgerRow, OffsetRange, Position
from airflow_kafka_bq.config.partitioning import Partitioning
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import AccountingError, CostLimitError, MergeRejectedError, NotFoundError
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.table_options import asked, notes_on_options
from tests.contract.warehouse_world import WarehouseWorld, at_once
from tests.contract.workbench import PIPELINE, TOPIC, Workbench, coordinate_target, keep_target, row


class Tables:
    """Facts, DDL."""

    def test_permissions_are_told_of_a_table_that_is_there(self, world: WarehouseWorld) -> None:
        target, warehouse = coordinate_target(world), world.warehouse()
        asked = ("bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.updateData")
        assert warehouse.permitted(target.table, asked) is None
        warehouse.create(target)
        assert warehouse.permitted(target.table, asked) == frozenset(asked)

    def test_a_table_is_made_once(self, world: WarehouseWorld) -> None:
        target, warehouse = coordinate_target(world), world.warehouse()
        assert warehouse.table(target.table) is None
        warehouse.create(target)
        first = warehouse.table(target.table)
        warehouse.create(replace(target, columns=target.columns[:1], partitioning=None, cluster_by=()))
        assert first is not None
        assert warehouse.table(target.table) == first
        assert [(one.name, one.type, one.mode) for one in first.columns] == [
            (one.name, one.type, one.mode) for one in target.columns
        ]
        assert first.partitioning == Partitioning("_kafka_timestamp", "day")
        assert first.cluster_by == ("_kafka_partition", "_kafka_offset")
        assert (first.num_rows, first.is_table, first.require_partition_filter) == (0, True, False)

    def test_options_that_a_job_gave_its_table_are_those_that_it_finds(self, world: WarehouseWorld) -> None:
        options = {"description": "it's", "labels": {"a": "b"}, "partition_expiration_days": 90, "expiration_hours": 5}
        key = "projects/p-1/locations/eu/keyRings/ring/cryptoKeys/key"
        target = replace(coordinate_target(world), options=options, labels={"team": "shop"}, kms_key_name=key)
        world.warehouse().create(target)
        facts = world.warehouse().table(target.table)
        assert facts is not None
        assert facts.options == asked(target)
        assert list(notes_on_options(target, facts)) == []

    def test_a_table_created_again_is_told_apart(self, world: WarehouseWorld) -> None:
        target, warehouse = coordinate_target(world), world.warehouse()
        warehouse.create(target)
        first = warehouse.table(target.table)
        world.drop(target.table)
        world.wait(0.01)
        warehouse.create(target)
        second = warehouse.table(target.table)
        assert first is not None
        assert second is not None
        assert first.created_at != second.created_at

    def test_a_missing_dataset_is_an_error(self, world: WarehouseWorld) -> None:
        warehouse = world.warehouse()
        nowhere = replace(coordinate_target(world), table=TableId(world.project, "no_such_dataset", "orders"))
        with pytest.raises(NotFoundError):
            warehouse.table(nowhere.table)
        with pytest.raises(NotFoundError):
            warehouse.create(nowhere)

    def test_columns_are_added_at_the_end_and_nullable(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        bench.apply(row("a", 0))
        tags = Column("tags", "STRING", "REPEATED")
        wider = replace(bench.target, columns=(*bench.target.columns, Column("extra", "INT64", "REQUIRED"), tags))
        for _ in range(2):
            bench.warehouse.add_columns(wider, ("extra", "tags"))
        facts = bench.warehouse.table(wider.table)
        assert facts is not None
        assert [(one.name, one.mode) for one in facts.columns[-2:]] == [("extra", "NULLABLE"), ("tags", "REPEATED")]
        assert bench.rows()[0]["extra"] is None

    def test_required_becomes_nullable(self, world: WarehouseWorld) -> None:
        target, warehouse = coordinate_target(world), world.warehouse()
        target = replace(target, columns=(Column("must", "STRING", "REQUIRED"), *target.columns))
        warehouse.create(target)
        warehouse.relax(target, ("must",))
        facts = warehouse.table(target.table)
        assert facts is not None
        assert [one.mode for one in facts.columns[:1]] == ["NULLABLE"]
        assert facts.column("_kafka_offset") is not None
        assert [one.mode for one in facts.columns if one.name == "_kafka_offset"] == ["REQUIRED"]

    def test_a_column_gets_a_wider_type_and_keeps_its_values(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        bench.apply(row("a", 0, version=7))
        wider = (Column("version", "NUMERIC"),)
        at_once(*[partial(world.warehouse().widen, bench.target, wider) for _ in range(2)])
        facts = bench.warehouse.table(bench.target.table)
        assert facts is not None
        assert [one.type for one in facts.columns if one.name == "version"] == ["NUMERIC"]
        assert [one["version"] for one in bench.rows()] == [7]
        bench.apply(row("b", 1, version=8))
        assert sorted(one["version"] for one in bench.rows()) == [7, 8]

    def test_a_dropped_table_is_gone_and_dropping_never_fails(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        staged = bench.stage(row("a", 0))
        table = TableId.parse(staged.rows_tables[0].table)
        assert bench.warehouse.row_count(table) == 1
        bench.warehouse.drop(table)
        assert bench.warehouse.row_count(table) is None
        bench.warehouse.drop(table)


class Ledger:
    """One row per pipeline."""

    def test_there_is_no_row_before_the_ledger(self, world: WarehouseWorld) -> None:
        assert world.warehouse().ledger(coordinate_target(world), PIPELINE) is None

    def test_the_ledger_is_born_with_its_sentinel(self, world: WarehouseWorld) -> None:
        target, warehouse = coordinate_target(world), world.warehouse()
        warehouse.create_ledger(target)
        warehouse.create_ledger(target)
        assert [found["pipeline"] for found in world.rows(target.ledger)] == ["*"]
        assert warehouse.ledger(target, PIPELINE) is None
        assert warehouse.table(target.history) is not None

    def test_what_was_registered_comes_back(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        expected = LedgerRow(
            pipeline=PIPELINE,
            topic=TOPIC,
            topic_id="id-1",
            cluster_id="cluster",
            group_id="group",
            revision=0,
            batch_id=None,
            job_id=None,
            positions={0: Position(0), 1: Position(0)},
            target_created_at="2026-01-01T00:00:00.000+00:00",
            updated_by="contract",
        )
        assert bench.warehouse.ledger(bench.target, PIPELINE) == expected

    def test_the_first_registration_stays(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        bench.warehouse.register(bench.target, bench.ledger_row(topic_id="id-2", positions={}))
        found = bench.warehouse.ledger(bench.target, PIPELINE)
        assert found is not None
        assert (found.topic_id, sorted(found.positions)) == ("id-1", [0, 1])
        assert len(world.rows(bench.target.ledger)) == 2

    def test_two_who_register_at_once_make_one_row(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        new = bench.ledger_row(pipeline="cluster/other")
        clients = [world.warehouse() for _ in range(3)]
        at_once(*[partial(client.register, bench.target, new) for client in clients])
        assert sorted(found["pipeline"] for found in world.rows(bench.target.ledger)) == [
            "*",
            "cluster/other",
            PIPELINE,
        ]

    def test_a_row_without_positions_and_identity(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        bare = LedgerRow("bare", TOPIC, None, None, None, 0, None, None, {}, None)
        bench.warehouse.register(bench.target, bare)
        assert bench.warehouse.ledger(bench.target, "bare") == bare

    def test_a_doubled_row_is_seen(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        world.double(bench.target.ledger, PIPELINE)
        with pytest.raises(AccountingError):
            bench.warehouse.ledger(bench.target, PIPELINE)

    def test_nobody_registers_without_the_sentinel(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        world.forget(bench.target.ledger, "*")
        with pytest.raises(MergeRejectedError):
            bench.warehouse.register(bench.target, bench.ledger_row(pipeline="other"))
        assert bench.warehouse.ledger(bench.target, "other") is None

    def test_place_moves_positions_and_revision(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        bench.apply(row("a", 0))
        before = bench.warehouse.ledger(bench.target, PIPELINE)
        assert before is not None
        wanted = bench.ledger_row(
            revision=before.revision,
            topic_id="id-2",
            cluster_id="moved",
            group_id="other",
            positions={0: Position(7, 1)},
            target_created_at="2026-02-01T00:00:00.000+00:00",
            updated_by="seek",
        )
        assert bench.warehouse.place(bench.target, wanted)
        placed = replace(wanted, revision=before.revision + 1, batch_id=before.batch_id, job_id=before.job_id)
        assert bench.warehouse.ledger(bench.target, PIPELINE) == placed

    def test_place_loses_where_the_revision_moved(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        bench.apply(row("a", 0))
        before = bench.warehouse.ledger(bench.target, PIPELINE)
        assert not bench.warehouse.place(bench.target, bench.ledger_row(revision=0, positions={0: Position(7)}))
        assert not bench.warehouse.place(bench.target, bench.ledger_row(pipeline="nobody"))
        assert bench.warehouse.ledger(bench.target, PIPELINE) == before

    def test_what_a_place_skips_is_in_the_history_or_neither_is(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        bench.apply(row("a", 0))
        before = bench.warehouse.ledger(bench.target, PIPELINE)
        assert before is not None
        skipped = (OffsetRange(0, 1, 7), OffsetRange(1, 0, 2))
        wanted = bench.ledger_row(revision=before.revision, positions={0: Position(7), 1: Position(2)})
        audits = bench.warehouse.audits
        for late in (replace(wanted, revision=before.revision - 1), bench.ledger_row(pipeline="nobody")):
            assert not bench.warehouse.place(bench.target, late, skipped)
            assert bench.warehouse.ledger(bench.target, PIPELINE) == before
            assert audits.skipped(bench.target, PIPELINE) == ()
        assert bench.warehouse.place(bench.target, wanted, skipped)
        placed = bench.warehouse.ledger(bench.target, PIPELINE)
        assert placed is not None
        assert (placed.positions, placed.revision) == (wanted.positions, before.revision + 1)
        assert audits.skipped(bench.target, PIPELINE) == skipped
        assert skipped[1] not in audits.covered(bench.target, PIPELINE), "no batch read it"
        assert bench.warehouse.applied(bench.target, f"seek-{placed.revision}", placed.revision)

    def test_where_live_reading_began_and_how_far_the_rows_go(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        bench.apply(row("a", 3), row("b", 8))
        bench.apply(row("c", 9), row("d", 2, partition=1))
        assert bench.warehouse.first_read(bench.target, PIPELINE) == {0: 0}  # a bench counts batches as offsets
        assert bench.warehouse.first_read(bench.target, "nobody") == {}
        facts = bench.warehouse.table(bench.target.table)
        assert facts is not None
        assert bench.warehouse.highest(bench.target, facts, TOPIC, None) == {0: 9, 1: 2}
        assert bench.warehouse.highest(bench.target, facts, "another", 10**9) == {}
        with pytest.raises(CostLimitError):
            bench.warehouse.highest(bench.target, facts, TOPIC, 1)

    def test_of_two_who_place_at_once_one_wins(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        wanted = [bench.ledger_row(positions={0: Position(offset)}) for offset in (5, 6)]
        won = at_once(*[partial(world.warehouse().place, bench.target, one) for one in wanted])
        assert sorted(won) == [False, True]
        found = bench.warehouse.ledger(bench.target, PIPELINE)
        assert found is not None
        assert (found.revision, found.positions) == (1, wanted[won.index(True)].positions)
