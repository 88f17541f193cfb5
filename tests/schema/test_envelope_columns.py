"""Columns of envelopes in a table."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.envelopes import DEBEZIUM_FIELDS, fields
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema.build import build_target
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.envelope_columns import envelope_columns, without_envelope
from airflow_kafka_bq.schema.names import refusal


class Event(BaseModel):
    order_id: int
    Ce_Id: str = ""


def target(**parameters: Any) -> Any:
    config = JobConfig.of(topic="t", table="demo-project.d.t", **parameters)
    return build_target(config, config.table_id(None), parameters.get("model"))


def test_they_stand_between_the_messages_columns_and_kafkas() -> None:
    made = target(envelope="debezium", envelope_fields=["op", "source.lsn"])
    assert [column.name for column in made.columns][:4] == ["payload", "__op", "__source_lsn", "_kafka_topic"]
    assert {column.mode for column in made.columns[:3]} == {"NULLABLE"}


def test_they_may_be_key_version_and_partition() -> None:
    events = target(
        envelope="cloudevents", dedup_key=["ce_source", "ce_id"], partition_by="ce_time", cluster_by=["ce_type"]
    )
    assert (events.key, events.partitioning.column, events.cluster_by) == (
        ("ce_source", "ce_id"), "ce_time", ("ce_type",),
    )  # fmt: skip
    changes = target(
        envelope="debezium", envelope_fields=["source.lsn"], dedup_key=["_kafka_key"], on_duplicate="update",
        version=["__source_lsn"],
    )  # fmt: skip
    assert changes.version == ("__source_lsn",)


def test_a_column_of_the_message_of_that_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="'Ce_Id', which is one of the envelope's"):
        target(envelope="cloudevents", model=Event)
    assert target(envelope="cloudevents", model=Event, envelope_fields=["type"]).column("ce_type") is not None


def test_bigquery_takes_all_of_their_names() -> None:
    made = envelope_columns(fields("debezium", list(DEBEZIUM_FIELDS)), ())
    assert [column.name for column in made if refusal(column.name)] == []


def test_the_columns_of_a_table_are_the_messages_without_the_envelopes() -> None:
    config = JobConfig.of(topic="t", table="d.t", envelope="cloudevents", schema_from="table")
    there = [Column("order_id", "INT64"), Column("CE_ID", "STRING"), Column("ce_more", "STRING")]
    assert [one.name for one in without_envelope(config, there)] == ["order_id", "ce_more"]
