"""Columns of one scalar: the values, and which of them may not be used."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.formats.structured.protobuf_types import KNOWN, SCALARS
from airflow_kafka_bq.formats.structured.raw_columns import Parts, Plain
from airflow_kafka_bq.formats.structured.raw_scalars import scalar_column
from airflow_kafka_bq.formats.structured.shapes import Scalar
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.wire import wire_type

FIRST, LAST = -62_135_596_800, 253_402_300_799


def made(scalar: Any, raw: Any) -> list[Any]:
    """The values that may be used; ``bad`` for the others."""
    assert isinstance(scalar, Scalar)
    make = scalar_column(scalar, wire_type(Column("v", scalar.type)))
    assert make is not None
    values, bad = make(raw)
    wrong = [False] * len(values) if bad is None else bad.to_pylist()
    return ["bad" if one else value for value, one in zip(values.to_pylist(), wrong, strict=True)]


def integers(*values: int) -> Plain:
    return Plain(pa.array(values, pa.int64()))


@pytest.mark.parametrize(
    ("seconds", "nanos", "moment"),
    [
        (0, 0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, 999_999_000, datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC)),
        (FIRST, 0, datetime(1, 1, 1, tzinfo=UTC)),
        (LAST, 999_999_000, datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)),
        (FIRST - 1, 0, "bad"),
        (LAST + 1, 0, "bad"),
        (2**63 - 1, 0, "bad"),
        (-(2**63), 0, "bad"),
        (0, -1_000, "bad"),
        (0, 1_000_000_000, "bad"),
        (0, 1, "bad"),
        (0, 999_999_999, "bad"),
    ],
)
def test_seconds_and_nanoseconds(seconds: int, nanos: int, moment: datetime | str) -> None:
    shape, _ = KNOWN["google.protobuf.Timestamp"]
    assert made(shape, Parts([integers(seconds), integers(nanos)])) == [moment]
    assert made(shape, Parts([integers(5, seconds, 5), integers(0, nanos, 0)]))[1] == moment


def test_whole_numbers_without_a_sign() -> None:
    found = made(SCALARS[4], Plain(pa.array([0, 2**63, 2**64 - 1], pa.uint64())))
    assert found == [Decimal(0), Decimal(2**63), Decimal(2**64 - 1)]


def test_numbers_that_stand_for_texts() -> None:
    enum = Scalar("STRING", "enum E", lambda raw: raw, names={0: "A", -3: "B"})
    assert made(enum, integers(-3, 0, -3)) == ["B", "A", "B"]
    assert made(enum, integers(0, 7)) == ["A", "bad"]


def test_what_has_no_function_for_all() -> None:
    duration, _ = KNOWN["google.protobuf.Duration"]
    assert isinstance(duration, Scalar)
    assert scalar_column(duration, pa.string()) is None
