"""Python values of a validated model, as the staging file has them; what BigQuery would refuse is refused here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal, Inexact
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from airflow_kafka_bq.formats.json_text import exact_text
from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.model_types import SCALAR_TYPES

Writer = Callable[[Any], Any]

_TEXTS = tuple(kind for kind, name in SCALAR_TYPES if name == "STRING")  # also UUID, URL, IP address
_INT64 = range(-(2**63), 2**63)
_WIDE = Context(prec=80)
_EXACT = Context(prec=80, traps=[Inexact])
_NUMERIC_STEP = Decimal("1e-9")
_BIGNUMERIC_STEP = Decimal("1e-38")
_BIGNUMERIC_LIMIT = Decimal(2**255).scaleb(-38, _WIDE)
_BIGNUMERIC_LOWEST = _BIGNUMERIC_LIMIT.copy_negate()  # a minus sign would round to 28 digits


def refused(path: str, reason: str, rule: str) -> Rejected:
    """A value that the model takes and BigQuery does not."""
    return Rejected("validate", reason, f"{path}: {rule}")


def member(value: Any, name: str) -> Any:
    """A field of a nested model; None of one that only another model of its union has."""
    kind = type(value)
    if issubclass(kind, BaseModel) and name not in kind.model_fields and name not in kind.model_computed_fields:
        return None
    return getattr(value, name)


def writer(column: Column, path: str = "", field: Callable[[Any, str], Any] = member) -> Writer:
    """A function from a model's value to the staging file's, for one column.

    :param field: how a value of a STRUCT gives its fields.
    """
    path = f"{path}.{column.name}" if path else column.name
    one = _struct(column.fields, path, field) if column.type == "STRUCT" else _plain(column, path)
    if column.mode == "REPEATED":
        return _repeated(one, path)
    return _nullable(one) if column.mode == "NULLABLE" else _required(one, path)


def _plain(column: Column, path: str) -> Writer:
    """A scalar, or the hash of one."""
    if column.hashed is None:
        return _scalar(column.type, path)
    write, digest = _scalar(column.hashed.type, path), column.hashed.digest
    return lambda value: digest(write(value))


def _nullable(one: Writer) -> Writer:
    return lambda value: None if value is None else one(value)


def _required(one: Writer, path: str) -> Writer:
    def write(value: Any) -> Any:
        if value is None:  # a default or a validator that the model does not check
            raise refused(path, "null_in_required", "is None and REQUIRED")
        return one(value)

    return write


def _repeated(one: Writer, path: str) -> Writer:
    """An ARRAY is never NULL. Sets are sorted: a batch that is read again must give the same rows."""
    element = _required(one, path)

    def write(values: Iterable[Any] | None) -> list[Any]:
        if values is None:
            return []
        written = [element(value) for value in values]
        return sorted(written, key=repr) if isinstance(values, set | frozenset) else written

    return write


def _struct(fields: tuple[Column, ...], path: str, field: Callable[[Any, str], Any]) -> Writer:
    writers = [(column.name, column.attribute, writer(column, path, field)) for column in fields]
    return lambda found: {name: write(field(found, attribute)) for name, attribute, write in writers}


def _scalar(kind: str, path: str) -> Writer:
    write = _WRITERS[kind]

    def checked(value: Any) -> Any:
        try:
            return write(value.value if isinstance(value, Enum) else value, path)
        except (TypeError, AttributeError, UnicodeEncodeError) as error:
            rule = f"a validator gave {type(value).__name__}, which is no {kind}"
            raise refused(path, "wrong_type", rule) from error

    return checked


def _int64(value: Any, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    if value not in _INT64:
        raise refused(path, "out_of_range", "is beyond INT64")
    return value


def _float64(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise TypeError
    if not math.isfinite(value):
        raise refused(path, "not_finite", "is NaN or infinite")
    return float(value)


def _bool(value: Any, _path: str) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _string(value: Any, _path: str) -> str:
    if not isinstance(value, _TEXTS):
        raise TypeError
    text = str(value)
    text.encode()
    return text


def _bytes(value: Any, _path: str) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError
    return value


def _numeric(value: Any, path: str) -> Decimal:
    number = _quantized(value, _NUMERIC_STEP, 28, "NUMERIC", path)
    return number if number else Decimal(0)  # no negative zero


def _bignumeric(value: Any, path: str) -> str:
    number = _quantized(value, _BIGNUMERIC_STEP, 38, "BIGNUMERIC", path)
    if not _BIGNUMERIC_LOWEST <= number < _BIGNUMERIC_LIMIT:
        raise refused(path, "out_of_range", "is beyond BIGNUMERIC")
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _quantized(value: Any, step: Decimal, max_magnitude: int, kind: str, path: str) -> Decimal:
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if not isinstance(value, Decimal):
        raise TypeError
    if not value.is_finite():
        raise refused(path, "not_finite", "is NaN or infinite")
    if value and value.adjusted() > max_magnitude:  # before it is written out: 1e1000000 has a million digits
        raise refused(path, "out_of_range", f"is beyond {kind}")
    try:
        return value.quantize(step, context=_EXACT)
    except Inexact as error:
        places = -step.adjusted()
        raise refused(path, "inexact", f"has more than {places} decimal places, which {kind} would round") from error


def _date(value: Any, _path: str) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise TypeError
    return value


def _time(value: Any, path: str) -> str:
    if not isinstance(value, time):
        raise TypeError
    if value.tzinfo is not None:
        raise refused(path, "time_zone", "has a time zone, which TIME does not keep")
    return value.isoformat()


def _timestamp(value: Any, path: str) -> datetime:
    """A time without zone is UTC."""
    if not isinstance(value, datetime):
        raise TypeError
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise refused(path, "out_of_range", "is outside the years 1 to 9999 in UTC") from error


def _datetime(value: Any, path: str) -> str:
    if not isinstance(value, datetime):
        raise TypeError
    if value.tzinfo is not None:
        raise refused(path, "time_zone", "has a time zone, which DATETIME does not keep")
    return value.isoformat()


def _json(value: Any, path: str) -> str:
    try:
        text = to_json(value, inf_nan_mode="constants")
    except (PydanticSerializationError, ValueError) as error:
        raise refused(path, "wrong_type", "holds a value that JSON has no form for") from error
    try:
        return exact_text(text)
    except Rejected as why:
        if why.reason == "nan":  # from a number beyond a double, or from a validator
            raise refused(path, "not_finite", "holds NaN or infinity") from why
        raise refused(path, why.reason, why.error) from why


_WRITERS: dict[str, Callable[[Any, str], Any]] = {
    "INT64": _int64,
    "FLOAT64": _float64,
    "BOOL": _bool,
    "STRING": _string,
    "BYTES": _bytes,
    "NUMERIC": _numeric,
    "BIGNUMERIC": _bignumeric,
    "DATE": _date,
    "TIME": _time,
    "DATETIME": _datetime,
    "TIMESTAMP": _timestamp,
    "JSON": _json,
}
