"""All that a run works with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from airflow_kafka_bq.batch import RunContext, RunPlan
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.pipeline.decode import DecodeRules
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.stopping import Stop
from airflow_kafka_bq.ports import DeadLetterTopic, Registry, Source, Warehouse
from airflow_kafka_bq.ports.source import MemberSource
from airflow_kafka_bq.schema.target import Target

Progress = Callable[[RunReport, RunPlan], None]


def silent(_report: RunReport, _plan: RunPlan) -> None:
    """A progress callback that shows nothing."""


@dataclass(frozen=True, slots=True)
class Job:
    """All that a run works with.

    :param target: the table as the job wants it.
    :param letters: dead letters that are read instead of the topic: a redrive.
    :param copies: the topic that gets copies of dead letters.
    :param member: the source of a run that joins the group, in place of ``source``; None: the group is not joined.
    :param source_of: the same topic with another consumer group; who asks closes it.
    :param clock: monotonic seconds. :param now: time of day, aware.
    """

    config: JobConfig
    source: Source
    warehouse: Warehouse
    target: Target
    rules: DecodeRules
    fingerprint: str
    context: RunContext = field(default_factory=RunContext)
    stop: Stop = field(default_factory=Stop)
    progress: Progress = silent
    registry: Registry | None = None
    letters: LetterSelection | None = None
    copies: DeadLetterTopic | None = None
    member: MemberSource | None = None
    source_of: Callable[[str], Source] | None = None
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
