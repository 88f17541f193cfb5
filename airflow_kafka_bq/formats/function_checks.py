"""``transform`` and ``filter`` are looked at before the first message: what they take, and that they give something."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Mapping
from typing import Any, get_origin, get_type_hints

import pyarrow as pa

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.user_functions import name_of
from airflow_kafka_bq.schema.marks import is_per_record

_REMEDY = (
    "a function on one record is marked with @per_record (from airflow_kafka_bq import per_record), "
    "one on a batch takes a pyarrow.Table"
)


def check_functions(transform: Any, keep: Any) -> None:
    """Look at the functions of a job; None where there is none.

    :param keep: ``filter``.
    :raises ConfigError: names the parameter, the function, and what it should be.
    """
    if keep is not None and is_per_record(keep):
        remedy = "a transform that is marked so leaves a message out by returning None"
        raise ConfigError(f"filter {name_of(keep)} is marked @per_record: it is called with a batch", remedy=remedy)
    for parameter, function in (("transform", transform), ("filter", keep)):
        if function is not None:
            _check(parameter, function)
    if transform is not None and is_per_record(transform) and _returns_nothing(transform):
        message = f"transform {name_of(transform)} returns nothing: each message would be left out"
        raise ConfigError(message, remedy="return the record, or None for a message that is to be left out")


def _check(parameter: str, function: Any) -> None:
    said = f"{parameter} {name_of(function)}"
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise ConfigError(f"{said} is a coroutine or a generator, not a function that returns its result")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # written in C: it tells nothing of itself
        return
    try:
        signature.bind(None)
    except TypeError as error:
        raise ConfigError(f"{said} cannot be called with one argument: {error}") from error
    wanted = _first_hint(function, signature)
    of_records = is_per_record(function)
    if of_records and _is(wanted, (pa.Table, pa.RecordBatch)):
        raise ConfigError(f"{said} is marked @per_record, and takes a {wanted.__name__}", remedy=_REMEDY)
    if not of_records and _is(wanted, (Mapping,)):
        raise ConfigError(f"{said} takes a mapping, and is called with a pyarrow.Table", remedy=_REMEDY)


def _first_hint(function: Any, signature: inspect.Signature) -> Any:
    """What the first argument is said to be; None where nothing is said, or nobody can tell."""
    if not signature.parameters:
        return None
    name = next(iter(signature.parameters))
    holder = function.func if isinstance(function, functools.partial) else function
    if not inspect.isroutine(holder):
        holder = type(holder).__call__
    try:
        return get_type_hints(holder).get(name)
    except Exception:  # names that exist for a type checker only
        return None


def _is(hint: Any, kinds: tuple[type, ...]) -> bool:
    kind = get_origin(hint) or hint
    return isinstance(kind, type) and issubclass(kind, kinds)


def _returns_nothing(function: Any) -> bool:
    """Whether there is a body to read, and no ``return`` in it with a value: somebody forgot it."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return False
    if not tree.body or not isinstance(tree.body[0], ast.FunctionDef):
        return False  # a lambda has no body of its own
    return not any(_gives(node) for node in _own(tree.body[0]))


def _own(node: ast.AST) -> list[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            found += [child, *_own(child)]
    return found


def _gives(node: ast.AST) -> bool:
    if not isinstance(node, ast.Return) or node.value is None:
        return False
    return not (isinstance(node.value, ast.Constant) and node.value.value is None)
