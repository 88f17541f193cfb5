"""What a finished query job tells about itself, and the child jobs of a script."""

from __future__ import annotations

import hashlib
from typing import Any

from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError
from airflow_kafka_bq.testing.bigquery.front.estimate import Budget
from airflow_kafka_bq.testing.bigquery.front.registry import Job, Registry, job_name
from airflow_kafka_bq.testing.bigquery.front.resources import finished, new_job
from airflow_kafka_bq.testing.bigquery.front.scripts import Run
from airflow_kafka_bq.testing.bigquery.front.statements import Statement


def told(registry: Registry, job: Job, run: Run, budget: Budget) -> dict[str, Any]:
    """Statistics of the job; for a script also its child jobs."""
    if not run.is_script:
        query = dict(run.outcomes[0].statistics) if run.outcomes else {}
        return {"query": query, "totalBytesProcessed": query.get("totalBytesProcessed", "0")}
    for number, outcome in enumerate(run.outcomes):
        _child(registry, job, number, outcome.statement, outcome.statistics, outcome.error)
    total = budget.totals()
    return {
        "query": {"statementType": "SCRIPT"} | total,
        "totalBytesProcessed": total["totalBytesProcessed"],
        "numChildJobs": str(len(run.outcomes)),
    }


def _child(
    registry: Registry,
    parent: Job,
    number: int,
    statement: Statement,
    query: dict[str, Any],
    error: BigQueryError | None,
) -> None:
    reference = parent["jobReference"]
    body = {
        "jobReference": {"jobId": f"script_job_{_digest(job_name(parent))}_{number}"},
        "configuration": {"query": {"query": statement.text, "useLegacySql": False}},
    }
    child = new_job(reference["projectId"], body, reference["location"], reference["jobId"])
    place = {"startLine": statement.line, "startColumn": statement.column, "text": statement.text}
    script = {"evaluationKind": "STATEMENT", "stackFrames": [place]}
    registry.add(finished(child, {"query": query, "scriptStatistics": script}, error), parent=reference["jobId"])


def told_by_marker(payload: dict[str, Any]) -> dict[str, Any]:
    """Statistics of a job of which only the marker is left."""
    if "load" in payload:
        return {"load": payload["load"]}
    outcomes = payload["outcomes"]
    if len(outcomes) == 1:
        return {"query": outcomes[0]}
    return {"query": {"statementType": "SCRIPT"}, "numChildJobs": str(len(outcomes))}


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:24]
