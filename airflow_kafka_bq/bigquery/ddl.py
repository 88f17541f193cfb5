"""Tables that a job creates: target, ledger, history, dead letters. All idempotent, all outside the transaction."""

from __future__ import annotations

from typing import Any

from airflow_kafka_bq.bigquery.conversion import quoted
from airflow_kafka_bq.bigquery.literals import POSITIONS, RANGES, text
from airflow_kafka_bq.config.partitioning import INGESTION_TIME, IntegerRange, Layout
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target

SENTINEL = "*"
DESCRIPTION_CHARACTERS = 1024  # that BigQuery takes for a column
_HEADERS = "ARRAY<STRUCT<key STRING, value BYTES>>"


def type_of(column: Column) -> str:
    """The column's type as DDL writes it."""
    inner = column.type
    if column.type == "STRUCT":
        inner = f"STRUCT<{', '.join(definition(field) for field in column.fields)}>"
    return f"ARRAY<{inner}>" if column.mode == "REPEATED" else inner


def definition(column: Column, *, nullable: bool = False) -> str:
    """``name TYPE [NOT NULL] [OPTIONS(description=…)]``; an added column can only be nullable."""
    required = " NOT NULL" if column.mode == "REQUIRED" and not nullable else ""
    described = (
        f" OPTIONS(description={text(column.description[:DESCRIPTION_CHARACTERS])})" if column.description else ""
    )
    return f"{quoted(column.name)} {type_of(column)}{required}{described}"


def _partition(target: Target, partitioning: Layout) -> str:
    column = quoted(partitioning.column)
    if isinstance(partitioning, IntegerRange):
        return (
            f"RANGE_BUCKET({column}, GENERATE_ARRAY({partitioning.start}, {partitioning.end}, {partitioning.interval}))"
        )
    if partitioning.by_ingestion:
        grain = partitioning.granularity.upper()
        return "_PARTITIONDATE" if grain == "DAY" else f"TIMESTAMP_TRUNC({INGESTION_TIME}, {grain})"
    found = target.column(partitioning.column)
    kind = found.type if found else "TIMESTAMP"
    grain = partitioning.granularity
    if kind == "DATE":
        return column if grain == "day" else f"DATE_TRUNC({column}, {grain.upper()})"
    if grain == "day":
        return f"DATE({column})" if kind == "TIMESTAMP" else f"DATETIME_TRUNC({column}, DAY)"
    return f"{kind}_TRUNC({column}, {grain.upper()})"


def _options(target: Target) -> str:
    options = dict(target.options)
    found = []
    if hours := number(options, "expiration_hours"):
        seconds = round(hours * 3600)
        found.append(f"expiration_timestamp=TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL {seconds} SECOND)")
    if days := number(options, "partition_expiration_days"):
        found.append(f"partition_expiration_days={days}")
    if options.get("require_partition_filter"):
        found.append("require_partition_filter=TRUE")
    if described := options.get("description"):
        found.append(f"description={text(str(described))}")
    if labels := target.table_labels:
        pairs = ", ".join(f"({text(key)}, {text(value)})" for key, value in sorted(labels.items()))
        found.append(f"labels=[{pairs}]")
    found += _key(target)
    return f"\nOPTIONS({', '.join(found)})" if found else ""


def number(options: dict[str, Any], name: str) -> float:
    """An option that is a number; 0 where it is not given. :raises ConfigError: it is none."""
    try:
        return float(options.get(name) or 0)
    except (TypeError, ValueError):
        raise ConfigError(f"table_options: {name} is a number, not {options[name]!r}") from None


def _key(target: Target) -> list[str]:
    return [f"kms_key_name={text(target.kms_key_name)}"] if target.kms_key_name else []


def _encrypted(target: Target) -> str:
    """Companions hold messages and their keys: they are encrypted as the target is."""
    return f"\nOPTIONS({', '.join(_key(target))})" if target.kms_key_name else ""


# CREATE TABLE IF NOT EXISTS `p.d.t` (
#   `order_id` STRING NOT NULL OPTIONS(description='…'), …
# )
# PARTITION BY DATE(`_kafka_timestamp`)
# CLUSTER BY `_kafka_partition`, `_kafka_offset`
# OPTIONS(labels=[('team', 'shop')])
def create_target(target: Target) -> str:
    """The target as it is created when it does not exist."""
    columns = ",\n  ".join(definition(column) for column in target.columns)
    partition = f"\nPARTITION BY {_partition(target, target.partitioning)}" if target.partitioning else ""
    cluster = f"\nCLUSTER BY {', '.join(map(quoted, target.cluster_by))}" if target.cluster_by else ""
    return f"CREATE TABLE IF NOT EXISTS {target.table.quoted} (\n  {columns}\n){partition}{cluster}{_options(target)}"


