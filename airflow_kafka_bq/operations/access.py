"""Access: which permissions a job needs, in Kafka and in BigQuery, and which of them its logins lack.

Kafka's brokers say what the login may do with a topic and a group. BigQuery says it of tables that are there, and of
nothing else: neither of a dataset nor of a project.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from airflow_kafka_bq.batch import Rights
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.operations.findings import Right, Severity, Visit
from airflow_kafka_bq.pipeline.job import Job

_RUN = "every run"
_READ_AND_WRITE = ("bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.updateData")
_ROLES = "roles/bigquery.dataEditor on the dataset has them, or a role of your own"


@dataclass(frozen=True, slots=True)
class Need:
    """A permission, what it is for, and how bad it is to lack it."""

    resource: str
    right: str
    purpose: str = _RUN
    severity: Severity = "error"


def look_at_access(visit: Visit) -> None:
    """Write down every permission of the job with its state, and one finding for each resource that lacks some."""
    _kafka(visit)
    _bigquery(visit)


def kafka_needs(job: Job) -> list[Need]:
    """Operations, in Kafka's words. What a topic's READ includes is named too: an ACL may deny it alone."""
    topic, group = f"topic {job.config.topic}", f"group {job.config.group(job.target.table)}"
    needs = [
        Need(topic, "DESCRIBE"),
        Need(topic, "READ"),
        Need(topic, "DESCRIBE_CONFIGS", "retention, in lag and doctor", "note"),
        Need(group, "DESCRIBE"),
        Need(group, "READ"),
    ]
    if job.config.dead_letter_topic is not None:
        copies = f"topic {job.config.dead_letter_topic}"
        needs += [Need(copies, one, "copies of dead letters") for one in ("DESCRIBE", "WRITE")]
    return needs


def bigquery_needs(job: Job) -> Iterator[tuple[TableId | None, Need]]:
    """Permissions; without a table those that BigQuery tells only when they are used."""
    target = job.target
    written = [target.table, *_companions(job)]
    for table in written:
        yield from ((table, Need(f"table {table}", one)) for one in _READ_AND_WRITE)
    if job.config.schema_update != "none":
        yield target.table, Need(f"table {target.table}", "bigquery.tables.update", "new columns", "warning")
    yield target.table, Need(f"table {target.table}", "bigquery.tables.createSnapshot", "repair", "note")
    for name in sorted({f"dataset {one.project}.{one.dataset}" for one in written}):
        yield None, Need(name, "bigquery.datasets.get")
        yield None, Need(name, "bigquery.tables.create", "the first run, and repair")
    staging = target.staging("")
    for right in ("create", "get", "getData", "updateData", "delete"):
        yield None, Need(f"dataset {staging.project}.{staging.dataset}", f"bigquery.tables.{right}", "staging tables")
    yield None, Need(f"project {job.warehouse.project}", "bigquery.jobs.create")


def _companions(job: Job) -> list[TableId]:
    target = job.target
    ledger = [] if job.config.fence == "none" else [target.ledger, target.history]
    return [*ledger, target.dead_letters, *([target.deletes] if target.delete else [])]


def _kafka(visit: Visit) -> None:
    job = visit.job
    others = [job.config.dead_letter_topic] if job.config.dead_letter_topic is not None else []
    told = visit.ask("permissions in Kafka", lambda: job.source.permitted(*others), "Kafka") or Rights({}, None)
    has: dict[str, frozenset[str] | None] = {f"topic {name}": rights for name, rights in told.topics.items()}
    has[f"group {job.config.group(job.target.table)}"] = told.group
    needs = kafka_needs(job)
    for need in needs:
        _note(visit, "kafka", need, has.get(need.resource))
    for lacking in _lacking(visit, needs):
        kind, _, name = lacking[0].resource.partition(" ")
        options = " ".join(f"--operation {one.right.title().replace('_', '')}" for one in lacking)
        _say(visit, lacking, f"kafka-acls --add --allow-principal User:… {options} --{kind} {name}")


def _bigquery(visit: Visit) -> None:
    needs = list(bigquery_needs(visit.job))
    tables = {table: [need.right for of, need in needs if of == table] for table, _ in needs if table is not None}
    has = {
        table: visit.ask(
            f"permissions on table {table}",
            lambda: visit.job.warehouse.permitted(table, wanted),  # noqa: B023
            "BigQuery",
        )
        for table, wanted in tables.items()
    }
    for table, need in needs:
        _note(visit, "bigquery", need, None if table is None else has[table])
    for lacking in _lacking(visit, [need for _, need in needs]):
        _say(visit, lacking, f"grant the login these permissions: {_ROLES}")


def _note(visit: Visit, service: str, need: Need, has: frozenset[str] | None) -> None:
    state: Literal["allowed", "missing", "unchecked"] = "unchecked"
    if has is not None:
        state = "allowed" if need.right in has else "missing"
    right = Right(visit.name, service, need.resource, need.right, need.purpose, state)
    if right not in visit.rights:  # the staging dataset may be the target's
        visit.rights.append(right)


def _lacking(visit: Visit, needs: Iterable[Need]) -> Iterator[list[Need]]:
    """What is missing, in groups that have one resource, purpose and severity."""
    missing = {(one.resource, one.right) for one in visit.rights if one.state == "missing"}
    groups: dict[tuple[str, str, Severity], list[Need]] = {}
    for need in needs:
        if (need.resource, need.right) in missing:
            groups.setdefault((need.resource, need.purpose, need.severity), []).append(need)
    yield from groups.values()


def _say(visit: Visit, lacking: list[Need], remedy: str) -> None:
    first = lacking[0]
    rights = ", ".join(one.right for one in lacking)
    visit.say(first.severity, f"the login lacks {rights} on {first.resource}", f"needed for {first.purpose}", remedy)
