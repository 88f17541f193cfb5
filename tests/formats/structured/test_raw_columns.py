"""Raw columns as a decoder would have given their values."""

from __future__ import annotations

import pyarrow as pa

from airflow_kafka_bq.formats.structured.raw_columns import Fields, Perhaps, Plain


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
