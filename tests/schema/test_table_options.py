"""An existing table with other options is reported, and what the job does not say is nobody's business."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from airflow_kafka_bq.config import Partitioning, TableId
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.difference import difference
from airflow_kafka_bq.schema.table_options import asked, notes_on_options
from airflow_kafka_bq.schema.target import TableFacts, Target

OPTIONS = {
    "description": "orders", "labels": {"a": "b"}, "expiration_hours": 5, "partition_expiration_days": 90,
    "require_partition_filter": True,
}  # fmt: skip
TARGET = Target(
    TableId("demo", "shop", "orders"), (Column("a", "INT64"),), ("a",), options=OPTIONS, labels={"team": "shop"},
    kms_key_name="key-1",
)  # fmt: skip
FACTS = TableFacts(TARGET.columns, "2026-01-01T00:00:00.000+00:00", 0, options=asked(TARGET))


def test_the_same_options_are_no_difference() -> None:
    assert list(notes_on_options(TARGET, FACTS)) == []


@pytest.mark.parametrize(
    ("name", "there", "note"),
    [
        ("description", None, "its description is not set and the job says orders; it is left alone"),
        ("labels", {"a": "c", "team": "shop"}, "its labels is {'a': 'c', 'team': 'shop'} and the job says"),
        ("expires", None, "its expiration is not set and the job says True"),
        ("partition_expiration_days", 30, "its expiration of partitions in days is 30 and the job says 90"),
        ("require_partition_filter", None, "its require_partition_filter is not set and the job says True"),
        ("kms_key_name", "key-2", "its key is key-2 and the job says key-1"),
    ],
)
def test_another_option_is_reported(name: str, there: Any, note: str) -> None:
    facts = replace(FACTS, options=asked(TARGET) | {name: there})
    (found,) = difference(TARGET, facts, "none").notes
    assert found.startswith(note)


def test_what_the_job_does_not_say_is_left_alone_without_a_word() -> None:
    silent = replace(TARGET, options={}, labels={}, kms_key_name=None)
    assert list(notes_on_options(silent, FACTS)) == []
    more = replace(FACTS, options={**asked(TARGET), "labels": {"a": "b", "team": "shop", "more": "x"}})
    assert list(notes_on_options(TARGET, more)) == []


def test_a_table_of_which_nothing_is_known_differs_in_nothing() -> None:
    assert list(notes_on_options(TARGET, replace(FACTS, options=None))) == []


def test_a_table_by_ingestion_time_is_said_to_prune_nothing() -> None:
    target = Target(TARGET.table, TARGET.columns, ("a",), partitioning=Partitioning("a"))
    facts = TableFacts(TARGET.columns, FACTS.created_at, 0, Partitioning("_PARTITIONTIME", "hour"))
    other, everywhere = difference(target, facts, "add").notes
    assert other == "it is partitioned by hour of ingestion and the job says day of a; it is left alone"
    assert "each MERGE looks in all partitions" in everywhere
    nearby = replace(target, partitioning=facts.partitioning, dedup_window=timedelta(days=1))
    assert difference(nearby, facts, "add").notes == ()
