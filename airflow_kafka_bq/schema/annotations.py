"""What a type annotation says: its type, whether None is allowed, what ``Annotated`` adds."""

from __future__ import annotations

import collections
import types
import typing
from collections import abc
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

_SEQUENCES = {list, set, frozenset, collections.deque, abc.Sequence, abc.MutableSequence, abc.Set, abc.MutableSet}
_MAPPINGS = {dict, abc.Mapping, abc.MutableMapping, collections.OrderedDict, collections.defaultdict}


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotation without its wrappers. ``kind`` is a class, or a parametrised generic."""

    kind: Any
    optional: bool = False
    metadata: tuple[Any, ...] = ()

    @property
    def origin(self) -> Any:
        """``list`` of ``list[int]``; None of a plain class."""
        return get_origin(self.kind)

    @property
    def literals(self) -> tuple[Any, ...] | None:
        """Values of a ``Literal``."""
        return get_args(self.kind) if self.origin is Literal else None

    @property
    def is_json(self) -> bool:
        """Whether only a JSON column takes it: a mapping, Any, a union of several, a tuple or list of anything."""
        bare = self.origin or self.kind
        if bare in {Any, object, Union, types.UnionType, typing.Mapping} or bare in _MAPPINGS:
            return True
        return self.element is None and (bare in _SEQUENCES or bare is tuple)

    @property
    def element(self) -> Any:
        """``int`` of ``list[int]``, ``set[int]`` or ``tuple[int, ...]``; None of what is no ARRAY."""
        arguments = get_args(self.kind)
        if self.origin in _SEQUENCES and arguments:
            return None if arguments[0] is Any else arguments[0]
        if self.origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
            return None if arguments[0] is Any else arguments[0]
        return None


def unwrapped(annotation: Any, metadata: typing.Iterable[Any] = ()) -> Annotation:
    """Take off ``Annotated``, ``Optional``, ``NewType`` and type aliases, in whatever order they come."""
    found, optional, extra = annotation, False, tuple(metadata)
    while True:
        origin = get_origin(found)
        if origin is Annotated:
            found, *more = get_args(found)
            extra += tuple(more)
        elif origin in {Union, types.UnionType}:
            rest = tuple(part for part in get_args(found) if part is not type(None))
            optional = optional or len(rest) < len(get_args(found))
            if len(rest) != 1:
                return Annotation(found, optional, extra)
            found = rest[0]
        elif hasattr(found, "__supertype__"):
            found = found.__supertype__
        elif type(found).__name__ == "TypeAliasType":
            found = found.__value__
        else:
            optional = optional or found is Any or (origin is Literal and None in get_args(found))
            return Annotation(found, optional, extra)
