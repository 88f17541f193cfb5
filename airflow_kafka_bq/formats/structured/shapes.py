"""What a schema says, whatever language it is written in.

A decoder gives *raw* values: numbers, texts, bytes, lists and mappings, with nothing interpreted. ``Scalar.read`` makes
of them what Python has for it, exactly, or refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_kafka_bq.formats.structured import raw_columns

NO_DEFAULT: Any = object()


def as_it_is(value: Any) -> Any:
    """A raw value that needs no reading."""
    return value


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. ``type`` is the GoogleSQL type that holds all of them; ``said`` is what the schema calls it.

    ``scale`` is of a decimal whose raw value is a whole number in bytes: how many of its digits stand behind the point.
    ``names`` is of numbers that stand for texts.
    """

    type: str
    said: str
    read: Callable[[Any], Any] = field(default=as_it_is, compare=False)
    scale: int | None = field(default=None, compare=False)
    names: Mapping[int, str] | None = field(default=None, compare=False)


@dataclass(slots=True, eq=False)
class Struct:
    """Named fields. ``fields`` are set after the struct is made, for a schema may contain itself.

    ``names`` are the unqualified names that it goes by: its own, and its aliases. ``is_json``: raw values are JSON, in
    which fields may be absent, and of any type.
    """

    said: str
    names: frozenset[str] = frozenset()
    fields: tuple[Field, ...] = ()
    is_json: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class List:
    """Values of one shape, in order."""

    element: Slot


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """Raw: a mapping. Order means nothing in it."""

    key: Scalar
    value: Slot


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """One of the alternatives of a union; ``key`` is its name in the raw value ``{key: value}``."""

    key: str
    name: str
    shape: Shape


@dataclass(frozen=True, slots=True, eq=False)
class Union:
    """One of several, null left out: that is the slot's."""

    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Anything:
    """What only a JSON column takes; raw is what JSON has, given by ``read``."""

    said: str
    read: Callable[[Any], Any] = as_it_is


Shape = Scalar | Struct | List | Map | Union | Anything


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A place for a value."""

    shape: Shape
    nullable: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A field of a struct; ``name`` is its name in raw values.

    ``number`` identifies it where names may change (Protobuf), else ``name`` and ``aliases`` do. ``default`` is a raw
    value, for messages of writers that do not know the field.
    """

    name: str
    slot: Slot
    number: int | None = None
    aliases: tuple[str, ...] = ()
    default: Any = NO_DEFAULT
    description: str | None = None

    def found_in(self, others: Mapping[str | int, Field]) -> Field | None:
        """The same field of another version of the struct."""
        if self.number is not None:
            return others.get(self.number)
        return next((others[name] for name in (self.name, *self.aliases) if name in others), None)


def by_identity(struct: Struct) -> dict[str | int, Field]:
    """Fields by what identifies them."""
    return {one.name if one.number is None else one.number: one for one in struct.fields}


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema that was read: the shape of its values, and how their bytes are decoded to raw ones.

    ``decode`` raises ``Rejected`` where the bytes are not what the schema says. ``has_unknown`` tells of a decoded
    value whether it carried fields that the schema itself does not know; None: that cannot be. ``text`` gives the JSON
    text of bytes that are JSON already, and refuses as ``decode`` does. ``together`` decodes many at once, and of those
    that it does not call bad gives what ``decode`` gives.
    """

    slot: Slot
    decode: Callable[[bytes], Any]
    has_unknown: Callable[[Any], bool] | None = None
    text: Callable[[bytes], str] | None = None
    together: raw_columns.Decode | None = None

    @property
    def is_json(self) -> bool:
        """Whether raw values are JSON."""
        return self.text is not None


def as_struct(slot: Slot, *, is_json: bool = False) -> tuple[Struct, bool]:
    """The struct whose fields are columns; any other value becomes its one field ``value``, and True comes with it."""
    if isinstance(slot.shape, Struct):
        return slot.shape, False
    wrapped = Struct("value", fields=(Field("value", slot),), is_json=is_json)
    return wrapped, True
