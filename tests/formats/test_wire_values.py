from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.wire_values import writer
from airflow_kafka_bq.schema.columns import Column

PLUS_TWO = timezone(timedelta(hours=2))


class Colour(Enum):
    RED = "red"


class Size(IntEnum):
    L = 2


class Line(BaseModel):
    sku: str
    price: Decimal | None = None


def written(kind: str, value: Any, mode: str = "NULLABLE") -> Any:
    return writer(Column("c", kind, mode))(value)


def refusal(column: Column, value: Any) -> tuple[str, str]:
    with pytest.raises(Rejected) as raised:
        writer(column)(value)
    assert raised.value.stage == "validate"
    return raised.value.reason, raised.value.error


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("INT64", -(2**63), -(2**63)),
        ("INT64", Size.L, 2),
        ("FLOAT64", 3, 3.0),
        ("BOOL", False, False),
        ("STRING", Colour.RED, "red"),
        ("STRING", UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("BYTES", b"\xff", b"\xff"),
        ("NUMERIC", Decimal("1.5"), Decimal("1.500000000")),
        ("NUMERIC", 2**40, Decimal("1099511627776.000000000")),
        ("NUMERIC", Decimal("-0.0"), Decimal(0)),
        ("BIGNUMERIC", Decimal("100"), "100"),
        ("BIGNUMERIC", Decimal("1.500"), "1.5"),
        ("BIGNUMERIC", Decimal("1e-38"), "0." + "0" * 37 + "1"),
        ("BIGNUMERIC", Decimal("-0"), "0"),
        ("DATE", date(1, 1, 1), date(1, 1, 1)),
        ("TIME", time(1, 2, 3, 4), "01:02:03.000004"),
        ("DATETIME", datetime(2024, 1, 2, 3), "2024-01-02T03:00:00"),
        ("TIMESTAMP", datetime(2024, 1, 2, 3), datetime(2024, 1, 2, 3, tzinfo=UTC)),
        ("TIMESTAMP", datetime(2024, 1, 2, 3, tzinfo=PLUS_TWO), datetime(2024, 1, 2, 1, tzinfo=UTC)),
        ("JSON", {"a": [1, None]}, '{"a":[1,null]}'),
    ],
)
def test_a_value_in_its_wire_form(kind: str, value: Any, expected: Any) -> None:
    found = written(kind, value)
    assert (found, type(found)) == (expected, type(expected))
    assert written(kind, None) is None


def test_zero_has_no_sign() -> None:
    assert not written("NUMERIC", Decimal("-0.00")).is_signed()


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("INT64", 2**63, "out_of_range"),
        ("INT64", -(2**63) - 1, "out_of_range"),
        ("INT64", True, "wrong_type"),
        ("INT64", 1.0, "wrong_type"),
        ("FLOAT64", math.nan, "not_finite"),
        ("FLOAT64", -math.inf, "not_finite"),
        ("FLOAT64", True, "wrong_type"),
        ("BOOL", 1, "wrong_type"),
        ("STRING", 5, "wrong_type"),
        ("STRING", "\ud800", "wrong_type"),
        ("BYTES", "x", "wrong_type"),
        ("NUMERIC", Decimal("1e29"), "out_of_range"),
        ("NUMERIC", Decimal("1e1000000"), "out_of_range"),
        ("NUMERIC", Decimal("0.0000000001"), "inexact"),
        ("NUMERIC", Decimal("NaN"), "not_finite"),
        ("NUMERIC", 1.0, "wrong_type"),
        ("BIGNUMERIC", Decimal(f"{2**255}E-38"), "out_of_range"),
        ("BIGNUMERIC", Decimal("1e-39"), "inexact"),
        ("BIGNUMERIC", Decimal("-Infinity"), "not_finite"),
        ("DATE", datetime(2024, 1, 1), "wrong_type"),
        ("TIME", time(1, tzinfo=UTC), "time_zone"),
        ("DATETIME", datetime(2024, 1, 1, tzinfo=UTC), "time_zone"),
        ("DATETIME", date(2024, 1, 1), "wrong_type"),
        ("TIMESTAMP", datetime.min.replace(tzinfo=PLUS_TWO), "out_of_range"),
        ("TIMESTAMP", "2024-01-01", "wrong_type"),
        ("JSON", {"a": math.inf}, "not_finite"),
        ("JSON", {"a": object()}, "wrong_type"),
    ],
)
def test_what_bigquery_would_refuse_is_refused_and_named(kind: str, value: Any, reason: str) -> None:
    found, text = refusal(Column("c", kind), value)
    assert found == reason
    assert text.startswith("c: ")


def test_the_edge_of_each_number_is_inside() -> None:
    assert written("NUMERIC", Decimal("9" * 29 + "." + "9" * 9)) == Decimal("9" * 29 + "." + "9" * 9)
    assert written("INT64", 2**63 - 1) == 2**63 - 1
    assert Decimal(written("BIGNUMERIC", Decimal(f"{2**255 - 1}E-38"))) == Decimal(f"{2**255 - 1}E-38")
    assert Decimal(written("BIGNUMERIC", Decimal(f"{-(2**255)}E-38"))) == Decimal(f"{-(2**255)}E-38")


def test_a_required_column_takes_no_none() -> None:
    assert refusal(Column("c", "INT64", "REQUIRED"), None) == ("null_in_required", "c: is None and REQUIRED")


def test_an_array_is_never_null_and_neither_are_its_elements() -> None:
    assert written("INT64", None, "REPEATED") == []
    assert written("INT64", (3, 1), "REPEATED") == [3, 1]
    assert refusal(Column("c", "INT64", "REPEATED"), [1, None])[0] == "null_in_required"


def test_sets_are_sorted_so_that_a_batch_read_again_gives_the_same_rows() -> None:
    assert written("STRING", {"b", "a", "c"}, "REPEATED") == ["a", "b", "c"]
    assert written("STRING", frozenset("bca"), "REPEATED") == ["a", "b", "c"]


def test_a_struct_names_the_path_of_what_is_wrong() -> None:
    fields = (Column("sku", "STRING", "REQUIRED"), Column("price", "NUMERIC"))
    column = Column("lines", "STRUCT", "REPEATED", fields)
    line = Line(sku="a", price=Decimal(1))
    assert writer(column)([line]) == [{"sku": "a", "price": Decimal("1.000000000")}]
    bad = line.model_copy(update={"price": Decimal("NaN")})
    assert refusal(column, [line, bad]) == ("not_finite", "lines.price: is NaN or infinite")
