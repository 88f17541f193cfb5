"""``KafkaToBigQueryOperator``: one task drains one topic into one table."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_kafka_bq._airflow import AirflowException, BaseOperator, BaseOperatorLink, Context, UndefinedError, failure
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.parameters import DEFAULT_GROUP_ID
from airflow_kafka_bq.exceptions import ConfigError, IngestError
from airflow_kafka_bq.links import LINKS
from airflow_kafka_bq.operators import siblings
from airflow_kafka_bq.operators.rendering import STRUCTURED, ModelClass, is_template, rendered

if TYPE_CHECKING:
    from airflow_kafka_bq.pipeline.job import Job
    from airflow_kafka_bq.pipeline.stopping import Stop

log = logging.getLogger(__name__)

PARAMETERS = tuple(JobConfig.model_fields)
Columns = Sequence[str] | str | None
Size = int | str
Span = float | str | timedelta
Function = Callable[..., Any] | str | None
Time = datetime | str


class KafkaToBigQueryOperator(BaseOperator):
    """Move a Kafka topic's messages into a BigQuery table, up to an end that is fixed when the task starts.

    A replay, a crash, a retry or a second writer leaves the table as it should be: each batch is applied by one MERGE
    on a dedup key, in the transaction that also moves the position. Every parameter is described in
    ``docs/parameters.md``; Airflow's own (``pool``, ``retries``, ``execution_timeout``, …) are taken as usual.

    Literals are validated here, when the DAG is parsed; templates and mapped values when the task starts. A ``window``
    whose two ends render to nothing is no window. ``execute`` returns the run report.

    :param topic: Kafka topic. (templated)
    :param table: ``dataset.table`` or ``project.dataset.table``. (templated)
    :param model: pydantic model, or ``package.module:Name``; None keeps the payload whole. (templated)
    :param dedup_key: columns that make a row one of a kind; None: the message's coordinates. (templated)
    :param on_duplicate: ``keep`` the row that is there, or ``update`` it with a newer version.
    :param version: columns that say what is newer. (templated)
    :param window: ``{"from": …, "to": …}``, times or offsets: an isolated replay; no position moves. (templated)
    :raises ConfigError: a literal is wrong; the message names the parameter, its value and what it takes.
    """

    template_fields: Sequence[str] = (
        "topic", "table", "group_id", "model", "dedup_key", "version", "window", "partitions", "start", "project_id",
        "location", "impersonation_chain", "labels", "kafka_conn_id", "gcp_conn_id", "schema_registry_conn_id",
    )  # fmt: skip
    template_fields_renderers = dict.fromkeys(sorted(STRUCTURED), "json")
    topic: str
    table: str
    group_id: str
    model: Any
    window: Any
    commits: ClassVar[bool] = True  # whether it moves a position, unless it has a window
    operator_extra_links: Collection[BaseOperatorLink] = LINKS
    ui_color = "#e4f0e8"
    custom_operator_name = "Kafka → BigQuery"

    def __init__(
        self, *, topic: str, table: str, kafka_conn_id: str = "kafka_default",
        gcp_conn_id: str = "google_cloud_default", schema_registry_conn_id: str | None = None,
        project_id: str | None = None, location: str | None = None,
        impersonation_chain: str | Sequence[str] | None = None, group_id: str = DEFAULT_GROUP_ID, model: Any = None,
        schema_from: str | None = None, value_format: str = "json", key_format: str = "string",
        value_schema: str | None = None, key_schema: str | None = None, schema_subject: str = "{topic}-value",
        envelope: str | None = None, envelope_fields: Columns = None,
        unknown_fields: str = "ignore", dedup_key: Columns = None, on_duplicate: str = "keep", version: Columns = None,
        on_tombstone: str | None = None, delete_expiration_days: float = 90.0,
        tombstone_key: Mapping[str, str] | None = None,
        on_bad_message: str = "dead_letter", max_bad_ratio: float | None = 0.01, max_bad_messages: int | None = None,
        partition_by: Any = None, cluster_by: Columns = None, partition_immutable: bool = False,
        schema_update: str = "add", kafka_columns: str = "all", transform: Function = None, filter: Function = None,
        batch_messages: int = 500_000, batch_bytes: Size = 64 * 1024 * 1024, batch_seconds: float | None = None,
        max_messages: int | None = None, max_bytes: Size | None = None, max_seconds: float | None = None,
        merge_per: str = "batch", window: Mapping[str, Any] | str | None = None,
        partitions: Sequence[int] | str | None = None, start: Time | Mapping[int, int] = "auto",
        on_gap: str = "fail", assignment: str = "assign", isolation_level: str = "read_committed",
        fence: str = "ledger", max_bytes_billed: Size | None = 10 * 1024**3, dedup_window: Span | None = None,
        stall_timeout_seconds: float = 30.0, staging_dataset: str | None = None, companion_dataset: str | None = None,
        staging_expiration_hours: float = 72.0, dead_letter_topic: str | None = None,
        labels: Mapping[str, str] | None = None, encryption_configuration: Mapping[str, str] | None = None,
        deferrable: bool = False, table_options: Mapping[str, Any] | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        given = {name: value for name, value in locals().items() if name in PARAMETERS}
        super().__init__(**kwargs)
        given |= {name: given[name] or {} for name in ("labels", "table_options")}
        for name, value in given.items():
            setattr(self, name, ModelClass(value) if name == "model" and isinstance(value, type) else value)
        self.link_addresses: dict[str, str] = {}
        self._stop: Stop | None = None
        unknown = [name for name in self.template_fields if is_template(given.get(name))]
        JobConfig.check_known({name: value for name, value in given.items() if name not in unknown}, unknown)
        siblings.check(self, unknown)

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """As Airflow's; what a run does not have is said in words, and is not tried again.

        :raises AirflowFailException: a template names something undefined, such as the data interval of a run that was
            triggered without a date.
        """
        try:
            super().render_template_fields(context, jinja_env)
        except UndefinedError as error:
            remedy = "trigger the run with a date, or use airflow backfill create: other runs have no data interval"
            raise failure(
                ConfigError(
                    f"a template of task {self.task_id!r} names what this run does not have: {error}",
                    remedy=remedy if "data_interval" in str(error) else None,
                )
            ) from error

    def execute(self, context: Context) -> dict[str, Any]:
        """Run, and return the report.

        :raises AirflowFailException: a person must act; Airflow does not retry.
        :raises AirflowException: it may be over at the next try, or the task was stopped.
        """
        from airflow_kafka_bq.batch import Outcome
        from airflow_kafka_bq.operators.told import summary
        from airflow_kafka_bq.pipeline.runner import run

        report = self._with_job(context, run)
        document: dict[str, Any] = report.to_json()
        log.info(summary(document))
        if report.outcome is Outcome.STOPPED:
            raise AirflowException("stopped before the end; nothing is lost, the next run goes on from there")
        return document

    def on_kill(self) -> None:
        """Airflow's signal handler: sets a flag. A running BigQuery job is left to finish; the next run attaches."""
        if self._stop is not None:
            self._stop.request()

    def config(self) -> JobConfig:
        """The parameters as they are now: of a running task, rendered.

        :raises ConfigError: one is wrong.
        """
        defaults = JobConfig.model_fields
        return JobConfig.of(**{
            name: rendered(name, value, defaults[name].get_default(call_default_factory=True))
            for name, value in self.job_parameters().items()
        })  # fmt: skip

    def job_parameters(self) -> dict[str, Any]:
        """What a job file would say, as they are now."""
        return {name: getattr(self, name) for name in PARAMETERS}

    def _with_job(self, context: Context, use: Callable[[Job], Any]) -> Any:
        """Do something with the job that the rendered parameters describe; errors become Airflow's."""
        from airflow_kafka_bq.assembly import close
        from airflow_kafka_bq.operators.job import job_of
        from airflow_kafka_bq.pipeline.stopping import Stop

        self._stop = Stop()
        try:
            job = job_of(self.config(), context, self._stop, self._push(context))
            try:
                return use(job)
            finally:
                close(job)
        except IngestError as error:
            if error.report is not None:
                log.error("the run failed; so far: %s", error.report)
            raise failure(error) from error

    def _push(self, context: Context) -> Callable[[str, str], None]:
        def push(key: str, address: str) -> None:
            self.link_addresses[key] = address
            context["ti"].xcom_push(key=key, value=address)

        return push
