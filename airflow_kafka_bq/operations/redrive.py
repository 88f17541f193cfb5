"""Redrive: dead letters through the job as it is now, whole and once.

The messages come out of the dead-letter table, not out of Kafka, which may have none of them any more. They are
decoded, staged and merged as those of any run. The transaction that applies a batch marks its letters as well: those
that are rows now, or are left out on purpose, are redriven; those that failed again say why, and wait.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch import RAW_SCHEMA, Decoded
from airflow_kafka_bq.config.letters import LetterSelection, check_redrivable
from airflow_kafka_bq.pipeline.decode import decode
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.letters import LetterDrain
from airflow_kafka_bq.pipeline.markers import oldest_safe
from airflow_kafka_bq.pipeline.plan import redrive_plan
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.pipeline.target import fit

Why = tuple[str, str]


def redrive(job: Job, wanted: LetterSelection) -> RunReport:
    """One isolated run over dead letters; no position moves, in the ledger or in Kafka.

    Safe beside the live task, killed anywhere, and run twice: a letter that another redrive took is left out.

    :raises ConfigError: the job keeps no ledger, or reads a window. :raises IngestError: as ``pipeline.runner.run``.
    """
    check_redrivable(job.config.fence, job.config.topic, job.config.window)
    return run(replace(job, letters=wanted))


def rehearse(job: Job, wanted: LetterSelection) -> dict[str, Any]:
    """What a redrive would take, and what would become of it as far as the messages alone tell. Changes nothing.

    What BigQuery would reject, and which rows are there already, only the redrive itself finds out. What would keep it
    from beginning is found here too.

    :raises ConfigError: as :func:`redrive`. :raises TopicChangedError, TargetChangedError: they are not the ledger's.
    """
    check_redrivable(job.config.fence, job.config.topic, job.config.window)
    seen, _ = redrive_plan(job.config, job.source, job.warehouse, job.target)
    target, found = fit(job.target, seen.table), _Rehearsal()
    if job.warehouse.table(job.target.dead_letters) is not None:
        oldest = oldest_safe(job.config, job.now())
        drain = LetterDrain(
            job.warehouse, job.target, job.config, wanted, job.stop.event.is_set, job.clock, oldest=oldest
        )
        while (letters := drain.next_letters()) is not None:
            found.add(letters, decode(letters.select(RAW_SCHEMA.names), target, job.rules))
    return {"topic": job.config.topic, "table": str(job.target.table), "dry_run": True, **found.to_json()}


@dataclass(slots=True)
class _Rehearsal:
    """Counts over all letters: why they failed, and why some would fail again."""

    rows: Counter[str] = field(default_factory=lambda: Counter({"rows": 0, "dead_lettered": 0, "ignored": 0}))
    waiting: Counter[Why] = field(default_factory=Counter)
    again: Counter[Why] = field(default_factory=Counter)
    first: dict[Why, dict[str, Any]] = field(default_factory=dict)

    def add(self, letters: pa.Table, decoded: Decoded) -> None:
        """One batch."""
        dead = decoded.dead_letters
        self.rows.update(rows=decoded.rows.num_rows, dead_lettered=dead.num_rows, ignored=decoded.ignored)
        self.waiting.update(_reasons(letters))
        self.again.update(_reasons(dead))
        for why, one in zip(_reasons(dead), dead.select(_FIRST).to_pylist(), strict=True):
            self.first.setdefault(why, one)

    def to_json(self) -> dict[str, Any]:
        """Most frequent first."""
        return {
            "messages": self.waiting.total(),
            "rows": dict(self.rows),
            "letters": [_line(why, count) for why, count in self.waiting.most_common()],
            "fail_again": [_line(why, count) | self._example(why) for why, count in self.again.most_common()],
        }

    def _example(self, why: Why) -> dict[str, Any]:
        one = self.first[why]
        return {"partition": one["_kafka_partition"], "offset": one["_kafka_offset"], "error": one["error"]}


_FIRST = ["_kafka_partition", "_kafka_offset", "error"]


def _reasons(letters: pa.Table) -> list[Why]:
    pairs: Any = zip(letters.column("stage").to_pylist(), letters.column("reason").to_pylist(), strict=True)
    return list(pairs)


def _line(why: Why, count: int) -> dict[str, Any]:
    return {"stage": why[0], "reason": why[1], "messages": count}
