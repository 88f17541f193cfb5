from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import AfterValidator, BaseModel, Field

from tests.pipeline.decoding import Message, decoded, offsets, reasons


class Order(BaseModel):
    order_id: int
    shop: str = "x"
    note: str | None = None


UPDATE: dict[str, Any] = {"on_duplicate": "update", "on_tombstone": "soft_delete"}
GOOD = Message(b'{"order_id":1}', b"1")


def test_inserted_as_null_payload() -> None:
    found = decoded([Message(b"1"), Message(None, b"k"), Message(b"3")])
    assert found.rows.column("payload").to_pylist() == ["1", None, "3"]
    assert found.rows.column("_kafka_key").to_pylist() == [None, "k", None]
    assert found.rows.column("_tombstone").to_pylist() == [False, False, False]


def test_ignored_and_counted() -> None:
    found = decoded([GOOD, Message(None, b"\xff"), GOOD], Order, on_tombstone="ignore")
    assert (found.rows.num_rows, found.ignored, found.dead_letters.num_rows) == (2, 1, 0)


def test_as_dead_letters() -> None:
    found = decoded([GOOD, Message(None, b"1")], Order, on_tombstone="dead_letter")
    assert reasons(found) == [(1, "tombstone", "tombstone")]
    assert found.dead_letters.to_pylist()[0]["_kafka_value"] is None


def test_soft_deletes_have_their_key_and_nothing_else() -> None:
    found = decoded([Message(None, b"7"), GOOD, Message(None, b"8")], Order, dedup_key=["order_id"], **UPDATE)
    assert offsets(found.rows) == [0, 1, 2]
    columns = ["order_id", "shop", "note", "_kafka_key", "_tombstone"]
    assert found.rows.select(columns).to_pylist() == [
        {"order_id": 7, "shop": None, "note": None, "_kafka_key": "7", "_tombstone": True},
        {"order_id": 1, "shop": "x", "note": None, "_kafka_key": "1", "_tombstone": False},
        {"order_id": 8, "shop": None, "note": None, "_kafka_key": "8", "_tombstone": True},
    ]


@pytest.mark.parametrize(
    ("key", "reason"),
    [(None, "null_key"), (b"x", "int_parsing"), (b"\xff", "invalid_utf8"), (b"9223372036854775808", "out_of_range")],
)
def test_a_key_that_does_not_fit_is_a_dead_letter(key: bytes | None, reason: str) -> None:
    found = decoded([GOOD, Message(None, key), Message(None, b"2")], Order, dedup_key=["order_id"], **UPDATE)
    assert reasons(found) == [(1, "key", reason)]
    assert offsets(found.rows) == [0, 2]


BY_FIELDS: dict[str, Any] = {
    "dedup_key": ["order_id", "shop"],
    "tombstone_key": {"order_id": "id", "shop": "s"},
    "key_format": "json",
    **UPDATE,
}


def test_keys_made_of_fields() -> None:
    found = decoded([Message(None, b'{"id":"7","s":"a","more":1}')], Order, **BY_FIELDS)
    assert found.rows.select(["order_id", "shop", "_kafka_key"]).to_pylist() == [
        {"order_id": 7, "shop": "a", "_kafka_key": '{"id":"7","s":"a","more":1}'}
    ]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (b"nope", "invalid_json"),
        (b"[]", "no_object"),
        (b'{"id":7}', "missing"),
        (b'{"id":7,"s":5}', "string_type"),
        (b'{"id":null,"s":"a"}', "int_type"),
    ],
)
def test_fields_that_cannot_be_read_are_dead_letters(key: bytes, reason: str) -> None:
    assert reasons(decoded([Message(None, key)], Order, **BY_FIELDS)) == [(0, "key", reason)]


class Many(BaseModel):
    day: date
    unique: UUID
    raw: bytes
    lower: Annotated[str, AfterValidator(str.lower)]
    short: Annotated[str | None, Field(max_length=3)] = None


@pytest.mark.parametrize(
    ("column", "key_format", "key", "filled"),
    [
        ("day", "string", b"2024-02-29", date(2024, 2, 29)),
        ("day", "json", b'"2024-02-29"', date(2024, 2, 29)),
        ("unique", "string", b"12345678123456781234567812345678", "12345678-1234-5678-1234-567812345678"),
        ("raw", "bytes", b"\xff", b"\xff"),
        ("lower", "string", b"ABC", "abc"),
        ("lower", "bytes", b"ABC", "abc"),
        ("short", "json", b'"abc"', "abc"),
    ],
)
def test_the_whole_key_becomes_the_column_as_the_model_reads_it(
    column: str, key_format: str, key: bytes, filled: Any
) -> None:
    found = decoded([Message(None, key)], Many, dedup_key=[column], key_format=key_format, **UPDATE)
    assert found.rows.column(column).to_pylist() == [filled]


def test_a_key_that_decodes_to_null_is_a_dead_letter() -> None:
    found = decoded([Message(None, b"null")], Many, dedup_key=["short"], key_format="json", **UPDATE)
    assert reasons(found) == [(0, "key", "null_dedup_key")]


def test_the_kafka_key_alone_needs_no_reading() -> None:
    found = decoded([Message(None, b"k"), Message(None, None)], Order, dedup_key=["_kafka_key"], **UPDATE)
    assert found.rows.select(["order_id", "_kafka_key"]).to_pylist() == [{"order_id": None, "_kafka_key": "k"}]
    assert [stage for _, stage, _ in reasons(found)] == ["key"]


def test_a_payload_job_marks_deletes_by_kafka_key() -> None:
    found = decoded([Message(b"1", b"k"), Message(None, b"k")], None, dedup_key=["_kafka_key"], **UPDATE)
    assert found.rows.select(["payload", "_kafka_key", "_tombstone"]).to_pylist() == [
        {"payload": "1", "_kafka_key": "k", "_tombstone": False},
        {"payload": None, "_kafka_key": "k", "_tombstone": True},
    ]
