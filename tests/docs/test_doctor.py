"""docs/doctor.md shows what the command prints, and names each permission."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from airflow_kafka_bq.operations.access import bigquery_needs, kafka_needs
from tests.cli.commands import Command, write_job
from tests.cli.conftest import kafka_bq, world
from tests.docs.documents import section
from tests.docs.markdown import ROOT
from tests.pipeline.world import UPDATE, World

__all__ = ["kafka_bq", "world"]

PAGE = (ROOT / "docs" / "doctor.md").read_text("utf-8")


def test_the_transcript_is_what_is_printed(
    kafka_bq: Command, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_job(tmp_path, group_id="shared")
    more = {"topic": "shop.payments", "table": "demo.analytics.payments", "isolation_level": "read_uncommitted"}
    write_job(tmp_path, "payments.yaml", group_id="shared", **more)
    world.cluster.create_topic("shop.payments", 2)
    world.cluster.forbidden.add(("shop.payments", "READ"))
    world.send({"n": 1}, timestamp_ms=int(time.time() * 1000))
    ((command, printed),) = re.findall(r"```sh\n(kafka-bq doctor .+)\n```\n\n```text\n((?s:.+?))```", PAGE)
    done = kafka_bq(*command.split()[1:])
    assert (done.code, done.out) == (1, printed), done.err
    assert PAGE.count("```text") == 1


def test_every_permission_is_on_the_page() -> None:
    job = World(1).job(**UPDATE, on_tombstone="delete", dead_letter_topic="dead")
    table = section(PAGE, "## Permissions")
    for need in (*kafka_needs(job), *(one for _, one in bigquery_needs(job))):
        right = need.right.removeprefix("bigquery.tables.")
        assert right in table, need
