"""Whole values, as Python has them and as JSON has them."""

from __future__ import annotations

import json

from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.conversion import plain
from airflow_kafka_bq.formats.structured.shapes import as_it_is
from tests.formats.structured.values import record


def test_what_needs_no_reading_is_left_as_it_is() -> None:
    inner = {"type": "record", "name": "In", "fields": [{"name": "a", "type": ["null", "string"]}]}
    schema = avro_schema(record("long", {"type": "map", "values": {"type": "array", "items": inner}}))
    assert plain(schema.slot, for_json=True) is as_it_is


def test_the_value_of_a_union_stands_for_itself() -> None:
    schema = avro_schema(json.dumps(["null", "int", {"type": "bytes", "logicalType": "decimal", "precision": 4}]))
    read = plain(schema.slot, for_json=False)
    assert [read(raw) for raw in (None, {"b0": 5})] == [None, 5]
    assert str(read({"b1": b"\2"})) == "2"


def test_bytes_are_base64_in_json_alone() -> None:
    slot = avro_schema('"bytes"').slot
    assert (plain(slot, for_json=True)(b"\xff"), plain(slot, for_json=False)(b"\xff")) == ("/w==", b"\xff")
