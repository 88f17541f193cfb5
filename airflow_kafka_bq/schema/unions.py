"""One STRUCT for several models: the fields of all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, get_args

from pydantic import BaseModel

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema.annotations import Annotation, unwrapped
from airflow_kafka_bq.schema.columns import Column


def members(found: Annotation) -> tuple[type[BaseModel], ...]:
    """The models of a union; none where it is made of anything else."""
    kinds: list[Any] = [unwrapped(part).kind for part in get_args(found.kind) if part is not type(None)]
    models = tuple(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return models if len(models) == len(kinds) else ()


def merged(
    models: Sequence[type[BaseModel]], path: str, columns_of: Callable[[type[BaseModel]], Sequence[Column]]
) -> tuple[Column, ...]:
    """The fields of all models, each once. A field that not every model has is NULLABLE.

    :raises ConfigError: two models have a field of one name and of two types.
    """
    found: dict[str, list[tuple[Column, type[BaseModel]]]] = {}
    for model in models:
        for column in columns_of(model):
            found.setdefault(column.name.lower(), []).append((column, model))
    return tuple(_one(same, len(models), path) for same in found.values())


def _one(same: Sequence[tuple[Column, type[BaseModel]]], count: int, path: str) -> Column:
    first, model = same[0]
    for column, other in same[1:]:
        if _kind(column) != _kind(first):
            message = f"{path}: {first.name} is {first.type} in {model.__name__} and {column.type} in {other.__name__}"
            raise ConfigError(message, remedy="give one of them another name, or leave the union in a JSON column")
    columns = [column for column, _ in same]
    always = len(same) == count and all(column.mode == "REQUIRED" for column in columns)
    mode = "REPEATED" if first.mode == "REPEATED" else "REQUIRED" if always else "NULLABLE"
    limits = {(column.max_length, column.precision, column.scale) for column in columns}
    length, precision, scale = limits.pop() if len(limits) == 1 else (None, None, None)
    return replace(first, mode=mode, max_length=length, precision=precision, scale=scale)


def _kind(column: Column) -> tuple[Any, ...]:
    repeated = column.mode == "REPEATED"
    return (column.name, column.type, repeated, column.fields, column.source, column.field, column.hashed)
