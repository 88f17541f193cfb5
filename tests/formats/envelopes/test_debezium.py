"""What an operation says of its row."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.config.envelopes import fields
from airflow_kafka_bq.formats.envelopes.debezium import Change, FieldReader, change_of
from airflow_kafka_bq.formats.parser import Rejected


@pytest.mark.parametrize(("operation", "change"), [
    ("c", Change.ROW), ("u", Change.ROW), ("r", Change.ROW), ("d", Change.GONE), ("m", Change.NOTHING),
])  # fmt: skip
def test_each_operation_says_something_of_the_row(operation: str, change: Change) -> None:
    assert change_of(operation) is change


@pytest.mark.parametrize(("operation", "reason"), [
    ("t", "truncate"), (None, "no_envelope"), ("", "unknown_op"), ("C", "unknown_op"), (5, "unknown_op"),
])  # fmt: skip
def test_what_says_nothing_of_a_row_is_refused(operation: Any, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        change_of(operation)
    assert (caught.value.stage, caught.value.reason) == ("decode", reason)


def test_fields_are_found_however_deep_they_lie() -> None:
    reader = FieldReader(fields("debezium", ["op", "source.lsn", "transaction.id"]))
    event = {"op": "c", "source": {"lsn": 5}}
    assert reader.read(event, lambda found, name: found.get(name)) == {
        "op": "c", "source.lsn": 5, "transaction.id": None,
    }  # fmt: skip
