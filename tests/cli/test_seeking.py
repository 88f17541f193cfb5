"""``seek``: what it prints, its undo file, and options that are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.testing.memory import MemorySource
from tests.cli.commands import Command
from tests.pipeline.world import World

SEEK = {
    "topic", "table", "group_id", "pipeline", "dry_run", "to", "accepted", "changed", "partitions", "re_read",
    "skipped", "revision", "committed", "undo_file", "unchecked",
}  # fmt: skip


@pytest.fixture
def read(kafka_bq: Command, world: World, job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A job that has read its topic."""
    monkeypatch.chdir(tmp_path)
    world.fill(6, 0)
    world.fill(4, 1)
    assert kafka_bq("run", job).code == 0
    return job


def test_people_see_each_partition_and_how_to_take_it_back(kafka_bq: Command, world: World, read: str) -> None:
    told = kafka_bq("seek", read, "--to", "0:2", "--dry-run")
    rows = [line.split() for line in told.out.splitlines()]
    assert told.code == 0
    assert ["0", "6", "2", "0", "6", "4", "0"] in rows
    assert ["1", "4", "4", "0", "4", "0", "0"] in rows
    assert "would be read again: 4 messages; would be skipped: 0 at most\nnothing was changed\n" in told.out
    assert world.positions() == {0: 6, 1: 4}
    done = kafka_bq("seek", read, "--to", "0:2")
    assert done.out.endswith("moved; revision 2\nto take it back: --undo shop.orders.orders.seek-1.undo.json\n")
    assert world.positions() == world.committed() == {0: 2, 1: 4}
    again = kafka_bq("seek", read, "--to", "0:2")
    assert (again.code, "the position was there already; revision 2\n" in again.out) == (0, True)
    back = kafka_bq("seek", read, "--undo", "shop.orders.orders.seek-1.undo.json")
    assert (back.code, world.positions()) == (0, {0: 6, 1: 4})


def test_the_document(kafka_bq: Command, read: str, tmp_path: Path) -> None:
    done = kafka_bq("seek", read, "--to", "latest", "--partitions", "1", "--undo-file", "mine.json", "--json")
    assert (done.code, set(done.json()), done.json()["changed"]) == (0, SEEK, False)
    assert not (tmp_path / "mine.json").exists()
    moved = kafka_bq("seek", read, "--to", "earliest", "--undo-file", "mine.json", "--json").json()
    assert (moved["undo_file"], moved["re_read"], moved["to"]) == ("mine.json", 10, "earliest")
    assert json.loads((tmp_path / "mine.json").read_text())["command"] == "seek"


def test_what_kafka_lost_is_said(kafka_bq: Command, world: World, read: str) -> None:
    world.fill(4, 0)
    world.cluster.delete_records("shop.orders", 0, 8)
    assert (
        "partition 0: 2 messages before offset 8 are gone from Kafka, unread\n"
        in kafka_bq("seek", read, "--to", "earliest", "--dry-run").out
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "nothing is asked for"),
        (("--to", "soon"), "not an ISO time"),
        (("--to", "0:-5"), "an offset is a whole number from 0"),
        (("--to", "2999-01-01"), "--to 2999-01-01T00:00:00+00:00 lies in the future"),
        (("--partitions", "0"), "--to is missing"),
        (("--to", "0:99"), "offset 99 of partition 0 is not in the log"),
        (("--accept-topic",), "--accept-topic needs --to"),
        (("--undo", "missing.json"), "cannot be read"),
        (("--to", "earliest", "--undo-file", "no/such/folder.json"), "nothing was moved"),
    ],
)
def test_what_is_wrong_is_named(
    kafka_bq: Command, world: World, read: str, options: tuple[str, ...], said: str
) -> None:
    done = kafka_bq("seek", read, *options, "--json")
    assert (done.code, done.failure()["error"]) == (2, "ConfigError")
    assert said in done.failure()["message"]
    assert world.positions() == {0: 6, 1: 4}


def test_a_run_that_is_active_is_not_overruled(
    kafka_bq: Command, world: World, read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit(source: MemorySource, *arguments: Any) -> None:
        world.fill(1, 0)
        world.run()
        MemorySource.commit(source, *arguments)

    monkeypatch.setattr("airflow_kafka_bq.assembly.KafkaSource.commit", commit)
    done = kafka_bq("seek", read, "--to", "earliest", "--json")
    assert (done.code, done.failure()["error"]) == (4, "MergeConflictError")
    assert world.positions() == {0: 7, 1: 4}
