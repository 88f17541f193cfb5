"""Raw columns as a decoder would have given their values."""

from __future__ import annotations

import pyarrow as pa

from airflow_kafka_bq.formats.structured.raw_columns import Fields, Objects, Pairs, Parts, Perhaps, Plain, Several


def test_values_in_their_places() -> None:
    numbers, texts = Plain(pa.array([1, 2, 3])), Plain(pa.array(["a"]))
    nothing = Perhaps(Plain(pa.array([], pa.int64())), pa.array([None], pa.int64()))
    some = Perhaps(Fields({"text": texts, "none": nothing}), pa.array([None, 0, None], pa.int64()))
    both = Fields({"number": numbers, "some": some})
    assert both.python() == [
        {"number": 1, "some": None},
        {"number": 2, "some": {"text": "a", "none": None}},
        {"number": 3, "some": None},
    ]
    assert [len(one) for one in (numbers, some, both)] == [3, 3, 3]


def test_lists_and_mappings() -> None:
    numbers, offsets = Plain(pa.array([1, 2, 3])), pa.array([0, 2, 2, 3], pa.int64())
    lists = Several(numbers, offsets)
    assert lists.python() == [[1, 2], [], [3]]
    assert lists.with_one_of(pa.array([False, True, False])).to_pylist() == [True, False, False]
    assert lists.with_one_of(pa.array([False, False, True])).to_pylist() == [False, False, True]
    entries = Several(Fields({"key": Plain(pa.array(["a", "b", "a"])), "value": numbers}), offsets)
    assert Pairs(entries).python() == [{"a": 1, "b": 2}, {}, {"a": 3}]
    assert Parts([numbers, numbers]).python() == [(1, 1), (2, 2), (3, 3)]
    assert Several(Objects([{}, 5, "x"]), offsets).python() == [[{}, 5], [], ["x"]]
    assert [len(one) for one in (lists, Pairs(entries), Parts([numbers]), Objects([1, 2, 3]))] == [3, 3, 3, 3]
