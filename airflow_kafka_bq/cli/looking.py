"""``plan``, ``lag`` and ``schema``: they look, and change nothing."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.jobfile import assemble, read
from airflow_kafka_bq.operations.lag import lag_of
from airflow_kafka_bq.operations.preview import preview
from airflow_kafka_bq.operations.schema import schema_of
from airflow_kafka_bq.pipeline.runner import Job


def _closing(job: Job) -> None:
    job.source.close()
    job.warehouse.close()


def plan_job(session: Session, path: str, settings: tuple[str, ...]) -> None:
    """Ranges, tables and the MERGE of the next run."""
    job = assemble(read(path, settings), session.stop)
    try:
        found = preview(job)
    finally:
        _closing(job)
    if session.as_json:
        session.print_json(found)
        return
    session.out.print(_table(f"{found['topic']} → {found['table']}", found["partitions"]))
    session.out.print(f"lag: {found['lag']:,} messages; group {found['group_id']}; revision {found['revision']}")
    for name in found["would_create"]:
        session.out.print(f"would create: {name}")
    for statement in found["would_alter"]:
        session.out.print(f"would alter: {statement}", markup=False)
    session.out.print(f"estimated bytes of the MERGE: {found['estimated_bytes']}")
    session.out.print(found["merge"], markup=False)


def lag_jobs(session: Session, paths: tuple[str, ...], settings: tuple[str, ...]) -> None:
    """Lag of several jobs."""
    documents = []
    for path in paths:
        job = assemble(read(path, settings), session.stop)
        try:
            documents.append(lag_of(job))
        finally:
            _closing(job)
    if session.as_json:
        session.print_json(documents)
        return
    for found in documents:
        session.out.print(_table(f"{found['topic']} → {found['table']}", found["partitions"]))
        session.out.print(f"lag: {found['lag']:,} messages; group {found['group_id']}")


def schema_job(session: Session, path: str, settings: tuple[str, ...], diff: bool) -> None:
    """The table as it would be created, or how it differs from the one that exists."""
    job = assemble(read(path, settings), session.stop)
    try:
        found = schema_of(job, diff)
    finally:
        _closing(job)
    session.exit_code = 1 if diff and found["differs"] else 0
    if session.as_json:
        session.print_json(found)
        return
    for line in found["lines"]:
        session.out.print(line, markup=False)


def _table(title: str, partitions: dict[str, dict[str, Any]]) -> Table:
    names = list(next(iter(partitions.values()), {}))
    table = Table(title=title, title_justify="left")
    for name in ("partition", *names):
        table.add_column(name.replace("_", " "), justify="right")
    for number, part in partitions.items():
        table.add_row(number, *("-" if part[name] is None else str(part[name]) for name in names))
    return table
