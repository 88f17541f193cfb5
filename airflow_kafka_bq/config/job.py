"""A job: the parameters, what they mean together, and what follows from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Self

from pydantic import ConfigDict, ValidationError, ValidationInfo
from pydantic import model_validator as whole

from airflow_kafka_bq.config import messages, names, rules, undecided
from airflow_kafka_bq.config.envelopes import EnvelopeField, fields
from airflow_kafka_bq.config.parameters import Parameters
from airflow_kafka_bq.config.values import Offsets, TableId
from airflow_kafka_bq.exceptions import ConfigError

_STANDING_IN = {"topic": "unknown", "table": "unknown.unknown"}  # no rule between parameters reads these two


class JobConfig(Parameters):
    """One topic, one table: every parameter of a job, validated.

    Build it with :meth:`of`, which turns what pydantic finds into ``ConfigError``.
    Sizes are bytes and may be written as ``64MiB``. Frozen through and through, hashable, and without any secret:
    logins belong to connections and to the clients' sections of a job file.
    """

    model_config = ConfigDict(defer_build=False)

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
    def removes(self) -> bool:
        """Whether a tombstone takes its row away, by a mark or for good."""
        return self.tombstones in {"soft_delete", "delete"}

    @property
    def joins(self) -> bool:
        """Whether a run is a member of the consumer group. An isolated run never is."""
        return self.assignment == "subscribe" and self.window is None

    @property
    def enveloped(self) -> tuple[EnvelopeField, ...]:
        """Fields of the envelope that are columns, the default resolved."""
        return fields(self.envelope, self.envelope_fields)

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
