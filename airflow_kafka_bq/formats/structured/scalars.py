"""Raw numbers and bytes as what they stand for: decimals, dates, times. Exact, or refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any, NoReturn

from airflow_kafka_bq.formats.parser import Rejected

_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WITHOUT_ZONE = datetime(1970, 1, 1)
_FIRST_DAY = date(1970, 1, 1).toordinal()
_DAY_MICROS = 24 * 3600 * 1_000_000
Read = Callable[[Any], Any]


def out_of_range(said: str, what: str) -> NoReturn:
    """Refuse a value that its type cannot have, or BigQuery's cannot."""
    raise Rejected("validate", "out_of_range", f"{said}: {what}")


def decimal_type(precision: int, scale: int) -> str:
    """NUMERIC or BIGNUMERIC where every such decimal fits, else STRING.

    https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types
    """
    whole = precision - scale
    if 0 <= scale <= 9 and whole <= 29:
        return "NUMERIC"
    return "BIGNUMERIC" if 0 <= scale <= 38 and whole <= 38 else "STRING"


def decimal_of_bytes(scale: int, *, as_text: bool) -> Read:
    """Of a big-endian two's complement."""

    def read(raw: bytes) -> Decimal | str:
        found = Decimal(int.from_bytes(raw, "big", signed=True)).scaleb(-scale, _EXACT)
        return format(found, "f") if as_text else found

    return read


def date_of_days(said: str) -> Read:
    """Of days since 1970-01-01."""

    def read(raw: int) -> date:
        try:
            return date.fromordinal(_FIRST_DAY + raw)
        except (ValueError, OverflowError):
            out_of_range(said, "is outside the years 1 to 9999")

    return read


def time_of_day(said: str, micros: int) -> Read:
    """Of a count since midnight, of ``micros`` microseconds each."""

    def read(raw: int) -> time:
        if not 0 <= raw * micros < _DAY_MICROS:
            out_of_range(said, "is no time of a day")
        return (_EPOCH_WITHOUT_ZONE + timedelta(microseconds=raw * micros)).time()

    return read


def moment(said: str, micros: int, *, zone: bool = True) -> Read:
    """Of a count since 1970, of ``micros`` microseconds each; ``zone``: of a point in time, in UTC."""
    epoch = _EPOCH if zone else _EPOCH_WITHOUT_ZONE

    def read(raw: int) -> datetime:
        try:
            return epoch + timedelta(microseconds=raw * micros)
        except OverflowError:
            out_of_range(said, "is outside the years 1 to 9999")

    return read
