"""Columns of many validated models at once.

A model and what hangs on it are seven objects that the garbage collector follows. Kept until there are enough for a
column, they cost more than validating them. So the values are taken out of each model as it comes, and the model is
let go: what is piled up are texts and numbers.

What is not as the model's annotations say raises, whatever it is, and the messages are then looked at one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from inspect import getattr_static
from itertools import accumulate
from operator import itemgetter
from typing import Any, Protocol

import pyarrow as pa
from pydantic import BaseModel

from airflow_kafka_bq.formats.leaf_columns import Leaf, leaf
from airflow_kafka_bq.formats.parser import DoubtError
from airflow_kafka_bq.formats.wire_values import writer
from airflow_kafka_bq.schema.annotations import unwrapped
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.wire import wire_type


class Pile(Protocol):
    """Values of one place in the messages."""

    def add(self, value: Any) -> None:
        """The next message's. :raises Exception: it has to be looked at by itself."""

    def column(self) -> Any:
        """All of them. :raises Exception: one has to be looked at by itself."""


class ModelPlan:
    """How values are taken out of objects of one model.

    :param columns: those that the model fills.
    """

    def __init__(self, model: type[BaseModel], columns: Sequence[Column]) -> None:
        self.model = model
        self.columns = tuple(columns)
        self.flat: list[tuple[Column, Leaf]] = []
        self.parts: list[tuple[Column, Callable[[], Pile]]] = []
        self.written: list[Column] = []
        for column in columns:
            if not _is_plain(model, column.attribute):
                self.written.append(column)
            elif (part := _part(model, column)) is not None:
                self.parts.append((column, part))
            elif column.type in {"JSON", "STRUCT"} or column.mode == "REPEATED":
                self.written.append(column)
            else:
                self.flat.append((column, leaf(column)))

    def pile(self) -> ModelPile:
        """An empty one."""
        return ModelPile(self)


class ModelPile:
    """What was taken out of the objects of one model.

    ``_flat`` has the scalars of one object after those of the one before.
    """

    def __init__(self, plan: ModelPlan) -> None:
        self._plan = plan
        self._model = plan.model
        self._flat: list[Any] = []
        names = [column.attribute for column, _ in plan.flat]
        self._pick = itemgetter(*names) if names else None
        self._take: Callable[[Any], None] = self._flat.append if len(names) == 1 else self._flat.extend
        self._parts = [part() for _, part in plan.parts]
        self._adds = [(column.attribute, part.add) for (column, _), part in zip(plan.parts, self._parts, strict=True)]
        self._written = [(column.attribute, writer(column), list[Any]()) for column in plan.written]

    def add(self, found: Any) -> None:
        """The values of one more object. :raises Exception: it is none of this model, or not as the model says."""
        if type(found) is not self._model:
            raise DoubtError
        fields = found.__dict__
        if self._pick is not None:
            self._take(self._pick(fields))
        for name, add in self._adds:
            add(fields[name])
        for name, write, into in self._written:
            into.append(write(getattr(found, name)))

    def columns(self) -> list[Any]:
        """One array for each of the plan's columns."""
        plan, width = self._plan, len(self._plan.flat)
        made = {column.name: make(self._flat[at::width]) for at, (column, make) in enumerate(plan.flat)}
        for (column, _), part in zip(plan.parts, self._parts, strict=True):
            made[column.name] = part.column()
        for column, (_, _, values) in zip(plan.written, self._written, strict=True):
            made[column.name] = pa.array(values, wire_type(column))
        return [made[column.name] for column in plan.columns]

    def column(self) -> Any:
        """The STRUCT of these columns."""
        fields = [pa.field(one.name, wire_type(one)) for one in self._plan.columns]
        return pa.StructArray.from_arrays(self.columns(), fields=fields)


class _NullablePile:
    """A model, or None."""

    def __init__(self, plan: ModelPlan) -> None:
        self._inner = plan.pile()
        self._add = self._inner.add
        self._rows: list[int | None] = []
        self._note = self._rows.append
        self._count = 0

    def add(self, value: Any) -> None:
        if value is None:
            self._note(None)
        else:
            self._add(value)
            self._note(self._count)
            self._count += 1

    def column(self) -> Any:
        found = self._inner.column()
        return found if self._count == len(self._rows) else found.take(pa.array(self._rows, pa.int64()))


class _ListPile:
    """Lists, or None: an ARRAY is never NULL. ``take`` gets the elements of one."""

    def __init__(self, kind: pa.DataType, take: Callable[[Iterable[Any]], None], made: Callable[[], Any]) -> None:
        self._kind, self._take, self._made = kind, take, made
        self._lengths: list[int] = []
        self._note = self._lengths.append

    def add(self, values: Any) -> None:
        if type(values) is list or type(values) is tuple:
            self._note(len(values))
            self._take(values)
        elif values is None:
            self._note(0)
        else:
            raise DoubtError

    def column(self) -> Any:
        offsets = pa.array([*accumulate(self._lengths, initial=0)], pa.int32())
        return pa.ListArray.from_arrays(offsets, self._made(), type=self._kind)


def _is_plain(model: type[BaseModel], name: str) -> bool:
    """Whether reading an object's attribute is reading its ``__dict__``: it is no property, nor guarded by one."""
    guard = getattr_static(model, name, None)
    return (
        name in model.model_fields
        and model.__getattribute__ is object.__getattribute__
        and not any(hasattr(type(guard), each) for each in ("__get__", "__set__", "__delete__"))
    )


def _part(model: type[BaseModel], column: Column) -> Callable[[], Pile] | None:
    """Of a field that is a list or a model, or both; None of others, and where its annotation is more than that."""
    info = model.model_fields[column.attribute]
    found = unwrapped(info.annotation, info.metadata)
    if column.mode == "REPEATED":
        if found.origin not in {list, tuple} or column.type == "JSON" or column.hashed is not None:
            return None
        return _list(column, unwrapped(found.element).kind)
    if column.type != "STRUCT" or not _is_model(found.kind):
        return None
    plan = ModelPlan(found.kind, column.fields)
    return plan.pile if column.mode == "REQUIRED" else lambda: _NullablePile(plan)


def _list(column: Column, element: Any) -> Callable[[], Pile] | None:
    kind = wire_type(column)
    if column.type != "STRUCT":
        make = leaf(Column(column.name, column.type, "REQUIRED"))
        return lambda: _flat_list(kind, make)
    if not _is_model(element):
        return None
    plan = ModelPlan(element, column.fields)
    return lambda: _model_list(kind, plan)


def _flat_list(kind: pa.DataType, make: Leaf) -> Pile:
    values: list[Any] = []
    return _ListPile(kind, values.extend, lambda: make(values))


def _model_list(kind: pa.DataType, plan: ModelPlan) -> Pile:
    inner = plan.pile()

    def take(values: Iterable[Any]) -> None:
        for value in values:
            inner.add(value)

    return _ListPile(kind, take, inner.column)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
