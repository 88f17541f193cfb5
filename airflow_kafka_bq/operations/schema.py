"""Schema: the table as it would be created, and how the one that exists differs."""

from __future__ import annotations

from typing import Any

from airflow_kafka_bq.bigquery import ddl
from airflow_kafka_bq.pipeline.runner import Job
from airflow_kafka_bq.schema.difference import difference
from airflow_kafka_bq.schema.target import TableFacts, Target


def schema_of(job: Job, diff: bool) -> dict[str, Any]:
    """DDL of the target; with ``diff`` what a run would do to the table that exists, and what it would refuse."""
    target = job.target
    document: dict[str, Any] = {"table": str(target.table), "ddl": ddl.create_target(target), "differs": False}
    if not diff:
        return {**document, "lines": [document["ddl"]]}
    facts = job.warehouse.table(target.table)
    if facts is None:
        lines = ["the table does not exist; it would be created:", document["ddl"]]
        return {**document, "exists": False, "differs": True, "lines": lines}
    return {**document, "exists": True, **changes(target, facts, job.config.schema_update)}


def changes(target: Target, facts: TableFacts, policy: str) -> dict[str, Any]:
    """Statements that a run would execute, drift that it would refuse, and differences that it leaves alone."""
    found = difference(target, facts, policy)
    statements = alterations(target, found.add, found.relax)
    lines = [
        *statements,
        *(f"refused: {text}" for text in found.drift),
        *(f"left alone: {text}" for text in found.notes),
    ]
    return {
        "alter": statements,
        "drift": list(found.drift),
        "notes": list(found.notes),
        "differs": bool(lines),
        "lines": lines or ["no difference"],
    }


def alterations(target: Target, add: tuple[str, ...], relax: tuple[str, ...]) -> list[str]:
    """The DDL that brings an existing table into line."""
    return ([ddl.add_columns(target, add)] if add else []) + [ddl.relax(target, name) for name in relax]
