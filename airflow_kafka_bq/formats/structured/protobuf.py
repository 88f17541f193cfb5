"""Protobuf: message types as shapes, messages as raw values.

Fields are known by their numbers. A field without presence has its default when nothing was sent; others are NULL then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured.packages import needed
from airflow_kafka_bq.formats.structured.protobuf_columns import Alone, protobuf_columns
from airflow_kafka_bq.formats.structured.protobuf_files import EXTRA
from airflow_kafka_bq.formats.structured.protobuf_types import (
    KNOWN,
    MESSAGE,
    SCALARS,
    default_of,
    enum_shape,
    is_map,
    is_repeated,
)
from airflow_kafka_bq.formats.structured.shapes import (
    Field,
    List,
    Map,
    Schema,
    Shape,
    Slot,
    Struct,
)

ToRaw = Callable[[Any], Any]
_MESSAGE_KINDS = (10, MESSAGE)  # the other is a group
# protobuf refuses 100 levels, counted from the outermost message. A level of JSON is three of them, and each has two
# bytes at least.
_SHALLOW, _SHALLOW_BYTES = 20, 120


class _WithUnknown(dict[str, Any]):
    """A raw value with fields that the schema does not know."""


def protobuf_schema(kind: Any) -> Schema:
    """Of a message class."""
    types = _Types()
    struct, to_raw = types.message(kind.DESCRIPTOR)

    def decode(data: bytes) -> Any:
        try:
            message = kind.FromString(data)
            whole = message.ByteSize()
            message.DiscardUnknownFields()
            raw = to_raw(message)
        except Exception as error:  # DecodeError, or a text that is no UTF-8
            why = f"not what the schema of its writer says ({type(error).__name__})"
            raise Rejected("decode", "invalid_protobuf", why) from error
        return raw if whole == message.ByteSize() or not isinstance(raw, dict) else _WithUnknown(raw)

    together = protobuf_columns(kind.DESCRIPTOR, types.alone)
    return Schema(Slot(struct), decode, lambda raw: isinstance(raw, _WithUnknown), together=together)


class _Types:
    """Message types seen so far: a type may contain itself."""

    def __init__(self) -> None:
        self.seen: dict[str, tuple[Shape, list[ToRaw]]] = {}

    def message(self, descriptor: Any) -> tuple[Shape, ToRaw]:
        """Shape of a message type, and the function that gives its raw value."""
        if (known := KNOWN.get(descriptor.full_name)) is not None:
            return known
        if descriptor.full_name in self.seen:
            shape, found = self.seen[descriptor.full_name]
            return shape, lambda message: found[0](message)
        struct = Struct(descriptor.full_name, frozenset((descriptor.name,)))
        holder: list[ToRaw] = []
        self.seen[descriptor.full_name] = (struct, holder)
        pairs = [self._field(field) for field in descriptor.fields]
        struct.fields = tuple(field for field, _ in pairs)
        to_raw = _to_raw({field.name: read for field, read in pairs})
        holder.append(to_raw)
        return struct, to_raw

    def alone(self, descriptor: Any) -> Alone:
        """What decodes messages that are inside others one by one."""
        kind = needed("google.protobuf.message_factory", EXTRA).GetMessageClass(descriptor)
        _, to_raw = self.message(descriptor)

        def decode(data: bytes) -> Any:
            message = kind.FromString(data)
            whole = message.ByteSize()
            message.DiscardUnknownFields()
            raw = to_raw(message)
            if whole != message.ByteSize() or not (len(data) <= _SHALLOW_BYTES or _is_shallow(raw, _SHALLOW)):
                raise Rejected("decode", "invalid_protobuf", "to be decoded with all that it is inside of")
            return raw

        return Alone(decode, to_raw(kind()))

    def _field(self, field: Any) -> tuple[Field, ToRaw | None]:
        """The field, and how it is read; None: the attribute is the raw value."""
        name, repeated = field.name, is_repeated(field)
        if is_map(field):
            return self._map(field)
        shape, convert = self._one(field)
        if repeated:
            read = _repeated(name, convert)
            return Field(name, Slot(List(Slot(shape))), field.number, default=[]), read
        if field.has_presence:
            return Field(name, Slot(shape, nullable=True), field.number), _optional(name, convert)
        return Field(name, Slot(shape), field.number, default=default_of(field)), None

    def _one(self, field: Any) -> tuple[Shape, ToRaw | None]:
        """One value; None: the attribute is the raw value."""
        if field.type in _MESSAGE_KINDS:
            return self.message(field.message_type)
        return (enum_shape(field.enum_type) if field.enum_type else SCALARS[field.type]), None

    def _map(self, field: Any) -> tuple[Field, ToRaw]:
        key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
        key_shape, (shape, convert) = SCALARS[key.type], self._one(value)
        name = field.name

        def read(message: Any) -> dict[Any, Any]:
            found = getattr(message, name)
            keys = sorted(found)  # each process has another order, and a batch is named by its rows
            return {one: found[one] if convert is None else convert(found[one]) for one in keys}

        return Field(name, Slot(Map(key_shape, Slot(shape))), field.number, default={}), read


def _is_shallow(raw: Any, levels: int) -> bool:
    """Whether there are no more levels of objects and lists."""
    if not isinstance(raw, dict | list):
        return True
    inside = raw.values() if isinstance(raw, dict) else raw
    return levels > 0 and all(_is_shallow(one, levels - 1) for one in inside)


def _to_raw(readers: Mapping[str, ToRaw | None]) -> ToRaw:
    """A message's fields in their order. Those that need no reading are taken together, which is most of the cost."""
    plain = [name for name, read in readers.items() if read is None]
    others = [(name, read) for name, read in readers.items() if read is not None]
    taken = _taken(plain)
    empty = dict.fromkeys(readers)

    def to_raw(message: Any) -> dict[str, Any]:
        raw: dict[str, Any] = empty.copy()
        raw.update(zip(plain, taken(message), strict=True))
        for name, read in others:
            raw[name] = read(message)
        return raw

    return to_raw


def _taken(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Attributes of these names."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda message: tuple(getattr(message, name) for name in names)


def _optional(name: str, convert: ToRaw | None) -> ToRaw:
    if convert is None:
        return lambda message: getattr(message, name) if message.HasField(name) else None
    return lambda message: convert(getattr(message, name)) if message.HasField(name) else None


def _repeated(name: str, convert: ToRaw | None) -> ToRaw:
    if convert is None:
        return lambda message: list(getattr(message, name))
    return lambda message: [convert(one) for one in getattr(message, name)]
