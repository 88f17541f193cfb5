"""Preview: what the next run would do, with its checks, and without doing it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from airflow_kafka_bq.bigquery import sql
from airflow_kafka_bq.exceptions import GroupInUseError, SchemaDriftError, TargetChangedError
from airflow_kafka_bq.operations.preview import preview
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.testing.memory import MemoryWarehouse
from tests.pipeline.world import GROUP, KEEP, TABLE, TOPIC, World

DAY_MS = 86_400_000
NEW_YEAR_MS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)


def test_the_ranges_are_those_that_the_run_reads() -> None:
    world = World(2)
    world.fill(4, 0)
    world.run()
    world.fill(3, 0)
    world.fill(2, 1)
    planned = preview(world.job())
    report = world.run().to_json()
    for number, part in planned["partitions"].items():
        done = report["partitions"][number]
        assert (part["start"], part["end"], part["lag"]) == (done["start"], done["end"], done["lag_before"])
    assert planned["lag"] == report["messages"]


def test_a_job_that_joins_is_told_who_is_in_its_group() -> None:
    world = World(1)
    world.fill(1)
    world.run()
    world.cluster.members.join(GROUP, "worker", TOPIC)
    assert preview(world.job(assignment="subscribe"))["members"] == ["worker at /127.0.0.1"]
    with pytest.raises(GroupInUseError):
        preview(world.job())


def test_the_merge_is_the_one_that_the_run_sends() -> None:
    """But for the name of the staging table, and for the days, which reach from the oldest message to now."""
    world = World(2)
    world.run()
    world.fill(30, 0)  # more than are listed one by one
    world.fill(25, 1)
    shown = preview(world.job())["merge"]
    sent: list[Any] = []
    merge = MemoryWarehouse.merge

    def heard(self: MemoryWarehouse, job_id: str, spec: Any, limit: int | None) -> Any:
        sent.append(spec)
        return merge(self, job_id, spec, limit)

    with mock.patch.object(MemoryWarehouse, "merge", heard):
        world.run()

    def plain(text: str) -> str:
        text = re.sub(r"__stg_\w+", "__stg_x", text)
        return re.sub(r"\n  AND \(T\.`_kafka_timestamp` >=.*\)", "", text)

    (spec,) = sent
    assert plain(shown) == plain(sql.merge_rows(spec))
    assert "T.`_kafka_timestamp` >= TIMESTAMP" in shown


def test_the_days_begin_with_the_oldest_unread_message() -> None:
    world = World(2)
    world.send({"n": 1}, 0, timestamp_ms=NEW_YEAR_MS + 3 * DAY_MS)
    world.send({"n": 2}, 1, timestamp_ms=NEW_YEAR_MS + 2 * DAY_MS)
    assert "T.`_kafka_timestamp` >= TIMESTAMP '2026-01-03 00:00:00" in preview(world.job())["merge"]


def test_the_days_of_a_window_are_the_windows() -> None:
    """Not those of the live position, which may be years away."""
    world = World(1)
    for day in range(5):
        world.send({"n": day}, timestamp_ms=NEW_YEAR_MS + day * DAY_MS)
    world.run()
    merge = preview(world.job(window={"from": {0: 1}, "to": {0: 2}}))["merge"]
    assert "T.`_kafka_timestamp` >= TIMESTAMP '2026-01-02 00:00:00" in merge
    assert "T.`_kafka_offset` BETWEEN 1 AND 1" in merge


def test_after_a_gap_the_days_are_those_of_what_is_left() -> None:
    world = World(1)
    world.run()
    for day in range(5):
        world.send({"n": day}, timestamp_ms=NEW_YEAR_MS + day * DAY_MS)
    world.cluster.delete_records("shop.orders", 0, 2)
    found = preview(world.job(on_gap="record"))
    assert found["gaps"] == [{"partition": 0, "start": 0, "end": 2}]
    assert "T.`_kafka_timestamp` >= TIMESTAMP '2026-01-03 00:00:00" in found["merge"]


def test_bytes_are_estimated_where_there_is_a_table_and_something_to_read() -> None:
    world = World(1)
    world.fill(3)
    assert preview(world.job(**KEEP))["estimated_bytes"] == 0
    world.run(**KEEP)
    assert preview(world.job(**KEEP))["estimated_bytes"] == 0
    world.fill(1)
    assert preview(world.job(**KEEP))["estimated_bytes"] > 0


def test_a_business_key_has_no_bounds_to_show() -> None:
    world = World(1)
    world.fill(2)
    merge = preview(world.job(**KEEP))["merge"]
    assert "ON T.`id` = S.`id`" in merge
    assert "BETWEEN" not in merge


def test_without_a_ledger_none_would_be_created() -> None:
    found = preview(World(1).job(fence="none"))
    assert found["would_create"] == [str(TABLE), f"{TABLE}__dead_letters"]
    assert found["revision"] is None


def test_what_is_there_is_not_created() -> None:
    world = World(1)
    world.run()
    assert preview(world.job())["would_create"] == []
    world.database.drop_table(TABLE.companion("dead_letters"))
    assert preview(world.job())["would_create"] == [f"{TABLE}__dead_letters"]


def test_every_check_of_a_run_is_made() -> None:
    world = World(1)
    world.join()
    with pytest.raises(GroupInUseError):
        preview(world.job())
    world = World(1)
    world.run()
    world.database.drop_table(TABLE)
    with pytest.raises(TargetChangedError):
        preview(world.job())
    world = World(1)
    world.database.create_table(TABLE, [Column("payload", "INT64")])
    with pytest.raises(SchemaDriftError, match="payload"):
        preview(world.job())
