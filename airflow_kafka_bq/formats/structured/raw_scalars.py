"""Columns of one scalar out of its raw values, where Arrow has a function that does to all what is done to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.structured.bulk_columns import (
    FIRST_DAY,
    FIRST_MICROS,
    LAST_DAY,
    LAST_MICROS,
    MOMENTS,
    NUMERIC_END,
    NUMERIC_SCALE,
)
from airflow_kafka_bq.formats.structured.raw_columns import Parts, Plain
from airflow_kafka_bq.formats.structured.shapes import Scalar, as_it_is

_pc: Any = pyarrow.compute
Made = tuple[Any, Any]
"""A column, and which of its values may not be used, or None for none."""
Make = Callable[[Any], Made]
"""From the values of one place that are not null: Arrow's, or the fields of a record."""
_EIGHT = pa.scalar(8, pa.int64())
_LONGEST = 8  # bytes of a number that is looked at as a whole
_AS_THEY_ARE = frozenset({"STRING", "INT64", "BOOL", "BYTES"})


def scalar_column(scalar: Scalar, kind: pa.DataType) -> Make | None:
    """What makes a column of this type; None: there is no way but cell by cell."""
    if scalar.read is as_it_is and scalar.type in _AS_THEY_ARE:
        return lambda plain: (plain.values, None)
    if scalar.read is as_it_is and scalar.type == "FLOAT64":
        return _finite
    if scalar.type == "TIMESTAMP" and (micros := MOMENTS.get(scalar.said)):
        first, last = -(-FIRST_MICROS // micros), LAST_MICROS // micros
        return lambda plain: _within(plain, first, last, lambda counts: _pc.multiply(counts, micros).cast(kind))
    if scalar.type == "NUMERIC" and scalar.scale is not None:
        places = NUMERIC_SCALE - scalar.scale
        return lambda plain: _decimals(plain.values, places, kind)
    if scalar.type == "DATE" and scalar.said == "date":
        return lambda plain: _within(plain, FIRST_DAY, LAST_DAY, lambda days: days.cast(pa.int32()).cast(kind))
    return _of_protobuf(scalar, kind)


def _of_protobuf(scalar: Scalar, kind: pa.DataType) -> Make | None:
    if scalar.type == "TIMESTAMP" and scalar.said == "Timestamp":
        return lambda parts: _seconds(parts, kind)
    if scalar.type == "NUMERIC" and scalar.said == "uint64":
        return lambda plain: (plain.values.cast(kind), None)
    if scalar.type == "STRING" and scalar.names:
        return _named(scalar.names)
    return None


def _named(names: Mapping[int, str]) -> Make:
    numbers, texts = pa.array([*names], pa.int64()), pa.array([*names.values()], pa.string())

    def of(plain: Plain) -> Made:
        index = _pc.index_in(plain.values, value_set=numbers)
        return texts.take(index), _pc.is_null(index) if index.null_count else None

    return of


def _seconds(parts: Parts, kind: pa.DataType) -> Made:
    """Seconds since 1970, and nanoseconds behind them, of which a column has none that are no microsecond."""
    seconds, nanos = (one.values for one in parts.columns)
    micros = _pc.divide(nanos, 1_000)
    bad = _pc.or_(_pc.less(seconds, FIRST_MICROS // 1_000_000), _pc.greater(seconds, LAST_MICROS // 1_000_000))
    bad = _pc.or_(bad, _pc.or_(_pc.less(nanos, 0), _pc.greater(nanos, 999_999_999)))
    bad = _pc.or_(bad, _pc.not_equal(_pc.multiply(micros, 1_000), nanos))
    counts = _pc.add(_pc.multiply(seconds, 1_000_000), micros)  # of what is bad, any number
    return (_pc.if_else(bad, 0, counts) if _pc.any(bad).as_py() else counts).cast(kind), bad


def _finite(plain: Plain) -> Made:
    finite = _pc.is_finite(plain.values)
    return plain.values, None if _pc.all(finite, min_count=0).as_py() else _pc.invert(finite)


def _within(plain: Plain, first: int, last: int, write: Callable[[Any], Any]) -> Made:
    counts = plain.values
    bounds = _pc.min_max(counts).as_py()
    if bounds["min"] is None or first <= bounds["min"] <= bounds["max"] <= last:
        return write(counts), None
    bad = _pc.or_(_pc.less(counts, first), _pc.greater(counts, last))
    return write(_pc.if_else(bad, 0, counts)), bad


def _decimals(values: Any, places: int, kind: pa.DataType) -> Made:
    """Big-endian numbers in two's complement; Arrow's decimals are whole numbers, of ``places`` more."""
    length = _pc.binary_length(values)
    longest = _pc.max(length).as_py() or 0
    if longest > _LONGEST:
        return _long_decimals(values, 10**places, kind)
    number = pa.repeat(pa.scalar(0, pa.int64()), len(values))
    if longest:
        starts = pa.Array.from_buffers(pa.int32(), len(values), [None, values.buffers()[1]], offset=values.offset)
        octets = pa.Array.from_buffers(pa.uint8(), values.buffers()[2].size, [None, values.buffers()[2]])
        for at in range(longest):
            octet = octets.take(_pc.min_element_wise(_pc.add(starts, pa.scalar(at, pa.int32())), len(octets) - 1))
            if at == 0:
                number = _pc.if_else(_pc.greater(octet, pa.scalar(0x7F, pa.uint8())), pa.scalar(-1, pa.int64()), number)
            more = _pc.bit_wise_or(_pc.shift_left(number, _EIGHT), octet.cast(pa.int64()))
            number = _pc.if_else(_pc.greater(length, at), more, number if at else pa.scalar(0, pa.int64()))
    whole = number.cast(pa.decimal128(38, places))  # exact: 19 digits, and 9 places at most
    return pa.Array.from_buffers(kind, len(whole), [None, whole.buffers()[1]], offset=whole.offset), None


def _long_decimals(values: Any, step: int, kind: pa.DataType) -> Made:
    numbers = [int.from_bytes(value, "big", signed=True) * step for value in values.to_pylist()]
    bad = [abs(one) >= NUMERIC_END for one in numbers]
    whole = [0 if wrong else one for one, wrong in zip(numbers, bad, strict=True)]
    data = b"".join([one.to_bytes(16, "little", signed=True) for one in whole])
    return pa.Array.from_buffers(kind, len(whole), [None, pa.py_buffer(data)]), pa.array(bad, pa.bool_())
