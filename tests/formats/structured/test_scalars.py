"""Counts and bytes as the dates, times and decimals that they stand for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured import scalars

FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_moment_is_exact_or_refused(count: int) -> None:
    inside = (FIRST - EPOCH) // timedelta(microseconds=1) <= count <= (LAST - EPOCH) // timedelta(microseconds=1)
    read = scalars.moment("timestamp-micros", 1)
    if inside:
        assert (read(count) - EPOCH) // timedelta(microseconds=1) == count
    else:
        with pytest.raises(Rejected):
            read(count)


@given(st.integers(-(2**260), 2**260), st.integers(0, 60))
def test_a_decimal_keeps_every_digit(unscaled: int, scale: int) -> None:
    data = unscaled.to_bytes(40, "big", signed=True)
    found = scalars.decimal_of_bytes(scale, as_text=False)(data)
    assert isinstance(found, Decimal)
    assert found.as_integer_ratio()[0] * 10**scale == unscaled * found.as_integer_ratio()[1]
    assert Decimal(str(scalars.decimal_of_bytes(scale, as_text=True)(data))) == found


@pytest.mark.parametrize(
    ("precision", "scale", "kind"),
    [(38, 9, "NUMERIC"), (29, 0, "NUMERIC"), (30, 0, "BIGNUMERIC"), (10, 10, "BIGNUMERIC"), (76, 38, "BIGNUMERIC"),
     (39, 0, "STRING"), (39, 39, "STRING"), (9, -1, "STRING")],
)  # fmt: skip
def test_the_narrowest_type_that_holds_every_such_decimal(precision: int, scale: int, kind: str) -> None:
    assert scalars.decimal_type(precision, scale) == kind
