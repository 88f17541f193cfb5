"""Columns that the envelope of a message fills."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.envelopes import EnvelopeField, column_names
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema import names
from airflow_kafka_bq.schema.columns import Column


def envelope_column(field: EnvelopeField) -> Column:
    """NULLABLE: a tombstone has no envelope."""
    return Column(field.column, field.type, description=f"{field.path} of the envelope")


def envelope_columns(fields: Sequence[EnvelopeField], beside: Sequence[Column]) -> tuple[Column, ...]:
    """One for each field.

    :param beside: the message's own columns.
    :raises ConfigError: BigQuery takes one of them and one of the envelope's for the same.
    """
    found = tuple(map(envelope_column, fields))
    if clash := names.collision(column.name for column in (*beside, *found)):
        remedy = "leave that field out of envelope_fields, or rename the model's and give it the name as alias"
        raise ConfigError(f"the message has a column {clash[0]!r}, which is one of the envelope's", remedy=remedy)
    return found


def without_envelope(config: JobConfig, columns: Sequence[Column]) -> tuple[Column, ...]:
    """Columns of a table without those that the envelope of a job fills."""
    own = column_names(config)
    return tuple(column for column in columns if column.name.lower() not in own)
