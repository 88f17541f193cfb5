"""Copies in memory; what they share with the real ones is in ``tests/contract/copies_contract.py``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_kafka_bq.batch import Uncopied
from airflow_kafka_bq.testing.memory.copies import count, select

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def letter(offset: int, **other: Any) -> dict[str, Any]:
    return {
        "_kafka_topic": "t", "_kafka_partition": 0, "_kafka_offset": offset, "_kafka_timestamp": NOON,
        "_kafka_key": None, "_kafka_value": b"v", "_kafka_headers": None, "stage": "decode", "reason": "r",
        "error": None, "batch_id": "b", "redriven_at": None, "copied_at": None, **other,
    }  # fmt: skip


def test_which_letters_wait_for_a_copy() -> None:
    rows = [
        letter(0), letter(1, copied_at=NOON), letter(2, redriven_at=NOON), letter(3, stage="lost"),
        letter(4, _kafka_topic="u"), letter(5),
    ]  # fmt: skip
    found = count(rows, "t")
    assert found == Uncopied(2, NOON, NOON)
    assert [one for piece in select(rows, "t", found, 9) for one in piece.column("offset").to_pylist()] == [0, 5]


def test_a_table_without_the_column_is_no_place_to_look() -> None:
    with pytest.raises(KeyError):
        count([{name: value for name, value in letter(0).items() if name != "copied_at"}], "t")
