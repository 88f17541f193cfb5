"""Keeping up: whether a job reads what comes before retention takes it, and within BigQuery's quotas."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow_kafka_bq.operations.findings import Visit
from airflow_kafka_bq.operations.lag import lag_of

LOAD_JOBS_A_DAY = 100_000
"""Of a project, refilled over 24 hours: https://cloud.google.com/bigquery/quotas#load_jobs"""

MANY_BATCHES_A_DAY = 1_440
_DAY = timedelta(days=1)
_LATE_RUNS = 3
_LONG_TRANSACTION_SECONDS = 3_600.0  # a broker ends one after 15 minutes, unless transaction.max.timeout.ms is longer


def look_at_pace(visit: Visit, every: timedelta | None) -> None:
    """Retention, lag, and batches a day.

    :param every: how often the job is run; None: not known.
    """
    _retention(visit, every)
    found = visit.ask("lag", lambda: lag_of(visit.job), "Kafka", "BigQuery")
    if found is not None:
        _behind(visit, found["partitions"], every)
    _a_day(visit, every, (found or {}).get("messages_per_second"))


def _retention(visit: Visit, every: timedelta | None) -> None:
    milliseconds = visit.ask("retention", visit.job.source.retention_ms, "Kafka")
    if milliseconds is None:
        visit.unchecked.append("retention: the cluster does not tell it")
    elif every is None:
        visit.unchecked.append("retention against the schedule: say how often the job runs with --every")
    elif 0 <= milliseconds < every / timedelta(milliseconds=1) * _LATE_RUNS:
        what = f"the topic keeps messages for {timedelta(milliseconds=milliseconds)}, and the job runs every {every}"
        why = "two runs that fail in a row lose messages"
        visit.say("warning", what, why, "let the topic keep its messages longer, or run the job more often")


def _behind(visit: Visit, partitions: Mapping[str, Mapping[str, Any]], every: timedelta | None) -> None:
    late = (_DAY if every is None else max(every * _LATE_RUNS, timedelta(minutes=1))).total_seconds()
    soon = (_DAY if every is None else every * 2).total_seconds()
    for number, line in partitions.items():
        left, oldest = line["retention_takes_it_in_seconds"], line["oldest_unread_seconds"]
        unread = f"{line['lag']:,} unread messages of partition {number}"
        if left is not None and left < soon:
            when = f"in {timedelta(seconds=round(left))}" if left > 0 else "any moment now"
            visit.say("error", f"retention takes {unread} {when}", "what it takes is lost", "run the job now")
        elif oldest is not None and oldest > late:
            what = f"the oldest of {unread} waits for {timedelta(seconds=round(oldest))}"
            why = "the partition is left behind, whatever a sum over all partitions says"
            visit.say("warning", what, why, "run the job, and look why it did not; kafka-bq lag shows each partition")
        held = line["open_transaction_seconds"]
        if held is not None and held > _LONG_TRANSACTION_SECONDS:
            what = f"an open transaction holds partition {number} back for {timedelta(seconds=round(held))}"
            visit.say("warning", what, "nothing behind it is read", "end it: kafka-transactions.sh find-hanging, abort")


def _a_day(visit: Visit, every: timedelta | None, messages_per_second: float | None) -> None:
    """Each batch is one commit, one MERGE, and one load job, or two where it has dead letters."""
    job = visit.job
    since = job.now() - _DAY
    asked = visit.ask("batches of a day", lambda: job.warehouse.audits.batches_since(job.target, since), "BigQuery")
    batches = asked or 0
    table = job.target.table
    if batches > MANY_BATCHES_A_DAY:
        _many(visit, batches, f"{batches:,} batches were applied to {table} in the last day")
    elif every is not None:
        runs = _DAY / every
        full = (messages_per_second or 0.0) * _DAY.total_seconds() / job.config.batch_messages
        if (expected := round(max(runs, full))) > MANY_BATCHES_A_DAY:
            _many(visit, expected, f"about {expected:,} batches a day are to be expected for {table}")


def _many(visit: Visit, batches: int, what: str) -> None:
    near = batches > LOAD_JOBS_A_DAY // 2
    why = (
        f"each is a load job or two, of {LOAD_JOBS_A_DAY:,} that a project may run in a day, and a MERGE that bills "
        "at least 10 MB; no table's own quota is used: a MERGE has none, and a staging table is loaded once"
    )
    visit.say("error" if near else "warning", what, why, "run the job less often, or make batches larger")
