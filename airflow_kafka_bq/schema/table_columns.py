"""The columns of a table that is there, and a model that reads messages into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, NaiveDatetime, create_model

from airflow_kafka_bq.exceptions import SchemaDriftError
from airflow_kafka_bq.schema import names
from airflow_kafka_bq.schema.columns import SCALARS, Column
from airflow_kafka_bq.schema.target import TableFacts


def _no_nanoseconds(kind: Any) -> Any:
    """Pydantic would cut them off."""
    return Annotated[
        kind, GetPydanticSchema(lambda source, handler: {**handler(source), "microseconds_precision": "error"})
    ]


_KINDS: dict[str, Any] = {
    "INT64": int,
    "FLOAT64": float,
    "BIGNUMERIC": Decimal,
    "NUMERIC": Decimal,
    "BOOL": bool,
    "STRING": str,
    "BYTES": bytes,
    "DATE": date,
    "TIME": _no_nanoseconds(time),
    "DATETIME": _no_nanoseconds(NaiveDatetime),
    "TIMESTAMP": _no_nanoseconds(datetime),
    "JSON": Any,
}
_NUMERIC_DIGITS = (38, 9)


def table_columns(facts: TableFacts, table: object) -> tuple[Column, ...]:
    """The columns of a table that messages fill: all but ours, and those that no message can fill.

    A column of GEOGRAPHY, INTERVAL or RANGE, or with a name that a staging table cannot have, is left out. A table
    that requires one is refused when it is compared with the target.

    :param table: its name, for the message.
    :raises SchemaDriftError: nothing is left.
    """
    found = tuple(_numbered(column, at) for at, column in enumerate(facts.columns) if _fillable(column))
    if not found:
        message = f"table {table} has no column that a message could fill, and schema_from='table' takes its columns"
        raise SchemaDriftError(message, remedy="leave schema_from out: the payload is kept whole")
    return found


def _fillable(column: Column) -> bool:
    if names.refusal(column.name):
        return False
    return all(map(_fillable, column.fields)) if column.type == "STRUCT" else column.type in SCALARS


def _numbered(column: Column, at: int) -> Column:
    """Not every name of a column can be that of a model's field."""
    return replace(column, field=f"f{at}", fields=tuple(_numbered(one, at) for at, one in enumerate(column.fields)))


def table_model(columns: Sequence[Column]) -> type[BaseModel]:
    """A model whose fields are the columns: what it takes becomes a row that they hold exactly.

    Bytes are base64, as in the JSON that BigQuery loads and writes.
    """
    return _model("Table", columns)


def _model(name: str, columns: Sequence[Column]) -> type[BaseModel]:
    fields: dict[str, Any] = {column.attribute: _field(name, column) for column in columns}
    in_bytes = any(column.type == "BYTES" for column in columns)  # such a model is not read in bulk
    config = ConfigDict(val_json_bytes="base64") if in_bytes else ConfigDict()
    return create_model(name, __config__=config, **fields)


def _field(above: str, column: Column) -> tuple[Any, Any]:
    kind: Any = _kind(above, column)
    if column.mode == "REPEATED":
        return list[kind] | None, Field(None, validation_alias=column.name)  # an ARRAY is never NULL, but empty
    if column.mode == "REQUIRED":
        return kind, Field(validation_alias=column.name)
    return kind | None, Field(None, validation_alias=column.name)


def _kind(above: str, column: Column) -> Any:
    if column.type == "STRUCT":
        return _model(f"{above}_{column.attribute}", column.fields)
    kind = _KINDS[column.type]
    if column.type == "NUMERIC" or column.precision is not None:
        digits, places = _NUMERIC_DIGITS if column.precision is None else (column.precision, column.scale)
        return Annotated[kind, Field(max_digits=digits, decimal_places=places)]
    return kind if column.max_length is None else Annotated[kind, Field(max_length=column.max_length)]
