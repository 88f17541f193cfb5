"""A writer's values in the columns of another version of the schema.

Fields are found by name or alias (by number, where the format has numbers); what the writer does not know has the
default of the column's schema, or is NULL; what no column takes is counted. Types may widen as the format's own rules
have it. What cannot be taken without loss makes the message bad.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured.columns import ELEMENT, wraps
from airflow_kafka_bq.formats.structured.conversion import Convert, each, nullable, plain
from airflow_kafka_bq.formats.structured.shapes import (
    NO_DEFAULT,
    Branch,
    Field,
    List,
    Map,
    Scalar,
    Shape,
    Slot,
    Struct,
    Union,
    as_it_is,
    by_identity,
)
from airflow_kafka_bq.schema.columns import Column

_EXACT_IN_DOUBLE = 2**53


class IncompatibleError(Exception):
    """Values of the writer's schema have no place in a column."""


@dataclass(frozen=True, slots=True)
class Fit:
    """``fills`` give the values of the columns from a raw struct; ``unknown``: the writer has fields without column."""

    fills: Sequence[Convert]
    unknown: bool

    def fill(self, raw: Any) -> list[Any]:
        """Values of all columns."""
        return [convert(raw) for convert in self.fills]


class _Fitter:
    def __init__(self, *, is_json: bool) -> None:
        self.unknown = False
        self.is_json = is_json

    def struct(self, writer: Struct, reader: Struct, columns: Sequence[Column], path: str) -> list[Convert]:
        """One function per column, from the raw struct to the column's value."""
        theirs = by_identity(writer)
        named = {one.name: one for one in reader.fields}
        fields = [named[column.source or column.name] for column in columns]
        found = [
            self._field(one.found_in(theirs), one, column, path) for one, column in zip(fields, columns, strict=True)
        ]
        taken = {other.name for one in fields if (other := one.found_in(theirs))}
        self.unknown = self.unknown or len(taken) < len(theirs)
        return found

    def _field(self, theirs: Field | None, ours: Field, column: Column, path: str) -> Convert:
        path = f"{path}.{ours.name}"
        if theirs is None:
            return _default(self.slot(ours.slot, ours.slot, column, path), ours.default)
        convert, name = self.slot(theirs.slot, ours.slot, column, path), theirs.name
        return (lambda raw: raw.get(name)) if convert is as_it_is else (lambda raw: convert(raw.get(name)))

    def slot(self, writer: Slot, reader: Slot, column: Column, path: str) -> Convert:
        if column.type == "JSON":
            whole = plain(writer, for_json=True)
            return each_or_one(whole, writer, column)
        convert = self._shape(writer.shape, reader.shape, column, path)
        return nullable(_of_json(convert, reader.shape, path) if self.is_json else convert)

    def _shape(self, writer: Shape, reader: Shape, column: Column, path: str) -> Convert:
        if isinstance(reader, Union):
            return self._into_union(writer, reader, column, path)
        if isinstance(writer, Union):
            return self._out_of_union(writer, reader, column, path)
        if isinstance(writer, Scalar) and isinstance(reader, Scalar):
            return _scalar(writer, reader, path)
        if isinstance(writer, Struct) and isinstance(reader, Struct):
            converts = self.struct(writer, reader, column.fields, path)
            fill = list(zip((one.name for one in column.fields), converts, strict=True))
            return lambda raw: {name: convert(raw) for name, convert in fill}
        if isinstance(writer, List) and isinstance(reader, List):
            return self._list(writer, reader, column, path)
        if isinstance(writer, Map) and isinstance(reader, Map):
            return self._map(writer, reader, column, path)
        raise IncompatibleError(f"{path} is {_said(writer)} here and {_said(reader)} in the table's schema")

    def _list(self, writer: List, reader: List, column: Column, path: str) -> Convert:
        if not wraps(reader.element):
            return each(self.slot(writer.element, reader.element, _one(column), path))
        convert = self.slot(writer.element, reader.element, column.fields[0], path)
        return lambda raw: [{ELEMENT: convert(one)} for one in raw]

    def _map(self, writer: Map, reader: Map, column: Column, path: str) -> Convert:
        key = _scalar(writer.key, reader.key, path)
        value = self.slot(writer.value, reader.value, column.fields[1], path)
        return lambda raw: [{"key": key(name), "value": value(one)} for name, one in raw.items()]

    def _into_union(self, writer: Shape, reader: Union, column: Column, path: str) -> Convert:
        if not isinstance(writer, Union):
            return self._alternative(writer, _said(writer), reader, column, path)
        branches = {one.key: self._alternative(one.shape, one.name, reader, column, path) for one in writer.branches}
        return lambda raw: _chosen(branches, raw)

    def _alternative(self, writer: Shape, name: str, reader: Union, column: Column, path: str) -> Convert:
        """The branch of the same name, else the first that takes it; none: a message that comes so is bad."""
        pairs = list(zip(reader.branches, column.fields, strict=True))
        pairs.sort(key=lambda pair: pair[0].name != name)
        for branch, field in pairs:
            if isinstance(writer, Struct) and branch.name != name:
                continue
            try:
                return _under(field.name, self.slot(Slot(writer), Slot(branch.shape), field, path))
            except IncompatibleError:
                continue
        return _refusing(f"{path} is {name} here, which is none of the alternatives of the table's schema")

    def _out_of_union(self, writer: Union, reader: Shape, column: Column, path: str) -> Convert:
        branches = {one.key: self._or_refusing(one, reader, column, path) for one in writer.branches}
        return lambda raw: _chosen(branches, raw)

    def _or_refusing(self, branch: Branch, reader: Shape, column: Column, path: str) -> Convert:
        try:
            return self._shape(branch.shape, reader, column, path)
        except IncompatibleError as why:
            return _refusing(str(why))


