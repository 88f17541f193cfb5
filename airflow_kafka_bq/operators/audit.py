"""``AuditDuplicatesOperator``: duplicates, missing messages and unknown rows of a table, as a task."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from airflow_kafka_bq._airflow import AirflowFailException, BaseOperatorLink, Context, failure
from airflow_kafka_bq.config.days import Between
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operators.kafka_to_bigquery import KafkaToBigQueryOperator
from airflow_kafka_bq.operators.rendering import is_template, rendered

log = logging.getLogger(__name__)


class AuditDuplicatesOperator(KafkaToBigQueryOperator):
    """Look at a job's table: rows that are there twice, messages that are not there, rows that no batch brought.

    Takes the parameters of :class:`KafkaToBigQueryOperator`, which say what the job is. Changes nothing. ``execute``
    returns what ``kafka-bq audit --json`` prints.

    :param since: only rows whose partition column is this time or later: ISO, or a datetime. (templated)
    :param until: only rows before this time. (templated)
    :param against_kafka: read again what Kafka still has, between ``since`` and ``until`` by message time, and look
        for each key in the table.
    :param fail_on_findings: fail the task where the table is not clean; Airflow does not try again.
    :raises ConfigError: a literal is wrong; the message names the parameter, its value and what it takes.
    """

    template_fields: Sequence[str] = (*KafkaToBigQueryOperator.template_fields, "since", "until")
    commits: ClassVar[bool] = False
    operator_extra_links: Collection[BaseOperatorLink] = ()
    ui_color = "#f0e8e4"
    custom_operator_name = "Kafka → BigQuery: audit"

    def __init__(
        self, *, since: datetime | str | None = None, until: datetime | str | None = None,
        against_kafka: bool = False, fail_on_findings: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.since, self.until, self.fail_on_findings = since, until, fail_on_findings
        self.against_kafka = against_kafka
        if not (is_template(since) or is_template(until)):
            Between.of(since, until)

    def execute(self, context: Context) -> dict[str, Any]:
        """Audit, and return the result.

        :raises AirflowFailException: there are findings, or a person must act.
        :raises AirflowException: it may be over at the next try.
        """
        from airflow_kafka_bq.operations.audit import audit

        try:
            between = Between.of(rendered("since", self.since, None), rendered("until", self.until, None))
        except ConfigError as error:
            raise failure(error) from error
        look = partial(audit, between=between, against_kafka=self.against_kafka)
        found: dict[str, Any] = self._with_job(context, look)
        for one in found["unchecked"]:
            log.info("not checked: %s", one)
        for line in found["findings"]:
            log.warning("%s: %s", found["table"], line)
        if found["findings"] and self.fail_on_findings:
            raise AirflowFailException(f"table {found['table']} is not clean: {'; '.join(found['findings'])}")
        log.info("%s: %s rows looked at%s", found["table"], f"{found['rows']:,}", ", clean" if found["clean"] else "")
        return found
