"""Columns of a pydantic model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import AliasChoices, BaseModel, RootModel
from pydantic.fields import ComputedFieldInfo, FieldInfo

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema import marks, names, unions
from airflow_kafka_bq.schema.annotations import Annotation, unwrapped
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.marked import marked
from airflow_kafka_bq.schema.model_types import UnsupportedTypeError, constraint, literal_type, scalar_type

MAX_DEPTH = 15  # https://cloud.google.com/bigquery/quotas#all_tables : nested STRUCTs
MAX_COLUMNS = 10_000  # the same page, nested fields counted


def model_columns(model: Any) -> tuple[Column, ...]:
    """One column per field, in the order of the model.

    A column is named as the field is, unless ``Annotated[…, Column(name=…)]`` says otherwise; characters that BigQuery
    does not take become ``_``. ``Column.source`` is the alias that the message uses. Computed fields come last. Fields
    with ``exclude=True`` or ``Drop`` have no column.

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
    found = tuple(_made(model, path, (*above, model)))
    if not found:
        raise ConfigError(f"{path} has no fields, and a STRUCT or table needs one", remedy="use Any for a JSON column")
    clash = names.collision(column.name for column in found)
    if clash:
        message = f"{path}: fields {clash[0]!r} and {clash[1]!r} are one column: BigQuery ignores case"
        raise ConfigError(message, remedy="give one of them another name: Annotated[…, Column(name=…)]")
    return found


def _made(model: type[BaseModel], path: str, above: tuple[type[BaseModel], ...]) -> Iterator[Column]:
    for name, field in model.model_fields.items():
        annotation = unwrapped(field.annotation, field.metadata)
        if not field.exclude and not marks.is_dropped(annotation.metadata):
            yield _field_column(name, field, annotation, f"{path}.{name}", above)
    for name, computed in model.model_computed_fields.items():
        annotation = unwrapped(computed.return_type)
        if not marks.is_dropped(annotation.metadata):
            yield _computed_column(name, computed, annotation, f"{path}.{name}", above)


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


def _field_column(
    name: str, field: FieldInfo, found: Annotation, path: str, above: tuple[type[BaseModel], ...]
) -> Column:
    if field.default is None and not found.optional:
        kind = getattr(found.kind, "__name__", found.kind)
        raise ConfigError(f"{path} is {kind} and defaults to None", remedy=f"write {kind} | None")
    column = _column(name, found, path, above, field.description)
    alias = _alias(field) or name
    return replace(column, source=None if alias == column.name else alias)


def _computed_column(
    name: str, computed: ComputedFieldInfo, found: Annotation, path: str, above: tuple[type[BaseModel], ...]
) -> Column:
    return replace(_column(name, found, path, above, computed.description), computed=True)


def _column(
    name: str, found: Annotation, path: str, above: tuple[type[BaseModel], ...], description: str | None
) -> Column:
    mark = marks.mark_of(marks.Column, found.metadata) or marks.Column()
    own = mark.name or names.sanitized(name)
    refused = names.refusal(own)
    if refused:
        raise ConfigError(f"{path}: {refused}", remedy="give the column another name: Annotated[…, Column(name=…)]")
    kind, mode, fields = _shape(found, path, above, mark.type)
    column = _limited(Column(own, kind, mode, fields, description, field=None if own == name else name), found)
    return marked(column, mark, found, path)


def _limited(column: Column, found: Annotation) -> Column:
    """With what the model holds values to, so that they fit into the type of a table that is there."""
    held = found if found.element is None else unwrapped(found.element)
    if column.type in {"STRING", "BYTES"} and held.kind in {str, bytes}:
        return replace(column, max_length=constraint(held.metadata, "max_length"))
    digits, places = (constraint(held.metadata, name) for name in ("max_digits", "decimal_places"))
    if column.type in {"NUMERIC", "BIGNUMERIC"} and digits is not None and places is not None:
        return replace(column, precision=max(digits, places), scale=places)
    return column


def _shape(
    found: Annotation, path: str, above: tuple[type[BaseModel], ...], asked: str | None = None
) -> tuple[str, str, tuple[Column, ...]]:
    """Type, mode and nested columns. ``asked``: the type that the author wants; JSON and STRUCT decide here."""
    mode = "NULLABLE" if found.optional else "REQUIRED"
    if asked == "STRUCT" and (alternatives := unions.members(found)):
        return "STRUCT", mode, unions.merged(alternatives, path, lambda one: _columns(one, path, above))
    if asked == "STRUCT" and found.element is not None and unions.members(unwrapped(found.element)):
        return "STRUCT", "REPEATED", _shape(unwrapped(found.element), path, above, asked)[2]
    if found.is_json or asked == "JSON":
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


def _alias(field: FieldInfo) -> str | None:
    """What the message calls the field; of several names the first."""
    alias: Any = field.validation_alias if field.validation_alias is not None else field.alias
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    return alias if alias is None or isinstance(alias, str) else ".".join(str(step) for step in alias.path)
