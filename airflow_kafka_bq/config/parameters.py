"""The parameter table: name, type, default and meaning of everything that a job may say.

The text under a parameter is its description: ``docs/parameters.md`` is made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ByteSize, ConfigDict, Field

from airflow_kafka_bq.config import names, values
from airflow_kafka_bq.config.frozen import FrozenMapping
from airflow_kafka_bq.config.options import Encryption, Labels, TableOptions
from airflow_kafka_bq.config.partitioning import Layout, partitioning
from airflow_kafka_bq.config.scalars import (
    Days,
    Flag,
    Hours,
    Partition,
    Positive,
    Ratio,
    Seconds,
    Size,
    Span,
    String,
    Text,
    Whole,
    names_list,
)
from airflow_kafka_bq.config.values import Window


def _table(value: str) -> str:
    names.table_parts(value)
    return value


def _dataset(value: str) -> str:
    names.dataset_parts(value, "")
    return value


Topic = Annotated[String, AfterValidator(names.topic_name)]
Table = Annotated[String, AfterValidator(_table)]
Project = Annotated[String, AfterValidator(names.project_name)]
Location = Annotated[String, AfterValidator(names.location_name)]
Dataset = Annotated[String, AfterValidator(_dataset)]
Group = Annotated[String, AfterValidator(names.group_template)]
Accounts = Annotated[str | tuple[str, ...], BeforeValidator(values.chain)]
Format = Literal["json", "avro", "protobuf", "json_schema", "string", "bytes"]
Column = Annotated[String, BeforeValidator(names.column_name)]
Columns = Annotated[tuple[Column, ...], BeforeValidator(names_list)]
Key = Annotated[Columns, Field(min_length=1)]
ClusterColumns = Annotated[Columns, Field(max_length=4)]
EnvelopeFields = Annotated[tuple[Text, ...], BeforeValidator(names_list)]
KeyFields = Annotated[dict[Column, Text], AfterValidator(FrozenMapping)]
Function = Annotated[Callable[..., Any] | str, BeforeValidator(values.function)]
Model = Annotated[Any, BeforeValidator(values.model)]
PartitionBy = Annotated[Layout | Literal["none"], BeforeValidator(partitioning)]
Between = Annotated[Window, BeforeValidator(values.window)]
PartitionNumbers = Annotated[tuple[Partition, ...], BeforeValidator(values.partition_list), Field(min_length=1)]
Start = Annotated[Any, BeforeValidator(values.start)]

DEFAULT_GROUP_ID = "kafka-bq.{topic}.{project}.{dataset}.{table}"


class Parameters(BaseModel):
    """Each parameter by itself; what holds between them is in ``rules``. Build a ``JobConfig``."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        protected_namespaces=(),
        defer_build=True,  # of this class alone: every DAG file pays for what is built
    )

    topic: Topic
    """The topic. One job reads one topic."""
    table: Table
    """The target, `dataset.table` or `project.dataset.table`. Created when it is not there; its dataset is not."""
    kafka_conn_id: Text = "kafka_default"
    """Airflow connection to Kafka. A job file has a section `kafka:` instead."""
    gcp_conn_id: Text = "google_cloud_default"
    """Airflow connection to Google Cloud. A job file has a section `bigquery:` instead."""
    schema_registry_conn_id: Text | None = None
    """Airflow connection to the Schema Registry. Left out: settings `schema.registry.*` of the Kafka connection. A job
    file has a section `schema_registry:` instead."""
    project_id: Project | None = None
    """Project of the target where `table` names none, and of the jobs where the connection names none."""
    location: Location | None = None
    """Location of the datasets. Left out: asked for."""
    impersonation_chain: Accounts | None = None
    """Service account to act as; of several, the last one, and each before it may act as the next."""
    group_id: Group = DEFAULT_GROUP_ID
    """Consumer group that positions are committed to; nobody joins it, but with `assignment` `subscribe`. It must serve
    this topic and table alone."""
    model: Model | None = None
    """Columns, types and validation of messages ([columns](schemas.md)). A text is imported when the job runs."""
    schema_from: Literal["model", "table", "registry", "schema", "payload"] | None = None
    """Where columns come from. Left out: `model` if there is one, else `payload`, one column with the whole value.
    `table` takes those of the table that is there, `registry` is the latest schema of `schema_subject`, `schema` is
    `value_schema`."""
    value_format: Format = "json"
    """How values are encoded ([formats](formats.md)). A model needs fields, so no `string` and no `bytes`."""
    key_format: Format = "string"
    """How keys are encoded: decides the type of `_kafka_key`, and what a tombstone can say."""
    value_schema: Text | None = None
    """Schema of the values where none is registered: a file with an Avro or JSON schema, `order.proto:Order`, or a
    Protobuf class as `package.module:Name`. Left out: messages begin with the id of a registered schema."""
    key_schema: Text | None = None
    """The same for the keys."""
    schema_subject: Text = "{topic}-value"
    """Subject of the registry whose latest schema gives the columns, for `schema_from: registry`."""
    envelope: Literal["debezium", "cloudevents"] | None = None
    """What the rows are wrapped in ([envelopes](envelopes.md)): change events of Debezium, or CloudEvents."""
    envelope_fields: EnvelopeFields | None = None
    """Fields of the envelope that become columns: `source.lsn` is `__source_lsn`, the attribute `id` is `ce_id`. Left
    out: `op`, `source.ts_ms`; or `id`, `source`, `type`, `subject`, `time`."""
    unknown_fields: Literal["ignore", "dead_letter", "json_column"] = "ignore"
    """Fields of a message that no column takes: left out and counted, or the message becomes a dead letter, or they are
    kept together in the column `_unknown_fields`."""
    dedup_key: Key | None = None
    """Columns that identify a row. Left out: the message's coordinates, one row per message."""
    on_duplicate: Literal["keep", "update"] = "keep"
    """A message whose key is there: the row stays, or a newer message replaces it. `update` needs a `dedup_key`."""
    version: Key | None = None
    """What newer means, for `update`: the greater value, the first column first. Ties and left out: Kafka's order."""
    on_tombstone: Literal["insert", "ignore", "dead_letter", "soft_delete", "delete"] | None = None
    """Messages without value. Left out: `insert` (NULL payload) without a model; with one `soft_delete` for `update`,
    else `ignore`. `soft_delete` sets `_deleted_at`, `delete` removes the row
    ([tombstones](deduplication.md#tombstones))."""
    delete_expiration_days: Days = 90.0
    """How long `on_tombstone` `delete` remembers what it removed. A window that reaches further back is refused."""
    tombstone_key: KeyFields | None = None
    """Which field of a JSON key is which dedup column. Left out: the whole key is the one dedup column; of Debezium's
    events, the field of the column's name."""
    on_bad_message: Literal["dead_letter", "fail"] = "dead_letter"
    """A message that cannot be used: kept in the dead-letter table, or the run fails before its batch is merged."""
    max_bad_ratio: Ratio | None = 0.01
    """Bad messages per message of a run, above which it fails before the MERGE. Counts from 1,000 messages on."""
    max_bad_messages: Whole | None = None
    """Bad messages of a run, above which it fails before the MERGE."""
    partition_by: PartitionBy | None = None
    """Partitions of a table that is created: `column:hour`, `day`, `month` or `year`; `_PARTITIONTIME:day`, the time of
    writing; `{column, start, end, interval}`, whole numbers; `none` ([tables](tables.md#partitions)). Left out: day of
    `_kafka_timestamp`. An existing table stays as it is."""
    cluster_by: ClusterColumns | None = None
    """Clustering of a table that is created. Left out: `_kafka_partition`, `_kafka_offset`, or the first four columns
    of the dedup key that can be clustered."""
    partition_immutable: Flag = False
    """A promise: rows of one key never differ in the partition column. The MERGE then reads few partitions
    ([cost](cost.md))."""
    schema_update: Literal["none", "add", "add_relax", "add_relax_widen"] = "add"
    """What a run may change in an existing table: nothing; add columns; also make REQUIRED columns NULLABLE; also give
    columns a wider type where none of their values changes ([evolution](evolution.md))."""
    kafka_columns: Literal["all", "none"] = "all"
    """`none` for a table that others own: no `_kafka_*` columns. It needs a `dedup_key` and refuses `update`."""
    transform: Function | None = None
    """Called with each batch's rows as a `pyarrow.Table`; returns the rows to write, as many and in the same order. Or,
    marked `@per_record`, with one record; returns it changed, or None to leave it out. A message that it fails for
    becomes a dead letter ([functions](schemas.md#functions-of-your-own))."""
    filter: Function | None = None
    """Called before `transform`; returns one boolean per row. What it drops is counted as `ignored`. A message
    that it fails for becomes a dead letter."""
    batch_messages: Positive = 500_000
    """Messages of a batch, at most."""
    batch_bytes: Size = ByteSize(values.USUAL_BATCH_BYTES)
    """Bytes of keys, values and headers that close a batch."""
    batch_seconds: Seconds | None = None
    """Time that closes a batch which has messages."""
    max_messages: Positive | None = None
    """Messages of a run, at most. The run then ends with `outcome` `limit`."""
    max_bytes: Size | None = None
    """Bytes that end a run, at the end of a batch."""
    max_seconds: Seconds | None = None
    """Time that ends a run, at the end of a batch."""
    merge_per: Literal["batch", "run"] = "batch"
    """One MERGE for each batch, or one for all batches of a run (for each hundred of them)."""
    window: Between | None = None
    """Read this window again, beside the live position, which stays. Half-open; times or offsets at both ends."""
    partitions: PartitionNumbers | None = None
    """Only these partitions, with a `window`."""
    start: Start = "auto"
    """Where to begin while neither ledger nor group has a position. `auto` is `earliest`, but refuses a table that has
    rows while the key is the coordinates."""
    on_gap: Literal["fail", "record"] = "fail"
    """Unread messages that Kafka no longer has: the run fails, or writes a dead letter of stage `lost` and goes on."""
    assignment: Literal["assign", "subscribe"] = "assign"
    """Partitions are assigned by the run; the group is not joined. `subscribe` joins it, for several workers or where
    members are demanded ([subscribe](subscribe.md)); it needs the ledger, and a `window` reads without it."""
    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed"
    """Whether messages of open and aborted Kafka transactions are read."""
    fence: Literal["ledger", "none"] = "ledger"
    """`none`: no ledger table. Positions are in Kafka alone, and one writer at a time is up to you; no windows."""
    max_bytes_billed: Size | None = ByteSize(10 * 1024**3)
    """Bytes that the MERGE of a batch may read, found out before it runs. Left empty: no limit."""
    dedup_window: Span | None = None
    """Look for duplicates only this far around the partitions of a batch: cheaper, and a key that was written further
    away gets a second row ([cost](cost.md#look-for-duplicates-nearby))."""
    stall_timeout_seconds: Seconds = 30.0
    """With messages outstanding: the longest time in which nothing moves."""
    staging_dataset: Dataset | None = None
    """Where staging tables are made. Left out: the target's dataset."""
    companion_dataset: Dataset | None = None
    """Where ledger, history and dead letters are. Left out: the target's dataset."""
    staging_expiration_hours: Hours = 72.0
    """When BigQuery removes staging tables that a run left behind."""
    dead_letter_topic: Topic | None = None
    """A topic that gets a copy of each dead letter, behind the MERGE and at least once
    ([copies](dead-letters.md#copies-in-a-topic))."""
    labels: Labels = Field(default_factory=FrozenMapping)
    """Labels of jobs and of the table that is created."""
    encryption_configuration: Encryption | None = None
    """`{kms_key_name: projects/…}`: the key of all tables that are created, staging tables too."""
    deferrable: Flag = False
    """Wait for BigQuery in the triggerer."""
    table_options: TableOptions = Field(default_factory=FrozenMapping)
    """Options of the table that is created: `expiration_hours`, `partition_expiration_days`,
    `require_partition_filter`, `description`, `labels`."""