def fit(writer: Struct, reader: Struct, columns: Sequence[Column]) -> Fit:
    """How values of one version of a schema fill the columns that were made of another.

    :raises IncompatibleError: they cannot.
    """
    if writer.names and reader.names and not writer.names & reader.names:
        raise IncompatibleError(f"the message is a {writer.said}, and the table's schema is {reader.said}")
    fitter = _Fitter(is_json=reader.is_json)
    converts = fitter.struct(writer, reader, columns, reader.said.rpartition(".")[2])
    return Fit(converts, fitter.unknown)


def _of_json(convert: Convert, shape: Shape, path: str) -> Convert:
    """The same, where JSON may have anything in the place of a list or an object."""
    if not isinstance(shape, Struct | List | Map):
        return convert
    kind, said = (list, "array") if isinstance(shape, List) else (dict, "object")

    def checked(raw: Any) -> Any:
        if not isinstance(raw, kind):
            raise Rejected("validate", "wrong_type", f"{path}: a value is no {said}")
        return convert(raw)

    return checked


def each_or_one(whole: Convert, writer: Slot, column: Column) -> Convert:
    """JSON columns may be REPEATED: then the list stays a list."""
    if column.mode == "REPEATED" and not isinstance(writer.shape, List):
        raise IncompatibleError(f"{column.name} is no list here, and is one in the table's schema")
    return whole


def _one(column: Column) -> Column:
    """The column of an element."""
    return Column(column.name, column.type, "NULLABLE", column.fields)


def _default(convert: Convert, default: Any) -> Convert:
    value = None if default is NO_DEFAULT else convert(default)
    return lambda _: value


def _under(name: str, convert: Convert) -> Convert:
    return lambda raw: {name: convert(raw)}


def _chosen(branches: dict[str, Convert], raw: Any) -> Any:
    ((key, value),) = raw.items()
    return branches[key](value)


def _refusing(error: str) -> Convert:
    def refuse(_: Any) -> Any:
        raise Rejected("registry", "incompatible_schema", error)

    return refuse


def _said(shape: Shape) -> str:
    if isinstance(shape, List | Map | Union):
        return {List: "an array", Map: "a map", Union: "a union"}[type(shape)]
    return shape.said


def _scalar(writer: Scalar, reader: Scalar, path: str) -> Convert:
    read = writer.read
    if writer.type == reader.type:
        return read
    widen = _WIDENINGS.get((writer.type, reader.type))
    if widen is None:
        raise IncompatibleError(f"{path} is {writer.said} here and {reader.said} in the table's schema")
    return lambda raw: widen(read(raw), path)


def _to_double(value: int, path: str) -> float:
    if abs(value) > _EXACT_IN_DOUBLE and int(float(value)) != value:
        raise Rejected("validate", "inexact", f"{path}: a FLOAT64 would round the number")
    return float(value)


def _to_decimal(value: int, _path: str) -> Decimal:
    return Decimal(value)


def _same(value: Any, _path: str) -> Any:
    return value


def _to_text(value: bytes, path: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Rejected("validate", "invalid_utf8", f"{path}: not UTF-8 at byte {error.start}") from error


def _to_bytes(value: str, _path: str) -> bytes:
    return value.encode()


_WIDENINGS: dict[tuple[str, str], Callable[[Any, str], Any]] = {
    ("INT64", "FLOAT64"): _to_double,
    ("INT64", "NUMERIC"): _to_decimal,
    ("INT64", "BIGNUMERIC"): _to_decimal,
    ("NUMERIC", "BIGNUMERIC"): _same,
    ("BIGNUMERIC", "NUMERIC"): _same,  # the column refuses what it would round
    ("BYTES", "STRING"): _to_text,
    ("STRING", "BYTES"): _to_bytes,
}
