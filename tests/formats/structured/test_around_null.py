"""What stands below a null is what Arrow puts there when it makes the column of Python's values."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.formats.structured.around_null import spread
from tests.pipeline.content import digest

INNER = pa.struct([pa.field("a", pa.string()), pa.field("n", pa.int64())])
KINDS: list[tuple[pa.DataType, list[Any]]] = [
    (pa.int64(), [1, 2]),
    (pa.string(), ["a", ""]),
    (INNER, [{"a": "x", "n": None}, {"a": None, "n": 5}]),
    (
        pa.struct(
            [
                pa.field("inner", INNER),
                pa.field("flag", pa.bool_()),
                pa.field("number", pa.decimal128(38, 9)),
                pa.field("moment", pa.timestamp("us", tz="UTC")),
                pa.field("octets", pa.binary()),
                pa.field("several", pa.list_(pa.field("element", INNER))),
            ]
        ),
        [
            {"inner": None, "flag": True, "number": 1, "moment": 2, "octets": b"x", "several": [{"a": "b", "n": 1}]},
            {"inner": {"a": "", "n": 3}, "flag": None, "number": None, "moment": None, "octets": None, "several": []},
        ],
    ),
]


@pytest.mark.parametrize(("kind", "values"), KINDS)
@pytest.mark.parametrize("index", [[0, 1], [None, 0, None, 1, None], [1, None], [None]])
def test_it_is_the_column_of_the_same_values(kind: pa.DataType, values: list[Any], index: list[int | None]) -> None:
    found = spread(pa.array(values, kind), pa.array(index, pa.int64()))
    expected = pa.array([None if row is None else values[row] for row in index], kind)
    assert found.equals(expected)
    assert digest(pa.table({"v": found})) == digest(pa.table({"v": expected}))
