"""Doctor: what stands against the promise of these jobs, why it matters, and what to do. Changes nothing.

Some of it shows only when the jobs are looked at side by side. The rest is every check that a run makes before it
reads, the job's settings, and what its runs have left behind. What cannot be seen without doing it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Literal, TypeVar

from airflow_kafka_bq.batch import GroupFacts
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import IngestError
from airflow_kafka_bq.operations.preview import preview
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.plan import pipeline_of
from airflow_kafka_bq.pipeline.target import fit
from airflow_kafka_bq.schema.difference import difference

Severity = Literal["error", "warning", "note"]
T = TypeVar("T")

_LOAD_JOBS_A_DAY = 100_000  # of a project: https://cloud.google.com/bigquery/quotas#load_jobs
_MANY_BATCHES_A_DAY = 1_440
_SHORT_STALL_SECONDS = 10.0
_SHORT_STAGING_HOURS = 24.0
_UNSEEN = (
    "READ on the group for its commits: Kafka tells only when one is made",
    "permission to create tables, and load jobs: BigQuery tells only when it is used",
    "DAGs: only job files are compared",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands against the promise.

    :param job: the job file, or several; what it says is about them.
    """

    severity: Severity
    job: str
    what: str
    why: str
    remedy: str


@dataclass(slots=True)
class Visit:
    """One job on the table: what was found, and what could not be."""

    name: str
    job: Job
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    def say(self, severity: Severity, what: str, why: str, remedy: str) -> None:
        """Write a finding down."""
        self.findings.append(Finding(severity, self.name, what, why, remedy))

    def ask(self, what: str, question: Callable[[], T]) -> T | None:
        """An answer; where there is none, what was not checked, and why."""
        try:
            return question()
        except IngestError as error:
            self.unchecked.append(f"{what}: {type(error).__name__}: {error.message}")
            return None


def examine(name: str, job: Job, every: timedelta | None = None) -> Visit:
    """All that one job can show.

    :param name: of its file. :param every: how often it is run; None: not known.
    """
    visit = Visit(name, job)
    _settings(visit)
    _as_a_run_would(visit)
    _group(visit)
    _retention(visit, every)
    _table(visit)
    _traces(visit)
    visit.unchecked += _UNSEEN
    return visit


def side_by_side(jobs: Sequence[tuple[str, JobConfig, str]]) -> list[Finding]:
    """Groups that several jobs share.

    :param jobs: name of the file, its settings, and cluster and group as one text.
    """
    found = []
    for at, (name, config, group) in enumerate(jobs):
        for other, others, theirs in jobs[:at]:
            if group != theirs or config.window or others.window:
                continue
            both, shown = f"{other}, {name}", group.rpartition("\n")[2]
            if config.topic != others.topic:
                what = f"group {shown} is used for the topics {others.topic} and {config.topic}"
                why = "positions of one topic hide those of the other, and members of one make the other rebalance"
            else:
                what = f"group {shown} is committed to by two live jobs"
                why = "each sets the other's position; a lag tool shows whichever wrote last"
            found.append(Finding("error", both, what, why, "leave group_id out: every topic and table has its own"))
    return found


def report(visits: Sequence[Visit], findings: Sequence[Finding]) -> dict[str, Any]:
    """The document: worst first."""
    order = {"error": 0, "warning": 1, "note": 2}
    every = sorted(
        [*findings, *(one for visit in visits for one in visit.findings)], key=lambda one: order[one.severity]
    )
    return {
        "healthy": all(one.severity == "note" for one in every),
        "findings": [asdict(one) for one in every],
        "unchecked": list(dict.fromkeys(one for visit in visits for one in visit.unchecked)),
    }


def _settings(visit: Visit) -> None:
    """Settings that are allowed, and weaken what is promised."""
    for holds, what, why, remedy in _weak(visit.job.config):
        if holds:
            visit.say("warning", what, why, remedy)


def _weak(config: JobConfig) -> Iterator[tuple[bool, str, str, str]]:
    yield (
        config.isolation_level == "read_uncommitted", "isolation_level is read_uncommitted",
        "messages of transactions that were aborted become rows", "leave isolation_level out",
    )  # fmt: skip
    yield (
        config.fence == "none", "fence is none",
        "two writers at once, or a worker that wakes late, can write twice or move the position over messages",
        "use fence: ledger",
    )  # fmt: skip
    yield (
        config.on_gap == "record", "on_gap is record",
        "messages that retention took are noted, and the task stays green", "leave on_gap out, and set it for one run",
    )  # fmt: skip
    yield (
        config.max_bytes_billed is None, "max_bytes_billed has no limit",
        "a MERGE that no longer prunes is noticed on the bill", "set a limit",
    )  # fmt: skip
    yield (
        config.max_bad_ratio is None and config.max_bad_messages is None, "bad messages have no limit",
        "a broken producer fills the dead-letter table, and the task stays green", "leave max_bad_ratio out",
    )  # fmt: skip
    yield (
        config.stall_timeout_seconds < _SHORT_STALL_SECONDS,
        f"stall_timeout_seconds is {config.stall_timeout_seconds:g}",
        "a leader election takes longer than that", "leave it out: 30",
    )  # fmt: skip
    yield (
        config.staging_expiration_hours < _SHORT_STAGING_HOURS,
        f"staging_expiration_hours is {config.staging_expiration_hours:g}",
        "a batch that waits for a retry longer than that is staged again", "leave it out: 72",
    )  # fmt: skip


