"""Schema: the table as it would be created, and how the one that exists differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_kafka_bq.bigquery import ddl
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.difference import Difference, difference
from airflow_kafka_bq.schema.target import TableFacts, Target


def schema_of(job: Job, diff: bool) -> dict[str, Any]:
    """DDL of the target; with ``diff`` what a run would do to the table that exists, and what it would refuse."""
    target = job.target
    document: dict[str, Any] = {"table": str(target.table), "ddl": ddl.create_target(target), "differs": False}
    tags = [f"policy tag of {name}: {tag}" for name, tag in _tags(target.columns)]
    if not diff:
        return {**document, "lines": [document["ddl"], *tags]}
    facts = job.warehouse.table(target.table)
    if facts is None:
        lines = ["the table does not exist; it would be created:", document["ddl"], *tags]
        return {**document, "exists": False, "differs": True, "lines": lines}
    return {**document, "exists": True, **changes(target, facts, job.config.schema_update)}


def _tags(columns: tuple[Column, ...], path: str = "") -> Iterator[tuple[str, str]]:
    """Policy tags, which no DDL statement can name."""
    for column in columns:
        if column.policy_tag is not None:
            yield f"{path}{column.name}", column.policy_tag
        yield from _tags(column.fields, f"{path}{column.name}.")


def changes(target: Target, facts: TableFacts, policy: str) -> dict[str, Any]:
    """Statements that a run would execute, drift that it would refuse, and differences that it leaves alone."""
    found = difference(target, facts, policy)
    statements = alterations(target, found)
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


def alterations(target: Target, found: Difference) -> list[str]:
    """The DDL that brings an existing table into line."""
    return [
        *([ddl.add_columns(target, found.add)] if found.add else []),
        *(ddl.relax(target, name) for name in found.relax),
        *(ddl.widen(target, column) for column in found.widen),
    ]
