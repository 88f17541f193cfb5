"""The two sides of a message, key and value, as far as a schema says how they are encoded."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.encoded import STRUCTURED, Sides
from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.changes import row_schema
from airflow_kafka_bq.formats.structured.columns import columns_of
from airflow_kafka_bq.formats.structured.json_schema import json_schema
from airflow_kafka_bq.formats.structured.protobuf import protobuf_schema
from airflow_kafka_bq.formats.structured.protobuf_files import class_of_file, descriptor_text, message_class
from airflow_kafka_bq.formats.structured.rows import json_text
from airflow_kafka_bq.formats.structured.shapes import Schema, as_struct
from airflow_kafka_bq.formats.structured.writers import OneWriter, Place, RegisteredWriters, Writer, Writers
from airflow_kafka_bq.ports import RegisteredSchema, Registry
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.imports import imported


@dataclass(frozen=True, slots=True)
class Side:
    """How the bytes of one side are decoded. ``reader`` is the schema that the columns come from, if one does.

    ``identity`` stands for all that decides about the outcome, besides the messages and what they name.
    """

    writers: Writers
    reader: Schema | None = None
    identity: str = ""

    @property
    def columns(self) -> tuple[Column, ...] | None:
        """Columns of the reader's schema. :raises ConfigError: it cannot give any."""
        return None if self.reader is None else columns_of(as_struct(self.reader.slot)[0])

    def text(self) -> Callable[[bytes], str]:
        """A function from the bytes to JSON text. It raises Rejected."""
        made: dict[Writer, Callable[[bytes], str]] = {}

        def text(message: bytes) -> str:
            writer, data = self.writers.of(message)
            found = made.get(writer)
            if found is None:
                found = made[writer] = writer.schema.text or _written(writer.schema)
            try:
                return found(data)
            except Rejected as why:
                why.schema_id = writer.schema_id
                raise

        return text


def _written(schema: Schema) -> Callable[[bytes], str]:
    write, decode = json_text(schema), schema.decode
    return lambda data: write(decode(data))


def sides(config: JobConfig, registry: Registry | None, search_path: Sequence[Path] = ()) -> Sides:
    """Both sides of a job's messages. Asks the registry where the columns come from it.

    :param search_path: folders where ``key_schema`` and ``value_schema`` are looked for, before the current one.
    :raises ConfigError: a schema is wrong, or its format's package is missing.
    :raises IngestError: the registry does not give the schema.
    """
    key = _side(config.key_format, config.key_schema, "key_schema", registry, search_path)
    value = _side(
        config.value_format,
        config.value_schema,
        "value_schema",
        registry,
        search_path,
        as_columns=config.schema_from == "schema",
    )
    if value is not None and config.schema_from == "registry" and registry is not None:
        latest = registry.latest(config.schema_subject.replace("{topic}", config.topic))
        kind = _KINDS[config.value_format]
        if latest.kind != kind:
            message = f"subject {config.schema_subject!r} is {latest.kind}, and value_format={config.value_format!r}"
            raise ConfigError(message, remedy="mend value_format or schema_subject")
        reader = _registered(config.value_format)(latest, (0,) if config.value_format == "protobuf" else ())
        value = Side(value.writers, reader, json.dumps([latest.text, latest.references]))
    if value is not None and value.reader is not None and config.envelope == "debezium":
        value = replace(value, reader=row_schema(value.reader))
    return Sides(key, value, registry)


_KINDS = {"avro": "AVRO", "protobuf": "PROTOBUF", "json_schema": "JSON"}


def _registered(form: str) -> Callable[[RegisteredSchema, Place], Schema]:
    return {"avro": _avro, "protobuf": _protobuf, "json_schema": _json_schema}[form]


def _json_schema(registered: RegisteredSchema, _: Place) -> Schema:
    return json_schema(registered.text, registered.references)


def _protobuf(registered: RegisteredSchema, place: Place) -> Schema:
    return protobuf_schema(message_class(registered.text, registered.references, place))


def _avro(registered: RegisteredSchema, _: Place) -> Schema:
    return avro_schema(registered.text, [text for _, text in registered.references])


def _side(
    form: str, schema: str | None, parameter: str, registry: Registry | None, search_path: Sequence[Path],
    *, as_columns: bool = False,
) -> Side | None:  # fmt: skip
    if form not in STRUCTURED:
        return None
    if schema is None:
        if registry is None:
            raise ConfigError(f"{form} messages name their schemas by id, and no schema registry is known")
        return Side(RegisteredWriters(registry, _KINDS[form], _registered(form), placed=form == "protobuf"))
    found, identity = _UNREGISTERED[form](schema, parameter, search_path)
    return Side(OneWriter(Writer(found)), found if as_columns else None, identity)


def _avro_file(name: str, parameter: str, search_path: Sequence[Path]) -> tuple[Schema, str]:
    text = _file(name, parameter, search_path).read_text(encoding="utf-8")
    return avro_schema(text), text


def _json_file(name: str, parameter: str, search_path: Sequence[Path]) -> tuple[Schema, str]:
    text = _file(name, parameter, search_path).read_text(encoding="utf-8")
    return json_schema(text), text


def _named_class(name: str, parameter: str, search_path: Sequence[Path]) -> tuple[Schema, str]:
    """A generated class as ``package.module:Name``, or a file as ``order.proto`` or ``order.proto:Order``."""
    head, _, message = name.partition(":")
    if head.endswith(".proto"):
        kind = class_of_file(_file(head, parameter, search_path), message)
    else:
        kind = imported(name, search_path, parameter)
    if not hasattr(kind, "DESCRIPTOR") or not hasattr(kind, "FromString"):
        raise ConfigError(f"{parameter}={name!r} is no Protobuf message class", remedy="name a class of a *_pb2 module")
    return protobuf_schema(kind), descriptor_text(kind)


_UNREGISTERED = {"avro": _avro_file, "protobuf": _named_class, "json_schema": _json_file}


def _file(name: str, parameter: str, search_path: Sequence[Path]) -> Path:
    places = [folder / name for folder in (*search_path, Path.cwd())]
    for path in places:
        if path.is_file():
            return path
    looked = ", ".join(str(path.parent) for path in places)
    raise ConfigError(f"{parameter}: no file {name}", remedy=f"looked in {looked}")
