"""Which sides of a message are encoded with a schema. What decodes them is in ``structured``, and is imported for them
alone: most jobs read JSON, and each run would pay for Avro and Protobuf.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.ports import Registry
from airflow_kafka_bq.schema.columns import Column

if TYPE_CHECKING:
    from airflow_kafka_bq.formats.structured.sides import Side

STRUCTURED = ("avro", "protobuf", "json_schema")
"""Formats that need a schema."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Key and value; None where no schema says how they are encoded."""

    key: Side | None = None
    value: Side | None = None
    registry: Registry | None = None

    @property
    def columns(self) -> tuple[Column, ...] | None:
        """Columns of the values' schema, where the job's columns come from it."""
        return None if self.value is None else self.value.columns

    @property
    def identity(self) -> list[str]:
        """What decides about the rows, besides the messages and the schemas that they name."""
        return [side.identity if side is not None else "" for side in (self.key, self.value)]


def needs_registry(config: JobConfig) -> bool:
    """Whether a side is encoded with registered schemas."""
    return config.schema_from == "registry" or any(
        form in STRUCTURED and schema is None
        for form, schema in ((config.key_format, config.key_schema), (config.value_format, config.value_schema))
    )


def needs_schema(config: JobConfig) -> bool:
    """Whether a side is encoded with a schema, whoever gives it."""
    return config.key_format in STRUCTURED or config.value_format in STRUCTURED
