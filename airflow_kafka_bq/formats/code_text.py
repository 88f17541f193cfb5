"""Code, and the values that it carries along, in a form that is the same in every process.

Two functions with one source still differ in what they were made with: arguments of a partial, defaults, values that a
function closes over, attributes of the object that it belongs to.
"""

from __future__ import annotations

import copyreg
import functools
import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

_Seen = dict[int, tuple[int, Any]]


def source(thing: Any) -> Any:
    """Source of the module it stands in, where its constants and what it calls are too; else its bytecode."""
    name = _name(thing)
    module = inspect.getmodule(thing)
    try:
        return [name, inspect.getsource(module if module is not None else thing)]
    except (OSError, TypeError):
        return [name, list(_bytecode(thing))]


def code(thing: Any) -> Any:
    """A function or another object that is called, with the values it carries, for :func:`json.dumps`."""
    return _told(thing, {})


def _name(thing: Any) -> str:
    return f"{getattr(thing, '__module__', '')}:{getattr(thing, '__qualname__', type(thing).__qualname__)}"


def _told(thing: Any, seen: _Seen) -> Any:
    if isinstance(thing, str | bool | int | float | complex | bytes | None):
        return repr(thing)
    if id(thing) in seen:  # a function may close over itself
        return ["seen", seen[id(thing)][0]]
    seen[id(thing)] = (len(seen), thing)  # kept alive, or its address could be the next one's
    for kind, tell in _TELL:
        if isinstance(thing, kind):
            return [kind.__name__, tell(thing, seen)]
    return _object(thing, seen)


def _object(thing: Any, seen: _Seen) -> Any:
    """By what makes it again: a logger is its name, a client's locks and sockets are nothing but their type."""
    reduce = copyreg.dispatch_table.get(type(thing))
    try:
        made: Any = reduce(thing) if reduce is not None else thing.__reduce_ex__(2)
    except Exception:
        return source(type(thing))
    if isinstance(made, str):
        return [_name(thing), made]
    items = [list(part) if isinstance(part, Iterator) else part for part in made]
    return _each(items, seen)


def _function(thing: FunctionType, seen: _Seen) -> Any:
    carried = (thing.__defaults__, thing.__kwdefaults__, thing.__closure__)
    return [source(thing), [_told(each, seen) for each in carried]]


def _cell(thing: CellType, seen: _Seen) -> Any:
    try:
        return _told(thing.cell_contents, seen)
    except ValueError:
        return "empty"


def _each(things: Iterable[Any], seen: _Seen) -> list[Any]:
    return [_told(each, seen) for each in things]


def _unordered(things: Iterable[Any], seen: _Seen) -> list[Any]:
    return sorted(_each(things, seen), key=json.dumps)


def _pairs(things: Mapping[Any, Any], seen: _Seen) -> list[Any]:
    return sorted(([_told(key, seen), _told(value, seen)] for key, value in things.items()), key=json.dumps)


_TELL: tuple[tuple[type[Any], Any], ...] = (
    (functools.partial, lambda thing, seen: _each((thing.func, thing.args, thing.keywords), seen)),
    (FunctionType, _function),
    (MethodType, lambda thing, seen: _each((thing.__func__, thing.__self__), seen)),
    (CellType, _cell),
    (type, lambda thing, _: source(thing)),
    (ModuleType, lambda thing, _: thing.__name__),
    (tuple, _each),
    (list, _each),
    (set, _unordered),
    (frozenset, _unordered),
    (dict, _pairs),
)


def _bytecode(thing: Any) -> Iterator[str]:
    if isinstance(thing, FunctionType):
        yield from _instructions(thing.__code__)
    elif isinstance(thing, property):
        for function in (thing.fget, thing.fset, thing.fdel):
            yield from _bytecode(function)
    elif isinstance(thing, classmethod | staticmethod):
        yield from _bytecode(thing.__func__)
    elif isinstance(thing, type):
        for name, value in sorted(vars(thing).items()):
            if isinstance(value, FunctionType | classmethod | staticmethod | property):
                yield name
                yield from _bytecode(value)


def _instructions(code: CodeType) -> Iterator[str]:
    """Without file names and addresses, which differ between machines."""
    yield code.co_code.hex()
    yield repr(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instructions(constant)
        else:  # `x in {"a", "b"}` is a frozenset here, in another order in every process
            yield json.dumps(_told(constant, {}))
