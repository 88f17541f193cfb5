from __future__ import annotations

import pytest

from airflow_kafka_bq.schema.names import RESERVED_PREFIXES, collision, refusal


@pytest.mark.parametrize("name", ["a", "_a", "A1_b", "x" * 300, "kafka_offset", "row", "partition"])
def test_ordinary_names(name: str) -> None:
    assert refusal(name) is None


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a.b", "a b", "é", "x" * 301, "a`"])
def test_no_names(name: str) -> None:
    assert "is not a column name" in (refusal(name) or "")


@pytest.mark.parametrize("prefix", RESERVED_PREFIXES)
def test_reserved_prefixes_in_any_case(prefix: str) -> None:
    assert prefix in (refusal(prefix.lower() + "x") or "")


@pytest.mark.parametrize("name", ["_kafka_offset", "_KAFKA_x", "_ingested_at", "_deleted_at", "_tombstone", "_row"])
def test_our_own_names(name: str) -> None:
    assert "this package's own" in (refusal(name) or "")


def test_collision() -> None:
    assert collision(["a", "b", "A"]) == ("a", "A")
    assert collision(["a", "b"]) is None
