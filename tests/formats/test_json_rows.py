from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import pyarrow as pa
import pytest
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, NaiveDatetime, create_model, field_validator

from airflow_kafka_bq.formats.json_rows import JsonRows
from airflow_kafka_bq.formats.parser import MAX_ERROR_CHARACTERS, Bad, Parsed
from airflow_kafka_bq.schema.model import model_columns


class Colour(Enum):
    RED = "red"


class Line(BaseModel):
    sku: str
    at: time | None = None


def parse(model: type[BaseModel], *values: bytes, refuse: bool = False) -> Parsed:
    array: pa.Array[Any] = pa.array(values, pa.binary())
    return JsonRows(model, model_columns(model), refuse_unknown=refuse).parse(array)


def one(annotation: Any, value: bytes, **field: Any) -> Any:
    """What is staged for ``value``, or the rejection."""
    found = parse(create_model("Order", a=(annotation, Field(**field))), b'{"a":%s}' % value)
    return found.bad[0] if found.bad else found.rows.column("a").to_pylist()[0]


MONEY = Annotated[Decimal, Field(max_digits=38, decimal_places=9)]


@pytest.mark.parametrize(
    ("annotation", "value", "staged"),
    [
        (int, b'"1"', 1),
        (int, b"1.0", 1),
        (int, b"9223372036854775807", 2**63 - 1),
        (float, b"0.1", 0.1),
        (bool, b'"yes"', True),
        (bytes, b'"\xc3\xa9"', b"\xc3\xa9"),
        (Colour, b'"red"', "red"),
        (UUID, b'"12345678123456781234567812345678"', "12345678-1234-5678-1234-567812345678"),
        (date, b'"2024-02-29"', date(2024, 2, 29)),
        (time, b'"10:00"', "10:00:00"),
        (datetime, b'"2024-01-01T10:00:00+02:00"', datetime(2024, 1, 1, 8, tzinfo=UTC)),
        (datetime, b'"2024-01-01T10:00:00"', datetime(2024, 1, 1, 10, tzinfo=UTC)),
        (NaiveDatetime, b'"2024-01-01 10:00:00.5"', "2024-01-01T10:00:00.500000"),
        (MONEY, b"1.5", Decimal("1.500000000")),
        (MONEY, b"-0", Decimal(0)),
        (MONEY, b"12345678901234567.891234567", Decimal("12345678901234567.891234567")),
        (Decimal, b"12345678901234567.8912345678912345678", "12345678901234567.8912345678912345678"),
        (Decimal, b'"1.500"', "1.5"),
        (Decimal, b"1e37", "1" + "0" * 37),
        (Decimal, b"1e-38", "0." + "0" * 37 + "1"),
        (Decimal, b"0.0", "0"),
        (int, b"9007199254740993.0", 9007199254740993),
        (dict[str, Any], b'{"b":[1.5,null],"a":"x"}', '{"b":[1.5,null],"a":"x"}'),
        (Any, b"null", None),
        (int | str, b'"x"', '"x"'),
        (list[int], b"[2,1]", [2, 1]),
        (set[str], b'["b","a","b"]', ["a", "b"]),
        (list[int] | None, b"null", []),
        (Line, b'{"sku":"a","at":"10:00"}', {"sku": "a", "at": "10:00:00"}),
        (list[Line], b'[{"sku":"a"}]', [{"sku": "a", "at": None}]),
    ],
)
def test_what_is_staged(annotation: Any, value: bytes, staged: Any) -> None:
    assert one(annotation, value) == staged


