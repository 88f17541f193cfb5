"""A column of a list is what its values are one by one, or what the writer of one refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any
from unittest import mock
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from airflow_kafka_bq.formats import leaf_columns
from airflow_kafka_bq.formats.leaf_columns import leaf
from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.wire_values import writer
from airflow_kafka_bq.schema.columns import SCALARS, Column
from airflow_kafka_bq.schema.hashing import Hashing
from airflow_kafka_bq.schema.wire import wire_type


class Colour(Enum):
    RED = "red"
    ONE = 1


class Loud(StrEnum):
    A = "a"

    @property
    def value(self) -> str:
        return "A!"


class Text(str):
    def __str__(self) -> str:
        return "another"


ZONED = [
    TypeAdapter(datetime).validate_json(f'"{text}"')
    for text in ("2024-01-01T00:00:00.5+02:00", "2024-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00")
]
VALUES: list[Any] = [
    *(None, True, 5, 2**63, -(2**63), 2**53 + 1, -0.0, 0.5, float("nan"), float("inf"), "text", "\ud800", Text("one")),
    *(b"bytes", Colour.RED, Colour.ONE, Loud.A, UUID(int=5), Decimal("1E+3"), Decimal("9" * 29), Decimal("9" * 30)),
    *(Decimal("0.1234567891"), Decimal("0.1230000000000"), Decimal("-0"), Decimal("NaN"), Decimal("1e999999")),
    *(date(1, 1, 1), time(1, 2), time(1, 2, 3, 4, UTC), datetime.min, datetime.max, *ZONED),
    *(datetime(2024, 1, 1, tzinfo=zone) for zone in (UTC, timezone(timedelta(microseconds=1)), timezone.max)),
    *(datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Vienna")), [], object()),
]
LISTS = st.one_of(
    st.lists(st.sampled_from(VALUES), max_size=4),
    st.sampled_from(VALUES).flatmap(
        lambda one: st.lists(st.sampled_from([None, *(each for each in VALUES if type(each) is type(one))]), max_size=5)
    ),
)


def made(make: Any) -> Any:
    """The column and its values (the sign of zero shows in them), or what was raised."""
    try:
        found = make()
    except Exception as error:
        return type(error), str(error)
    return found, repr(found.to_pylist())


@example("TIMESTAMP", "NULLABLE", [datetime(2024, 1, 1, tzinfo=timezone(timedelta(microseconds=1)))])
@settings(max_examples=1_500, deadline=None)
@given(st.sampled_from(SCALARS), st.sampled_from(["NULLABLE", "REQUIRED"]), LISTS)
def test_a_column_is_made_of_what_its_values_are_one_by_one(kind: str, mode: str, values: list[Any]) -> None:
    column = Column("c", kind, mode)
    write = writer(column)
    wanted = made(lambda: pa.array([write(value) for value in values], wire_type(column)))
    found = made(lambda: leaf(column)(values))
    assert found == wanted


FAST: list[tuple[str, list[Any]]] = [
    ("STRING", ["a", None, "ä"]),
    ("STRING", [UUID(int=1), None]),
    ("STRING", [Colour.RED, None]),
    ("INT64", [1, None]),
    ("FLOAT64", [0.5, 1, None]),
    ("FLOAT64", [None]),
    ("BOOL", [True, None]),
    ("BYTES", [b"a", None]),
    ("NUMERIC", [Decimal("1.5"), None]),
    ("DATE", [date(2024, 2, 29), None]),
    ("DATETIME", [datetime(2024, 1, 1), None]),
    ("TIME", [time(1), None]),
    ("TIMESTAMP", [*ZONED[:2], datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC), None]),
    ("TIMESTAMP", [None]),
]


@pytest.mark.parametrize(("kind", "values"), FAST)
def test_usual_values_are_not_written_one_by_one(kind: str, values: list[Any]) -> None:
    column = Column("c", kind)
    write = writer(column)

    def refuse(_: Column) -> Any:
        return lambda value: pytest.fail(f"{value!r} was written by itself")

    with mock.patch.object(leaf_columns, "writer", refuse):
        found = leaf(column)(values)
    assert found.equals(pa.array([write(value) for value in values], wire_type(column)))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("STRING", b"bytes"),
        ("STRING", "\ud800"),
        ("INT64", True),
        ("INT64", 2**63),
        ("FLOAT64", True),
        ("FLOAT64", float("nan")),
        ("BOOL", 1),
        ("BYTES", "text"),
        ("NUMERIC", Decimal("0.1234567891")),
        ("NUMERIC", Decimal("NaN")),
        ("DATE", datetime(2024, 1, 1)),
        ("DATETIME", datetime(2024, 1, 1, tzinfo=UTC)),
        ("TIME", time(1, tzinfo=UTC)),
        ("TIMESTAMP", ZONED[2]),
        ("TIMESTAMP", date(2024, 1, 1)),
    ],
)
def test_one_wrong_value_among_good_ones_is_refused(kind: str, value: Any) -> None:
    good = next(values[0] for name, values in FAST if name == kind)
    for values in ([value], [good, value, good]):
        with pytest.raises(Rejected):
            leaf(Column("c", kind))(values)


def test_a_hash_is_made_of_each_value() -> None:
    column = Column("c", "STRING", hashed=Hashing("s", "STRING", b"0123456789abcdef"))
    found = leaf(column)(["a", None, "a"]).to_pylist()
    assert found[0] == found[2] != "a"
    assert found[1] is None
