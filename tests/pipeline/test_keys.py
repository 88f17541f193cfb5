"""Where a dedup key may come from: the message, the Kafka key, a header; and one key in two topics."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.formats.fingerprint import fingerprint
from airflow_kafka_bq.pipeline.decode import DecodeRules
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.schema.build import build_target
from airflow_kafka_bq.testing.memory import MemorySource
from tests.docs.markdown import ROOT
from tests.pipeline.decoding import Message, decoded, reasons
from tests.pipeline.world import KEEP, TABLE, TOPIC, UPDATE, World

OTHER = "shop.returns"


class Tenanted(BaseModel):
    id: int
    tenant: str | None = None


def _of_the_page() -> Any:
    """The function that the page shows."""
    page = (ROOT / "docs" / "deduplication.md").read_text("utf-8")
    code, found = page.partition("```python\n")[2].partition("\n```")[0], dict[str, Any]()
    exec(code, found)  # noqa: S102  # of our own page
    return found["with_tenant"]


def test_a_header_may_be_part_of_the_key() -> None:
    messages = [
        Message(b'{"id":1}', headers=[("tenant", b"a")]),
        Message(b'{"id":1}', headers=[("trace", b"x"), ("tenant", b"b")]),
        Message(b'{"id":1}', headers=[("trace", b"x")]),
    ]
    found = decoded(messages, Tenanted, transform=_of_the_page(), dedup_key=["tenant", "id"])
    assert found.rows.select(["tenant", "id"]).to_pylist() == [{"tenant": "a", "id": 1}, {"tenant": "b", "id": 1}]
    assert reasons(found) == [(2, "key", "null_dedup_key")]


def test_the_kafka_key_may_be_the_key() -> None:
    world = World(1)
    for n in range(3):
        world.send({"id": f"{n}", "n": n}, key="same")
    world.send({"id": "x", "n": 9}, key=None)
    report = world.run(**{**UPDATE, "dedup_key": ["_kafka_key"], "max_bad_ratio": None})
    assert [(row["_kafka_key"], row["n"]) for row in world.rows()] == [("same", 2)]
    assert report.rows["dead_lettered"] == 1, "a message without key has no dedup key"


def _run(world: World, topic: str, **settings: Any) -> RunReport:
    """A job of its own for each topic, into one table."""
    config = JobConfig.of(topic=topic, table="demo.analytics.orders", **settings)
    target = build_target(config, TABLE, config.model)
    return run(
        replace(
            world.job(**settings), config=config, source=MemorySource(world.cluster, topic, config.group(TABLE)),
            target=target, rules=DecodeRules.of(config, target, config.model),
            fingerprint=fingerprint(config, target, config.model),
        )
    )  # fmt: skip


def _send(world: World, topic: str, n: int | None, updated: int | None = None) -> None:
    world.clock.advance(1)
    value = None if n is None else json.dumps({"id": "a", "n": n, "updated": updated}).encode()
    world.cluster.produce(topic, value, key=b"a", partition=0)


@pytest.mark.parametrize("job", [KEEP, UPDATE, {**UPDATE, "on_tombstone": "delete"}], ids=["keep", "update", "delete"])
def test_a_key_of_two_topics_is_one_row(job: Any) -> None:
    world = World(1)
    world.cluster.create_topic(OTHER, 1)
    _send(world, TOPIC, 1, 5)
    _send(world, OTHER, 2, 6)
    _send(world, TOPIC, 3, 4)
    for topic in (OTHER, TOPIC, OTHER):
        _run(world, topic, **job)
    rows = [row["n"] for row in world.rows()]
    assert rows == [2], "kept as the first that was read; or newest by version, whatever topic it is of"
    if job.get("on_tombstone") == "delete":
        _send(world, TOPIC, None)
        assert _run(world, TOPIC, **job).rows["deleted"] == 1
        _send(world, OTHER, 7, 5)
        assert _run(world, OTHER, **job).rows["unchanged"] == 1, "a lower version than what was removed"
        _send(world, OTHER, 8, 6)
        assert _run(world, OTHER, **job).rows["inserted"] == 1


def test_topics_of_one_table_have_positions_and_groups_of_their_own() -> None:
    world = World(1)
    world.cluster.create_topic(OTHER, 1)
    _send(world, TOPIC, 1)
    _send(world, OTHER, 2)
    _send(world, OTHER, 3)
    reports = [_run(world, topic, **KEEP) for topic in (TOPIC, OTHER)]
    assert len({report.group_id for report in reports}) == 2
    found = {row["topic"]: row["positions"] for row in world.database.rows(TABLE.companion("ledger")) if row["topic"]}
    assert {topic: at[0]["next_offset"] for topic, at in found.items()} == {TOPIC: 1, OTHER: 2}
