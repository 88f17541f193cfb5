"""Columns that come from Kafka and from us, not from the message's fields."""

from __future__ import annotations

from airflow_kafka_bq.schema.columns import Column

INGESTED_AT = Column(
    "_ingested_at", "TIMESTAMP", description="When the row was written or replaced, by BigQuery's clock"
)
DELETED_AT = Column("_deleted_at", "TIMESTAMP", description="When a tombstone marked the row as deleted")
UNKNOWN_FIELDS = Column("_unknown_fields", "JSON", description="Fields of the message that no column takes")
NOT_STAGED = frozenset({INGESTED_AT.name, DELETED_AT.name})
"""Columns that SQL sets when the rows are applied."""

_HEADER_FIELDS = (Column("key", "STRING"), Column("value", "BYTES"))


def kafka_columns(key_format: str) -> tuple[Column, ...]:
    """Coordinates, key, headers and time of arrival.

    The coordinates are REQUIRED: together they are the default dedup key, and NULL equals nothing.
    """
    key_type = "BYTES" if key_format == "bytes" else "STRING"
    return (
        Column("_kafka_topic", "STRING", "REQUIRED", description="Kafka topic"),
        Column("_kafka_partition", "INT64", "REQUIRED", description="Partition of the topic"),
        Column("_kafka_offset", "INT64", "REQUIRED", description="Offset in the partition"),
        Column(
            "_kafka_timestamp",
            "TIMESTAMP",
            "REQUIRED",
            description="Timestamp of the message; 1970-01-01 where it has none or one outside 1960-2159",
        ),
        Column("_kafka_key", key_type, description="Key of the message"),
        Column("_kafka_headers", "STRUCT", "REPEATED", _HEADER_FIELDS, "Headers of the message, in order"),
        INGESTED_AT,
    )


def payload_column(value_format: str) -> Column:
    """The one column of a job without a model; NULL is a tombstone. What has a schema is JSON."""
    kind = {"string": "STRING", "bytes": "BYTES"}.get(value_format, "JSON")
    return Column("payload", kind, description="Value of the message")
