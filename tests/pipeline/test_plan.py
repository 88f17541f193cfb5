"""What a plan rests on, and everything that it refuses by name before the first fetch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import (
    AccountingError,
    ConfigError,
    GroupInUseError,
    IngestError,
    NotFoundError,
    OffsetGapError,
    PositionConflictError,
    TargetChangedError,
    TopicChangedError,
)
from airflow_kafka_bq.pipeline.positions import metadata
from tests.pipeline.world import GROUP, KEEP, TABLE, TOPIC, World

LEDGER = TABLE.companion("ledger")


def _read(rows: int = 3, **settings: Any) -> World:
    """A topic that was read to its end."""
    world = World(1)
    world.fill(rows)
    world.run(**settings)
    return world


def _truncated(world: World) -> None:
    world.cluster.truncate(TOPIC, 0, 2)


def _created_again(world: World) -> None:
    world.cluster.delete_topic(TOPIC)
    world.cluster.create_topic(TOPIC, 1)
    world.fill(5)


def _created_again_smaller_without_ids(world: World) -> None:
    world.cluster.add_partitions(TOPIC, 2)
    world.fill(1, 1)
    world.run()
    _created_again(world)
    world.cluster.tells_identities = False


def _dropped(world: World) -> None:
    world.database.drop_table(TABLE)


def _target_created_again(world: World) -> None:
    columns = world.database.tables.get(TABLE).columns
    world.database.drop_table(TABLE)
    world.database.create_table(TABLE, columns)


def _retained(world: World) -> None:
    world.fill(4)
    world.cluster.delete_records(TOPIC, 0, 5)


def _set_forward(world: World) -> None:
    world.fill(4)
    world.commit({0: 5})


def _other_topic(world: World) -> None:
    world.cluster.create_topic("shop.returns", 1)
    world.cluster.groups.commit(GROUP, "shop.returns", {0: Position(0)}, "")


def _other_table(world: World) -> None:
    world.commit({0: 3}, metadata("demo.analytics.copies", 4, "b"))


def _doubled(world: World) -> None:
    world.database.insert(LEDGER, [row for row in world.database.rows(LEDGER) if row["pipeline"] != "*"])


REFUSALS: list[tuple[Callable[[World], None], type[IngestError], str]] = [
    (_truncated, TopicChangedError, "lies beyond the end"),
    (_created_again, TopicChangedError, "re-created"),
    (_created_again_smaller_without_ids, TopicChangedError, r"partitions \[1\]"),
    (_dropped, TargetChangedError, "was dropped"),
    (_target_created_again, TargetChangedError, "was re-created"),
    (_retained, OffsetGapError, "offsets 3 to 4 of partition 0"),
    (_set_forward, PositionConflictError, "ahead of the ledger's 3"),
    (World.join, GroupInUseError, "stranger at /10.0.0.1"),
    (_other_topic, GroupInUseError, "shop.returns"),
    (_other_table, GroupInUseError, "demo.analytics.copies"),
    (_doubled, AccountingError, "rows for pipeline"),
]


@pytest.mark.parametrize(("happens", "error", "says"), REFUSALS, ids=[one[0].__name__ for one in REFUSALS])
def test_what_would_lose_or_repeat_rows_is_refused_by_name_and_changes_nothing(
    happens: Callable[[World], None], error: type[IngestError], says: str
) -> None:
    world = _read()
    happens(world)
    before = (world.rows(), world.committed(), world.database.rows(LEDGER))
    with pytest.raises(error, match=says) as caught:
        world.run()
    assert (world.rows(), world.committed(), world.database.rows(LEDGER)) == before
    assert caught.value.report is not None
    assert caught.value.group_id == GROUP or error is AccountingError


def test_a_gap_is_told_with_the_partition_and_its_first_offset() -> None:
    world = _read()
    _retained(world)
    with pytest.raises(OffsetGapError) as caught:
        world.run()
    assert (caught.value.topic, caught.value.partition, caught.value.offset) == (TOPIC, 0, 3)


def test_a_recorded_gap_is_covered_by_the_ledger_the_history_and_one_dead_letter() -> None:
    world = _read()
    _retained(world)
    report = world.run(on_gap="record")
    assert [(gap.start_offset, gap.end_offset) for gap in report.gaps] == [(3, 5)]
    lost = [(row["stage"], row["_kafka_offset"], row["_kafka_end_offset"]) for row in world.letters()]
    assert lost == [("lost", 3, 5)]
    assert world.covered() == {0: (0, 7)}
    assert world.run(on_gap="record").gaps == []


def test_the_ledger_wins_over_a_group_that_was_set_back_and_repairs_it() -> None:
    world = _read()
    world.commit({0: 1})
    report = world.run()
    assert (report.messages, world.committed()) == (0, {0: 3})


def test_offsets_that_expired_come_back() -> None:
    world = _read()
    world.cluster.groups.expire(GROUP)
    world.run()
    assert world.committed() == {0: 3}


def test_an_open_transaction_is_left_to_the_next_run() -> None:
    world = _read()
    transaction = world.cluster.transaction()
    transaction.produce(TOPIC, b'{"id": "t", "n": 1}')
    world.fill(2)
    report = world.run()
    assert (str(report.outcome), report.messages, world.positions()) == ("end", 0, {0: 3})
    transaction.commit()
    world.run()
    assert world.positions() == {0: 7}
    assert world.offsets() == {(0, offset): 1 for offset in range(6)}


def test_a_partition_that_was_added_starts_at_its_beginning_whatever_start_says() -> None:
    for fence in ("ledger", "none"):
        world = _read(start="latest", fence=fence)
        world.cluster.add_partitions(TOPIC, 2)
        world.fill(2, 1)
        world.run(start="latest", fence=fence)
        assert world.offsets() == {(1, 0): 1, (1, 1): 1}, fence
        assert world.committed() == {0: 3, 1: 2}


def test_auto_refuses_to_fill_a_table_that_has_rows_and_takes_over_what_the_group_has() -> None:
    world = _read()
    for companion in ("ledger", "batches"):
        world.database.drop_table(TABLE.companion(companion))
    world.fill(1)
    world.run()  # the group knows where it was
    assert world.offsets() == {(0, offset): 1 for offset in range(4)}
    world.database.drop_table(LEDGER)
    world.cluster.groups.expire(GROUP)
    with pytest.raises(PositionConflictError, match="already has rows"):
        world.run()


def test_start_fail_and_starts_that_do_not_exist_are_refused() -> None:
    for start, error in (("fail", PositionConflictError), ({0: 99}, ConfigError), ({}, ConfigError)):
        world = World(1)
        world.fill(2)
        with pytest.raises(error):
            world.run(start=start)
        assert world.rows() == []


def test_a_window_over_partitions_that_do_not_exist_is_refused() -> None:
    world = _read()
    with pytest.raises(NotFoundError, match=r"\[4\]"):
        world.run(window={"from": {0: 0, 4: 0}, "to": {0: 1, 4: 1}})


READS = ("committed", "ledger", "group", "bounds", "table")


@pytest.mark.parametrize("settings", [{}, {**KEEP}], ids=["coordinates", "keep"])
@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize("first_run", [False, True])
def test_whatever_another_writer_does_between_two_reads_is_no_conflict(
    call: str, first_run: bool, settings: dict[str, Any]
) -> None:
    """It reads on, merges, commits, and retention follows it, each time in front of one of the reads of a plan."""
    world = World(1)
    world.fill(3)
    if not first_run:
        world.run(**settings)
    times = 0

    def another(name: str, phase: str) -> None:
        nonlocal times
        if (name, phase) == (call, "before") and times < 2:
            times += 1
            world.fill(2)
            world.run(**settings)
            if times == 1:
                world.cluster.delete_records(TOPIC, 0, world.positions()[0] - 1)

    world.run(another, **settings)
    assert times >= 1
    end = world.positions()[0]
    assert end == 3 + 2 * times
    assert world.offsets() == {(0, offset): 1 for offset in range(end)}
    assert world.committed()[0] <= end  # who found nothing to read commits what it saw
    world.run(**settings)
    assert world.committed() == {0: end}


@pytest.mark.parametrize("settings", [{}, {"window": {"from": {0: 0}, "to": {0: 2}}}], ids=["live", "window"])
@pytest.mark.parametrize("call", ["committed", "ledger", "bounds", "table"])
def test_a_partition_that_is_added_and_read_by_another_writer_between_two_reads_is_no_other_topic(
    call: str, settings: dict[str, Any]
) -> None:
    """And once more while they are repeated."""
    world = _read()
    partitions = 1

    def another(name: str, phase: str) -> None:
        nonlocal partitions
        if (name, phase) == (call, "before") and partitions < 3:
            partitions += 1
            world.cluster.add_partitions(TOPIC, partitions)
            world.fill(2, partitions - 1)
            world.run()

    world.run(another, **settings)
    assert partitions == 3 or call not in {"committed", "ledger"}
    world.run()
    ends = {0: 3, **dict.fromkeys(range(1, partitions), 2)}
    assert (world.positions(), world.committed()) == (ends, ends)
    assert sum(world.offsets().values()) == len(world.offsets()) == sum(ends.values())
