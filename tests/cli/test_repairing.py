"""``repair``: previewed, done, undone, and how it ends."""

from __future__ import annotations

import pytest

from tests.cli.commands import Command
from tests.operations.doubling import copy
from tests.pipeline.world import World


@pytest.fixture
def planted(kafka_bq: Command, world: World, job: str) -> str:
    """A job whose table has two rows too many."""
    world.fill(3)
    assert kafka_bq("run", job).code == 0
    copy(world, 1, times=2)
    return job


def test_preview_repair_and_undo(kafka_bq: Command, world: World, planted: str) -> None:
    told = kafka_bq("repair", planted, "--dry-run")
    assert (told.code, "would remove 2 rows" in told.out, len(world.rows())) == (1, True, 5)
    done = kafka_bq("repair", planted, "--json")
    assert (done.code, done.json()["removed"], len(world.rows())) == (0, 2, 3)
    assert kafka_bq("repair", planted).out.endswith("nothing to repair\n")
    back = kafka_bq("repair", planted, "--undo", done.json()["backup"], "--json")
    assert (back.code, back.json()["restored"], len(world.rows())) == (0, 2, 5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--undo", "orders__ledger"), "no backup of table"),
        (("--undo", "orders__repair_x", "--dry-run"), "--undo takes a whole backup"),
        (("--backup-days", "0"), "--backup-days"),
        (("--from", "soon"), "--from: must be an ISO time"),
    ],
)
def test_what_is_wrong_is_named(kafka_bq: Command, planted: str, options: tuple[str, ...], said: str) -> None:
    done = kafka_bq("repair", planted, "--json", *options)
    assert (done.code, done.failure()["error"]) == (2, "ConfigError")
    assert said in done.failure()["message"]
