"""docs/audit.md shows what the commands print."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_kafka_bq.config import TableId
from tests.cli.commands import Command, write_job
from tests.cli.conftest import kafka_bq, world
from tests.docs.markdown import ROOT
from tests.operations.doubling import DAY_MS, JANUARY_MS, copy
from tests.pipeline.world import TABLE, World

__all__ = ["kafka_bq", "world"]

PAGE = (ROOT / "docs" / "audit.md").read_text("utf-8")
SHOWN = dict(re.findall(r"```sh\n(kafka-bq .+)\n```\n\n```text\n((?s:.*?))```", PAGE))
BACKUP = "orders__repair_20260101t000000_0123abcd"
COMPARED = "kafka-bq audit payments.yaml --against-kafka"
REPAIR = "kafka-bq repair orders.yaml"


@pytest.fixture
def told(kafka_bq: Command, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """What a command of the page prints: four days, of which two have rows twice, and one row is gone."""
    monkeypatch.chdir(tmp_path)
    write_job(tmp_path)
    for at in range(20):
        world.send({"n": at}, partition=at % 2, timestamp_ms=JANUARY_MS + at // 5 * DAY_MS)
    assert kafka_bq("run", "orders.yaml").code == 0
    for offset in (2, 3):
        copy(world, offset, times=2)
    world.database.delete(TABLE, lambda row: (row["_kafka_partition"], row["_kafka_offset"]) == (1, 9))

    def call(command: str) -> str:
        out = kafka_bq(*command.split()[1:]).out
        out = re.sub(r"batch [0-9a-f]{20}", "batch 0123456789abcdef0123", out)
        out = re.sub(r"orders__repair_\w+", BACKUP, out)
        return re.sub(r"applied [^)]+", "applied 2026-01-05T06:00:00+00:00", out)

    return call


@pytest.mark.parametrize("command", ["kafka-bq audit orders.yaml", f"{REPAIR} --dry-run", REPAIR])
def test_a_transcript_is_what_is_printed(told: Callable[[str], str], command: str) -> None:
    assert told(command) == SHOWN[command]


def test_the_transcript_of_undoing(told: Callable[[str], str], world: World) -> None:
    before = sorted(repr(sorted(row.items())) for row in world.rows())
    told(REPAIR)
    (name,) = [name.rpartition(".")[2] for name in world.database.table_names() if "__repair_" in name]
    assert told(f"{REPAIR} --undo {name}") == SHOWN[f"{REPAIR} --undo {BACKUP}"]
    assert sorted(repr(sorted(row.items())) for row in world.rows()) == before


def test_the_transcript_of_a_comparison(
    kafka_bq: Command, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = "from pydantic import BaseModel\nclass Payment(BaseModel):\n    id: str\n    n: int\n"
    (tmp_path / "payments_of_a_page.py").write_text(model)
    write_job(
        tmp_path, "payments.yaml", topic="shop.payments", table="demo.analytics.payments",
        model="payments_of_a_page:Payment", dedup_key=["id"], on_duplicate="update", version=["n"],
    )  # fmt: skip
    world.cluster.create_topic("shop.payments", 2)
    for at, name in enumerate(("p1", "p2", "p2", "p3", "p4", "p1")):
        value = json.dumps({"id": name, "n": at}).encode()
        world.cluster.produce("shop.payments", value, partition=at % 2, timestamp_ms=JANUARY_MS)
    assert kafka_bq("run", "payments.yaml").code == 0
    table = TableId("demo", "analytics", "payments")
    old = [{**row, "n": 0, "_kafka_offset": 0} for row in world.database.rows(table) if row["id"] == "p1"]
    world.database.delete(table, lambda row: row["id"] in {"p1", "p4"})
    world.database.insert(table, old)
    done = kafka_bq(*COMPARED.split()[1:])
    assert (done.code, done.out) == (1, SHOWN[COMPARED])


def test_the_page_has_no_other_transcript() -> None:
    assert len(SHOWN) == PAGE.count("```text") == 5


def test_a_backup_is_kept_as_long_as_the_page_says() -> None:
    from airflow_kafka_bq.config.days import BACKUP_DAYS

    assert f"{BACKUP_DAYS} if left out" in PAGE
    assert timedelta(days=BACKUP_DAYS)
