"""docs/replay.md shows what the commands print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.commands import Command, write_job
from tests.cli.conftest import kafka_bq, world
from tests.docs.markdown import ROOT
from tests.pipeline.world import TABLE, World

__all__ = ["kafka_bq", "world"]

PAGE = (ROOT / "docs" / "replay.md").read_text("utf-8")
SHOWN = re.findall(r"```sh\n(kafka-bq .+)\n```\n\n```text\n((?s:.+?))```", PAGE)
SECONDS = re.compile(r"[\d.]+ s;")
DRY = " --dry-run"


def test_the_transcripts_are_what_is_printed(
    kafka_bq: Command, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_job(tmp_path)
    world.fill(6, 0)
    world.fill(4, 1)
    assert kafka_bq("run", "orders.yaml").code == 0
    before = (world.positions(), world.committed())
    gone = {(0, 2), (0, 3), (1, 1)}
    world.database.delete(TABLE, lambda row: (row["_kafka_partition"], row["_kafka_offset"]) in gone)
    looks = [(command, printed) for command, printed in SHOWN if command.endswith(DRY)]
    for command, printed in looks:
        told = kafka_bq(*command.split()[1:])
        head, _, merge = told.out.partition("MERGE `demo`.`analytics`.`orders` T")
        assert (told.code, head, bool(merge)) == (0, printed, True), told.err
        found = kafka_bq(*command.split()[1:], "--json").json()
        assert f"lag: {found['lag']} messages" in printed
        assert f"at most {found['estimated_bytes']} bytes" in printed
    assert (len(looks), len(world.rows()), world.positions(), world.committed()) == (2, 7, *before)
    deeds = [pair for pair in SHOWN if pair not in looks]
    assert len(SHOWN) == PAGE.count("```text") == len(looks) + len(deeds) == 4
    assert looks[0][0] == deeds[0][0] + DRY, "what is looked at is then done"
    for command, printed in deeds:
        done = kafka_bq(*command.split()[1:])
        assert (done.code, SECONDS.sub("s;", done.out)) == (0, SECONDS.sub("s;", printed)), done.err
    assert (world.positions(), world.committed(), len(world.rows())) == (*before, 10)
