"""``PlanKafkaToBigQueryOperator``: what the task would do, without doing it."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from airflow_kafka_bq._airflow import BaseOperatorLink, Context
from airflow_kafka_bq.operators.kafka_to_bigquery import KafkaToBigQueryOperator

log = logging.getLogger(__name__)


class PlanKafkaToBigQueryOperator(KafkaToBigQueryOperator):
    """Look only: ranges, lag, what would be created, the MERGE and its dry-run bytes. Every check of a run is made.

    Takes the parameters of :class:`KafkaToBigQueryOperator`; ``execute`` returns what ``kafka-bq plan --json`` prints.
    """

    operator_extra_links: Collection[BaseOperatorLink] = ()
    ui_color = "#f0ece4"
    custom_operator_name = "Kafka → BigQuery: plan"

    def execute(self, context: Context) -> dict[str, Any]:
        """The plan, also in the log.

        :raises AirflowFailException: a person must act. :raises AirflowException: it may be over at the next try.
        """
        from airflow_kafka_bq.operations.preview import preview

        found: dict[str, Any] = self._with_job(context, preview)
        log.info(
            "%s → %s: %s messages at most, %s bytes by dry run; would create %s; would alter %s",
            found["topic"], found["table"], f"{found['lag']:,}", f"{found['estimated_bytes']:,}",
            found["would_create"] or "nothing", found["would_alter"] or "nothing",
        )  # fmt: skip
        for number, part in found["partitions"].items():
            log.info("partition %s: offsets %s to %s", number, part["start"], part["end"])
        return found
