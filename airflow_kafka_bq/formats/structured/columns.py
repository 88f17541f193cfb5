"""Columns of a shape.

All are NULLABLE or REPEATED: schemas evolve, and a REQUIRED column could not lose its field, nor take older messages.
What BigQuery has no type for is kept whole: ARRAY elements that may be NULL or are arrays themselves are wrapped in a
STRUCT, what contains itself or has no fields is JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.structured.shapes import Anything, Field, List, Map, Scalar, Shape, Slot, Struct, Union
from airflow_kafka_bq.schema import names
from airflow_kafka_bq.schema.columns import Column

MAX_DEPTH = 15  # https://cloud.google.com/bigquery/quotas#all_tables : nested STRUCTs
ELEMENT = "value"
"""Field of the STRUCT around an element that an ARRAY cannot hold by itself."""
Above = tuple[Struct, ...]


def columns_of(struct: Struct) -> tuple[Column, ...]:
    """One column per field, in the order of the schema.

    :raises ConfigError: two fields are one column to BigQuery, a name is reserved, or there are no fields.
    """
    if not struct.fields:
        message = f"schema {struct.said} has no fields, and a table needs a column"
        raise ConfigError(message, remedy="leave schema_from out: the payload is kept whole")
    return _columns(struct.said, [(one.name, one.slot, one.description) for one in struct.fields], (struct,))


def wraps(element: Slot) -> bool:
    """Whether an ARRAY cannot hold these elements by themselves."""
    return element.nullable or isinstance(element.shape, List | Map)


def _columns(path: str, fields: Sequence[tuple[str, Slot, str | None]], above: Above) -> tuple[Column, ...]:
    found = tuple(_column(name, slot, f"{path}.{name}", above, said) for name, slot, said in fields)
    if clash := names.collision(column.name for column in found):
        remedy = "give the job a model, whose aliases tell them apart"
        raise ConfigError(f"{path}: {clash[0]!r} and {clash[1]!r} are one column to BigQuery", remedy=remedy)
    return found


def _column(name: str, slot: Slot, path: str, above: Above, description: str | None) -> Column:
    own = names.sanitized(name)
    if refused := names.refusal(own):
        raise ConfigError(f"schema field {path}: {refused}", remedy="give the job a model, and this name as an alias")
    kind, mode, fields = _typed(slot.shape, path, above)
    return Column(own, kind, mode, fields, description, None if own == name else name)


def _typed(shape: Shape, path: str, above: Above) -> tuple[str, str, tuple[Column, ...]]:
    """Type, mode and nested columns."""
    if isinstance(shape, Scalar):
        return shape.type, "NULLABLE", ()
    if isinstance(shape, Anything) or len(above) > MAX_DEPTH or _is_json(shape, above):
        return "JSON", "NULLABLE", ()
    if isinstance(shape, Struct):
        own = [(one.name, one.slot, one.description) for one in shape.fields]
        return "STRUCT", "NULLABLE", _columns(path, own, (*above, shape))
    if isinstance(shape, Union):
        branches = [(one.name, Slot(one.shape, nullable=True), None) for one in shape.branches]
        return "STRUCT", "NULLABLE", _columns(path, branches, (*above, Struct(path)))
    if isinstance(shape, Map):
        pair = [("key", Slot(shape.key), None), ("value", shape.value, None)]
        return "STRUCT", "REPEATED", _columns(path, pair, (*above, Struct(path)))
    if wraps(shape.element):
        return "STRUCT", "REPEATED", _columns(path, [(ELEMENT, shape.element, None)], (*above, Struct(path)))
    kind, _, fields = _typed(shape.element.shape, path, above)
    return kind, "REPEATED", fields


def _is_json(shape: Shape, above: Above) -> bool:
    return isinstance(shape, Struct) and (not shape.fields or shape in above)


def top_field(column: Column, struct: Struct) -> Field:
    """The field that a top-level column was made of."""
    return next(one for one in struct.fields if one.name == (column.source or column.name))
