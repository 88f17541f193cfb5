"""Many at a time is only faster: rows, rejections and their order are those of one message after the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from functools import lru_cache
from typing import Any, Literal
from unittest import mock
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, computed_field, create_model, field_validator, model_validator

from airflow_kafka_bq.formats import json_models
from airflow_kafka_bq.formats.json_rows import JsonRows
from airflow_kafka_bq.formats.parser import Parsed, row_by_row
from airflow_kafka_bq.schema.hashing import salted
from airflow_kafka_bq.schema.model import model_columns
from tests.formats.json_messages import FIELDS, Colour, Leaf, messages, model_of


def both(
    model: type[BaseModel], values: list[bytes], *, together: int = 4, refuse: bool = False, keep: bool = False
) -> tuple[Parsed, Parsed]:
    columns = salted(model_columns(model), lambda _: "0123456789abcdef")
    rows = JsonRows(model, columns, refuse_unknown=refuse, keep_unknown=keep)
    array: pa.Array[Any] = pa.array(values, pa.binary())
    with mock.patch.multiple(json_models, FEWEST=1, _TRIAL=together, _PARTS=2, _APART=2):
        return rows.parse(array), row_by_row(array, rows.schema, rows.row)


def assert_same(many: Parsed, rows: Parsed) -> None:
    assert many.bad == rows.bad
    assert many.good.to_pylist() == rows.good.to_pylist()
    assert [repr(row) for row in many.rows.to_pylist()] == [repr(row) for row in rows.rows.to_pylist()]
    assert many.rows.combine_chunks().equals(rows.rows.combine_chunks())
    assert many.unknown_fields == rows.unknown_fields


class Text(str):
    def __str__(self) -> str:
        return "another"


class Level(IntEnum):
    LOW = 1


class Sub(Leaf):
    z: int = 0


LEAF: Any = Leaf
ODD: list[Any] = [
    None, True, 5, 2**63, -0.0, float("nan"), 1e308, "text", "\ud800", Text("one"), b"bytes", Colour.RED, Level.LOW,
    Decimal("1e30"), Decimal("0.1234567891"), Decimal("-0"), Decimal("NaN"), date(1, 1, 1), time(1, 2, tzinfo=UTC),
    datetime.min, datetime.max, datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
    datetime(2024, 1, 1, tzinfo=timezone(timedelta(microseconds=1))),
    datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Vienna")), datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1),
    [], [1, None], ["a", 5], {"b", "a"}, ("a",), [Leaf(x=1)], Leaf(x=2**63), Sub(x=1), LEAF.model_construct(), object(),
]  # fmt: skip


def _replaced(self: Any) -> Any:
    """Puts something in the place of the first field, for some messages."""
    which = len(repr(self.f0)) * 7 + len(repr(self))
    if which % 3 == 0:
        self.f0 = ODD[which % len(ODD)]
    return self


def _lost(self: Any) -> Any:
    if len(repr(self)) % 3 == 0:
        del self.f0
    return self


def _another(self: Any) -> Any:
    return Leaf(x=1) if len(repr(self)) % 5 == 0 else self


def _raises(self: Any) -> Any:
    if len(repr(self)) % 4 == 0:
        raise KeyError("what a message says")
    return self


def _renamed(_: Any, message: Any) -> Any:
    """What a message calls ``unknown`` is taken for the first field, if there is none."""
    if isinstance(message, dict) and "unknown" in message:
        return {"f0": message["unknown"], **{key: value for key, value in message.items() if key != "unknown"}}
    return message


def _swallows(kind: Any, message: Any, handler: Callable[[Any], Any]) -> Any:
    try:
        return handler(message)
    except ValueError:
        return kind.model_construct(f0=1)


_on_class: Any = classmethod
CODE: dict[str, dict[str, Any]] = {
    "none": {},
    "replaced": {"one": model_validator(mode="after")(_replaced)},
    "lost": {"one": model_validator(mode="after")(_lost)},
    "another": {"one": model_validator(mode="after")(_another)},
    "raises": {"one": model_validator(mode="after")(_raises)},
    "renamed": {"one": model_validator(mode="before")(_on_class(_renamed))},
    "swallows": {"one": model_validator(mode="wrap")(_on_class(_swallows))},
    "computed": {},
}


class WithComputed(BaseModel):
    @computed_field
    def length(self) -> int:
        return 100 // (len(repr(self)) % 5)


@lru_cache(maxsize=2000)
def with_code(fields: tuple[tuple[str, str], ...], extra: Literal["ignore", "forbid", "allow"], code: str) -> Any:
    bases = (model_of(fields, extra), WithComputed) if code == "computed" else (model_of(fields, extra),)
    return create_model("Coded", __base__=bases, __validators__=CODE[code])


@st.composite
def batches(draw: Any) -> tuple[tuple[tuple[str, str], ...], list[bytes]]:
    fields = tuple(draw(FIELDS))
    return fields, draw(st.lists(messages(fields), min_size=1, max_size=10))


def looked_at(examples: int) -> settings:
    health = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=health)


EXTRA = st.sampled_from(["ignore", "ignore", "forbid", "allow"])
UNKNOWN = st.sampled_from(["ignore", "ignore", "refuse", "keep"])
ANY = given(batches(), EXTRA, UNKNOWN, st.sampled_from(sorted(CODE)), st.sampled_from([1, 3, 64]))
Extra = Literal["ignore", "forbid", "allow"]
Batch = tuple[tuple[tuple[str, str], ...], list[bytes]]


@looked_at(400)
@ANY
def test_many_and_one_by_one_agree(batch: Batch, extra: Extra, unknown: str, code: str, together: int) -> None:
    agree(batch, extra, unknown, code, together)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@looked_at(10_000)
@ANY
def test_many_and_one_by_one_agree_at_length(
    batch: Batch, extra: Extra, unknown: str, code: str, together: int
) -> None:
    agree(batch, extra, unknown, code, together)


def agree(batch: Batch, extra: Extra, unknown: str, code: str, together: int) -> None:
    fields, values = batch
    note(f"{fields} {code}")
    model = with_code(fields, extra, code)
    assert_same(*both(model, values, together=together, refuse=unknown == "refuse", keep=unknown == "keep"))


class Order(BaseModel):
    number: int
    price: Decimal = Decimal(0)
    at: datetime | None = None
    leaf: Leaf | None = None
    leaves: list[Leaf] | None = None

    @field_validator("number")
    @classmethod
    def even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("odd")
        return value


GOOD = [json.dumps({"number": number, "leaf": {"x": number}, "leaves": [{"x": 1}] * 3}).encode() for number in (2, 4)]


def test_a_bad_message_among_good_ones_is_the_one_that_is_refused() -> None:
    many, rows = both(Order, [*GOOD * 3, b'{"number":3}', *GOOD, b'{"number":18446744073709551616}', *GOOD])
    assert_same(many, rows)
    assert [(one.index, one.reason) for one in many.bad] == [(6, "value_error"), (9, "out_of_range")]


def test_good_messages_are_validated_once_and_bad_ones_twice() -> None:
    seen: list[int] = []

    class Counted(BaseModel):
        n: int

        @field_validator("n")
        @classmethod
        def counted(cls, value: int) -> int:
            seen.append(value)
            if value == 5:
                raise ValueError("five")
            return value

    columns = model_columns(Counted)
    values: pa.Array[Any] = pa.array([b'{"n":%d}' % number for number in range(99)], pa.binary())
    assert len(JsonRows(Counted, columns).parse(values).bad) == 1
    assert seen == [*range(6), *range(5, 99)]


@pytest.mark.parametrize("number", [b"12345678901234567.89", b"1e3", b" 12345678901234567.89", b"NaN", b"Infinity"])
def test_long_numbers_arrive_exactly_and_what_is_no_json_does_not(number: bytes) -> None:
    many, rows = both(Order, [*GOOD, b'{"number":2,"price":%s}' % number, *GOOD, b'{"number":2,"at":"NaN"}'])
    assert_same(many, rows)
    assert b"12345" not in number or many.rows.column("price").to_pylist()[2] == "12345678901234567.89"


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity"])
def test_what_is_no_json_is_refused_in_a_field_that_has_no_column(number: bytes) -> None:
    class Hidden(Order):
        weight: float = Field(0, exclude=True)

    many, rows = both(Hidden, [*GOOD, b'{"number":2,"weight":%s}' % number, *GOOD])
    assert_same(many, rows)
    assert [(one.index, one.reason) for one in many.bad] == [(2, "nan")]


def test_a_model_that_reads_json_its_own_way_is_asked_its_own_way() -> None:
    class Own(BaseModel):
        n: int

        @classmethod
        def model_validate_json(cls, json_data: Any, **_: Any) -> Own:
            return cls(n=len(json_data))

    many, rows = both(Own, [b'{"n":1}'] * 3)
    assert_same(many, rows)
    assert many.rows.column("n").to_pylist() == [7, 7, 7]


def test_many_unknown_fields_end_the_attempts_to_forbid_them() -> None:
    class Plain(BaseModel):
        n: int

    rows = JsonRows(Plain, model_columns(Plain))
    values: pa.Array[Any] = pa.array([b'{"n":1,"more":2}', b'{"n":2}'] * 4, pa.binary())
    with mock.patch.object(json_models, "FEWEST", 1):
        assert rows.parse(values).unknown_fields == 4
        texts = json_models._Texts.of(values, None)
        _, forbids = rows._many._some(texts, True)
        assert not forbids
        assert rows._many._some(texts, False)[0].unknown_fields == 4
