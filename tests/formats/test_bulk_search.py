from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.formats import bulk_search
from airflow_kafka_bq.formats.bulk_read import read
from airflow_kafka_bq.formats.bulk_search import BulkSearch
from airflow_kafka_bq.formats.columnar_plan import Node

NODES = (Node("a", "a", "INT64", pa.int64(), pa.int64()),)
WHOLE = r'"(?:a)"\s*:\s*-?[0-9]*[.eE]'


def found(values: list[bytes], other_numbers: str | None = None) -> list[int]:
    def look(some: Any, positions: Any, ignore_unknown: bool) -> list[int]:
        read(some, NODES, ignore_unknown=ignore_unknown)
        kept: list[int] = positions.to_pylist()
        return kept

    array: pa.Array[Any] = pa.array(values, pa.binary())
    return sorted(one for part in BulkSearch(NODES, look, other_numbers=other_numbers).found(array) for one in part)


def good(count: int) -> list[bytes]:
    return [b'{"a":%d}' % number for number in range(count)]


@pytest.mark.parametrize("bad", [b"{", b"", b"[]", b'{"a":"x"}', b'{"a":1,"a":2}', b"\xff", b'{"a":{"b":1}}'])
def test_a_message_that_stops_the_parser_is_left_out(bad: bytes) -> None:
    values = good(200)
    values[20] = values[150] = bad
    assert found(values) == [each for each in range(200) if each not in {20, 150}]


def test_fields_that_nobody_reads_stop_nothing() -> None:
    assert found([*good(100), b'{"a":1,"b":2}']) == list(range(101))


def test_a_number_that_arrow_cannot_read_is_found_by_its_looks_or_by_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    values = good(100)
    values[30] = b'{"a":1.0}'
    assert found(values, WHOLE) == [each for each in range(100) if each != 30]
    monkeypatch.setattr(bulk_search, "_FEW", 1)
    assert found(values) == [each for each in range(100) if each != 30]


def test_those_that_are_wrong_alike_are_left_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    values = good(2_000)
    for position in (20, 900, 1_999):
        values[position] = b'{"b":{"a": 1},"a" : "x"}'
    values[1_000] = b'{"a":[1]}'
    asked = []
    whole = read

    def counted(some: Any, *arguments: Any, **named: Any) -> Any:
        asked.append(len(some))
        return whole(some, *arguments, **named)

    monkeypatch.setattr(bulk_search, "read", counted)  # what goes through a window one by one
    assert found(values) == [each for each in range(2_000) if each not in {20, 900, 1_000, 1_999}]
    assert asked == []


def test_a_name_that_is_right_elsewhere_leaves_nobody_out() -> None:
    """By looks all are alike."""
    values = [b'{"b":{"a":"x"},"a":%d}' % number for number in range(2_000)]
    values[700] = b'{"b":{"a":"x"},"a":"x"}'
    assert found(values) == [each for each in range(2_000) if each != 700]


def test_too_many_bad_ones_are_not_sought_one_by_one() -> None:
    assert found([b'{"a":'] * 300 + good(10)) == []
