"""Change events with a schema: the same in Avro, Protobuf and JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from pydantic import BaseModel

from airflow_kafka_bq.batch import Decoded
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.changes import row_schema
from airflow_kafka_bq.formats.structured.protobuf_files import message_class
from airflow_kafka_bq.formats.structured.sides import sides
from airflow_kafka_bq.pipeline.decode import DecodeRules, decode
from airflow_kafka_bq.schema.build import build_target
from tests.formats.structured.debezium_events import PROTO, ROW, avro_schema_text, event, json_schema_text
from tests.formats.structured.values import avro_bytes, record
from tests.pipeline.decoding import Message, offsets, raw, reasons

KIND = message_class(PROTO, (), (0,))
ENCODED: dict[str, tuple[str, str, Callable[[Any], bytes]]] = {
    "avro": ("event.avsc", avro_schema_text(), lambda found: avro_bytes(avro_schema_text(), found)),
    "protobuf": ("event.proto", PROTO, lambda found: bytes(ParseDict(found, KIND()).SerializeToString())),
    "json_schema": ("event.json", json_schema_text(), lambda found: json.dumps(found).encode()),
}


class Order(BaseModel):
    order_id: int
    total: float
    note: str | None = None


UPDATE: dict[str, Any] = {"dedup_key": ["order_id"], "on_duplicate": "update", "key_format": "json"}


@pytest.fixture(params=sorted(ENCODED))
def form(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    name, text, _ = ENCODED[request.param]
    (tmp_path / name).write_text(text)
    return str(request.param)


def opened(folder: Path, form: str, *messages: Message | bytes | None, **parameters: Any) -> Decoded:
    parameters = {"value_format": form, "value_schema": ENCODED[form][0], "envelope": "debezium", **parameters}
    config = JobConfig.of(topic="t", table="demo-project.shop.orders", **parameters)
    both = sides(config, None, [folder])
    target = build_target(config, config.table_id(None), config.model, both.columns)
    found = [one if isinstance(one, Message) else Message(one) for one in messages]
    return decode(raw(found), target, DecodeRules.of(config, target, config.model, sides=both))


def encoded(form: str, operation: str, after: Any = None, **more: Any) -> bytes:
    return ENCODED[form][2](event(operation, after, **more))


FROM_SCHEMA = {"schema_from": "schema", "envelope_fields": ["op", "source.lsn", "source.txId", "ts_ms"]}
SHOWN = ["order_id", "total", "note", "__op", "__source_lsn", "__source_txId", "__ts_ms"]


def test_rows_fill_the_columns_of_the_row_inside(tmp_path: Path, form: str) -> None:
    second = {"order_id": 2, "total": 0.5, "note": "ü"}
    found = opened(tmp_path, form, encoded(form, "c", ROW), encoded(form, "u", second, before=ROW), **FROM_SCHEMA)
    assert reasons(found) == []
    assert [tuple(row.values()) for row in found.rows.select(SHOWN).to_pylist()] == [
        (1, 2.5, None, "c", 2**40, None, 5), (2, 0.5, "ü", "u", 2**40, None, 5),
    ]  # fmt: skip
    assert found.unknown_fields == 0


def test_rows_go_through_a_model(tmp_path: Path, form: str) -> None:
    found = opened(tmp_path, form, encoded(form, "r", ROW), model=Order)
    assert reasons(found) == []
    assert found.rows.select(["order_id", "total", "note", "__op"]).to_pylist() == [{**ROW, "__op": "r"}]


def test_rows_are_kept_whole_without_columns(tmp_path: Path, form: str) -> None:
    found = opened(tmp_path, form, encoded(form, "r", ROW), encoded(form, "d", None, before=ROW))
    assert [one and json.loads(one) for one in found.rows.column("payload").to_pylist()] == [ROW, None]
    assert found.rows.column("__op").to_pylist() == ["r", "d"]


def test_deletions_and_tombstones_have_their_key(tmp_path: Path, form: str) -> None:
    key = b'{"schema": {}, "payload": {"order_id": 7}}'
    messages = [Message(encoded(form, "d", before=ROW), key), Message(None, key), Message(encoded(form, "m"), None)]
    found = opened(tmp_path, form, *messages, **FROM_SCHEMA, **UPDATE)
    assert found.rows.select(["order_id", "_tombstone", "__op"]).to_pylist() == [
        {"order_id": 7, "_tombstone": True, "__op": "d"}, {"order_id": 7, "_tombstone": True, "__op": None},
    ]  # fmt: skip
    assert found.ignored == 1


@pytest.mark.parametrize("columns", [FROM_SCHEMA, {"model": Order}, {}], ids=["schema", "model", "payload"])
def test_what_is_no_event_of_a_row_is_a_dead_letter(tmp_path: Path, form: str, columns: dict[str, Any]) -> None:
    bad = [encoded(form, "t"), encoded(form, "x", ROW), encoded(form, "c"), encoded(form, "", ROW)]
    found = opened(tmp_path, form, encoded(form, "c", ROW), *bad, encoded(form, "u", ROW), **columns)
    told = [
        (1, "decode", "truncate"),
        (2, "decode", "unknown_op"),
        (3, "decode", "no_after"),
        (4, "decode", "unknown_op"),
    ]
    assert (reasons(found), offsets(found.rows)) == (told, [0, 5])


def test_what_is_no_json_object_is_no_event(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(json_schema_text().replace('"type": "object", "title"', '"title"', 1))
    found = opened(tmp_path, "json_schema", b"5", b"{}", **FROM_SCHEMA)
    assert reasons(found) == [(0, "decode", "no_envelope"), (1, "decode", "no_envelope")]


def test_columns_need_a_schema_of_events() -> None:
    with pytest.raises(ConfigError, match="no field 'after'"):
        row_schema(avro_schema(record("int")))
