"""Dedup key of a message that has no value: its Kafka key is all there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ValidationError
from pydantic_core import SchemaValidator, core_schema, from_json, to_json

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.json_text import exact_text
from airflow_kafka_bq.formats.parser import Bad, Rejected
from airflow_kafka_bq.formats.payload import utf8_text
from airflow_kafka_bq.formats.wire_values import writer
from airflow_kafka_bq.schema.columns import Column

Reader = Callable[[bytes], Mapping[str, Any]]
_MODEL_WRAPPERS = {"definitions", "function-before", "function-after", "function-wrap", "model"}


@dataclass(frozen=True, slots=True)
class TombstoneKeys:
    """Fills the dedup columns of tombstones. ``schema`` is that of the message's columns."""

    schema: pa.Schema
    read: Reader

    def rows(self, keys: pa.Array[Any]) -> tuple[pa.Table, list[int], tuple[Bad, ...]]:
        """Rows with nothing but their key, the indices of their messages, and the undecidable ones."""
        found: list[Mapping[str, Any]] = []
        good: list[int] = []
        bad: list[Bad] = []
        for index, key in enumerate(keys.to_pylist()):
            try:
                found.append(self.read(_present(key)))
                good.append(index)
            except Rejected as why:
                bad.append(Bad.of(index, Rejected("key", why.reason, f"key of a tombstone: {why.error}")))
        arrays = [pa.array([row.get(field.name) for row in found], field.type) for field in self.schema]
        return pa.table(arrays, schema=self.schema), good, tuple(bad)


def _present(key: bytes | None) -> bytes:
    if key is None:
        raise Rejected("key", "null_key", "there is none")
    return key


def key_reader(
    columns: Sequence[Column], key_format: str, fields: Mapping[str, str] | None, model: type[BaseModel] | None,
    text: Callable[[bytes], str] | None = None, *, wrapped: bool = False,
) -> Reader:  # fmt: skip
    """How a Kafka key becomes the dedup columns that the message would have filled.

    :param columns: those dedup columns; none where the dedup key is made of Kafka columns only.
    :param fields: dedup column to the field of the key that carries it; None: the whole key is the one column.
    :param text: gives the JSON text of a key, where a schema says how keys are encoded.
    :param wrapped: whether a key may be the ``payload`` beside its ``schema``, as Connect's converter writes JSON.
    """
    if not columns:
        return lambda _: {}
    if text is not None:
        read = key_reader(columns, "json", fields, model, wrapped=wrapped)
        return lambda key: read(text(key).encode())
    if fields is not None:
        return _from_fields({column: fields[column.name] for column in columns}, model, wrapped)
    (column,) = columns
    read = _whole(column, key_format, model)
    return lambda key: {column.name: read(key)}


def _whole(column: Column, key_format: str, model: type[BaseModel] | None) -> Callable[[bytes], Any]:
    write = writer(column)
    if column.type == "BYTES" and key_format == "bytes":
        return write
    validator = _validator(column, model)
    if key_format == "json":
        return _checked(column, lambda key: write(validator.validate_json(exact_text(key))))

    def from_text(key: bytes) -> Any:
        text: Any = utf8_text(key)
        return write(validator.validate_strings(text))

    return _checked(column, from_text)


def _from_fields(fields: Mapping[Column, str], model: type[BaseModel] | None, wrapped: bool) -> Reader:
    readers = {
        column: (name, _checked(column, _json_value(writer(column), _validator(column, model))))
        for column, name in fields.items()
    }

    def read(key: bytes) -> dict[str, Any]:
        message = from_json(exact_text(key))
        if wrapped and isinstance(message, dict) and message.keys() == {"schema", "payload"}:
            message = message["payload"]
        if not isinstance(message, dict):
            raise Rejected("key", "no_object", "is no JSON object")
        return {column.name: one(_field(message, name)) for column, (name, one) in readers.items()}

    return read


def _json_value(write: Callable[[Any], Any], validator: SchemaValidator) -> Callable[[bytes], Any]:
    return lambda text: write(validator.validate_json(text))


def _field(message: Mapping[str, Any], name: str) -> bytes:
    if name not in message:
        raise Rejected("key", "missing", f"has no field {name!r}")
    return to_json(message[name])


def _checked(column: Column, read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def checked(key: bytes) -> Any:
        try:
            return read(key)
        except ValidationError as error:
            raise Rejected("key", error.errors()[0]["type"], f"does not fit column {column.name!r}") from error

    return checked


_OF_TYPE: Mapping[str, core_schema.CoreSchema] = {
    "BOOL": core_schema.bool_schema(),
    "BYTES": core_schema.bytes_schema(),
    "DATE": core_schema.date_schema(),
    "DATETIME": core_schema.datetime_schema(microseconds_precision="error"),
    "INT64": core_schema.int_schema(),
    "STRING": core_schema.str_schema(),
    "TIME": core_schema.time_schema(microseconds_precision="error"),
    "TIMESTAMP": core_schema.datetime_schema(microseconds_precision="error"),
    **dict.fromkeys(("NUMERIC", "BIGNUMERIC"), core_schema.decimal_schema()),
}
"""Of the columns that a dedup key may have, where no model says more."""


def _validator(column: Column, model: type[BaseModel] | None) -> SchemaValidator:
    """The validator of one field, with what the model's author added to it."""
    if model is None:
        return SchemaValidator(_OF_TYPE[column.type])
    schema: Any = model.__pydantic_core_schema__
    definitions: list[Any] = []
    while schema["type"] in _MODEL_WRAPPERS:
        definitions.extend(schema.get("definitions", ()))
        schema = schema["schema"]
    if schema["type"] != "model-fields":
        raise ConfigError(f"model {model.__name__}: cannot read {column.name!r} from the key of a tombstone")
    if column.computed:
        message = f"model {model.__name__}: {column.name!r} is computed, and a tombstone has nothing to compute it from"
        raise ConfigError(message, remedy="name other columns in dedup_key, or set on_tombstone='ignore'")
    field = schema["fields"][column.attribute]["schema"]
    return SchemaValidator(core_schema.definitions_schema(field, definitions) if definitions else field)
