"""What a position rests on: the old group, the table, or the start of the log; and when a job has one of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import (
    CostLimitError,
    IngestError,
    NotFoundError,
    OffsetGapError,
    PositionConflictError,
    TopicChangedError,
)
from tests.operations.test_migrate import AT, _shared, commit_old, migrated
from tests.pipeline.world import GROUP, TABLE, TOPIC, World


def lines(found: dict[str, Any], *names: str) -> dict[str, tuple[Any, ...]]:
    return {part: tuple(one[name] for name in names) for part, one in found["jobs"][0]["partitions"].items()}


def _filled_by_others(offsets: dict[int, int], *, group: dict[int, int]) -> World:
    """The table has rows of these offsets and below, and no ledger; the old group has these positions."""
    world = World(2)
    for part, end in offsets.items():
        world.fill(end, part)
    world.run(fence="none")
    for part in (0, 1):
        world.fill(10 - offsets.get(part, 0), part)
    world.cluster.groups.delete(GROUP)
    commit_old(world, group)
    return world


def test_a_partition_that_the_old_group_never_committed_begins_with_its_log(tmp_path: Path) -> None:
    world = _shared()
    world.cluster.groups.expire("old-shared")
    commit_old(world, {0: 4})
    found = migrated(world, tmp_path)
    assert lines(found, "old", "new", "rests_on") == {"0": (4, 4, "group"), "1": (None, 0, "log_start")}
    assert world.positions() == {0: 4, 1: 0}


def test_a_table_with_rows_has_to_be_adopted(tmp_path: Path) -> None:
    world = _filled_by_others({0: 5, 1: 3}, group={0: 4, 1: 6})
    with pytest.raises(PositionConflictError, match="already has rows") as caught:
        migrated(world, tmp_path)
    assert "--adopt" in (caught.value.remedy or "")
    found = migrated(world, tmp_path, adopt=True)
    assert lines(found, "old", "new", "rests_on", "re_read", "skipped") == {
        "0": (4, 5, "table", 0, 1),
        "1": (6, 3, "table", 3, 0),
    }
    world.run(start="fail")
    assert world.offsets() == {(part, at): 1 for part in (0, 1) for at in range(10)}
    assert migrated(world, tmp_path, adopt=True)["jobs"][0]["state"] in {"there", "read on"}


def test_what_the_table_has_no_row_of_rests_on_the_group(tmp_path: Path) -> None:
    world = _filled_by_others({0: 5}, group={1: 6})
    found = migrated(world, tmp_path, adopt=True)
    assert lines(found, "new", "rests_on") == {"0": (5, "table"), "1": (6, "group")}


def test_a_table_without_coordinates_is_adopted_by_the_group(tmp_path: Path) -> None:
    world = _shared()
    tables = world.database.tables
    tables.create(TABLE, world.target(world.config()).columns[:1])
    table: Any = tables.find(TABLE)
    tables.write(str(TABLE), tables.new_rows([{table.columns[0].name: "1"}]), changed=True)
    found = migrated(world, tmp_path, adopt=True)
    assert lines(found, "new", "rests_on") == {"0": (4, "group"), "1": (7, "group")}


def test_looking_into_the_table_may_be_too_dear(tmp_path: Path) -> None:
    world = _filled_by_others({0: 5}, group={1: 6})
    with pytest.raises(CostLimitError):
        migrated(world, tmp_path, adopt=True, max_bytes_billed=10)


def test_a_group_that_has_nothing_is_not_the_one_that_is_meant(tmp_path: Path) -> None:
    world = World(1)
    world.fill(3)
    with pytest.raises(NotFoundError, match=r"old-shared has no offset of topic shop\.orders"):
        migrated(world, tmp_path)


@pytest.mark.parametrize(
    ("at", "kind", "said"),
    [
        ({0: 2, 1: 7}, OffsetGapError, "did not read offsets 2 to 2"),
        ({0: 4, 1: 11}, TopicChangedError, "beyond the end 10"),
    ],
)
def test_offsets_out_of_the_log_are_refused(
    at: dict[int, int], kind: type[IngestError], said: str, tmp_path: Path
) -> None:
    world = _shared()
    world.cluster.delete_records(TOPIC, 0, 3)
    commit_old(world, at)
    with pytest.raises(kind, match=said):
        migrated(world, tmp_path)
    assert world.committed() == {}


def test_a_loss_that_may_be_recorded_is_recorded_by_the_next_run(tmp_path: Path) -> None:
    world = _shared()
    world.cluster.delete_records(TOPIC, 0, 6)
    migrated(world, tmp_path, on_gap="record")
    world.run(on_gap="record")
    assert [(row["stage"], row["_kafka_offset"], row["_kafka_end_offset"]) for row in world.letters()] == [
        ("lost", 4, 6)
    ]


def test_a_new_group_that_is_ahead_is_a_conflict(tmp_path: Path) -> None:
    world = _shared()
    world.commit({1: 8})
    with pytest.raises(PositionConflictError, match="the new group is at 8, ahead of the position 7"):
        migrated(world, tmp_path)


@pytest.mark.parametrize("start", ["latest", "earliest", {0: 5, 1: 7}])
def test_a_job_that_began_elsewhere_has_a_position_of_its_own(start: Any, tmp_path: Path) -> None:
    world = _shared()
    world.run(start=start, max_messages=1)
    before = world.ledger()
    with pytest.raises(PositionConflictError, match="has a position of its own"):
        migrated(world, tmp_path)
    assert world.ledger() == before


def test_epochs_come_along(tmp_path: Path) -> None:
    world = _shared()
    world.cluster.groups.commit("old-shared", TOPIC, {0: Position(4, 0)}, "")
    migrated(world, tmp_path)
    assert world.ledger().positions == {0: Position(4, 0), 1: Position(AT[1])}
