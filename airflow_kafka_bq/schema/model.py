"""Columns of a pydantic model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import AliasChoices, BaseModel, RootModel
from pydantic.fields import FieldInfo

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema import names
from airflow_kafka_bq.schema.annotations import Annotation, unwrapped
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.model_types import UnsupportedTypeError, constraint, literal_type, scalar_type

MAX_DEPTH = 15  # https://cloud.google.com/bigquery/quotas#all_tables : nested STRUCTs
MAX_COLUMNS = 10_000  # the same page, nested fields counted


def model_columns(model: Any) -> tuple[Column, ...]:
    """One column per field, in the order of the model.

    A column is named as the field is; ``Column.source`` is the alias that the message uses. Fields with
    ``exclude=True`` and computed fields have no column.

    :param model: a subclass of ``pydantic.BaseModel``.
    :raises ConfigError: names the model, the field and its type, with what to write instead.
    """
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise ConfigError(f"model: {model!r} is not a pydantic model", remedy="derive it from pydantic.BaseModel")
    columns = _columns(model, model.__name__, ())
    count = sum(map(_size, columns))
    if count > MAX_COLUMNS:
        raise ConfigError(f"model {model.__name__} has {count} columns; BigQuery takes {MAX_COLUMNS}")
    return columns


def _size(column: Column) -> int:
    return 1 + sum(map(_size, column.fields))


def _columns(model: type[BaseModel], path: str, above: tuple[type[BaseModel], ...]) -> tuple[Column, ...]:
    _check_nesting(model, path, above)
    fields = {name: field for name, field in model.model_fields.items() if not field.exclude}
    if not fields:
        raise ConfigError(f"{path} has no fields, and a STRUCT or table needs one", remedy="use Any for a JSON column")
    clash = names.collision(fields)
    if clash:
        raise ConfigError(f"{path}: fields {clash[0]!r} and {clash[1]!r} are one column: BigQuery ignores case")
    return tuple(_column(name, field, f"{path}.{name}", (*above, model)) for name, field in fields.items())


def _check_nesting(model: type[BaseModel], path: str, above: tuple[type[BaseModel], ...]) -> None:
    if issubclass(model, RootModel):
        raise ConfigError(
            f"{path}: {model.__name__} is a RootModel and has no fields", remedy="give it a field, or use Any"
        )
    if model in above:
        remedy = "use dict or Any for a JSON column"
        raise ConfigError(f"{path}: {model.__name__} contains itself, and a STRUCT cannot", remedy=remedy)
    if len(above) > MAX_DEPTH:
        remedy = "use dict or Any for a JSON column"
        raise ConfigError(f"{path} is nested deeper than {MAX_DEPTH} levels, BigQuery's limit", remedy=remedy)
    if not model.__pydantic_complete__ and model.model_rebuild(raise_errors=False) is False:
        raise ConfigError(f"{path}: {model.__name__} names types that are not defined", remedy="import them first")


def _column(name: str, field: FieldInfo, path: str, above: tuple[type[BaseModel], ...]) -> Column:
    refused = names.refusal(name)
    if refused:
        raise ConfigError(f"{path}: {refused}", remedy="rename the field and give it the old name as alias")
    found = unwrapped(field.annotation, field.metadata)
    if field.default is None and not found.optional:
        kind = getattr(found.kind, "__name__", found.kind)
        raise ConfigError(f"{path} is {kind} and defaults to None", remedy=f"write {kind} | None")
    shape, mode, fields = _shape(found, path, above)
    column = Column(name, shape, mode, fields, field.description, _source(name, field))
    return _limited(column, found)


def _limited(column: Column, found: Annotation) -> Column:
    """With what the model holds values to, so that they fit into the type of a table that is there."""
    held = found if found.element is None else unwrapped(found.element)
    if column.type in {"STRING", "BYTES"} and held.kind in {str, bytes}:
        return replace(column, max_length=constraint(held.metadata, "max_length"))
    digits, places = (constraint(held.metadata, name) for name in ("max_digits", "decimal_places"))
    if column.type in {"NUMERIC", "BIGNUMERIC"} and digits is not None and places is not None:
        return replace(column, precision=max(digits, places), scale=places)
    return column


def _shape(found: Annotation, path: str, above: tuple[type[BaseModel], ...]) -> tuple[str, str, tuple[Column, ...]]:
    """Type, mode and nested columns."""
    mode = "NULLABLE" if found.optional else "REQUIRED"
    if found.is_json:
        return "JSON", mode, ()
    if found.element is not None:
        element = unwrapped(found.element)
        if element.is_json:
            return "JSON", mode, ()
        _check_element(element, path)
        kind, _, fields = _shape(element, path, above)
        return kind, "REPEATED", fields
    if found.literals is not None:
        return literal_type(found.literals), mode, ()
    if isinstance(found.kind, type) and issubclass(found.kind, BaseModel):
        return "STRUCT", mode, _columns(found.kind, path, above)
    try:
        return scalar_type(found.kind, found.metadata), mode, ()
    except UnsupportedTypeError as error:
        raise ConfigError(f"{path}: {error}", remedy=error.remedy) from error


def _check_element(element: Annotation, path: str) -> None:
    if element.element is not None:
        raise ConfigError(
            f"{path} is an array of arrays, which BigQuery does not have",
            remedy="make the inner list a field of a model, or use list[Any] for a JSON column",
        )
    if element.optional:
        raise ConfigError(
            f"{path} is an array with None in it, and a BigQuery ARRAY keeps no NULL",
            remedy="take '| None' off the elements, or use list[Any] for a JSON column",
        )


def _source(name: str, field: FieldInfo) -> str | None:
    """The alias that the message uses; of several the first."""
    alias: Any = field.validation_alias if field.validation_alias is not None else field.alias
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    text = alias if alias is None or isinstance(alias, str) else ".".join(str(step) for step in alias.path)
    return None if text == name else text
