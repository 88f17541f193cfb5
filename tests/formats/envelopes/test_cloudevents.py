"""CloudEvents, in headers and in one JSON text: data, attributes, and what is no event."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from airflow_kafka_bq.batch import Decoded
from tests.formats.json_messages import FIELDS, messages, model_of
from tests.pipeline.decoding import Message, decoded, offsets, reasons


class Order(BaseModel):
    order_id: int
    note: str | None = None


REQUIRED: dict[str, Any] = {"specversion": "1.0", "id": "a-1", "source": "/shop", "type": "order.placed"}
STRUCTURED = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
DATA = {"order_id": 1}


def binary(value: bytes | None, key: bytes | None = None, **attributes: str | bytes | None) -> Message:
    """Attributes in headers; None leaves a required one out."""
    chosen = {name: found for name, found in (REQUIRED | attributes).items() if found is not None}
    headers = [(f"ce_{name}", one.encode() if isinstance(one, str) else one) for name, one in chosen.items()]
    return Message(value, key, headers=[("trace", b"\xff"), *headers, ("content-type", b"application/json")])


def structured(headers: Any = STRUCTURED, **members: Any) -> Message:
    """All of it in the value."""
    return Message(json.dumps(REQUIRED | members).encode(), headers=headers)


def opened(*found: Message, model: type[BaseModel] | None = Order, **job: Any) -> Decoded:
    return decoded(list(found), model, envelope="cloudevents", **job)


SHOWN = ["order_id", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time"]
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
ROW = dict(zip(SHOWN, (1, "a-1", "/shop", "order.placed", "s", NOON), strict=True))


@pytest.mark.parametrize("message", [
    binary(b'{"order_id": 1}', subject="s", time="2024-01-01T13:00:00+01:00"),
    structured(data=DATA, subject="s", time="2024-01-01T12:00:00.000000000Z"),
    structured(None, data=DATA, subject="s", time="2024-01-01T12:00:00Z"),  # without the header that tells
    structured(data_base64=base64.b64encode(b'{"order_id": 1}').decode(), subject="s", time="2024-01-01T12:00:00Z"),
])  # fmt: skip
def test_data_and_attributes_are_a_row(message: Message) -> None:
    found = opened(message)
    assert reasons(found) == []
    assert found.rows.select(SHOWN).to_pylist() == [ROW]
    assert found.unknown_fields == 0


def test_extensions_can_be_columns() -> None:
    chosen = ["partitionkey", "sequence", "sampled", "datacontenttype", "specversion"]
    found = opened(
        binary(b'{"order_id": 1}', partitionkey="p", sequence="5"),
        structured(data=DATA, partitionkey="p", sequence=5, sampled=True, datacontenttype="text/json"),
        envelope_fields=chosen,
    )
    assert [tuple(row.values()) for row in found.rows.select([f"ce_{one}" for one in chosen]).to_pylist()] == [
        ("p", "5", None, "application/json", "1.0"), ("p", "5", "true", "text/json", "1.0"),
    ]  # fmt: skip


BAD: list[tuple[Message, str]] = [
    (binary(b"{}", id=None), "no_event"),
    (binary(b"{}", type=""), "no_event"),
    (binary(b"{}", specversion="0.3"), "no_event"),
    (binary(b"{}", source=b"\xff"), "invalid_utf8"),
    (binary(b"{}", time="yesterday"), "invalid_envelope"),
    (binary(b"{}", time="2024-01-01T12:00:00.0000001Z"), "inexact"),
    (binary(b"{}", time="0001-01-01T00:00:00+01:00"), "invalid_envelope"),
    (Message(b"{}", headers=[("ce_id", b"1"), *((f"ce_{k}", v.encode()) for k, v in REQUIRED.items())]), "no_event"),
    (Message(b'{"order_id": 1}'), "no_event"),
    (Message(b"[]"), "no_event"),
    (Message(b"nope"), "invalid_json"),
    (Message(b'{"id": "\xff"}'), "invalid_utf8"),
    (Message(b'{"x": ' + b"[" * 100_000), "too_deep"),
    (Message(b"{}", headers=[("content-type", b"application/cloudevents-batch+json")]), "other_event_format"),
    (Message(b"{}", headers=[("content-type", b"application/cloudevents+avro")]), "other_event_format"),
    (Message(b"{}", headers=[("content-type", b"\xff")]), "invalid_utf8"),
    (structured(data=DATA, id=5, source=None), "no_event"),
    (structured(data=DATA, subject=[1]), "invalid_envelope"),
    (structured(data=DATA, time=5), "invalid_envelope"),
    (structured(data=DATA, data_base64="e30="), "two_data"),
    (structured(data_base64="e30"), "invalid_base64"),
    (structured(data_base64=5), "no_event"),
    (structured(), "no_data"),
]


@pytest.mark.parametrize(("message", "reason"), BAD, ids=lambda one: str(getattr(one, "headers", one))[:30])
def test_what_is_no_event_is_a_dead_letter(message: Message, reason: str) -> None:
    found = opened(binary(b'{"order_id": 1}'), message, structured(data=DATA))
    assert reasons(found) == [(1, "decode", reason)]
    assert offsets(found.rows) == [0, 2]
    assert found.dead_letters.column("_kafka_value")[0].as_py() == message.value


def test_the_datas_own_faults_are_those_of_any_message() -> None:
    found = opened(
        binary(b"nope"), structured(data={"order_id": "x"}), structured(data=None), binary(b'{"order_id": 2}')
    )
    assert reasons(found) == [
        (0, "decode", "invalid_json"),
        (1, "validate", "int_parsing"),
        (2, "validate", "model_type"),
    ]
    assert offsets(found.rows) == [3]


def test_an_event_without_data_keeps_its_attributes_where_the_payload_is_whole() -> None:
    found = opened(structured(), structured(data=None), binary(None), model=None)
    assert found.rows.column("payload").to_pylist() == [None, "null", None]
    assert found.rows.column("ce_id").to_pylist() == ["a-1"] * 3
    assert found.rows.column("_tombstone").to_pylist() == [False] * 3
    assert reasons(opened(structured(), model=None, on_tombstone="ignore")) == [(0, "decode", "no_data")]


def test_a_message_without_value_is_a_tombstone_and_has_its_attributes() -> None:
    update: dict[str, Any] = {"dedup_key": ["order_id", "ce_source"], "on_duplicate": "update"}
    found = opened(binary(None, b"7"), Message(None, b"8"), **update)
    assert found.rows.select(["order_id", "ce_source", "_tombstone"]).to_pylist() == [
        {"order_id": 7, "ce_source": "/shop", "_tombstone": True}
    ]
    assert reasons(found) == [(1, "key", "null_dedup_key")]
    assert opened(binary(None), Message(None), structured(None, data=DATA)).ignored == 2


@pytest.mark.parametrize(("value_format", "members", "payload"), [
    ("string", {"data": "plain", "datacontenttype": "text/plain"}, "plain"),
    ("string", {"data": "plain"}, "plain"),
    ("string", {"data": {"a": 1.50}}, '{"a": 1.5}'),
    ("bytes", {"data_base64": "/wA="}, b"\xff\x00"),
    ("bytes", {"data": "ü"}, "ü".encode()),
    ("json", {"data": "text"}, '"text"'),
    ("json", {"data": '{"a": 1}', "datacontenttype": "text/plain"}, '{"a": 1}'),
    ("json", {"data": '"a"', "datacontenttype": "application/vnd.x+json"}, '"\\"a\\""'),
])  # fmt: skip
def test_data_is_text_or_bytes_as_the_event_says(value_format: str, members: dict[str, Any], payload: Any) -> None:
    found = opened(structured(**members), model=None, value_format=value_format)
    assert (reasons(found), found.rows.column("payload").to_pylist()) == ([], [payload])


@st.composite
def batches(draw: Any) -> tuple[type[BaseModel], list[bytes]]:
    fields = tuple(draw(FIELDS))
    return model_of(fields, "ignore"), draw(st.lists(messages(fields), min_size=1, max_size=6))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(batches())
def test_data_is_read_as_it_would_be_without_the_envelope(drawn: tuple[type[BaseModel], list[bytes]]) -> None:
    model, rows = drawn
    bare = decoded([Message(row) for row in rows], model)
    found = opened(*(binary(row) for row in rows), model=model, envelope_fields=[])
    assert found.rows.drop_columns("_kafka_headers").to_pylist() == bare.rows.drop_columns("_kafka_headers").to_pylist()
    assert (reasons(found), found.unknown_fields) == (reasons(bare), bare.unknown_fields)
    head = b'{"specversion":"1.0","id":"1","source":"s","type":"t","data":'
    inside = opened(*(Message(head + row + b"}", headers=STRUCTURED) for row in rows), model=model, envelope_fields=[])
    broken = {index for index, stage, _ in reasons(bare) if stage == "decode"}
    assert (
        inside.rows.drop_columns("_kafka_headers").to_pylist() == bare.rows.drop_columns("_kafka_headers").to_pylist()
    )
    assert {index for index, *_ in reasons(inside)} == {index for index, *_ in reasons(bare)}
    assert [one for one in reasons(inside) if one[0] not in broken] == [
        one for one in reasons(bare) if one[0] not in broken
    ]
