"""The parameter table as one frozen model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)
from pydantic import model_validator as whole

from airflow_kafka_bq.config import messages, names, rules, undecided, values
from airflow_kafka_bq.config.frozen import FrozenMapping
from airflow_kafka_bq.config.options import Encryption, Labels, TableOptions
from airflow_kafka_bq.config.scalars import (
    Flag,
    Hours,
    Partition,
    Positive,
    Ratio,
    Seconds,
    Size,
    String,
    Text,
    Whole,
    names_list,
)
from airflow_kafka_bq.config.values import Offsets, Partitioning, TableId, Window
from airflow_kafka_bq.exceptions import ConfigError

Format = Literal["json", "avro", "protobuf", "json_schema", "string", "bytes"]
Column = Annotated[String, BeforeValidator(names.column_name)]
Columns = Annotated[tuple[Column, ...], BeforeValidator(names_list)]
Key = Annotated[Columns, Field(min_length=1)]
Function = Annotated[Callable[..., Any] | str, BeforeValidator(values.function)]
Model = Annotated[Any, BeforeValidator(values.model)]

_STANDING_IN = {"topic": "unknown", "table": "unknown.unknown"}  # no rule between parameters reads these two
DEFAULT_GROUP_ID = "kafka-bq.{topic}.{project}.{dataset}.{table}"


def _table(value: str) -> str:
    names.table_parts(value)
    return value


def _dataset(value: str) -> str:
    names.dataset_parts(value, "")
    return value


Dataset = Annotated[String, AfterValidator(_dataset)]


class JobConfig(BaseModel):
    """One topic, one table: every parameter of a job, validated.

    Build it with :meth:`of`, which turns what pydantic finds into ``ConfigError``.
    Sizes are bytes and may be written as ``64MiB``. Frozen through and through, hashable, and without any secret:
    logins belong to connections and to the clients' sections of a job file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())

    topic: Annotated[String, AfterValidator(names.topic_name)]
    table: Annotated[String, AfterValidator(_table)]
    kafka_conn_id: Text = "kafka_default"
    gcp_conn_id: Text = "google_cloud_default"
    project_id: Annotated[String, AfterValidator(names.project_name)] | None = None
    location: Annotated[String, AfterValidator(names.location_name)] | None = None
    impersonation_chain: Annotated[str | tuple[str, ...], BeforeValidator(values.chain)] | None = None
    group_id: Annotated[String, AfterValidator(names.group_template)] = DEFAULT_GROUP_ID
    model: Model | None = None
    schema_from: Literal["model", "table", "registry", "payload"] | None = None
    value_format: Format = "json"
    key_format: Format = "string"
    unknown_fields: Literal["ignore", "dead_letter", "json_column"] = "ignore"
    dedup_key: Key | None = None
    on_duplicate: Literal["keep", "update"] = "keep"
    version: Key | None = None
    on_tombstone: Literal["insert", "ignore", "dead_letter", "soft_delete", "delete"] | None = None
    tombstone_key: Annotated[dict[Column, Text], AfterValidator(FrozenMapping)] | None = None
    on_bad_message: Literal["dead_letter", "fail"] = "dead_letter"
    max_bad_ratio: Ratio | None = 0.01
    max_bad_messages: Whole | None = None
    partition_by: Annotated[Partitioning | Literal["none"], BeforeValidator(values.partitioning)] | None = None
    cluster_by: Annotated[Columns, Field(max_length=4)] | None = None
    partition_immutable: Flag = False
    schema_update: Literal["none", "add", "add_relax"] = "add"
    kafka_columns: Literal["all", "none"] = "all"
    transform: Function | None = None
    filter: Function | None = None
    batch_messages: Positive = 500_000
    batch_bytes: Size = ByteSize(64 * 1024 * 1024)
    batch_seconds: Seconds | None = None
    max_messages: Positive | None = None
    max_bytes: Size | None = None
    max_seconds: Seconds | None = None
    merge_per: Literal["batch", "run"] = "batch"
    window: Annotated[Window, BeforeValidator(values.window)] | None = None
    partitions: Annotated[tuple[Partition, ...], BeforeValidator(values.partition_list), Field(min_length=1)] | None = (
        None
    )
    start: Annotated[Any, BeforeValidator(values.start)] = "auto"
    on_gap: Literal["fail", "record"] = "fail"
    assignment: Literal["assign", "subscribe"] = "assign"
    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed"
    fence: Literal["ledger", "none"] = "ledger"
    max_bytes_billed: Size | None = ByteSize(10 * 1024**3)
    dedup_window: Any = None
    stall_timeout_seconds: Seconds = 30.0
    staging_dataset: Dataset | None = None
    companion_dataset: Dataset | None = None
    staging_expiration_hours: Hours = 72.0
    dead_letter_topic: String | None = None
    labels: Labels = Field(default_factory=FrozenMapping)
    encryption_configuration: Encryption | None = None
    deferrable: Flag = False
    table_options: TableOptions = Field(default_factory=FrozenMapping)

    @classmethod
    def of(cls, **parameters: Any) -> Self:
        """Validate parameters.

        :raises ConfigError: names the parameter, its value and what it takes.
        """
        return cls._validated(parameters)

    @classmethod
    def check_known(cls, parameters: Mapping[str, Any], unknown: Collection[str]) -> None:
        """Validate what is known of a job, such as the parameters of a task that are no templates.

        :param unknown: parameters whose values will be known later; rules that need one of them are left to then.
        :raises ConfigError: as :meth:`of`.
        """
        cls._validated({**_STANDING_IN, **parameters}, frozenset(unknown))

    @classmethod
    def _validated(cls, parameters: Mapping[str, Any], unknown: frozenset[str] = frozenset()) -> Self:
        topic = parameters.get("topic") if isinstance(parameters.get("topic"), str) else None
        if strange := set(parameters) - set(cls.model_fields):
            raise ConfigError(messages.unknown(strange, cls.model_fields), topic=topic)
        try:
            return cls.model_validate(dict(parameters), context=unknown)
        except ValidationError as error:
            raise ConfigError(messages.readable(error), topic=topic, remedy=messages.remedy(error)) from error

    @whole(mode="after")
    def _rules(self, info: ValidationInfo) -> Self:
        if info.context:
            undecided.decided(rules.ALL, undecided.Known(self, info.context))
        else:
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
        project, dataset, table = names.table_parts(self.table)
        found = project or self.project_id or default_project
        if not found:
            message = f"table {self.table!r} names no project, and neither the job nor the credentials give one"
            raise ConfigError(message, remedy="write project.dataset.table, or set project_id")
        return TableId(found, dataset, table)

    def group(self, table: TableId) -> str:
        """The consumer group with its placeholders filled.

        :raises ConfigError: it became longer than Kafka takes.
        """
        parts = {"project": table.project, "dataset": table.dataset, "table": table.table}
        try:
            return names.filled(self.group_id, topic=self.topic, **parts)
        except ValueError as error:
            raise ConfigError(f"group_id: {error}", topic=self.topic) from error

    def start_offsets(self) -> Offsets | None:
        """``start`` where it is a mapping of partition to offset."""
        return self.start if isinstance(self.start, dict) else None
