"""Avro of many messages at once: column by column, with a place in each message.

Records, numbers, texts, bytes, enums, and these or null. What has no such column (arrays, maps, unions of several
types, a record inside itself) leaves its schema to the decoder of single messages. So does every message about which
anything is unusual: a message that is good here is one that fastavro reads, and it reads the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.structured.cursor import Cursor
from airflow_kafka_bq.formats.structured.raw_columns import Decode, Fields, Plain, RawColumn
from airflow_kafka_bq.formats.structured.reading import MOST_TYPES, Read, decoding, text, where

_pc: Any = pyarrow.compute


def avro_columns(raw: Any, definitions: Mapping[str, Any]) -> Decode | None:
    """The function for a schema as fastavro is given it; None: there is none.

    :param raw: without logical types. :param definitions: of the types that it names.
    """
    return decoding(_Plan(definitions).record(raw))


class _Plan:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._inside: set[str] = set()
        self._count = 0

    def record(self, raw: Any) -> Callable[[Cursor], Fields] | None:
        """None: it is none, or there is no way."""
        definition = {} if isinstance(raw, list) else self._definition(raw)
        return self._record(definition) if definition.get("type") == "record" else None

    def read(self, raw: Any) -> Read | None:
        """None: there is no way."""
        self._count += 1
        if self._count > MOST_TYPES:
            return None
        if isinstance(raw, list):
            return self._union(raw)
        definition = self._definition(raw)
        kind = definition["type"]
        if kind == "record":
            return self._record(definition)
        if kind == "enum":
            return _enum(definition["symbols"])
        if kind == "fixed":
            return _fixed(definition["size"])
        return _SCALARS.get(kind)

    def _definition(self, raw: Any) -> Mapping[str, Any]:
        if isinstance(raw, str):
            raw = self._definitions.get(raw, {"type": raw})
        found: Mapping[str, Any] = raw
        return found

    def _record(self, definition: Mapping[str, Any]) -> Callable[[Cursor], Fields] | None:
        name, fields = definition["name"], definition["fields"]
        if name in self._inside or not fields or len({one["name"] for one in fields}) < len(fields):
            return None
        self._inside.add(name)
        reads = {one["name"]: self.read(one["type"]) for one in fields}
        self._inside.discard(name)
        found = {name: read for name, read in reads.items() if read is not None}
        if len(found) < len(reads):
            return None
        return lambda cursor: Fields({name: read(cursor) for name, read in found.items()})

    def _union(self, raw: list[Any]) -> Read | None:
        if len(raw) != 2 or raw.count("null") != 1:
            return None
        null = raw.index("null")
        read = self.read(raw[1 - null])
        return None if read is None else _nullable(read, null)


def _nullable(read: Read, null: int) -> Read:
    def of(cursor: Cursor) -> RawColumn:
        branch = cursor.zigzag()
        wrong = _pc.or_(_pc.less(branch, 0), _pc.greater(branch, 1))
        present = _pc.equal(branch, 1 - null)
        if not cursor.mark(wrong) and _pc.all(present, min_count=0).as_py():
            return read(cursor)
        return where(present, cursor, read)

    return of


def _enum(symbols: list[str]) -> Read | None:
    if not all(isinstance(one, str) for one in symbols):
        return None
    texts = pa.array(symbols, pa.string())

    def of(cursor: Cursor) -> RawColumn:
        index = cursor.zigzag()
        if cursor.mark(_pc.or_(_pc.less(index, 0), _pc.greater_equal(index, len(texts)))):
            index = _pc.if_else(cursor.bad, 0, index)
        return Plain(texts.take(index))

    return of


def _fixed(size: Any) -> Read | None:
    return (lambda cursor: Plain(cursor.fixed(size))) if isinstance(size, int) and size > 0 else None


_SCALARS: Mapping[str, Read] = {
    "boolean": lambda cursor: Plain(cursor.flag()),
    "int": lambda cursor: Plain(cursor.zigzag()),
    "long": lambda cursor: Plain(cursor.zigzag()),
    "float": lambda cursor: Plain(cursor.whole(pa.float32()).cast(pa.float64())),
    "double": lambda cursor: Plain(cursor.whole(pa.float64())),
    "bytes": lambda cursor: Plain(cursor.octets(cursor.zigzag())),
    "string": lambda cursor: text(cursor, cursor.octets(cursor.zigzag())),
}
