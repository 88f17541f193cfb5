"""Defaults of Avro fields as their writers would have written them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.avro_defaults import raw_default
from tests.formats.structured.values import record

UUID = {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}


@pytest.mark.parametrize(
    ("kind", "default", "raw"),
    [
        ("bytes", "ÿ\0", b"\xff\0"),
        ("string", "ÿ", "ÿ"),
        ("double", 1, 1.0),
        (UUID, "\0" * 16, b"\0" * 16),
        (["null", "int"], None, None),
        (["int", "null"], 5, 5),
        (["bytes", "int"], "ÿ", {"b0": b"\xff"}),
        ({"type": "map", "values": "bytes"}, {"a": "ÿ"}, {"a": b"\xff"}),
    ],
)
def test_a_default_is_raw(kind: Any, default: Any, raw: Any) -> None:
    assert raw_default(avro_schema(json.dumps(kind)).slot, default) == raw


def test_a_default_of_a_record_that_leaves_out_a_field_is_refused() -> None:
    inner = {"type": "record", "name": "In", "fields": [{"name": "a", "type": "int"}]}
    with pytest.raises(ConfigError, match="leaves out a field"):
        avro_schema(record({"name": "v", "type": inner, "default": {}}))