def _as_a_run_would(visit: Visit) -> None:
    """Every check of a run, up to the dry run of its MERGE."""
    try:
        preview(visit.job)
    except IngestError as error:
        what = f"{type(error).__name__}: {error.message}"
        visit.say("error", what, "the next run ends with this error", error.remedy or "see docs/operations.md")


def _group(visit: Visit) -> None:
    """Who else is in the group, and whether it follows the ledger."""
    job = visit.job
    facts = visit.ask("members of the group", job.source.group) or GroupFacts()
    for one in facts.members:
        what = f"{one.client_id} at {one.host} is a member of the group"
        visit.say("error", what, "no commit of ours is taken while it has members", "stop that consumer")
    for other in facts.other_topics:
        what = f"the group has positions for topic {other}"
        visit.say("error", what, "one group serves one topic", "give this job a group_id of its own")
    visit.unchecked += [f"{one}: the cluster cannot tell" for one in facts.unchecked]
    topic = visit.ask("the topic", job.source.describe)
    if topic is None or job.config.fence == "none":
        return
    row = visit.ask("the ledger", lambda: job.warehouse.ledger(job.target, pipeline_of(topic)))
    committed = visit.ask("positions of the group", job.source.committed)
    if row is None or committed is None:
        return
    behind = [
        part for part, at in row.positions.items()
        if part not in committed or committed[part].position.next_offset < at.next_offset
    ]  # fmt: skip
    if behind:
        what = f"the group is behind the ledger in partitions {sorted(behind)}"
        visit.say("note", what, "tools show too much lag; no message is read twice", "the next run repairs it")


def _retention(visit: Visit, every: timedelta | None) -> None:
    milliseconds = visit.ask("retention", visit.job.source.retention_ms)
    if milliseconds is None:
        visit.unchecked.append("retention: the cluster does not tell it")
    elif every is None:
        visit.unchecked.append("retention against the schedule: say how often the job runs with --every")
    elif 0 <= milliseconds < every / timedelta(milliseconds=1) * 3:
        what = f"the topic keeps messages for {timedelta(milliseconds=milliseconds)}, and the job runs every {every}"
        why = "two runs that fail in a row lose messages"
        visit.say("warning", what, why, "let the topic keep its messages longer, or run the job more often")


def _table(visit: Visit) -> None:
    """Whether the MERGE can prune the table that is there."""
    job = visit.job
    facts = visit.ask("the table", lambda: job.warehouse.table(job.target.table))
    if facts is None:
        return
    target = fit(job.target, facts)
    keys = {name.lower() for name in target.key}
    prunes = target.partitioning is not None and (target.immutable or target.partitioning.column.lower() in keys)
    if not (prunes or target.looks_nearby):
        what = f"no bound of a batch prunes the partitions of {target.table}"
        why = "each MERGE reads the key of the whole table; its cost grows with the table, not with the batch"
        visit.say("warning", what, why, "docs/cost.md: partition_immutable, another partition_by, or dedup_window")
    for note in difference(job.target, facts, job.config.schema_update).notes:
        visit.say(
            "note", f"table {target.table}: {note}", "the table stays as it is", "kafka-bq schema --diff shows it"
        )


def _traces(visit: Visit) -> None:
    """What runs left behind, and how many there were."""
    job, now = visit.job, visit.job.now()
    left = visit.ask("staging tables", lambda: job.warehouse.audits.leftovers(job.target)) or ()
    old = [one for one in left if one.created_at and now - one.created_at > timedelta(days=1)]
    if lasting := [one for one in left if one.expires_at is None]:
        what = f"{len(lasting)} staging tables never expire, such as {lasting[0].table}"
        visit.say("warning", what, "they are stored and paid until somebody drops them", "drop them")
    elif old:
        what = f"{len(old)} staging tables are older than a day, such as {old[0].table}"
        visit.say("note", what, "runs that died left them", "nothing: they expire; look why runs die")
    since = now - timedelta(days=1)
    batches = visit.ask("batches of a day", lambda: job.warehouse.audits.batches_since(job.target, since)) or 0
    if batches > _MANY_BATCHES_A_DAY:
        what = f"{batches:,} batches were applied to {job.target.table} in the last day"
        why = (
            f"each is a load job, of {_LOAD_JOBS_A_DAY:,} that a project may run in a day, and a MERGE that bills 10 MB"
        )
        visit.say("warning", what, why, "run the job less often, or make batches larger")
