"""``migrate-group``: what it prints for people and machines, and options that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commands import Command, write_job
from tests.operations.test_migrate import commit_old
from tests.pipeline.world import World


@pytest.fixture
def shared(world: World, job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A job whose topic was read in a group of another name."""
    monkeypatch.chdir(tmp_path)
    world.fill(6, 0)
    world.fill(4, 1)
    commit_old(world, {0: 4})
    return job


def test_people_see_what_a_position_rests_on(kafka_bq: Command, world: World, shared: str) -> None:
    told = kafka_bq("migrate-group", "--from-group", "old-shared", shared, "--dry-run")
    rows = [line.split() for line in told.out.splitlines()]
    assert told.code == 0
    assert ["0", "4", "4", "0", "6", "0", "0", "2", "group"] in rows
    assert ["1", "-", "0", "0", "4", "0", "0", "4", "log", "start"] in rows
    assert "would move; 6 messages to read; group " in told.out
    assert "rests on log start: nothing is skipped: " in told.out
    assert told.out.endswith("old group: kept\nnothing was changed\n")
    assert world.committed() == {}
    done = kafka_bq("migrate-group", "--from-group", "old-shared", shared, "--delete-old")
    assert done.out.endswith("old group: deleted\nto take it back: --undo old-shared.migrate-group.undo.json\n")
    back = kafka_bq("migrate-group", "--undo", "old-shared.migrate-group.undo.json", shared)
    assert back.out.endswith("back at no position is known\ngroup old-shared has its offsets again\n")


def test_one_that_is_refused_keeps_all_from_moving(
    kafka_bq: Command, world: World, shared: str, tmp_path: Path
) -> None:
    missing = str(write_job(tmp_path, "missing.yaml", topic="not.there"))
    done = kafka_bq("migrate-group", "--from-group", "old-shared", shared, missing, "--json")
    assert (done.code, done.failure()["topic"]) == (3, "not.there")
    assert world.committed() == {}


def test_two_tables_of_one_topic_get_it_both(kafka_bq: Command, world: World, shared: str, tmp_path: Path) -> None:
    other = str(write_job(tmp_path, "other.yaml", table="demo.analytics.other"))
    done = kafka_bq("migrate-group", "--from-group", "old-shared", shared, other, "--json").json()
    assert [(job["table"], job["state"]) for job in done["jobs"]] == [
        ("demo.analytics.orders", "to move"),
        ("demo.analytics.other", "to move"),
    ]
    assert world.positions() == {0: 4, 1: 0}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "name the old group with --from-group"),
        (("--from-group", "a", "--undo", "b"), "name the old group with --from-group"),
        (("--undo", "b", "--adopt"), "do not go with it"),
        (("--undo", "missing.json"), "cannot be read"),
        (("--from-group", ""), "has no name"),
    ],
)
def test_what_is_wrong_is_named(kafka_bq: Command, shared: str, options: tuple[str, ...], said: str) -> None:
    done = kafka_bq("migrate-group", shared, *options, "--json")
    assert (done.code, done.failure()["error"]) == (2, "ConfigError")
    assert said in done.failure()["message"]
