"""Rows of models whose annotations say more: what is computed, dropped, hashed, renamed, one of several."""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal
from typing import Annotated, Any, Literal

import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, computed_field, field_validator

from airflow_kafka_bq import Column as Mark
from airflow_kafka_bq import Drop, Hashed
from airflow_kafka_bq.formats.json_rows import JsonRows
from airflow_kafka_bq.formats.model_rows import ModelRow
from airflow_kafka_bq.formats.parser import Parsed, Rejected
from airflow_kafka_bq.schema.hashing import salted
from airflow_kafka_bq.schema.model import model_columns

SALT = "0123456789abcdef"


def parsed(model: type[BaseModel], *messages: Any, keep: bool = False) -> Parsed:
    columns = salted(model_columns(model), lambda _: SALT)
    texts = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in messages]
    array: pa.Array[Any] = pa.array(texts, pa.binary())
    return JsonRows(model, columns, keep_unknown=keep).parse(array)


class Small(BaseModel):
    a: int


class Card(BaseModel):
    kind: Literal["card"]
    limit: Decimal


class Cash(BaseModel):
    kind: Literal["cash"]
    coins: list[int]


class Order(BaseModel):
    number: Annotated[int, Mark(name="order_no", type="NUMERIC")]
    mail: Annotated[str, Hashed(salt="pii")]
    note: Annotated[str, Drop]
    paid: Annotated[Card | Cash, Field(discriminator="kind"), Mark(type="STRUCT")]

    @computed_field
    def half(self) -> Annotated[int, Mark(name="halves")]:
        return self.number // 2


WHOLE = {"number": 2**64, "mail": "a@b.c", "note": "x", "paid": {"kind": "cash", "coins": [1]}}


def test_every_annotation_in_one_row() -> None:
    found = parsed(Order, {**WHOLE, "number": 8})
    assert (found.bad, found.unknown_fields) == ((), 0)
    assert found.rows.to_pylist() == [
        {
            "order_no": Decimal(8),
            "mail": hmac.new(SALT.encode(), b"a@b.c", hashlib.sha256).hexdigest(),
            "paid": {"kind": "cash", "limit": None, "coins": [1]},
            "halves": 4,
        }
    ]


def test_each_column_refuses_what_it_does_not_hold() -> None:
    found = parsed(Order, WHOLE)  # NUMERIC takes 2**64, and its half is beyond INT64
    assert [(one.reason, one.error) for one in found.bad] == [("out_of_range", "halves: is beyond INT64")]
    found = parsed(Order, {**WHOLE, "number": 10**30}, {**WHOLE, "note": 5}, {**WHOLE, "paid": {"kind": "x"}})
    assert [one.reason for one in found.bad] == ["out_of_range", "string_type", "union_tag_invalid"]
    assert "a@b.c" not in repr(found.bad)


def test_numbers_and_unknown_fields_inside_a_union_are_as_exact_as_outside() -> None:
    paid = b'{"number":1,"mail":"","note":"","paid":{"kind":"card","limit":12345678901234567.89,"more":1}}'
    found = parsed(Order, paid)
    assert found.rows.to_pylist()[0]["paid"]["limit"] == "12345678901234567.89"
    assert found.unknown_fields == 1


class Failing(BaseModel):
    a: int
    inner: Any = None

    @computed_field
    def upper(self) -> str:
        return self.inner.upper()  # type: ignore[no-any-return]  # on purpose


@pytest.mark.parametrize("inner", [None, 5])
def test_a_computed_field_that_fails_makes_its_message_bad_and_no_other(inner: Any) -> None:
    found = parsed(Failing, {"a": 1, "inner": inner}, {"a": 2, "inner": "b"})
    assert [(one.index, one.reason) for one in found.bad] == [(0, "validator_failed")]
    assert "Failing raised AttributeError" in found.bad[0].error
    assert found.rows.to_pylist() == [{"a": 2, "inner": '"b"', "upper": "B"}]


class Replaced(BaseModel):
    paid: Cash

    @field_validator("paid", mode="after")
    @classmethod
    def other(cls, _: Cash) -> Any:
        return {"kind": "cash"}


def test_what_a_validator_puts_in_the_place_of_a_model_is_refused() -> None:
    found = parsed(Replaced, {"paid": {"kind": "cash", "coins": []}})
    assert [one.reason for one in found.bad] == ["validator_failed"]


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (b'{"a":1}', None),
        (b'{"a":1,"b":18446744073709551615,"c":"\xc3\xa4"}', '{"b":18446744073709551615,"c":"ä"}'),
        (b'{"a":1,"b":1,"b":2}', '{"b":2}'),
        (b'{"a":1,"b":0.1,"c":-1e-300}', '{"b":0.1,"c":-1e-300}'),
    ],
)
def test_unknown_fields_are_kept_as_every_json_column_keeps_them(message: bytes, kept: str | None) -> None:
    found = parsed(Small, message, keep=True)
    assert found.rows.to_pylist() == [{"a": 1, "_unknown_fields": kept}]
    assert found.unknown_fields == (kept is not None)


def test_an_unknown_field_that_no_json_column_keeps_makes_its_message_bad() -> None:
    found = parsed(Small, b'{"a":1,"b":1e999}', b'{"a":2}', keep=True)
    assert [(one.index, one.reason) for one in found.bad] == [(0, "not_finite")]
    assert found.rows.to_pylist() == [{"a": 2, "_unknown_fields": None}]


def test_rejections_of_columns_keep_their_reason() -> None:
    class Wide(BaseModel):
        n: int

    with pytest.raises(Rejected) as caught:
        ModelRow(Wide, model_columns(Wide)).of(Wide(n=2**63))
    assert caught.value.reason == "out_of_range"
