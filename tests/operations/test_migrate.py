"""Positions of an old group become those of jobs: all or none, killed anywhere, twice, and back again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airflow_kafka_bq.batch import GroupMember, Position
from airflow_kafka_bq.exceptions import AccessDeniedError, ConfigError, GroupInUseError, PositionConflictError
from airflow_kafka_bq.operations.migrate import Migration, migrate, take_back
from airflow_kafka_bq.operations.undo import read
from tests.operations.seeking import killed_at
from tests.pipeline.world import GROUP, TOPIC, Hook, World

OLD = "old-shared"
AT = {0: 4, 1: 7}
STEPS = range(14)


def _shared() -> World:
    """Ten messages in each of two partitions, which old consumers read a part of."""
    world = World(2)
    world.fill(10, 0)
    world.fill(10, 1)
    commit_old(world, AT)
    return world


def commit_old(world: World, offsets: dict[int, int], topic: str = TOPIC, text: str = "") -> None:
    at = {part: Position(offset) for part, offset in offsets.items()}
    world.cluster.groups.commit(OLD, topic, at, text)


def old(world: World, topic: str = TOPIC) -> dict[int, int]:
    found = world.cluster.groups.committed(OLD, topic)
    return {part: held.position.next_offset for part, held in sorted(found.items())}


def migrated(
    world: World, folder: Path, hook: Hook | None = None, *, dry_run: bool = False, adopt: bool = False,
    delete_old: bool = False, **settings: Any,
) -> dict[str, Any]:  # fmt: skip
    job = world.job(hook, **settings)
    found = migrate([job], Migration(OLD, adopt, delete_old), dry_run=dry_run, undo_file=folder / "undo.json")
    assert json.loads(json.dumps(found)) == found
    return found


def _rest_is_read(world: World) -> None:
    world.run(start="fail")
    assert world.offsets() == {(part, at): 1 for part, first in AT.items() for at in range(first, 10)}
    assert world.positions() == world.committed() == {0: 10, 1: 10}


def test_ledger_and_group_get_the_position_and_the_run_reads_on(tmp_path: Path) -> None:
    world = _shared()
    found = migrated(world, tmp_path)
    assert world.positions() == world.committed() == old(world) == AT
    (job,) = found["jobs"]
    assert (job["state"], job["re_read"], job["skipped"], job["unread"]) == ("to move", 0, 0, 9)
    assert {part: (one["old"], one["new"], one["rests_on"]) for part, one in job["partitions"].items()} == {
        "0": (4, 4, "group"),
        "1": (7, 7, "group"),
    }
    _rest_is_read(world)


def test_a_dry_run_tells_what_is_done_and_changes_nothing(tmp_path: Path) -> None:
    world = _shared()
    told = migrated(world, tmp_path, dry_run=True, delete_old=True)
    assert (world.committed(), old(world), list(tmp_path.iterdir())) == ({}, AT, [])
    done = migrated(world, tmp_path, delete_old=True)
    assert (told["old_group"], done["old_group"], old(world)) == ("would be deleted", "deleted", {})
    of_the_act = {"revision", "committed"}
    for one, other in zip(told["jobs"], done["jobs"], strict=True):
        assert {name: one[name] for name in one.keys() - of_the_act} == {
            name: other[name] for name in other.keys() - of_the_act
        }


@pytest.mark.parametrize("by_hand", [False, True])
def test_killed_anywhere_it_is_finished_by_running_it_again(by_hand: bool, tmp_path: Path) -> None:
    """Until then the old group, or the new one, is where it was."""
    for at in STEPS:
        world = _shared()
        if by_hand:
            world.commit({0: 2})  # a half-done attempt of another kind
        place = killed_at(at, lambda hook, world=world: migrated(world, tmp_path, hook, delete_old=True))
        found = migrated(world, tmp_path, delete_old=True)
        assert found["old_group"] == "deleted"
        assert (world.positions(), world.committed(), old(world)) == (AT, AT, {}), place
        _rest_is_read(world)
        (tmp_path / "undo.json").unlink()
        if place is None:
            return


def test_killed_anywhere_the_next_run_begins_nowhere_else(tmp_path: Path) -> None:
    for at in STEPS:
        world = _shared()
        place = killed_at(at, lambda hook, world=world: migrated(world, tmp_path, hook))
        try:
            report = world.run(start="fail")
        except PositionConflictError:
            assert world.committed() == {}, place  # nothing has moved yet, and the run says so
        else:
            assert {part: one["start"] for part, one in report.to_json()["partitions"].items()} == {"0": 4, "1": 7}
        if place is None:
            return


def test_twice_is_once_also_behind_a_run(tmp_path: Path) -> None:
    world = _shared()
    migrated(world, tmp_path)
    ledger, kept = world.ledger(), (tmp_path / "undo.json").read_text()
    found = migrated(world, tmp_path)
    assert (found["jobs"][0]["state"], found["undo_file"], world.ledger()) == ("there", None, ledger)
    _rest_is_read(world)
    found = migrated(world, tmp_path, delete_old=True)
    assert (found["jobs"][0]["state"], found["old_group"]) == ("read on", "deleted")
    assert json.loads(kept)["jobs"] == json.loads((tmp_path / "undo.json").read_text())["jobs"]
    again = migrated(world, tmp_path, delete_old=True)  # the undo file knows what the group had
    assert (again["jobs"][0]["state"], again["old_group"]) == ("read on", "deleted")
    assert world.positions() == {0: 10, 1: 10}


def test_a_group_that_does_not_confirm_keeps_the_old_one(tmp_path: Path) -> None:
    from airflow_kafka_bq.testing.memory import CommitFate

    world = _shared()
    world.cluster.groups.fate_of_next(CommitFate.LOST)
    found = migrated(world, tmp_path, delete_old=True)
    assert found["old_group"].startswith("kept: ")
    assert old(world) == AT
    assert migrated(world, tmp_path, delete_old=True)["old_group"] == "deleted"


def test_taken_back_all_is_as_before(tmp_path: Path) -> None:
    for at in STEPS:
        world = _shared()
        world.commit({0: 2, 1: 2})
        commit_old(world, {1: 7}, text="theirs")
        migrated(world, tmp_path, delete_old=True)
        undo = read(tmp_path / "undo.json")
        place = killed_at(at, lambda hook, world=world, undo=undo: take_back([world.job(hook)], undo))
        take_back([world.job()], undo)
        assert (world.positions(), old(world)) == ({0: 2, 1: 2}, AT), place
        assert world.cluster.groups.committed(OLD, TOPIC)[1].metadata == "theirs"
        assert world.committed() == {0: 2, 1: 2}
        (tmp_path / "undo.json").unlink()
        if place is None:
            return


def test_taken_back_to_nothing_the_start_decides_and_what_was_read_since_is_not_forgotten(tmp_path: Path) -> None:
    world = _shared()
    migrated(world, tmp_path)
    undo = read(tmp_path / "undo.json")
    told = take_back([world.job()], undo, dry_run=True)
    assert (told["undone"][0]["before"], told["undone"][0]["after"], world.positions()) == (AT, {}, AT)
    take_back([world.job()], undo)
    assert world.positions() == {}
    migrated(world, tmp_path)
    world.run()
    with pytest.raises(PositionConflictError, match="has read on since"):
        take_back([world.job()], read(tmp_path / "undo.json"))


def test_members_of_the_old_group_are_named(tmp_path: Path) -> None:
    world = _shared()
    world.cluster.groups.join(OLD, GroupMember("m", "old-consumer-3", "/10.0.0.9"))
    with pytest.raises(GroupInUseError, match=r"old-consumer-3 at /10\.0\.0\.9"):
        migrated(world, tmp_path)
    assert (world.committed(), list(tmp_path.iterdir())) == ({}, [])


def test_what_may_not_be_deleted_is_said_before_anything_moves(tmp_path: Path) -> None:
    world = _shared()
    world.cluster.forbidden.add((f"group {OLD}", "DELETE"))
    for dry_run in (True, False):
        with pytest.raises(AccessDeniedError, match=f"lacks DELETE on the old group {OLD}: .*nothing was moved") as one:
            migrated(world, tmp_path, dry_run=dry_run, delete_old=True)
        assert one.value.group_id == OLD
        assert f"--operation Delete --group {OLD}; or leave --delete-old" in str(one.value.remedy)
    assert (world.committed(), old(world), list(tmp_path.iterdir())) == ({}, AT, [])
    assert world.warehouse().ledger(world.target(world.config()), "memory/shop.orders") is None
    assert migrated(world, tmp_path)["old_group"] == "kept"
    world.cluster.forbidden.clear()
    assert migrated(world, tmp_path, delete_old=True)["old_group"] == "deleted"


def test_a_cluster_that_tells_no_permission_is_asked_by_the_deletion(tmp_path: Path) -> None:
    """Then the jobs stand, and giving the command again deletes the group."""
    world = _shared()
    with mock.patch.object(world.cluster, "rights_on_group", return_value=None):
        assert migrated(world, tmp_path, delete_old=True)["old_group"] == "deleted"


def test_the_old_group_of_other_topics_is_not_deleted(tmp_path: Path) -> None:
    world = _shared()
    world.cluster.create_topic("shop.other")
    commit_old(world, {0: 0}, "shop.other")
    with pytest.raises(GroupInUseError, match=r"positions for shop\.other too"):
        migrated(world, tmp_path, delete_old=True)
    assert world.committed() == {}
    assert migrated(world, tmp_path)["old_group"] == "kept"


@pytest.mark.parametrize(
    ("wish", "settings", "said"),
    [
        (Migration(" "), {}, "has no name"),
        (Migration(GROUP), {}, "this job's own group"),
        (Migration(OLD), {"window": {"from": "2026-01-01", "to": "2026-01-02"}}, "reads a window"),
    ],
)
def test_what_cannot_be_meant_is_refused(wish: Migration, settings: dict[str, Any], said: str) -> None:
    world = _shared()
    with pytest.raises(ConfigError, match=said):
        migrate([world.job(**settings)], wish)
    with pytest.raises(ConfigError, match="same topic into the same table"):
        migrate([world.job(), world.job()], Migration(OLD))


def test_without_a_ledger_the_new_group_gets_it(tmp_path: Path) -> None:
    world = _shared()
    migrated(world, tmp_path, fence="none")
    assert world.committed() == AT
    assert migrated(world, tmp_path, fence="none")["jobs"][0]["state"] == "there"
    world.run(fence="none", start="fail")
    assert sum(world.offsets().values()) == 9
