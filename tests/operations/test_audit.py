"""What an audit finds, in every mode, and what it says that it cannot know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.config.days import Between
from airflow_kafka_bq.exceptions import ConfigError, CostLimitError, NotFoundError, SchemaDriftError
from airflow_kafka_bq.operations.audit import KEYED, audit
from tests.operations.doubling import DAY_MS, JANUARY_MS, copy, doubled, other_order
from tests.operations.seeking import sought, undone
from tests.pipeline.world import KEEP, TABLE, TOPIC, UPDATE, World

BARE: dict[str, Any] = {**KEEP, "kafka_columns": "none", "fence": "ledger"}


def found(world: World, between: Between | None = None, **settings: Any) -> dict[str, Any]:
    """An audit's document."""
    return audit(world.job(**settings), between)


@pytest.mark.parametrize("settings", [{}, KEEP, UPDATE, BARE], ids=["coordinates", "keep", "update", "bare"])
def test_what_the_job_wrote_is_clean(settings: dict[str, Any]) -> None:
    world = World(2)
    world.fill(5)
    world.fill(3, partition=1)
    world.send(b"{", partition=0)
    world.run(**settings, max_bad_ratio=None)
    world.fill(2)
    world.run(**settings)
    before = (world.rows(), world.ledger())
    document = found(world, **settings)
    assert (document["clean"], document["findings"], document["rows"]) == (True, [], 10)
    assert document["duplicates"]["by_key"] == {"groups": 0, "rows": 0}
    assert (document["unread"], document["skipped"], document["without_history"]) == ([], [], [])
    assert (world.rows(), world.ledger()) == before


def test_exact_copies_are_found() -> None:
    world = doubled()
    copy(world, 0, times=2)
    copy(world, 3)
    document = found(world)
    assert not document["clean"]
    assert document["duplicates"] == {name: {"groups": 2, "rows": 3} for name in ("by_key", "by_coordinates", "copies")}
    assert [one["rows"] for one in document["examples"]] == [3, 2]
    assert document["examples"][0]["key"]["_kafka_offset"] == 0
    assert document["findings"] == ["rows too many by coordinates: 3, of 2 messages"]


def test_a_second_message_of_a_key_is_a_duplicate_of_the_key_alone() -> None:
    world = doubled(**KEEP)
    other_order(world, "0-0", offset=2, n=7)
    document = found(world, **KEEP)
    assert document["duplicates"]["by_key"] == {"groups": 1, "rows": 1}
    assert document["duplicates"]["copies"] == {"groups": 0, "rows": 0}
    assert document["examples"] == [{"key": {"id": "0-0"}, "rows": 2}]
    assert document["unchecked"] == [KEYED]


def test_days_are_shown_and_chosen() -> None:
    world = World(1)
    for day in range(3):
        world.send({"id": str(day), "n": 0}, timestamp_ms=JANUARY_MS + day * DAY_MS)
    world.run()
    copy(world, 1)
    days = found(world)["days"]
    assert [(one["rows"], one["duplicates"]) for one in days] == [(1, 0), (2, 1), (1, 0)]
    chosen = found(world, Between.of(days[1]["day"], days[2]["day"]))
    assert (chosen["rows"], chosen["days"], chosen["clean"]) == (2, [days[1]], False)
    assert found(world, Between.of(until=days[1]["day"]))["clean"]
    assert found(world, Between.of(since=days[2]["day"]))["clean"]


def test_messages_that_are_gone_are_missed() -> None:
    world = doubled()
    world.database.delete(TABLE, lambda row: row["_kafka_offset"] in {1, 2})
    copy(world, 0)  # a row too many hides no row too few
    document = found(world)
    (batch,) = document["missing"]["batches"]
    assert (document["missing"]["messages"], batch["messages"], batch["found"]) == (2, 4, 2)
    assert "messages neither in the table nor in the dead-letter table: 2" in document["findings"]


def test_windows_that_read_again_count_nothing_twice() -> None:
    world = doubled()
    world.run(window={"from": {0: 0}, "to": {0: 4}})
    world.database.delete(TABLE, lambda row: row["_kafka_offset"] == 1)
    document = found(world)
    assert (document["missing"]["messages"], len(document["missing"]["batches"])) == (1, 2)


def test_ignored_messages_and_dead_letters_are_not_missed() -> None:
    world = World(1)
    for value in ({"id": "a", "n": 1}, None, b"{", {"id": "b", "n": 2}):
        world.send(value)
    world.run(on_tombstone="ignore", max_bad_ratio=None)
    assert found(world, on_tombstone="ignore")["clean"]
    world.database.delete(TABLE.companion("dead_letters"), lambda row: row["stage"] == "decode")
    assert found(world, on_tombstone="ignore")["missing"]["messages"] == 1


