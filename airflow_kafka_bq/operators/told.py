"""What a task tells while it runs: links, one group of log lines per batch, one summary line."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from airflow_kafka_bq.batch import JobResult, RunPlan
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import IngestError, MergeConflictError
from airflow_kafka_bq.links import LoadJobLink, MergeJobLink, TargetTableLink, job_url, table_url
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.ports import MergeSpec

log = logging.getLogger(__name__)

Push = Callable[[str, str], None]


class Linked:
    """A warehouse that makes each MERGE's links known before it is submitted. Only the driver's thread merges.

    :param push: takes a link's key and address.
    """

    def __init__(self, warehouse: Any, push: Push) -> None:
        self._warehouse, self._push = warehouse, push

    def __getattr__(self, name: str) -> Any:
        return getattr(self._warehouse, name)

    def merge(self, job_id: str, spec: MergeSpec, max_bytes_billed: int | None) -> JobResult:
        """As ``ports.Warehouse``."""
        project, location = str(self._warehouse.project), self._warehouse.location_of(spec.target.table)
        if spec.staged.load_job_ids:
            self._push(LoadJobLink().xcom_key, job_url(project, location, spec.staged.load_job_ids[0]))
        self._push(MergeJobLink().xcom_key, job_url(project, location, job_id))
        result: JobResult = self._warehouse.merge(job_id, spec, max_bytes_billed)
        return result


def cut_short() -> IngestError:
    """The error of what was stopped between two of its steps."""
    return MergeConflictError("stopped before the end", remedy="run it again: what is done is left alone")


def push_table(push: Push, table: TableId) -> None:
    """Make the target's link known."""
    push(TargetTableLink().xcom_key, table_url(table.project, table.dataset, table.table))


class BatchLog:
    """A progress callback: a group of lines for the plan and for each batch, which Airflow's log view folds."""

    def __init__(self) -> None:
        self._batches = self._jobs = 0
        self._rows: dict[str, int] = {}
        self._planned = False

    def __call__(self, report: RunReport, plan: RunPlan) -> None:
        """Called when a plan is made and after each batch."""
        if report.batches == self._batches:
            self._show_plan(report, plan)
        else:
            self._show_batch(report)
        self._batches, self._jobs, self._rows = report.batches, len(report.jobs), dict(report.rows)

    def _show_plan(self, report: RunReport, plan: RunPlan) -> None:
        log.info("::group::Plan: %s messages at most, group %s", f"{plan.lag:,}", report.group_id)
        for number, part in sorted(plan.partitions.items()):
            log.info(
                "partition %s: offsets %s to %s (committed %s, high watermark %s)",
                number, part.start_offset, part.end_offset, part.committed, part.bounds.high_watermark,
            )  # fmt: skip
        if plan.unchecked:
            log.info("not checked, because the cluster cannot tell: %s", ", ".join(plan.unchecked))
        log.info("::endgroup::")

    def _show_batch(self, report: RunReport) -> None:
        rows = {name: count - self._rows.get(name, 0) for name, count in report.rows.items()}
        log.info("::group::Batch %s: %s", report.batches, counted(rows))
        for job_id in report.jobs[self._jobs :]:
            log.info("job %s", job_id)
        left = sum(part["lag_after"] for part in report.partitions.values())
        log.info("revision %s; %s messages at most are left", report.revision, f"{left:,}")
        log.info("::endgroup::")


def counted(rows: dict[str, int]) -> str:
    """``11,990 inserted, 6 unchanged``."""
    found = [f"{count:,} {name.replace('_', ' ')}" for name, count in rows.items() if count]
    return ", ".join(found) or "nothing"


def summary(report: dict[str, Any]) -> str:
    """A run in one line."""
    lag = sum(part["lag_after"] for part in report["partitions"].values())
    answered = report["committed"] is not False
    missing = report.get("missing_before")
    waiting = report.get("dead_letter_copies", {}).get("waiting", 0)
    return (
        f"{report['topic']} → {report['table']}: {report['messages']:,} messages in {report['batches']} batches "
        f"({counted(report['rows'])}); outcome {report['outcome']}, lag {lag:,}, {report['seconds']['total']:.1f} s"
        f"{f', {missing:,} rows were missing before' if missing is not None else ''}"
        f"{'' if answered else '; the commit to Kafka had no answer, the next run repairs it'}"
        f"{f'; {waiting:,} dead letters wait for their copy' if waiting else ''}"
    )
