"""``RepairDuplicatesOperator``: rows that are there twice are removed, with a backup, or put back, as a task."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_kafka_bq._airflow import AirflowFailException, BaseOperatorLink, Context, failure
from airflow_kafka_bq.config.days import BACKUP_DAYS, Between, days_kept
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operators.kafka_to_bigquery import KafkaToBigQueryOperator
from airflow_kafka_bq.operators.rendering import is_template, rendered

if TYPE_CHECKING:
    from airflow_kafka_bq.pipeline.job import Job

log = logging.getLogger(__name__)


class RepairDuplicatesOperator(KafkaToBigQueryOperator):
    """Remove duplicates from a job's table; of each key the row stays that the job's own rule keeps.

    Takes the parameters of :class:`KafkaToBigQueryOperator`, which say what the job is. No position moves. ``execute``
    returns what ``kafka-bq repair --json`` prints. What is removed is in a backup, which all tries of a task in one run
    of its DAG share: a try that dies is finished by the next one, and that one tells of all of it.

    :param since: only partitions of the table with rows of this time or later: ISO, or a datetime. (templated)
    :param until: only those with rows before this time. (templated)
    :param backup_days: how long the backup is kept. (templated)
    :param undo: put the rows of this backup back, by the name that a repair returned. (templated)
    :param dry_run: only tell what would be removed, and the bytes.
    :param fail_on_findings: fail the task where the job's rule leaves duplicates; Airflow does not try again.
    :raises ConfigError: a literal is wrong; the message names the parameter, its value and what it takes.
    """

    template_fields: Sequence[str] = (
        *KafkaToBigQueryOperator.template_fields, "since", "until", "backup_days", "undo",
    )  # fmt: skip
    commits: ClassVar[bool] = False
    operator_extra_links: Collection[BaseOperatorLink] = ()
    fence: str
    ui_color = "#f0e8e4"
    custom_operator_name = "Kafka → BigQuery: repair"

    def __init__(
        self, *, since: datetime | str | None = None, until: datetime | str | None = None,
        backup_days: float | str = BACKUP_DAYS, undo: str | None = None, dry_run: bool = False,
        fail_on_findings: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.since, self.until, self.backup_days, self.undo = since, until, backup_days, undo
        self.only_tell, self.fail_on_findings = dry_run, fail_on_findings  # dry_run is a method of every operator
        if not any(map(is_template, (since, until))):
            Between.of(since, until)
        if not is_template(backup_days):
            days_kept("backup_days", backup_days)
        if not any(map(is_template, (since, until, undo))):
            self._check_undo(undo, since, until)

    def execute(self, context: Context) -> dict[str, Any]:
        """Repair, and return the result.

        :raises AirflowFailException: duplicates are left, or a person must act.
        :raises AirflowException: it may be over at the next try.
        """
        from airflow_kafka_bq.exceptions import StopRequested
        from airflow_kafka_bq.operators.told import cut_short

        try:
            act = self._act()
            found: dict[str, Any] = self._with_job(context, act)
        except ConfigError as error:
            raise failure(error) from error
        except StopRequested as stopped:
            raise failure(cut_short()) from stopped
        _tell(found)
        left = {kind: rows for kind, rows in found.get("left", {}).items() if rows}
        if left and self.fail_on_findings and not self.only_tell:
            context["ti"].xcom_push(key="return_value", value=found)  # which backup it is, of a task that fails too
            said = ", ".join(f"{rows:,} rows too many {kind.replace('_', ' ')}" for kind, rows in left.items())
            raise AirflowFailException(f"table {found['table']} is not clean: left: {said}")
        return found

    def _act(self) -> Any:
        """What the rendered parameters ask for, as a function of the job. :raises ConfigError: one is wrong."""
        from airflow_kafka_bq.operations import repair

        since, until, undo = (rendered(name, getattr(self, name), None) for name in ("since", "until", "undo"))
        self._check_undo(undo, since, until)
        between = Between.of(since, until)
        days = days_kept("backup_days", rendered("backup_days", self.backup_days, BACKUP_DAYS))

        def act(job: Job) -> dict[str, Any]:
            if undo is not None:
                return repair.undo(job, undo)
            return repair.rehearse(job, between) if self.only_tell else repair.repair(job, between, days, once=True)

        return act

    def _check_undo(self, undo: Any, since: Any, until: Any) -> None:
        if undo is not None and (self.only_tell or since is not None or until is not None):
            raise ConfigError("undo takes a whole backup: leave dry_run, since and until out", topic=self.topic)


def _tell(found: dict[str, Any]) -> None:
    if "restored" in found:
        log.info("put %s rows back into %s from %s", f"{found['restored']:,}", found["table"], found["backup"])
        return
    log.info("%s: keeps %s", found["table"], found["keeps"])
    for one in found["parts"]:
        log.info("part %s: %s rows of %s keys", one["part"], f"{one['rows']:,}", f"{one['keys']:,}")
    if found["dry_run"]:
        surplus = sum(one["surplus"] for one in found["parts"])
        log.info("would remove %s rows, and process at most %s bytes", f"{surplus:,}", f"{found['estimated_bytes']:,}")
    elif found["backup"] is None:
        log.info("nothing to repair")
    else:
        log.info("removed %s rows; undo: %s", f"{found['removed']:,}", found["backup"])
