from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, RootModel, field_validator

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.parser import MAX_ERROR_CHARACTERS, Rejected
from airflow_kafka_bq.formats.tombstones import TombstoneKeys, key_reader
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.model import model_columns


class Order(BaseModel):
    order_id: int = Field(ge=0)
    shop: str = Field("x", max_length=3)
    day: date | None = None

    @field_validator("shop")
    @classmethod
    def lower(cls, value: str) -> str:
        return value.lower()


COLUMNS = {column.name: column for column in model_columns(Order)}
PAYLOAD_KEY = Column("_kafka_key", "STRING")
FIELDS = {"order_id": "id", "shop": "s"}


def single(column: str, key: bytes, key_format: str = "string") -> Any:
    return key_reader([COLUMNS[column]], key_format, None, Order)(key)


def several(key: bytes) -> Any:
    return key_reader([COLUMNS["order_id"], COLUMNS["shop"]], "json", FIELDS, Order)(key)


def reason(call: Any, *arguments: Any) -> tuple[str, str]:
    with pytest.raises(Rejected) as raised:
        call(*arguments)
    assert raised.value.stage in {"key", "validate", "decode"}
    return raised.value.reason, raised.value.error


def test_the_key_goes_through_the_fields_own_rules() -> None:
    assert single("order_id", b"7") == {"order_id": 7}
    assert single("shop", b"ABC") == {"shop": "abc"}
    assert single("day", b"2024-02-29") == {"day": date(2024, 2, 29)}
    assert reason(single, "order_id", b"-1") == ("greater_than_equal", "does not fit column 'order_id'")
    assert reason(single, "shop", b"abcd")[0] == "string_too_long"
    assert reason(single, "day", b"2023-02-29")[0].startswith("date")


def test_as_json_the_key_is_a_value_and_not_a_text() -> None:
    assert single("shop", b'"ABC"', "json") == {"shop": "abc"}
    assert single("order_id", b"7", "json") == {"order_id": 7}
    assert reason(single, "shop", b"abc", "json")[0] == "invalid_json"
    assert reason(single, "order_id", b"NaN", "json")[0] == "nan"


def test_bytes_are_the_key_as_it_is() -> None:
    read = key_reader([Column("k", "BYTES")], "bytes", None, None)
    assert read(b"\xff\x00") == {"k": b"\xff\x00"}


def test_without_a_model_the_key_is_a_text() -> None:
    read = key_reader([PAYLOAD_KEY], "string", None, None)
    assert read("ä".encode()) == {"_kafka_key": "ä"}
    assert reason(read, b"\xff")[0] == "invalid_utf8"


def test_a_key_of_kafka_columns_needs_nothing_of_the_messages_key() -> None:
    assert key_reader([], "string", None, Order)(b"\xff") == {}


def test_columns_are_taken_from_the_fields_that_carry_them() -> None:
    assert several(b'{"id": 7, "s": "ABC", "more": 1}') == {"order_id": 7, "shop": "abc"}
    assert several(b'{"id": 1, "id": 2, "s": "a"}')["order_id"] == 2
    assert reason(several, b'{"id": 7}') == ("missing", "has no field 's'")
    assert reason(several, b"[7]") == ("no_object", "is no JSON object")
    assert reason(several, b'{"id": "x", "s": "a"}')[0] == "int_parsing"


def test_a_model_that_is_no_set_of_fields_is_refused_before_any_message() -> None:
    with pytest.raises(ConfigError, match="cannot read 'root' from the key of a tombstone"):
        key_reader([Column("root", "INT64")], "string", None, RootModel[int])


_FIELDS: list[pa.Field[Any]] = [pa.field("order_id", pa.int64()), pa.field("note", pa.string())]
SCHEMA = pa.schema(_FIELDS)


def test_rows_have_their_key_and_the_others_their_reason() -> None:
    keys: Any = pa.array([b"1", None, b"x", b"4"], pa.binary())
    read = key_reader([COLUMNS["order_id"]], "string", None, Order)
    rows, good, bad = TombstoneKeys(SCHEMA, read).rows(keys)
    assert rows.to_pylist() == [{"order_id": 1, "note": None}, {"order_id": 4, "note": None}]
    assert rows.schema == SCHEMA
    assert good == [0, 3]
    assert [(one.index, one.stage, one.reason) for one in bad] == [(1, "key", "null_key"), (2, "key", "int_parsing")]
    assert all(one.error.startswith("key of a tombstone: ") for one in bad)


def test_no_tombstones_are_an_empty_table() -> None:
    rows, good, bad = TombstoneKeys(SCHEMA, lambda _: {}).rows(pa.array([], pa.binary()))
    assert (rows.schema, rows.num_rows, good, bad) == (SCHEMA, 0, [], ())


def test_a_long_reason_is_cut() -> None:
    def refuse(_: bytes) -> Any:
        raise Rejected("key", "long", "x" * 5_000)

    ((one,),) = [TombstoneKeys(SCHEMA, refuse).rows(pa.array([b"1"], pa.binary()))[2]]
    assert len(one.error) == MAX_ERROR_CHARACTERS
