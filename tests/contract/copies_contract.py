"""What every Warehouse promises about letters that are copied to a topic. Held by ``test_warehouse_*``."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch import UNCOPIED_SCHEMA, Uncopied
from tests.contract.letters_contract import letters_of, outcome, redrive
from tests.contract.warehouse_world import WarehouseWorld
from tests.contract.workbench import START, TOPIC, Workbench, at, dead_letter, keep_target, row


def waiting(bench: Workbench, most: int = 100) -> list[dict[str, Any]]:
    """Rows of all pieces of what waits for its copy."""
    found = bench.warehouse.uncopied(bench.target, TOPIC)
    if not found.letters:
        return []
    pieces = list(bench.warehouse.uncopied_letters(bench.target, TOPIC, found, most, None))
    assert all(one.schema == UNCOPIED_SCHEMA and one.num_rows for one in pieces)
    rows: list[dict[str, Any]] = pa.concat_tables([UNCOPIED_SCHEMA.empty_table(), *pieces]).to_pylist()
    return rows


def offsets(bench: Workbench, most: int = 100) -> list[int]:
    """Of what waits, in its order."""
    return [one["offset"] for one in waiting(bench, most)]


def mark(bench: Workbench, *chosen: int) -> None:
    """Letters of these offsets were acknowledged."""
    rows = [one for one in waiting(bench) if one["offset"] in chosen]
    bench.warehouse.mark_copied(bench.target, TOPIC, pa.Table.from_pylist(rows, UNCOPIED_SCHEMA))


class Copies:
    """Waiting, read, marked."""

    def bench(self, world: WarehouseWorld) -> Workbench:
        made = Workbench(world, keep_target(world))
        late = {"_kafka_timestamp": at(90_000)}
        made.apply(
            row("a", 0), dead=(dead_letter(6) | late, dead_letter(4), dead_letter(5), dead_letter(9, "lost", 12))
        )
        return made

    def test_letters_wait_whole_and_the_oldest_message_is_first(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        headers = [{"key": "h", "value": b"\x00"}, {"key": "h", "value": None}]
        odd = {"_kafka_key": b"\xff", "_kafka_value": b"", "_kafka_headers": headers, "error": "it's broken"}
        bench.apply(dead=(dead_letter(8) | {"_kafka_timestamp": at(0.001), "_kafka_value": None}, dead_letter(3) | odd))
        assert bench.warehouse.uncopied(bench.target, TOPIC) == Uncopied(2, START, at(0.001))
        first, second = waiting(bench)
        assert first == {
            "partition": 0, "offset": 3, "timestamp_ms": int(START.timestamp() * 1000), "key": b"\xff", "value": b"",
            "headers": headers, "stage": "decode", "reason": "json", "error": "it's broken",
            "batch_id": letters_of(bench)[3]["batch_id"],
        }  # fmt: skip
        assert (second["value"], second["headers"], second["error"]) == (None, [], None)

    def test_a_letter_that_was_copied_waits_no_more(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        assert offsets(bench) == [4, 5, 6]
        assert offsets(bench, 2) == [4, 5]
        before = letters_of(bench)
        mark(bench, 4, 6)
        after = letters_of(bench)
        assert offsets(bench) == [5]
        assert [after[offset]["copied_at"] is None for offset in (4, 5, 6)] == [False, True, False]
        assert [{**one, "copied_at": None} for one in after.values()] == list(before.values())
        mark(bench, 5)
        assert bench.warehouse.uncopied(bench.target, TOPIC) == Uncopied()
        assert letters_of(bench)[4] == after[4]

    def test_a_mark_stays_as_it_was_set(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        rows = pa.Table.from_pylist(waiting(bench)[:1], UNCOPIED_SCHEMA)
        bench.warehouse.mark_copied(bench.target, TOPIC, rows)
        first = letters_of(bench)[4]["copied_at"]
        world.wait(0.01)
        bench.warehouse.mark_copied(bench.target, TOPIC, rows)
        assert letters_of(bench)[4]["copied_at"] == first is not None

    def test_a_letter_of_another_place_is_not_marked(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        for other in ({"partition": 1}, {"offset": 7}, {"timestamp_ms": 5}):
            rows = pa.Table.from_pylist([{**waiting(bench)[0], **other}], UNCOPIED_SCHEMA)
            bench.warehouse.mark_copied(bench.target, TOPIC, rows)
        rows = pa.Table.from_pylist(waiting(bench), UNCOPIED_SCHEMA)
        bench.warehouse.mark_copied(bench.target, "another topic", rows)
        assert offsets(bench) == [4, 5, 6]

    def test_lost_ranges_and_other_topics_are_never_copied(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        mark(bench, 4, 5, 6)
        (lost,) = [one for one in world.rows(bench.target.dead_letters) if one["stage"] == "lost"]
        assert lost["copied_at"] is None
        assert bench.warehouse.uncopied(bench.target, "another topic") == Uncopied()

    def test_what_is_a_row_now_is_not_copied_and_waits_if_it_fails_once_more(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        redrive(bench, row("b", 4), letters=(outcome(4),))
        assert offsets(bench) == [5, 6]
        bench.apply(dead=(dead_letter(4, "validate"), dead_letter(5, "validate")))
        assert offsets(bench) == [4, 5, 6]

    def test_a_letter_that_fails_again_is_not_copied_again(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        mark(bench, 4)
        redrive(bench, letters=(outcome(4, "validate"),))
        redrive(bench, letters=(outcome(4),))
        bench.apply(dead=(dead_letter(4, "validate"),))
        assert letters_of(bench)[4]["stage"] == "validate"
        assert offsets(bench) == [5, 6]

    def test_a_table_of_before_gets_the_column(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        world.without(bench.target.dead_letters, "copied_at")
        bench.warehouse.create_copied_at(bench.target)
        bench.warehouse.create_copied_at(bench.target)
        assert offsets(bench) == [4, 5, 6]
        bench.apply(dead=(dead_letter(7),))
        mark(bench, 4, 5, 6)
        assert offsets(bench) == [7]

    def test_a_transaction_does_not_need_the_column(self, world: WarehouseWorld) -> None:
        bench = self.bench(world)
        world.without(bench.target.dead_letters, "copied_at")
        bench.apply(dead=(dead_letter(7),))
        redrive(bench, letters=(outcome(7),))
        assert letters_of(bench)[7]["redriven_at"] is not None
