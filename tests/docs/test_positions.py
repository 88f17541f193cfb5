"""docs/positions.md shows what the commands print."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.cli.commands import Command, write_job
from tests.cli.conftest import kafka_bq, world
from tests.docs.documents import section
from tests.docs.markdown import ROOT
from tests.operations.test_migrate import commit_old
from tests.pipeline.world import World

__all__ = ["kafka_bq", "world"]

PAGE = (ROOT / "docs" / "positions.md").read_text("utf-8")
SHOWN = re.compile(r"```sh\n(kafka-bq .+)\n```\n\n```text\n((?s:.+?))```")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a person types the page's commands."""
    monkeypatch.chdir(tmp_path)
    write_job(tmp_path)
    return tmp_path


def as_shown(kafka_bq: Command, heading: str) -> int:
    """Every transcript of a section, in its order; how many there are."""
    shown = SHOWN.findall(section(PAGE, heading))
    for command, printed in shown:
        done = kafka_bq(*command.split()[1:])
        assert (done.code, done.out) == (0, printed), done.err
    return len(shown)


def test_a_position_is_moved(kafka_bq: Command, world: World, folder: Path) -> None:
    world.fill(6, 0)
    world.fill(4, 1)
    assert kafka_bq("run", "orders.yaml").code == 0
    assert as_shown(kafka_bq, "## Move it") == 2
    assert world.positions() == {0: 2, 1: 4}
    (back,) = re.findall(r"^kafka-bq (seek orders.yaml --undo .+)$", PAGE, re.MULTILINE)
    assert kafka_bq(*back.split()).code == 0
    assert (world.positions(), folder.exists()) == ({0: 6, 1: 4}, True)


def test_the_lag_is_shown(kafka_bq: Command, world: World, folder: Path) -> None:
    assert folder.exists()
    world.fill(6, 0)
    world.fill(4, 1)
    assert kafka_bq("run", "orders.yaml").code == 0
    now = time.time()
    world.send({"n": 1}, 0, timestamp_ms=int((now - 90_100) * 1000))
    world.send({"n": 2}, 1, timestamp_ms=int((now - 7_520) * 1000))
    assert as_shown(kafka_bq, "## See it") == 1


def test_a_group_is_taken_over(kafka_bq: Command, world: World, folder: Path) -> None:
    world.fill(6, 0)
    world.fill(4, 1)
    commit_old(world, {0: 4})
    assert as_shown(kafka_bq, "## Take over a group") == 2
    assert world.positions() == world.committed() == {0: 4, 1: 0}
    assert (folder / "old-shared.migrate-group.undo.json").exists()
    (back,) = re.findall(r"^kafka-bq (migrate-group --undo .+)$", PAGE, re.MULTILINE)
    assert kafka_bq(*back.split()).out == "shop.orders → demo.analytics.orders: back at no position is known\n"
    assert world.positions() == {}


def test_the_page_has_no_other_transcript() -> None:
    assert PAGE.count("```text") == len(SHOWN.findall(PAGE))
