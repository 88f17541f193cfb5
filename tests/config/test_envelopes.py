"""Fields of envelopes as columns."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.envelopes import DEBEZIUM_FIELDS, DEFAULT_FIELDS, EnvelopeField, fields
from airflow_kafka_bq.exceptions import ConfigError


def test_columns_are_named_as_the_field_names_them() -> None:
    assert fields("debezium", ["op", "source.ts_ms", "transaction.total_order"]) == (
        EnvelopeField("op", "__op", "STRING"),
        EnvelopeField("source.ts_ms", "__source_ts_ms", "INT64"),
        EnvelopeField("transaction.total_order", "__transaction_total_order", "INT64"),
    )
    assert fields("cloudevents", ["id", "time", "partitionkey"]) == (
        EnvelopeField("id", "ce_id", "STRING"),
        EnvelopeField("time", "ce_time", "TIMESTAMP"),
        EnvelopeField("partitionkey", "ce_partitionkey", "STRING"),
    )


@pytest.mark.parametrize("envelope", sorted(DEFAULT_FIELDS))
def test_what_is_left_out_has_a_default(envelope: str) -> None:
    assert tuple(one.path for one in fields(envelope, None)) == DEFAULT_FIELDS[envelope]
    assert fields(envelope, []) == ()
    assert fields(None, None) == ()


def test_all_of_debeziums_fields_are_columns_of_their_own() -> None:
    found = fields("debezium", list(DEBEZIUM_FIELDS))
    assert len({one.column.lower() for one in found}) == len(DEBEZIUM_FIELDS)


def test_the_nearest_field_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        JobConfig.of(topic="t", table="d.t", envelope="debezium", envelope_fields=["source.lns"])
    assert caught.value.remedy == "did you mean 'source.lsn'?"
