"""Keys that Kafka has and the table has not; rows that are older than a message. Under keep and update nothing else
tells."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_kafka_bq.config.days import Between
from airflow_kafka_bq.exceptions import CostLimitError
from airflow_kafka_bq.operations.audit import audit
from tests.pipeline.world import KEEP, TABLE, TOPIC, UPDATE, World


def filled(**settings: Any) -> World:
    """Three keys of which one has two messages, in two batches."""
    world = World(2)
    for name, at in (("a", 1), ("b", 2), ("a", 3)):
        world.send({"id": name, "n": at, "updated": at})
    world.send({"id": "c", "n": 4, "updated": 4}, 1)
    world.run(**settings, batch_messages=2)
    return world


def compared(world: World, **settings: Any) -> dict[str, Any]:
    return audit(world.job(**settings), against_kafka=True)


@pytest.mark.parametrize("settings", [{}, KEEP, UPDATE], ids=["coordinates", "keep", "update"])
def test_what_the_job_wrote_is_all_there(settings: dict[str, Any]) -> None:
    world = filled(**settings)
    world.fill(3)  # not read yet: it is not missed
    before = (world.rows(), world.ledger(), world.committed(), sorted(world.database.table_names()))
    document = compared(world, **settings)
    assert (document["clean"], document["against_kafka"]["messages"]) == (True, 4)
    assert document["against_kafka"]["partitions"] == {"0": {"start": 0, "end": 3}, "1": {"start": 0, "end": 1}}
    assert not any("missing rows" in one for one in document["unchecked"])
    now = (world.rows(), world.ledger(), world.committed(), sorted(world.database.table_names()))
    assert now == before, "no position moves, and no staging table is left"


@pytest.mark.parametrize("settings", [KEEP, UPDATE], ids=["keep", "update"])
def test_a_key_without_a_row_is_missed_with_the_message_that_it_is_in(settings: dict[str, Any]) -> None:
    world = filled(**settings)
    world.database.delete(TABLE, lambda row: row["id"] in {"b", "c"})
    document = compared(world, **settings)
    assert document["findings"] == ["keys that Kafka has and the table has not: 2"]
    assert document["against_kafka"]["examples"] == [
        {"key": {"id": "b"}, "partition": 0, "offset": 1, "missing": True},
        {"key": {"id": "c"}, "partition": 1, "offset": 0, "missing": True},
    ]
    assert world.run(**settings, window={"from": {0: 0, 1: 0}, "to": {0: 3, 1: 1}}).rows["inserted"] == 2
    assert compared(world, **settings)["clean"], "a replay brings back what was missed"


def test_a_row_that_is_older_than_a_message_is_told_from_a_missing_one() -> None:
    world = filled(**UPDATE)
    old = [{**row, "updated": 1, "n": 1, "_kafka_offset": 0} for row in world.rows() if row["id"] == "a"]
    world.database.delete(TABLE, lambda row: row["id"] == "a")
    world.database.insert(TABLE, old)
    document = compared(world, **UPDATE)
    assert document["findings"] == ["rows that are older than a message that was applied: 1"]
    assert document["against_kafka"]["examples"] == [
        {"key": {"id": "a"}, "partition": 0, "offset": 2, "missing": False}
    ]


@pytest.mark.parametrize("mode", ["delete", "soft_delete"])
def test_what_a_tombstone_removed_is_not_missed(mode: str) -> None:
    settings = {**UPDATE, "on_tombstone": mode, "key_format": "string"}
    world = World(1)
    for name in "ab":
        world.send({"id": name, "n": 1, "updated": 1}, key=name)
    world.send(None, key="a")
    world.run(**settings)
    assert compared(world, **settings)["clean"]
    world.database.delete(TABLE, lambda row: row["id"] == "b")
    assert compared(world, **settings)["against_kafka"]["missing"] == 1


def test_only_what_kafka_still_has_is_compared() -> None:
    world = filled(**KEEP)
    world.database.delete(TABLE, lambda row: row["id"] in {"b", "c"})
    world.cluster.delete_records(TOPIC, 0, 2)
    document = compared(world, **KEEP)
    assert document["against_kafka"]["partitions"]["0"] == {"start": 2, "end": 3}
    assert document["against_kafka"]["missing"] == 1


def test_where_nothing_can_be_compared_it_is_said() -> None:
    world = filled(**KEEP, fence="none")
    document = compared(world, **KEEP, fence="none")
    assert document["against_kafka"] is None
    assert "keys against Kafka: the job keeps no ledger yet" in document["unchecked"]
    bare = {**KEEP, "kafka_columns": "none"}
    assert "keys against Kafka: the table has no Kafka columns" in compared(filled(**bare), **bare)["unchecked"]


def test_each_batch_obeys_the_gate() -> None:
    world = filled(**UPDATE)
    with pytest.raises(CostLimitError):
        compared(world, **UPDATE, max_bytes_billed=150)
    assert [name for name in world.database.table_names() if "__stg" in name] == []


def _three_days(**settings: Any) -> tuple[World, datetime]:
    """Three days with a message each in both partitions, all merged; and all rows but those of the first day gone."""
    world = World(2)
    start = world.clock()
    for day in range(3):
        for part in (0, 1):
            at = int((start + timedelta(days=day)).timestamp() * 1000)
            name = f"{part}{day}"
            world.send({"id": name, "n": day, "updated": day}, part, timestamp_ms=at)
    world.run(**settings)
    world.database.delete(TABLE, lambda row: not row["id"].endswith("0"))
    return world, start


@pytest.mark.parametrize(
    ("since", "until", "span", "missing"),
    [
        (None, None, (0, 3), 4),
        (1, 2, (1, 2), 2),
        (None, 1, (0, 1), 0),
        (2, None, (2, 3), 2),
        (0.5, 1.5, (1, 2), 2),
        (7, None, (3, 3), 0),
    ],
)
def test_a_range_bounds_what_is_read_again(
    since: float | None, until: float | None, span: tuple[int, int], missing: int
) -> None:
    world, start = _three_days(**KEEP)
    at = [None if one is None else start + timedelta(days=one) for one in (since, until)]
    document = audit(world.job(**KEEP), Between.of(*at), against_kafka=True)
    found = document["against_kafka"]
    assert found["partitions"] == {part: {"start": span[0], "end": span[1]} for part in "01"}
    assert (found["messages"], found["missing"]) == (2 * (span[1] - span[0]), missing)
    assert document["clean"] is (missing == 0)


def test_a_range_does_not_reach_past_the_position() -> None:
    world, start = _three_days(**KEEP)
    late = int((start + timedelta(days=1)).timestamp() * 1000)
    world.send({"id": "new", "n": 1, "updated": 1}, timestamp_ms=late + 99 * 86_400_000)
    between = Between.of(start, start + timedelta(days=300))
    found = audit(world.job(**KEEP), between, against_kafka=True)["against_kafka"]
    assert found["partitions"]["0"] == {"start": 0, "end": 3}