# ALTER TABLE `p.d.t` ADD COLUMN IF NOT EXISTS `a` STRING, ADD COLUMN IF NOT EXISTS `b` INT64
def add_columns(target: Target, names: tuple[str, ...]) -> str:
    """All new columns in one statement: every DDL statement spends the table's metadata budget (5 in 10 s)."""
    columns = [column for name in names if (column := target.column(name))]
    added = ", ".join(f"ADD COLUMN IF NOT EXISTS {definition(column, nullable=True)}" for column in columns)
    return f"ALTER TABLE {target.table.quoted} {added}"


def relax(target: Target, name: str) -> str:
    """``ALTER TABLE … ALTER COLUMN … DROP NOT NULL``; BigQuery takes one column at a time."""
    return f"ALTER TABLE {target.table.quoted} ALTER COLUMN IF EXISTS {quoted(name)} DROP NOT NULL"


def widen(target: Target, column: Column) -> str:
    """``ALTER TABLE … ALTER COLUMN … SET DATA TYPE``; one column at a time, as with every change of a column."""
    changed = f"ALTER COLUMN IF EXISTS {quoted(column.name)} SET DATA TYPE {type_of(column)}"
    return f"ALTER TABLE {target.table.quoted} {changed}"


# CREATE TABLE IF NOT EXISTS `p.d.t__ledger` AS SELECT '*' AS pipeline, …, 0 AS revision, …
def create_ledger(target: Target) -> str:
    """Table and sentinel row in one statement, so that no creator ever sees the table without the sentinel."""
    return (
        f"CREATE TABLE IF NOT EXISTS {target.ledger.quoted}{_encrypted(target)} AS\n"
        f"SELECT {text(SENTINEL)} AS pipeline, CAST(NULL AS STRING) AS topic, CAST(NULL AS STRING) AS topic_id, "
        "CAST(NULL AS STRING) AS cluster_id, CAST(NULL AS STRING) AS group_id, 0 AS revision, "
        "CAST(NULL AS STRING) AS batch_id, CAST(NULL AS STRING) AS job_id, "
        f"{POSITIONS}[] AS positions, CAST(NULL AS TIMESTAMP) AS target_created_at, "
        "CURRENT_TIMESTAMP() AS updated_at, CAST(NULL AS STRING) AS updated_by"
    )


def create_history(target: Target) -> str:
    """One row per applied batch, partitioned by the day it was applied."""
    return (
        f"CREATE TABLE IF NOT EXISTS {target.history.quoted} (\n"
        "  pipeline STRING, revision INT64, batch_id STRING, kind STRING,\n"
        f"  ranges {RANGES},\n"
        "  messages INT64, rows_staged INT64, dead_lettered INT64, ignored INT64,\n"
        "  load_job_ids ARRAY<STRING>, merge_job_id STRING,\n"
        "  dag_id STRING, task_id STRING, run_id STRING, try_number INT64,\n"
        "  started_at TIMESTAMP, applied_at TIMESTAMP\n"
        f")\nPARTITION BY DATE(applied_at)\nCLUSTER BY pipeline, batch_id{_encrypted(target)}"
    )


# CREATE TABLE IF NOT EXISTS `p.d.t__deletes` (`order_id` STRING, …, expires_at TIMESTAMP)
# PARTITION BY DATE(expires_at) CLUSTER BY `order_id` OPTIONS(partition_expiration_days=1)
def create_deletes(target: Target) -> str:
    """One row per key that a tombstone removed. BigQuery removes what has expired, a day later and without a job."""
    columns = [f"{quoted(one.name)} {type_of(one)}" for one in target.marker_columns]
    clustered = [quoted(one.name) for one in target.marker_columns if one.clusterable and one.name in target.key][:4]
    by = f"\nCLUSTER BY {', '.join(clustered)}" if clustered else ""
    options = ", ".join(["partition_expiration_days=1", *_key(target)])
    return (
        f"CREATE TABLE IF NOT EXISTS {target.deletes.quoted} ({', '.join(columns)}, expires_at TIMESTAMP)\n"
        f"PARTITION BY DATE(expires_at){by}\nOPTIONS({options})"
    )


def create_dead_letters(target: Target) -> str:
    """Messages that could not be used, whole; partitioned like the messages so that a replay finds them cheaply."""
    return (
        f"CREATE TABLE IF NOT EXISTS {target.dead_letters.quoted} (\n"
        "  _kafka_topic STRING, _kafka_partition INT64, _kafka_offset INT64, _kafka_timestamp TIMESTAMP,\n"
        f"  _kafka_key BYTES, _kafka_value BYTES, _kafka_headers {_HEADERS}, _kafka_end_offset INT64,\n"
        "  stage STRING, reason STRING, error STRING, schema_id INT64,\n"
        "  batch_id STRING, failed_at TIMESTAMP, redriven_at TIMESTAMP, copied_at TIMESTAMP\n"
        ")\nPARTITION BY DATE(_kafka_timestamp)\nCLUSTER BY _kafka_topic, _kafka_partition, _kafka_offset"
        f"{_encrypted(target)}"
    )
