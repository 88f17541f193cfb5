"""``KafkaLagSensor``: wait until a job has enough to read."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_kafka_bq._airflow import BaseSensorOperator, Context, PokeReturnValue, conf, failure
from airflow_kafka_bq.config import names
from airflow_kafka_bq.config.parameters import DEFAULT_GROUP_ID
from airflow_kafka_bq.exceptions import ConfigError, IngestError
from airflow_kafka_bq.operations.group_lag import Threshold, measure

log = logging.getLogger(__name__)


class KafkaLagSensor(BaseSensorOperator):
    """Wait until so many messages are unread, or one of them is so old. Joins no group, commits and reads nothing.

    Returns what :class:`KafkaLagTrigger` fires with. ``timeout``, ``mode``, ``soft_fail`` and the rest are Airflow's.

    :param topic: Kafka topic. (templated)
    :param table: the job's target with its project, to find the default group. (templated)
    :param group_id: the job's consumer group, where it is not the default one. (templated)
    :param min_lag: so many unread messages are enough. :param min_age_seconds: or one that is so old.
    :param deferrable: wait in the triggerer; default: ``[operators] default_deferrable``.
    :raises ConfigError: neither threshold is given, or one is not positive.
    """

    template_fields: Sequence[str] = ("topic", "table", "group_id", "kafka_conn_id", "gcp_conn_id")
    ui_color = "#eaf0e4"
    custom_operator_name = "Kafka lag"

    def __init__(
        self, *, topic: str, table: str | None = None, group_id: str = DEFAULT_GROUP_ID, min_lag: int | None = None,
        min_age_seconds: float | None = None, kafka_conn_id: str = "kafka_default",
        gcp_conn_id: str = "google_cloud_default", isolation_level: str = "read_committed",
        deferrable: bool | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.topic, self.table, self.group_id = topic, table, group_id
        self.min_lag, self.min_age_seconds = min_lag, min_age_seconds
        self.kafka_conn_id, self.gcp_conn_id, self.isolation_level = kafka_conn_id, gcp_conn_id, isolation_level
        default = conf.getboolean("operators", "default_deferrable", fallback=False)
        self.deferrable = default if deferrable is None else deferrable
        Threshold(min_lag, min_age_seconds)

    def execute(self, context: Context) -> Any:
        """Wait here, or in the triggerer.

        :raises AirflowFailException: a person must act. :raises AirflowException: it may be over at the next try.
        """
        if not self.deferrable:
            return super().execute(context)
        try:
            found = self.poke(context)
            if found.is_done:
                return found.xcom_value
            trigger = self._trigger(once=True)
        except IngestError as error:
            raise failure(error) from error
        return self.defer(trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=self.timeout))

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any] | None:  # noqa: ARG002 - Airflow's
        """What the trigger fired with."""
        return event

    def poke(self, context: Context) -> PokeReturnValue:  # noqa: ARG002 - Airflow's
        """One look."""
        try:
            trigger = self._trigger(once=True)
            source = trigger._source()  # noqa: SLF001 - the sensor is its other half
            try:
                measured = measure(source, datetime.now(UTC), {}, times=self.min_age_seconds is not None)
            finally:
                source.close()
        except IngestError as error:
            raise failure(error) from error
        log.info("%s unread messages at most; the oldest %s s old", measured.lag, measured.oldest_unread_seconds)
        reached = Threshold(self.min_lag, self.min_age_seconds).is_reached(measured)
        return PokeReturnValue(reached, trigger._payload(measured) if reached else None)  # noqa: SLF001

    def _trigger(self, *, once: bool) -> Any:
        from airflow_kafka_bq.triggers.kafka_lag import KafkaLagTrigger

        return KafkaLagTrigger(
            self.topic, self._group(), self.min_lag, self.min_age_seconds, self.kafka_conn_id, self.gcp_conn_id,
            float(self.poke_interval), self.isolation_level, once,
        )  # fmt: skip

    def _group(self) -> str:
        """:raises ConfigError: the default group is that of a table, and none is named in full."""
        parts = {"topic": self.topic}
        if self.table:
            try:
                project, dataset, table = names.table_parts(self.table)
            except ValueError as error:
                raise ConfigError(f"table: {error}") from error
            parts |= {"dataset": dataset, "table": table, **({"project": project} if project else {})}
        placeholders = ("topic", "project", "dataset", "table")
        missing = [name for name in placeholders if f"{{{name}}}" in self.group_id and name not in parts]
        if missing:
            raise ConfigError(
                f"group_id {self.group_id!r} names {missing}, and they are not known",
                remedy="name table as project.dataset.table, or the group_id itself",
            )
        try:
            return names.filled(self.group_id, **{"project": "", "dataset": "", "table": "", **parts})
        except ValueError as error:
            raise ConfigError(f"group_id: {error}", topic=self.topic) from error