@pytest.mark.parametrize(
    ("annotation", "value", "reason"),
    [
        (int, b"9223372036854775808", "out_of_range"),
        (int, b"12345678901234567.89", "int_parsing"),
        (float, b"1e400", "not_finite"),
        (float, b'"nan"', "not_finite"),
        (MONEY, b"0.1234567891", "decimal_max_places"),
        (Decimal, b"1e39", "out_of_range"),
        (Decimal, b'"6e38"', "out_of_range"),
        (Decimal, b'"1e1000000"', "out_of_range"),
        (Decimal, b"1e-39", "inexact"),
        (datetime, b'"0001-01-01T00:00:00+01:00"', "out_of_range"),
        (datetime, b'"9999-12-31T23:59:59-01:00"', "out_of_range"),
        (time, b'"10:00:00Z"', "time_zone"),
        (dict[str, Any], b'{"x":1e400}', "not_finite"),
        (dict[str, float], b'{"x":1e400}', "not_finite"),
        (Annotated[int, AfterValidator(str)], b"1", "wrong_type"),
        (Annotated[str, AfterValidator(lambda _: None)], b'"x"', "null_in_required"),
        (Annotated[str, AfterValidator(lambda _: "\ud800")], b'"x"', "wrong_type"),
        (Annotated[str, AfterValidator(lambda _: 1 // 0)], b'"x"', "validator_failed"),
        (int, b"null", "int_type"),
    ],
)
def test_what_bigquery_or_the_model_refuses(annotation: Any, value: bytes, reason: str) -> None:
    bad = one(annotation, value)
    assert isinstance(bad, Bad)
    assert (bad.stage, bad.reason) == ("validate", reason)


def test_a_bignumeric_at_its_limit() -> None:
    limit = "578960446186580977117854925043439539266.34992332820282019728792003956564819967"
    assert one(Decimal, f'"{limit}"'.encode()) == limit
    assert one(Decimal, f'"-{limit[:-1]}8"'.encode()) == f"-{limit[:-1]}8"
    assert one(Decimal, f'"{limit[:-1]}8"'.encode()).reason == "out_of_range"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "invalid_json"),
        (b'{"a":1', "invalid_json"),
        (b'{"a":1}x', "invalid_json"),
        (b'{"a":"\xff"}', "invalid_utf8"),
        (b'{"a":1,"b":NaN}', "nan"),
        (b'{"a":1,"b":-Infinity}', "nan"),
        (b'{"a":1,"b":' + b"[" * 250 + b"]" * 250 + b"}", "too_deep"),
    ],
)
def test_what_is_no_json(value: bytes, reason: str) -> None:
    (bad,) = parse(create_model("Order", a=(int, ...)), value).bad
    assert (bad.stage, bad.reason) == ("decode", reason)


def test_nan_inside_a_string_is_text() -> None:
    assert one(str, b'"NaN, Infinity"') == "NaN, Infinity"


def test_good_and_bad_keep_their_places() -> None:
    found = parse(create_model("Order", a=(int, ...)), b'{"a":1}', b"x", b'{"a":"x"}', b'{"a":2,"zz":1}')
    assert found.rows.to_pydict() == {"a": [1, 2]}
    assert found.good.to_pylist() == [0, 3]
    assert [(bad.index, bad.stage) for bad in found.bad] == [(1, "decode"), (2, "validate")]
    assert found.unknown_fields == 1


def test_unknown_fields_can_be_refused() -> None:
    found = parse(create_model("Order", a=(Line, ...)), b'{"a":{"sku":"x","zz":1}}', refuse=True)
    assert [bad.reason for bad in found.bad] == ["unknown_field"]


class Quoting(BaseModel):
    number: int
    secret: str
    kind: Annotated[str, BeforeValidator(str)] = "x"
    unique: UUID | None = None
    amounts: Mapping[str, int] = {}

    @field_validator("secret")
    @classmethod
    def _refuse(cls, value: str) -> str:
        raise ValueError(f"bad secret {value}")


def test_the_error_names_field_and_rule_and_never_quotes() -> None:
    (bad,) = parse(
        Quoting, b'{"number":"hunter2","secret":"hunter2","unique":"zhunter2","amounts":{"hunter2":"hunter2"}}'
    ).bad
    assert "hunter2" not in bad.error
    assert "number: Input should be a valid integer" in bad.error
    assert "secret: refused by the model (value_error)" in bad.error
    assert "amounts.(a field): Input should be a valid integer" in bad.error


def test_the_error_has_an_end() -> None:
    fields: dict[str, Any] = {"f" * 250 + str(number): (int, ...) for number in range(20)}
    (bad,) = parse(create_model("Wide", **fields), b"{}").bad
    assert len(bad.error) == MAX_ERROR_CHARACTERS
    short: dict[str, Any] = {f"f{number}": (int, ...) for number in range(20)}
    (bad,) = parse(create_model("Wide", **short), b"{}").bad
    assert bad.error.endswith("and 15 more")
