"""Where a position goes, what that reads again or skips, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import (
    ConfigError,
    GroupInUseError,
    IngestError,
    NotFoundError,
    PositionConflictError,
    TargetChangedError,
    TopicChangedError,
)
from airflow_kafka_bq.operations.seek import Wish, seek
from airflow_kafka_bq.operations.undo import Undo
from tests.operations.seeking import sought, undone, wish
from tests.pipeline.world import TABLE, TOPIC, World


@pytest.fixture
def world() -> World:
    """Two partitions, 6 and 4 messages a minute apart, all of them read but the last of each."""
    made = World(2)
    for part, count in ((0, 6), (1, 4)):
        made.fill(count - 1, part)
    made.run()
    made.clock.advance(60)
    made.fill(1, 0)
    made.fill(1, 1)
    return made


def _moves(found: dict[str, Any], *names: str) -> dict[int, tuple[Any, ...]]:
    return {int(part): tuple(line[name] for name in names) for part, line in found["partitions"].items()}


@pytest.mark.parametrize(
    ("to", "after"),
    [
        ("earliest", {0: 0, 1: 0}),
        ("latest", {0: 6, 1: 4}),
        ("0:2", {0: 2, 1: 3}),
        ({1: 1, 0: 6}, {0: 6, 1: 1}),
    ],
)
def test_where_it_goes(world: World, to: Any, after: dict[int, int], tmp_path: Path) -> None:
    revision = world.ledger().revision
    found = sought(world, to, folder=tmp_path)
    assert world.positions() == world.committed() == after
    assert (found["revision"], found["changed"], found["committed"]) == (revision + 1, True, True)
    assert world.ledger().revision == revision + 1
    assert world.ledger().updated_by == "tests: seek"
    assert _moves(found, "before", "after") == {0: (5, after[0]), 1: (3, after[1])}


def test_a_time_is_the_first_message_at_or_after_it(world: World, tmp_path: Path) -> None:
    sought(world, world.clock() - timedelta(seconds=30), folder=tmp_path)
    assert world.positions() == {0: 5, 1: 3}
    sought(world, world.clock() - timedelta(seconds=90), folder=tmp_path)
    assert world.positions() == {0: 0, 1: 0}


def test_only_the_partitions_that_are_named_move(world: World, tmp_path: Path) -> None:
    sought(world, "earliest", partitions="1", folder=tmp_path)
    assert world.positions() == {0: 5, 1: 0}


def test_what_is_read_again_and_skipped_is_counted(world: World, tmp_path: Path) -> None:
    found = sought(world, "0:1,1:4", folder=tmp_path, dry_run=True)
    assert _moves(found, "re_read", "skipped", "gone") == {0: (4, 0, 0), 1: (0, 1, 0)}
    assert (found["re_read"], found["skipped"]) == (4, 1)
    world.cluster.delete_records(TOPIC, 1, 4)
    found = sought(world, "latest", folder=tmp_path, dry_run=True)
    assert _moves(found, "re_read", "skipped", "gone") == {0: (0, 1, 0), 1: (0, 0, 1)}


def test_a_dry_run_tells_what_the_real_one_does_and_changes_nothing(world: World, tmp_path: Path) -> None:
    before = (world.ledger(), world.committed())
    told = sought(world, "earliest", folder=tmp_path, dry_run=True)
    assert (world.ledger(), world.committed()) == before
    assert list(tmp_path.iterdir()) == []
    done = sought(world, "earliest", folder=tmp_path)
    of_the_act = {"dry_run", "revision", "committed", "undo_file"}
    assert {name: done[name] for name in done.keys() - of_the_act} == {
        name: told[name] for name in told.keys() - of_the_act
    }


def test_twice_is_once(world: World, tmp_path: Path) -> None:
    sought(world, "earliest", folder=tmp_path)
    kept, ledger = (tmp_path / "undo.json").read_text(), world.ledger()
    again = sought(world, "earliest", folder=tmp_path)
    assert (again["changed"], again["undo_file"], again["re_read"]) == (False, None, 0)
    assert (world.ledger(), (tmp_path / "undo.json").read_text()) == (ledger, kept)


def test_read_again_changes_nothing_in_the_table(world: World, tmp_path: Path) -> None:
    before = world.table()
    sought(world, "earliest", folder=tmp_path)
    report = world.run()
    assert (report.rows["unchanged"], report.rows["inserted"]) == (8, 2)
    assert world.table() & before == before
    assert sum(world.offsets().values()) == len(world.offsets()) == 10


def test_taken_back_it_stands_where_it_stood(world: World, tmp_path: Path) -> None:
    positions = world.ledger().positions
    sought(world, "latest", folder=tmp_path)
    assert undone(world, tmp_path, dry_run=True)["re_read"] == 2
    assert world.positions() == {0: 6, 1: 4}
    assert undone(world, tmp_path)["changed"]
    assert world.ledger().positions == positions, "leader epochs too"
    assert undone(world, tmp_path)["changed"] is False
    assert world.run().rows["inserted"] == 2


def test_taken_back_after_a_run_nothing_is_lost(world: World, tmp_path: Path) -> None:
    sought(world, "earliest", folder=tmp_path)
    world.run(max_messages=2)
    undone(world, tmp_path)
    world.run()
    assert sum(world.offsets().values()) == len(world.offsets()) == 10


def test_taken_back_below_the_start_of_the_log_the_loss_is_told_by_the_next_run(world: World, tmp_path: Path) -> None:
    sought(world, "latest", folder=tmp_path)
    world.cluster.delete_records(TOPIC, 0, 6)
    found = undone(world, tmp_path)
    assert found["partitions"]["0"]["after"] == 5
    with pytest.raises(IngestError, match="no longer has offsets 5 to 5"):
        world.run()


def test_before_the_first_run_every_partition_has_to_be_named(tmp_path: Path) -> None:
    world = World(2)
    world.fill(3, 0)
    with pytest.raises(ConfigError, match=r"no position is known for partitions \[1\]"):
        sought(world, "0:1", folder=tmp_path)
    found = sought(world, "0:1,1:0", folder=tmp_path)
    assert _moves(found, "before", "after", "skipped") == {0: (None, 1, 1), 1: (None, 0, 0)}
    assert world.run(start="fail").messages == 2


def test_taken_back_to_where_nothing_was_known_the_start_decides_again(tmp_path: Path) -> None:
    world = World(1)
    world.fill(3)
    sought(world, "latest", folder=tmp_path)
    undone(world, tmp_path)
    assert (world.positions(), undone(world, tmp_path)["changed"]) == ({}, False)
    world.fill(1)
    assert world.run(start="earliest").messages == 4
    with pytest.raises(PositionConflictError, match="has read on since"):
        undone(world, tmp_path)


def test_a_group_that_was_set_forward_is_followed_or_set_back(world: World, tmp_path: Path) -> None:
    for to in ("0:6", "0:5", "0:1"):
        world.commit({0: 6})
        sought(world, "0:5", folder=tmp_path)
        world.commit({0: 6})
        with pytest.raises(PositionConflictError):
            world.run()
        sought(world, to, folder=tmp_path)
        assert world.positions() == world.committed()
        world.job()  # and a run takes it
        world.run(max_messages=1)


def test_without_a_ledger_the_group_alone_moves(tmp_path: Path) -> None:
    world = World(2)
    world.fill(3, 0)
    world.run(fence="none")
    found = sought(world, "earliest", folder=tmp_path, fence="none")
    assert (world.committed(), found["revision"], found["changed"]) == ({0: 0, 1: 0}, None, True)
    undone(world, tmp_path, fence="none")
    assert world.committed() == {0: 3, 1: 0}
    with pytest.raises(ConfigError, match="nothing to accept"):
        sought(world, "earliest", folder=tmp_path, accept=("topic",), fence="none")


def test_another_topic_is_accepted_with_a_position(world: World, tmp_path: Path) -> None:
    world.cluster.delete_topic(TOPIC)
    world.cluster.create_topic(TOPIC, 1)
    world.fill(3)
    with pytest.raises(TopicChangedError, match="re-created"):
        sought(world, "earliest", folder=tmp_path)
    with pytest.raises(ConfigError, match="--accept-topic needs --to"):
        sought(world, folder=tmp_path, accept=("topic",))
    found = sought(world, "earliest", folder=tmp_path, accept=("topic",))
    assert found["accepted"] == ["topic"]
    assert _moves(found, "before", "after", "re_read") == {0: (None, 0, 0)}
    assert world.run().rows["inserted"] == 3
    undone(world, tmp_path)
    assert world.committed() == {0: 3}, "offsets of the old topic mean nothing in the group"
    with pytest.raises(TopicChangedError):
        world.run()


def test_another_table_is_accepted_with_its_position_or_filled_from_the_start(world: World, tmp_path: Path) -> None:
    world.database.drop_table(TABLE)
    with pytest.raises(TargetChangedError):
        sought(world, "earliest", folder=tmp_path)
    sought(world, "earliest", folder=tmp_path, accept=("target",))
    assert world.run().rows["inserted"] == 10
    world.database.drop_table(TABLE)
    world.clock.advance(60)
    world.warehouse().create(world.target(world.config()))
    positions = world.positions()
    sought(world, folder=tmp_path, accept=("target",))
    assert world.positions() == positions
    assert world.run().messages == 0


@pytest.mark.parametrize(
    ("to", "partitions", "kind", "said"),
    [
        ("0:7", None, ConfigError, "offset 7 of partition 0 is not in the log, which has 1 to 6"),
        ("0:0", None, ConfigError, "not in the log"),
        ("5:0", None, NotFoundError, r"no partitions \[5\]"),
        ("earliest", "5", NotFoundError, r"no partitions \[5\]"),
        ("2026-01-01", "0,5", NotFoundError, r"no partitions \[5\]"),
        (None, None, ConfigError, "nothing is asked for"),
    ],
)
def test_what_is_refused(
    world: World, to: Any, partitions: Any, kind: type[IngestError], said: str, tmp_path: Path
) -> None:
    world.cluster.delete_records(TOPIC, 0, 1)
    before = (world.ledger(), world.committed())
    with pytest.raises(kind, match=said):
        sought(world, to, folder=tmp_path, partitions=partitions)
    assert (world.ledger(), world.committed(), list(tmp_path.iterdir())) == (*before, [])


def test_members_are_named_and_nothing_moves(world: World, tmp_path: Path) -> None:
    world.join()
    with pytest.raises(GroupInUseError, match=r"stranger at /10\.0\.0\.1"):
        sought(world, "earliest", folder=tmp_path)
    assert world.positions() == {0: 5, 1: 3}


def test_a_window_has_no_position_and_an_undo_stands_alone(world: World) -> None:
    window = {"from": "2026-01-01", "to": "2026-01-02"}
    with pytest.raises(ConfigError, match="reads a window"):
        seek(world.job(window=window), wish("earliest"))
    with pytest.raises(ConfigError, match="--undo takes back"):
        seek(world.job(), Wish(accept_topic=True, undo=Undo(command="seek")))
