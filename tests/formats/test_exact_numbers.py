from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from airflow_kafka_bq.formats.exact_numbers import exact_numbers
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
