"""What no column of a schema takes is kept, where it stood, whatever version a message was written with."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from pydantic import BaseModel

from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.json_schema import json_schema
from airflow_kafka_bq.formats.structured.left_over import left_over
from airflow_kafka_bq.formats.structured.parsing import StructuredRows
from airflow_kafka_bq.formats.structured.protobuf import protobuf_schema
from airflow_kafka_bq.formats.structured.rows import ModelFilling
from airflow_kafka_bq.formats.structured.shapes import as_struct
from airflow_kafka_bq.formats.structured.writers import OneWriter, Writer
from airflow_kafka_bq.formats.unknown_fields import with_unknown
from airflow_kafka_bq.schema.model import model_columns
from tests.formats.structured.test_protobuf import kind
from tests.formats.structured.values import avro_bytes, columns, record, rows


def inner(name: str, *more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": "a", "type": "int"}, *more]}


MORE = {"name": "b", "type": ["null", "string"]}
BYTES = {"name": "c", "type": "bytes"}


def left(old: Any, new: Any, value: Any) -> Any:
    """What is kept of a message whose writer has the newer type for ``v``."""
    older, newer = record(old), record(new)
    found = rows(avro_schema(older), [avro_bytes(newer, {"v": value})], avro_schema(newer), keep_unknown=True)
    assert found.bad == ()
    (row,) = found.rows.to_pylist()
    assert found.unknown_fields == (row["_unknown_fields"] is not None)
    return None if row["_unknown_fields"] is None else json.loads(row["_unknown_fields"])


@pytest.mark.parametrize(
    ("old", "new", "value", "kept"),
    [
        (inner("I"), inner("I"), {"a": 1}, None),
        (inner("I"), inner("I", MORE), {"a": 1, "b": "x"}, {"v": {"b": "x"}}),
        (inner("I"), inner("I", BYTES), {"a": 1, "c": b"\xff"}, {"v": {"c": "/w=="}}),
        (["null", inner("I")], ["null", inner("I", MORE)], None, None),
        (
            {"type": "array", "items": inner("I")},
            {"type": "array", "items": inner("I", MORE)},
            [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
            {"v": [{"b": "x"}, {"b": None}]},
        ),
        (
            {"type": "map", "values": inner("I")},
            {"type": "map", "values": inner("I", MORE)},
            {"k": {"a": 1, "b": "x"}},
            {"v": {"k": {"b": "x"}}},
        ),
        ([inner("I"), "string"], [inner("I", MORE), "string"], {"a": 1, "b": "x"}, {"v": {"b": "x"}}),
        ([inner("I"), "string"], [inner("I", MORE), "string"], "text", None),
        ([inner("I"), "string"], inner("I", MORE), {"a": 1, "b": "x"}, {"v": {"b": "x"}}),
        (
            {"type": "array", "items": {"type": "array", "items": inner("I")}},
            {"type": "array", "items": {"type": "array", "items": inner("I", MORE)}},
            [[{"a": 1, "b": "x"}]],
            {"v": [[{"b": "x"}]]},
        ),
    ],
)
def test_fields_of_a_newer_avro_schema(old: Any, new: Any, value: Any, kept: Any) -> None:
    assert left(old, new, value) == kept


def test_what_the_columns_take_whole_has_no_function() -> None:
    whole = as_struct(avro_schema(record(inner("I"), "string")).slot)[0]
    assert left_over(whole, whole, columns(avro_schema(record(inner("I"), "string")))) is None


def test_fields_of_json_that_no_schema_names() -> None:
    part = {"type": "object", "properties": {"a": {"type": "integer"}}}
    of = {"type": "object", "properties": {"n": {"type": "integer"}, "list": {"type": "array", "items": part}}}
    schema = json_schema(json.dumps(of))
    messages = [b'{"n": 1}', b'{"n": 1, "w": [1.50]}', b'{"n": 1, "list": [{"a": 1}, {"a": 2, "x": null}]}']
    found = rows(schema, messages, keep_unknown=True)
    texts = [row["_unknown_fields"] for row in found.rows.to_pylist()]
    assert texts == [None, '{"w":[1.5]}', '{"list":[{},{"x":null}]}']
    assert (found.bad, found.unknown_fields) == ((), 2)


def test_fields_of_a_newer_protobuf_schema_by_the_names_of_the_writer() -> None:
    older, newer = kind("int32 a = 1;"), kind("int32 renamed = 1; int64 more = 2; repeated string words = 3;")
    message = newer(renamed=5, more=2**53 + 1, words=["x"]).SerializeToString()
    found = rows(protobuf_schema(older), [message], protobuf_schema(newer), keep_unknown=True)
    (row,) = found.rows.to_pylist()
    assert row["a"] == 5
    assert json.loads(row["_unknown_fields"]) == {"more": 2**53 + 1, "words": ["x"]}


class A(BaseModel):
    a: int


@pytest.mark.parametrize("by_model", [False, True], ids=["columns", "model"])
def test_a_field_without_a_name_cannot_be_kept_and_is_not_dropped(by_model: bool) -> None:
    older, newer = kind("int32 a = 1;"), kind("int32 a = 1; int32 b = 2;")
    messages = [newer(a=1).SerializeToString(), newer(a=1, b=2).SerializeToString()]
    if by_model:
        made = model_columns(A)
        filling = ModelFilling(A, made, refuse_unknown=False, keep_unknown=True)
        parser = StructuredRows(OneWriter(Writer(protobuf_schema(older), 7)), with_unknown(made, True), filling)
        found = parser.parse(pa.array(messages, pa.binary()))
    else:
        found = rows(protobuf_schema(older), messages, keep_unknown=True)
    assert [(one.index, one.reason) for one in found.bad] == [(1, "unknown_field")]
    assert "no name" in found.bad[0].error
    assert found.rows.to_pylist() == [{"a": 1, "_unknown_fields": None}]


def test_a_model_counts_and_refuses_fields_without_a_name() -> None:
    older, newer = kind("int32 a = 1;"), kind("int32 a = 1; int32 b = 2;")
    message = pa.array([newer(a=1, b=2).SerializeToString()], pa.binary())
    for refuse, expected in ((False, (1, [])), (True, (0, ["unknown_field"]))):
        filling = ModelFilling(A, model_columns(A), refuse_unknown=refuse)
        parser = StructuredRows(OneWriter(Writer(protobuf_schema(older), 7)), model_columns(A), filling)
        found = parser.parse(message)
        assert (found.unknown_fields, [one.reason for one in found.bad]) == expected
