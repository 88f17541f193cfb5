"""The three tasks of a run in slices; ``KafkaToBigQueryTaskGroup`` puts them together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

from airflow_kafka_bq._airflow import AirflowException, BaseOperatorLink, Context, failure
from airflow_kafka_bq.config.slices import SliceCount, check_sliceable
from airflow_kafka_bq.exceptions import ConfigError, StopRequested
from airflow_kafka_bq.links import LINKS, LoadJobLink, TargetTableLink
from airflow_kafka_bq.operators.kafka_to_bigquery import KafkaToBigQueryOperator
from airflow_kafka_bq.operators.rendering import is_template

log = logging.getLogger(__name__)

_STOPPED = "stopped before the end; nothing was applied, and what was staged is used by the next try"


class _Step(KafkaToBigQueryOperator):
    """One of the three; each takes the parameters of :class:`KafkaToBigQueryOperator`."""

    commits: ClassVar[bool] = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_sliceable({name: value for name, value in vars(self).items() if not is_template(value)})

    def _step(self, context: Context, use: Callable[..., Any]) -> Any:
        """Run a step; a stop is told as one."""
        try:
            check_sliceable(self.config().model_dump(include={"fence", "max_messages", "max_bytes", "max_seconds"}))
        except ConfigError as error:
            raise failure(error) from error
        try:
            return self._with_job(context, use)
        except StopRequested as stop:
            raise AirflowException(_STOPPED) from stop


class PlanSlicesOperator(_Step):
    """Plan a run, make its tables, and share its partitions out. Returns the slices: ``StageSliceOperator`` is mapped.

    :param slices: how many at most; fewer where fewer partitions have messages.
    """

    ui_color = "#f0ece4"
    custom_operator_name = "Kafka → BigQuery: plan slices"
    operator_extra_links: Collection[BaseOperatorLink] = (TargetTableLink(),)

    def __init__(self, *, slices: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.slices = SliceCount.of(slices)

    def execute(self, context: Context) -> Any:
        """The slices.

        :raises AirflowFailException: a person must act. :raises AirflowException: it may be over at the next try.
        """
        from airflow_kafka_bq.pipeline.slices import plan_slices

        found: list[dict[str, Any]] = self._step(context, lambda job: plan_slices(job, self.slices))
        for one in found:
            partitions = ", ".join(one["plan"]["partitions"])
            log.info(
                "slice %s of %s: %s messages at most, partitions %s",
                one["number"] + 1,
                one["of"],
                one["lag"],
                partitions,
            )
        return found


class StageSliceOperator(_Step):
    """Read and stage one slice; a retry of one that was staged reads nothing. Returns what was staged.

    :param slice: one that ``PlanSlicesOperator`` returned. (templated)
    """

    template_fields: Sequence[str] = (*KafkaToBigQueryOperator.template_fields, "slice")
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **KafkaToBigQueryOperator.template_fields_renderers, "slice": "json",
    }  # fmt: skip
    custom_operator_name = "Kafka → BigQuery: stage a slice"
    operator_extra_links: Collection[BaseOperatorLink] = (TargetTableLink(), LoadJobLink())

    def __init__(self, *, slice: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.slice = slice

    def execute(self, context: Context) -> dict[str, Any]:
        """What was staged.

        :raises AirflowFailException: a person must act. :raises AirflowException: it may be over at the next try.
        """
        from airflow_kafka_bq.pipeline.slices import stage_slice

        found: dict[str, Any] = self._step(context, lambda job: stage_slice(job, self.slice))
        staged = [one["portion"]["staged"] for one in found["portions"]]
        log.info(
            "slice %s of %s: %s messages are staged in %s batches", found["number"] + 1, found["of"],
            sum(one["messages"] for one in staged), len(staged),
        )  # fmt: skip
        return found


class MergeSlicesOperator(_Step):
    """Apply what all slices staged with one MERGE, move the ledger once, commit. Returns the run report.

    :param slices: what the mapped ``StageSliceOperator`` returned. (templated)
    """

    template_fields: Sequence[str] = (*KafkaToBigQueryOperator.template_fields, "slices")
    commits: ClassVar[bool] = True
    custom_operator_name = "Kafka → BigQuery: merge slices"
    operator_extra_links: Collection[BaseOperatorLink] = LINKS

    def __init__(self, *, slices: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.slices = slices

    def execute(self, context: Context) -> dict[str, Any]:
        """The run report.

        :raises AirflowFailException: a person must act. :raises AirflowException: it may be over at the next try.
        """
        from airflow_kafka_bq.operators.told import summary
        from airflow_kafka_bq.pipeline.slices import merge_slices

        documents = list(self.slices)
        report = self._step(context, lambda job: merge_slices(job, documents))
        document: dict[str, Any] = report.to_json()
        log.info(summary(document))
        return document
