"""Doctor: what stands against the promise of a job, why it matters, and what to do. Changes nothing.

It makes every check that a run makes before it reads, and looks at the job's settings, its permissions, its pace, and
at what its runs have left behind. What cannot be seen without doing it is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow_kafka_bq.batch import GroupFacts
from airflow_kafka_bq.exceptions import IngestError
from airflow_kafka_bq.operations import weaknesses
from airflow_kafka_bq.operations.access import look_at_access
from airflow_kafka_bq.operations.findings import Visit
from airflow_kafka_bq.operations.keeping_up import look_at_pace
from airflow_kafka_bq.operations.preview import preview
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.plan import pipeline_of
from airflow_kafka_bq.pipeline.target import fit
from airflow_kafka_bq.schema.difference import difference


def examine(name: str, job: Job, every: timedelta | None = None, kafka: Mapping[str, Any] | None = None) -> Visit:
    """All that one job can show.

    :param name: of its file or task. :param every: how often it is run; None: not known.
    :param kafka: the Kafka client's settings, by their dotted names.
    """
    visit = Visit(name, job)
    for what, why, remedy in (*weaknesses.of_job(job.config), *weaknesses.of_client(kafka or {}, job.config)):
        visit.say("warning", what, why, remedy)
    _as_a_run_would(visit)
    look_at_access(visit)
    _group(visit)
    look_at_pace(visit, every)
    _table(visit)
    _traces(visit)
    return visit


def _as_a_run_would(visit: Visit) -> None:
    """Every check of a run, up to the dry run of its MERGE."""
    try:
        preview(visit.job)
    except IngestError as error:
        visit.missed(error)
        what = f"{type(error).__name__}: {error.message}"
        visit.say("error", what, "the next run ends with this error", error.remedy or "see docs/operations.md")


def _group(visit: Visit) -> None:
    """Who else is in the group, and whether it follows the ledger."""
    job = visit.job
    facts = visit.ask("members of the group", job.source.group, "Kafka") or GroupFacts()
    for one in facts.members:
        what = f"{one.client_id} at {one.host} is a member of the group"
        if others := ", ".join(topic for topic in one.topics if topic != job.config.topic):
            visit.say("error", f"{what} and reads {others}", "one group serves one topic", "stop that consumer")
        elif job.config.joins:
            why = "while it has partitions, they are read by it and not by this job, unless it is one of its runs"
            visit.say("note", what, why, "docs/subscribe.md")
        else:
            visit.say("error", what, "no commit of ours is taken while it has members", "stop that consumer")
    for other in facts.other_topics:
        what = f"the group has positions for topic {other}"
        visit.say("error", what, "one group serves one topic", "give this job a group_id of its own")
    visit.unchecked += [f"{one}: the cluster cannot tell" for one in facts.unchecked]
    topic = visit.ask("the topic", job.source.describe, "Kafka")
    if topic is None or job.config.fence == "none":
        return
    row = visit.ask("the ledger", lambda: job.warehouse.ledger(job.target, pipeline_of(topic)), "BigQuery")
    committed = visit.ask("positions of the group", job.source.committed, "Kafka")
    if row is None or committed is None:
        return
    behind = [
        part for part, at in row.positions.items()
        if part not in committed or committed[part].position.next_offset < at.next_offset
    ]  # fmt: skip
    if behind:
        what = f"the group is behind the ledger in partitions {sorted(behind)}"
        visit.say("note", what, "tools show too much lag; no message is read twice", "the next run repairs it")


def _table(visit: Visit) -> None:
    """Whether the MERGE can prune the table that is there."""
    job = visit.job
    facts = visit.ask("the table", lambda: job.warehouse.table(job.target.table), "BigQuery")
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
    """What runs left behind."""
    job, now = visit.job, visit.job.now()
    left = visit.ask("staging tables", lambda: job.warehouse.audits.leftovers(job.target), "BigQuery") or ()
    old = [one for one in left if one.created_at and now - one.created_at > timedelta(days=1)]
    if lasting := [one for one in left if one.expires_at is None]:
        what = f"{len(lasting)} staging tables never expire, such as {lasting[0].table}"
        visit.say("warning", what, "they are stored and paid until somebody drops them", "drop them")
    elif old:
        what = f"{len(old)} staging tables are older than a day, such as {old[0].table}"
        visit.say("note", what, "runs that died left them", "nothing: they expire; look why runs die")
