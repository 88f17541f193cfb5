"""What every Warehouse promises about redriving dead letters. Held by ``test_warehouse_*``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch import (
    LETTER_SCHEMA,
    REDRIVEN,
    ColumnBounds,
    Failure,
    JobResult,
    Kind,
    LetterPlace,
    OffsetRange,
)
from airflow_kafka_bq.config.letters import LetterSelection
from tests.contract.warehouse_world import WarehouseWorld
from tests.contract.workbench import PIPELINE, START, TOPIC, Workbench, at, dead_letter, keep_target, row

ALL = LetterSelection()
BOUNDS = (ColumnBounds("_kafka_timestamp", ((at(0), at(86400)),)), ColumnBounds("_kafka_partition", (), (0,)))


def outcome(offset: int, stage: str = REDRIVEN, **other: Any) -> dict[str, Any]:
    """What became of a letter."""
    where = {"_kafka_partition": 0, "_kafka_offset": offset, "_kafka_timestamp": START}
    return {**where, "stage": stage, "reason": stage, **other}


def redrive(
    bench: Workbench, *rows: Any, letters: tuple[Any, ...], revision: int | None = None, bounds: Any = BOUNDS
) -> JobResult:
    """The transaction of a redrive."""
    staged = bench.stage(*rows, dead=letters)
    staged = replace(
        staged, kind=Kind.REDRIVE, ranges=(OffsetRange(0, 4, 5),), messages=len(letters), dead_letter_bounds=bounds,
        dead_lettered=sum(one["stage"] != REDRIVEN for one in letters),
    )  # fmt: skip
    return bench.merge(bench.spec(staged, bench.revision() if revision is None else revision, positions=None))


def letters_of(bench: Workbench) -> dict[int, dict[str, Any]]:
    """By offset, in its order, without ranges that are lost."""
    found = sorted(bench.world.rows(bench.target.dead_letters), key=lambda one: int(one["_kafka_offset"]))
    return {int(one["_kafka_offset"]): one for one in found if one["stage"] != "lost"}


def selected(bench: Workbench, wanted: LetterSelection = ALL, after: Any = None, most: int = 100) -> list[Any]:
    """Rows of all pieces."""
    pieces = list(bench.warehouse.letters(bench.target, TOPIC, wanted, after, most, None))
    assert all(one.schema == LETTER_SCHEMA and one.num_rows for one in pieces)
    return pa.concat_tables([LETTER_SCHEMA.empty_table(), *pieces]).to_pylist()


class Letters:
    """Read, marked, written down."""

    def bench(self, world: WarehouseWorld) -> Workbench:
        made = Workbench(world, keep_target(world))
        made.apply(row("a", 0), dead=(dead_letter(4), dead_letter(5), dead_letter(6), dead_letter(9, "lost", 12)))
        return made

    def test_rows_and_marks_come_together(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        before, ledger = letters_of(bench), bench.warehouse.ledger(bench.target, PIPELINE)
        failed = outcome(5, "validate", reason="int", error="no number", schema_id=7)
        done = redrive(bench, row("b", 4), letters=(outcome(4), failed))
        assert (done.failure, done.inserted, done.updated) == (None, 1, 0), done.error
        after = letters_of(bench)
        assert {offset: one["redriven_at"] is not None for offset, one in after.items()} == {
            4: True, 5: False, 6: False,
        }  # fmt: skip
        assert after[6] == before[6]
        assert {**after[4], "redriven_at": None} == before[4]
        assert [after[5][name] for name in ("stage", "reason", "error", "schema_id")] == [
            "validate", "int", "no number", 7,
        ]  # fmt: skip
        assert after[5]["_kafka_value"] == before[5]["_kafka_value"] == b"\x00{"
        assert after[5]["batch_id"] != before[5]["batch_id"]
        assert after[5]["failed_at"] >= before[5]["failed_at"]
        assert bench.notes() == {"a": "0/0", "b": "0/4"}
        now = bench.warehouse.ledger(bench.target, PIPELINE)
        assert ledger is not None
        assert now is not None
        assert (now.revision, now.positions, now.batch_id) == (ledger.revision + 1, ledger.positions, ledger.batch_id)
        (batch,) = [one for one in world.rows(bench.target.history) if one["kind"] == "redrive"]
        assert (batch["revision"], batch["messages"], batch["dead_lettered"]) == (now.revision, 2, 1)

    def test_letters_without_any_row(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        assert redrive(bench, letters=(outcome(4), outcome(5))).failure is None
        assert [one["redriven_at"] is not None for one in letters_of(bench).values()] == [True, True, False]

    def test_a_letter_that_was_taken_takes_everything_back(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        assert redrive(bench, row("b", 4), letters=(outcome(4),)).failure is None
        before, revision = (world.rows(bench.target.table), letters_of(bench)), bench.revision()
        second = redrive(bench, row("c", 5), row("b", 4), letters=(outcome(4), outcome(5)))
        assert second.failure is Failure.LETTERS_MOVED
        assert (world.rows(bench.target.table), letters_of(bench)) == before
        assert bench.revision() == revision

    def test_a_lost_range_is_no_letter(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        assert redrive(bench, letters=(outcome(9),)).failure is Failure.LETTERS_MOVED
        (lost,) = [one for one in world.rows(bench.target.dead_letters) if one["stage"] == "lost"]
        assert lost["redriven_at"] is None

    def test_a_stale_revision_marks_nothing(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        assert redrive(bench, row("b", 4), letters=(outcome(4),), revision=0).failure is Failure.LEDGER_MOVED
        assert [one["redriven_at"] for one in letters_of(bench).values()] == [None] * 3

    def test_wrong_bounds_would_hide_a_letter(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        wrong = (ColumnBounds("_kafka_partition", (), (1,)),)
        assert redrive(bench, letters=(outcome(4),), bounds=wrong).failure is Failure.LETTERS_MOVED

    def test_a_message_that_fails_after_its_redrive_waits_again(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        redrive(bench, letters=(outcome(4), outcome(5)))
        bench.apply(dead=(dead_letter(4, "validate"), dead_letter(6, "validate")))
        found = letters_of(bench)
        assert {offset: (one["stage"], one["redriven_at"] is not None) for offset, one in found.items()} == {
            4: ("validate", False), 5: ("decode", True), 6: ("decode", False),
        }  # fmt: skip

    def test_letters_are_read_whole_and_in_order(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        headers = [{"key": "h", "value": b"\x00"}, {"key": "h", "value": None}, {"key": "", "value": b""}]
        odd = {"_kafka_key": b"\xff", "_kafka_value": b"", "_kafka_headers": headers, "_kafka_partition": 1}
        tombstone = {"_kafka_value": None, "_kafka_timestamp": at(0.001)}
        bench.apply(dead=(dead_letter(8) | tombstone, dead_letter(3) | odd, dead_letter(7), dead_letter(1, "lost", 2)))
        found = selected(bench)
        assert [(one["partition"], one["offset"]) for one in found] == [(0, 7), (1, 3), (0, 8)]
        assert found[1] == {
            "partition": 1, "offset": 3, "timestamp_ms": int(START.timestamp() * 1000), "key": b"\xff", "value": b"",
            "headers": headers, "stage": "decode", "reason": "json",
        }  # fmt: skip
        assert (found[2]["value"], found[2]["timestamp_ms"] % 1000, found[2]["headers"]) == (None, 1, [])

    def test_letters_are_chosen(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        bench.apply(dead=(dead_letter(7, "load") | {"reason": "it's"},))
        redrive(bench, letters=(outcome(5),))
        whole = [one["offset"] for one in selected(bench)]
        assert whole == [4, 6, 7]
        stamp = int(START.timestamp() * 1000)
        first = letters_of(bench)[4]["failed_at"]
        for wanted, after, most, expected in (
            ({"stage": "load"}, None, 9, [7]),
            ({"stage": ("load", "decode")}, None, 9, whole),
            ({"reason": "it's"}, None, 9, [7]),
            ({"until": first}, None, 9, []),
            ({"since": first}, None, 9, whole),
            ({}, LetterPlace(stamp, 0, 4), 9, [6, 7]),
            ({}, LetterPlace(stamp - 1, 9, 9), 9, whole),
            ({}, LetterPlace(stamp, 1, 0), 9, []),
            ({}, None, 2, [4, 6]),
        ):
            found = selected(bench, LetterSelection.of(**wanted), after, most)
            assert [one["offset"] for one in found] == expected, (wanted, after, most)
        assert list(bench.warehouse.letters(bench.target, "other", ALL, None, 9, None)) == []
