from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from airflow_kafka_bq.formats.exact_numbers import exact_numbers, has_exact, long_numbers
from airflow_kafka_bq.formats.model_fields import MessageFields


class Line(BaseModel):
    price: Decimal


class Order(BaseModel):
    total: Decimal
    count: int = 0
    weight: float = 0
    lines: list[Line] = []
    prices: list[Decimal] = []
    extra: dict[str, Any] = {}


FIELDS = MessageFields.of(Order)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**25), max_value=10**25))
def test_decimals_arrive_exactly_wherever_they_stand(number: Decimal) -> None:
    text = f'{{"total":{number:f},"lines":[{{"price":{number:f}}}],"prices":[{number:f}]}}'
    order = Order.model_validate_json(exact_numbers(text.encode(), FIELDS))
    assert (order.total, order.lines[0].price, order.prices[0]) == (number, number, number)


@pytest.mark.parametrize("field", ["weight", "extra", "unknown"])
def test_other_numbers_stay_what_a_double_makes_of_them(field: str) -> None:
    value = b'{"total":1,"%s":0.12345678901234567890123}' % field.encode()
    assert json.loads(exact_numbers(value, FIELDS))[field] == 0.12345678901234567890123


@pytest.mark.parametrize(
    "value",
    [b'{"total":1.5}', b"nope 12345678901234567.5", b'{"total":1e3', b"\xff1e5", b'{"total":' + b"1" * 5000 + b"}"],
)
def test_everything_else_is_left_as_it_is(value: bytes) -> None:
    assert exact_numbers(value, FIELDS) == value


@pytest.mark.parametrize(
    ("number", "spelled"),
    [("9007199254740993.0", 9007199254740993), ("12345678901234567.89", "12345678901234567.89"), ("1e3", 1000.0)],
)
def test_whole_numbers_are_not_rounded_in_silence(number: str, spelled: Any) -> None:
    assert json.loads(exact_numbers(b'{"count":%s}' % number.encode(), FIELDS)) == {"count": spelled}


@pytest.mark.parametrize(
    ("text", "is_long"),
    [
        (b'{"count":12345678901234567}', True),
        (b'{"count": -1234567890.1234567}', True),
        (b'{"prices":[1,12345678901234567]}', True),
        (b'{"prices":[1e5]}', True),
        (b'{"count":\n1.5E2}', True),
        (b'{"count":1234567890123456}', False),
        (b'{"id":"12345678901234567"}', False),
        (b'{"id":"5e8a3e44-0e1f-4e00-9e10-1e1e1e1e1e1e"}', False),
    ],
)
def test_what_looks_like_a_long_number(text: bytes, is_long: bool) -> None:
    values: pa.Array[Any] = pa.array([b"{}", text], pa.binary())
    assert long_numbers(values) == [1] * is_long


def test_models_with_and_without_exact_columns() -> None:
    class Plain(BaseModel):
        weight: float
        name: str
        is_new: bool

    class Nested(BaseModel):
        lines: list[Line]

    assert has_exact(FIELDS)
    assert has_exact(MessageFields.of(Nested))
    assert not has_exact(MessageFields.of(Plain))
