"""Fields of envelopes in their columns: exact, or refused by name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_kafka_bq.config.envelopes import EnvelopeField, fields
from airflow_kafka_bq.formats.envelopes.fields import beside_schema, beside_table, value_of
from airflow_kafka_bq.formats.parser import Rejected

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("kind", "given", "kept"), [
    ("INT64", -(2**63), -(2**63)), ("INT64", None, None), ("STRING", "ü", "ü"), ("STRING", False, "false"),
    ("STRING", 2**70, str(2**70)), ("TIMESTAMP", "2024-01-01T13:00:00+01:00", NOON),
])  # fmt: skip
def test_a_value_is_kept(kind: str, given: Any, kept: Any) -> None:
    assert value_of(EnvelopeField("a", "a", kind), given) == kept


@pytest.mark.parametrize(("kind", "given", "reason"), [
    ("INT64", 2**63, "invalid_envelope"), ("INT64", True, "invalid_envelope"), ("INT64", "5", "invalid_envelope"),
    ("STRING", 1.5, "invalid_envelope"), ("STRING", {}, "invalid_envelope"), ("TIMESTAMP", 5, "invalid_envelope"),
    ("TIMESTAMP", "noon", "invalid_envelope"), ("TIMESTAMP", "2024-01-01T12:00:00.0000001Z", "inexact"),
])  # fmt: skip
def test_what_the_column_cannot_hold_is_refused_by_name(kind: str, given: Any, reason: str) -> None:
    with pytest.raises(Rejected, match=r"source\.x of the envelope") as caught:
        value_of(EnvelopeField("source.x", "x", kind), given)
    assert caught.value.reason == reason


def test_every_message_has_a_row_of_them() -> None:
    chosen = fields("cloudevents", ["id", "time"])
    found = beside_table(chosen, [{"id": "1", "time": NOON}, {}])
    assert found.schema == beside_schema(chosen)
    assert found.to_pylist() == [{"ce_id": "1", "ce_time": NOON}, {"ce_id": None, "ce_time": None}]
