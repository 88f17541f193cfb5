from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from airflow_kafka_bq.formats.bulk_read import read
from airflow_kafka_bq.formats.columnar_plan import plan
from airflow_kafka_bq.formats.model_fields import MessageFields
from airflow_kafka_bq.formats.unknown_fields import fully_known, known_members, unknown
from airflow_kafka_bq.schema.model import model_columns


class Line(BaseModel):
    sku: str | None = None


class Order(BaseModel):
    a: str | None = None
    b: str | None = None
    line: Line | None = None


TEXT = st.sampled_from(["x", 'q":', '"', ":", "a", '\\":'])
LINE = st.none() | st.fixed_dictionaries({}, optional={"sku": st.none() | TEXT, "more": TEXT})
MESSAGE = st.fixed_dictionaries(
    {"z": TEXT}, optional={"a": st.none() | TEXT, "b": TEXT, "line": LINE, 'q"': TEXT, "n": st.none()}
) | st.fixed_dictionaries({"a": TEXT}, optional={"b": TEXT, "line": LINE})


@example([({"a": ":", "b": ":", "line": None}, ":")])
@example([({"a": "1", "b": ":", ",": 1}, ": ")])
@given(st.lists(st.tuples(MESSAGE, st.sampled_from([":", ": ", " :"])), min_size=1, max_size=8))
def test_counting_finds_what_looking_finds(messages: list[tuple[dict[str, Any], str]]) -> None:
    values = [json.dumps(message, separators=(",", colon)).encode() for message, colon in messages]
    found = plan(Order, model_columns(Order))
    assert found is not None
    array: pa.Array[Any] = pa.array(values, pa.binary())
    columns = read(array, found.nodes, ignore_unknown=True)
    fields = MessageFields.of(Order)
    assert unknown(array, found.nodes, columns, fields).to_pylist() == [
        fields.has_unknown(message) for message, _ in messages
    ]


class Basket(BaseModel):
    a: str | None = None
    lines: list[Line] = []


def test_members_of_objects_in_lists_count_for_their_message() -> None:
    values = [
        b'{"a":"x"}',
        b'{"lines":[{"sku":"1"},{"sku":null},{"sku":"2"}]}',
        b'{"lines":[]}',
        b'{"lines":[{}],"a":"y"}',
    ]
    found = plan(Basket, model_columns(Basket))
    assert found is not None
    array: pa.Array[Any] = pa.array(values, pa.binary())
    columns = read(array, found.nodes, ignore_unknown=True)
    assert known_members(found.nodes, columns).to_pylist() == [1, 3, 1, 2]
    assert known_members(found.nodes, [column.slice(1, 2) for column in columns]).to_pylist() == [3, 1]
    assert fully_known(array, found.nodes, columns).to_pylist() == [True, False, True, True]