@pytest.mark.parametrize("settings", [{}, KEEP, BARE], ids=["coordinates", "keep", "bare"])
def test_offsets_that_a_position_moved_over_are_found(settings: dict[str, Any]) -> None:
    world = World(1)
    world.fill(9)
    world.run(**settings, max_messages=3)
    _move(world, 5)
    assert found(world, **settings)["unread"] == [{"partition": 0, "start": 3, "end": 5}]
    world.run(**settings)
    document = found(world, **settings)
    assert document["findings"] == ["offsets below the position that no batch read: 2"]
    world.run(**settings, window={"from": {0: 3}, "to": {0: 5}})
    assert found(world, **settings)["clean"], "a window has read them"


def test_offsets_that_a_seek_moved_over_are_told_and_are_no_finding(tmp_path: Path) -> None:
    world = World(2)
    world.fill(9)
    world.run(max_messages=3)
    sought(world, "0:5", folder=tmp_path)
    document = found(world)
    skipped = [{"partition": 0, "start": 3, "end": 5}]
    assert (document["clean"], document["unread"], document["skipped"]) == (True, [], skipped)
    world.run()
    assert found(world)["skipped"] == skipped
    sought(world, "earliest", folder=tmp_path)
    undone(world, tmp_path)
    assert found(world)["skipped"] == skipped, "what was read before is not skipped by taking a way back back"
    world.run(window={"from": {0: 4}, "to": {0: 5}})
    document = found(world)
    assert document["skipped"] == [{"partition": 0, "start": 3, "end": 4}], "the rest a window has read since"


def test_a_seek_hides_nothing_that_others_moved_over(tmp_path: Path) -> None:
    world = World(1)
    world.fill(9)
    world.run(max_messages=3)
    _move(world, 5)
    sought(world, "0:7", folder=tmp_path)
    world.run()
    document = found(world)
    assert document["unread"] == [{"partition": 0, "start": 3, "end": 5}]
    assert document["skipped"] == [{"partition": 0, "start": 5, "end": 7}]


def test_offsets_that_kafka_lost_are_explained() -> None:
    world = World(1)
    world.fill(6)
    world.run(max_messages=2)
    world.cluster.delete_records(TOPIC, 0, 4)
    world.run(on_gap="record")
    assert found(world)["clean"]


def test_rows_that_no_batch_brought() -> None:
    world = World(1)
    world.fill(4)
    world.run(start={0: 2})
    other_order(world, "before", offset=1)
    early = found(world, start={0: 2})
    assert early["clean"], "what a table had before the job began is told, and no finding"
    assert [(one["rows"], one["before_the_job"]) for one in early["without_history"]] == [(1, True)]
    other_order(world, "beyond", offset=99)
    late = found(world, start={0: 2})
    assert late["findings"] == ["rows that came with no batch: 1"]


def test_a_table_of_others_has_no_coordinates_to_look_at() -> None:
    world = doubled(**BARE)
    world.database.insert(TABLE, world.rows()[:1])
    document = found(world, **BARE)
    assert document["duplicates"] == {"by_key": {"groups": 1, "rows": 1}, "by_coordinates": None, "copies": None}
    assert document["unchecked"] == [
        "duplicates by coordinates: the table has no Kafka columns",
        "rows against the history: the table has no Kafka columns",
    ]


def test_without_a_ledger_the_history_is_not_checked() -> None:
    world = doubled(fence="none")
    document = found(world, fence="none")
    assert document["clean"]
    assert document["unchecked"] == ["missing messages and rows without history: the job keeps no ledger yet"]


def test_what_a_range_hides_is_said() -> None:
    world = doubled(**UPDATE, on_tombstone="delete")
    document = found(world, Between.of("2020-01-01"), **UPDATE, on_tombstone="delete")
    assert document["unchecked"][:2] == [
        "duplicates of which one row lies outside of the range", "rows that a tombstone should have removed",
    ]  # fmt: skip


def test_what_costs_too_much_is_not_read() -> None:
    world = doubled()
    with pytest.raises(CostLimitError, match="max_bytes_billed"):
        found(world, max_bytes_billed=1)


def test_what_cannot_be_looked_at_is_named() -> None:
    world = World(1)
    with pytest.raises(NotFoundError, match="does not exist"):
        found(world)
    world = doubled()
    with pytest.raises(SchemaDriftError, match="'id'"):
        found(world, **KEEP)
    bare = doubled(**BARE)
    with pytest.raises(ConfigError, match="no column of time"):
        found(bare, Between.of("2026-01-01"), **BARE)


def _move(world: World, offset: int) -> None:
    """Somebody moves the position forward by hand."""
    rows = [row for row in world.database.rows(TABLE.companion("ledger")) if row["pipeline"] != "*"]
    world.database.delete(TABLE.companion("ledger"), lambda row: row["pipeline"] != "*")
    moved = [{"partition": 0, "next_offset": offset, "leader_epoch": None}]
    world.database.insert(TABLE.companion("ledger"), [{**row, "positions": moved} for row in rows])
