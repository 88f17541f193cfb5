"""The parameter table as one frozen model."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, ValidationError, field_validator
from pydantic import model_validator as whole

from airflow_kafka_bq.config import rules, values
from airflow_kafka_bq.config.values import Offsets, Partitioning, TableId, Window
from airflow_kafka_bq.exceptions import ConfigError

Format = Literal["json", "avro", "protobuf", "json_schema", "string", "bytes"]
Names = Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(lambda v: [v] if isinstance(v, str) else v)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Size = Annotated[ByteSize, Field(ge=1)]

DEFAULT_GROUP_ID = "kafka-bq.{topic}.{project}.{dataset}.{table}"


class JobConfig(BaseModel):
    """One topic, one table: every parameter of a job, validated.

    Build it with :meth:`of`, which turns what pydantic finds into ``ConfigError``.
    Sizes are bytes and may be written as ``64MiB``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())

    topic: Annotated[str, BeforeValidator(lambda v: values.topic_name(v) if isinstance(v, str) else v)]
    table: str
    kafka_conn_id: str = "kafka_default"
    gcp_conn_id: str = "google_cloud_default"
    project_id: str | None = None
    location: str | None = None
    impersonation_chain: str | tuple[str, ...] | None = None
    group_id: str = DEFAULT_GROUP_ID
    model: Any = None
    schema_from: Literal["model", "table", "registry", "payload"] | None = None
    value_format: Format = "json"
    key_format: Format = "string"
    unknown_fields: Literal["ignore", "dead_letter", "json_column"] = "ignore"
    dedup_key: Names | None = None
    on_duplicate: Literal["keep", "update"] = "keep"
    version: Names | None = None
    on_tombstone: Literal["insert", "ignore", "dead_letter", "soft_delete", "delete"] | None = None
    tombstone_key: dict[str, str] | None = None
    on_bad_message: Literal["dead_letter", "fail"] = "dead_letter"
    max_bad_ratio: Annotated[float, Field(ge=0, le=1)] | None = 0.01
    max_bad_messages: Annotated[int, Field(ge=0)] | None = None
    partition_by: Annotated[Partitioning | Literal["none"], BeforeValidator(values.partitioning)] | None = None
    cluster_by: Annotated[tuple[str, ...], Field(max_length=4)] | None = None
    partition_immutable: bool = False
    schema_update: Literal["none", "add", "add_relax"] = "add"
    kafka_columns: Literal["all", "none"] = "all"
    transform: Callable[..., Any] | str | None = None
    filter: Callable[..., Any] | str | None = None
    batch_messages: Positive = 500_000
    batch_bytes: Size = ByteSize(64 * 1024 * 1024)
    batch_seconds: Seconds | None = None
    max_messages: Positive | None = None
    max_bytes: Size | None = None
    max_seconds: Seconds | None = None
    merge_per: Literal["batch", "run"] = "batch"
    window: Annotated[Window, BeforeValidator(values.window)] | None = None
    partitions: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] | None = None
    start: Annotated[Any, BeforeValidator(values.start)] = "auto"
    on_gap: Literal["fail", "record"] = "fail"
    assignment: Literal["assign", "subscribe"] = "assign"
    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed"
    fence: Literal["ledger", "none"] = "ledger"
    max_bytes_billed: Size | None = ByteSize(10 * 1024**3)
    dedup_window: Any = None
    stall_timeout_seconds: Seconds = 30.0
    staging_dataset: str | None = None
    companion_dataset: str | None = None
    staging_expiration_hours: Annotated[float, Field(gt=0)] = 72.0
    dead_letter_topic: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    encryption_configuration: dict[str, str] | None = None
    deferrable: bool = False
    table_options: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of(cls, **parameters: Any) -> Self:
        """Validate parameters.

        :raises ConfigError: names the parameter, its value and what it takes.
        """
        unknown = set(parameters) - set(cls.model_fields)
        if unknown:
            raise ConfigError(*rules.unknown(sorted(unknown), list(cls.model_fields)))
        try:
            return cls(**parameters)
        except ValidationError as error:
            raise ConfigError(rules.readable(error)) from error

    @field_validator("table")
    @classmethod
    def _table(cls, value: str) -> str:
        values.table_parts(value)
        return value

    @field_validator("group_id")
    @classmethod
    def _group(cls, value: str) -> str:
        left = re.sub(r"\{(topic|project|dataset|table)\}", "", value)
        if not value or "{" in left or "}" in left:
            msg = f"{value!r}: the placeholders are {{topic}}, {{project}}, {{dataset}}, {{table}}"
            raise ValueError(msg)
        return value

    @field_validator("staging_dataset", "companion_dataset")
    @classmethod
    def _dataset(cls, value: str | None) -> str | None:
        if value is not None:
            values.dataset_parts(value, "project")
        return value

    @whole(mode="after")
    def _rules(self) -> Self:
        rules.check(self)
        return self

    @property
    def columns_from(self) -> str:
        """Where the columns come from, the default resolved."""
        return self.schema_from or ("model" if self.model is not None else "payload")

    @property
    def tombstones(self) -> str:
        """What happens to null values, the default resolved."""
        if self.on_tombstone:
            return self.on_tombstone
        if self.columns_from == "payload":
            return "insert"
        return "soft_delete" if self.on_duplicate == "update" else "ignore"

    @property
    def by_coordinates(self) -> bool:
        """Whether a row's identity is its Kafka coordinates."""
        return self.dedup_key is None

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The dedup key, the default resolved."""
        return self.dedup_key or rules.COORDINATES

    @property
    def clean_labels(self) -> dict[str, str]:
        """Labels of jobs and created tables."""
        return dict(self.labels)

    def table_id(self, default_project: str | None) -> TableId:
        """Full name of the target.

        :raises ConfigError: no project is known.
        """
        project, dataset, table = values.table_parts(self.table)
        found = project or self.project_id or default_project
        if not found:
            message = f"table {self.table!r} names no project, and neither the job nor the credentials give one"
            raise ConfigError(message, remedy="write project.dataset.table, or set project_id")
        return TableId(found, dataset, table)

    def group(self, table: TableId) -> str:
        """The consumer group with its placeholders filled."""
        names = {"topic": self.topic, "project": table.project, "dataset": table.dataset, "table": table.table}
        return re.sub(r"\{(\w+)\}", lambda match: names[match[1]], self.group_id)

    def start_offsets(self) -> Offsets | None:
        """``start`` where it is a mapping of partition to offset."""
        return self.start if isinstance(self.start, dict) else None
