"""``RedriveDeadLettersOperator``: dead letters through the pipeline again, as a task."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from airflow_kafka_bq._airflow import AirflowException, Context, failure
from airflow_kafka_bq.config.letters import LetterSelection, check_redrivable
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operators.kafka_to_bigquery import KafkaToBigQueryOperator
from airflow_kafka_bq.operators.rendering import is_template, rendered

log = logging.getLogger(__name__)

SELECTION = tuple(LetterSelection.model_fields)


class RedriveDeadLettersOperator(KafkaToBigQueryOperator):
    """Run dead letters through the job as it is now; what fails again stays, with its new reason.

    Takes the parameters of :class:`KafkaToBigQueryOperator`, which say what the job is now. No position moves and the
    group is not used, so the task may run beside the live one. ``execute`` returns what ``kafka-bq redrive --json``
    prints.

    :param since: only what failed at this time or later: ISO, or a datetime. (templated)
    :param until: only what failed before this time. (templated)
    :param reason: only what failed for this reason, or one of these. (templated)
    :param stage: only what failed at this stage, or one of these; never ``lost``. (templated)
    :param limit: so many messages at most, the oldest ones first. (templated)
    :param dry_run: only tell what would be redriven, and what of it would fail again.
    :raises ConfigError: a literal is wrong; the message names the parameter, its value and what it takes.
    """

    template_fields: Sequence[str] = (*KafkaToBigQueryOperator.template_fields, *SELECTION)
    commits: ClassVar[bool] = False
    fence: str
    ui_color = "#f0e4ec"
    custom_operator_name = "Kafka → BigQuery: redrive"

    def __init__(
        self, *, since: datetime | str | None = None, until: datetime | str | None = None,
        reason: Sequence[str] | str = (), stage: Sequence[str] | str = (), limit: int | str | None = None,
        dry_run: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.since, self.until, self.reason, self.stage, self.limit = since, until, reason, stage, limit
        self.only_tell = dry_run  # every operator of Airflow has a method dry_run
        check_redrivable(self.fence, self.topic, None if is_template(self.window) else self.window)
        self.selection(literals=True)

    def selection(self, *, literals: bool = False) -> LetterSelection:
        """The parameters as they are now: of a running task, rendered.

        :param literals: leave out those that are templates still.
        :raises ConfigError: one is wrong.
        """
        given = {name: getattr(self, name) for name in SELECTION}
        if literals:
            return LetterSelection.of(**{name: value for name, value in given.items() if not is_template(value)})
        defaults = LetterSelection.model_fields
        return LetterSelection.of(**{name: rendered(name, given[name], defaults[name].default) for name in SELECTION})

    def execute(self, context: Context) -> dict[str, Any]:
        """Redrive, and return the report.

        :raises AirflowFailException: a person must act. :raises AirflowException: it may be over at the next try, or
            the task was stopped.
        """
        from airflow_kafka_bq.batch import Outcome
        from airflow_kafka_bq.operations.redrive import redrive, rehearse
        from airflow_kafka_bq.operators.told import summary

        try:
            wanted = self.selection()
        except ConfigError as error:
            raise failure(error) from error
        if self.only_tell:
            told: dict[str, Any] = self._with_job(context, lambda job: rehearse(job, wanted))
            log.info(
                "%s messages would be redriven: %s; fail again: %s", told["messages"], told["rows"], told["fail_again"]
            )
            return told
        report = self._with_job(context, lambda job: redrive(job, wanted))
        document: dict[str, Any] = report.to_json()
        log.info(summary(document))
        if report.outcome is Outcome.STOPPED:
            raise AirflowException("stopped before the end; what was redriven is marked, the next run takes the rest")
        return document
