"""JSON behind a schema id is read as JSON without one, and each refusal stays with its message."""

from __future__ import annotations

import pyarrow as pa
from pydantic import BaseModel

from airflow_kafka_bq.formats.choose import choose
from airflow_kafka_bq.formats.structured.framed_json import FramedJson
from airflow_kafka_bq.formats.structured.json_schema import json_schema
from airflow_kafka_bq.formats.structured.sides import Side
from airflow_kafka_bq.formats.structured.writers import OneWriter, Writer
from airflow_kafka_bq.schema.model import model_columns

SCHEMA = json_schema('{"type": "object", "properties": {"n": {"type": "integer"}}}')
MESSAGES = [b'{"n": 1}', b'{"n": "x"}', b"{", b'{"n": 2, "m": 3}', b'{"n": 99999999999999999999}']


class Row(BaseModel):
    n: int


def test_a_model_sees_what_the_schema_let_through() -> None:
    parser = choose("json_schema", Row, model_columns(Row), Side(OneWriter(Writer(SCHEMA, 7))))
    assert isinstance(parser, FramedJson)
    found = parser.parse(pa.array(MESSAGES, pa.binary()))
    assert found.rows.to_pylist() == [{"n": 1}, {"n": 2}]
    assert found.good.to_pylist() == [0, 3]
    assert found.unknown_fields == 1
    assert [(one.index, one.stage, one.reason, one.schema_id) for one in found.bad] == [
        (1, "validate", "json_schema", 7),
        (2, "decode", "invalid_json", 7),
        (4, "validate", "out_of_range", 7),
    ]


def test_the_payload_is_the_text_as_it_came() -> None:
    parser = choose("json_schema", None, (), Side(OneWriter(Writer(SCHEMA, 7))))
    found = parser.parse(pa.array([b'{"n": 1, "x": 1.50}'], pa.binary()))
    assert (found.rows.to_pylist(), parser.schema.names) == ([{"payload": '{"n": 1, "x": 1.50}'}], ["payload"])
