"""Job resources: how BigQuery describes a job."""

from __future__ import annotations

import uuid
from typing import Any

from airflow_kafka_bq.testing.bigquery.front.catalog import now_milliseconds
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, invalid
from airflow_kafka_bq.testing.bigquery.front.registry import Job

_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_LONGEST_ID = 1024


def new_job(project: str, body: dict[str, Any], location: str, parent: str | None = None) -> Job:
    """A job that was just accepted.

    Raises:
        BigQueryError: 400: its id is not allowed.
    """
    job_id = (body.get("jobReference") or {}).get("jobId") or f"job_{uuid.uuid4().hex}"
    if len(job_id) > _LONGEST_ID or not set(job_id) <= _ID_CHARACTERS:
        raise invalid(f'Invalid job ID "{job_id}". Job IDs must be alphanumeric (plus underscores and dashes).')
    configuration = dict(body["configuration"])
    kind = "load" if "load" in configuration else "query"
    configuration["jobType"] = kind.upper()
    return {
        "kind": "bigquery#job",
        "id": f"{project}:{location}.{job_id}",
        "etag": uuid.uuid4().hex,
        "jobReference": {"projectId": project, "jobId": job_id, "location": location},
        "configuration": configuration,
        "status": {"state": "PENDING"},
        "statistics": {"creationTime": str(now_milliseconds())} | ({"parentJobId": parent} if parent else {}),
        "user_email": "user@example.com",
        "principal_subject": "user:user@example.com",
    }


def started(job: Job) -> Job:
    """The job, running."""
    statistics = job["statistics"] | {"startTime": str(now_milliseconds())}
    return job | {"status": {"state": "RUNNING"}, "statistics": statistics}


def finished(job: Job, statistics: dict[str, Any], error: BigQueryError | None) -> Job:
    """The job, done; with an error nothing was applied."""
    status: dict[str, Any] = {"state": "DONE"}
    if error is not None:
        status |= {"errorResult": error.result(), "errors": [error.result()]}
    times = {"endTime": str(now_milliseconds())}
    if "startTime" not in job["statistics"]:
        times["startTime"] = times["endTime"]
    return job | {"status": status, "statistics": job["statistics"] | times | statistics}


def listed(job: Job, full: bool) -> Job:
    """The job as `jobs.list` shows it; the configuration only in the full projection."""
    left_out = frozenset() if full else frozenset({"configuration"})
    shown = {name: value for name, value in job.items() if name not in left_out}
    shown["state"] = job["status"]["state"]
    if "errorResult" in job["status"]:
        shown["errorResult"] = job["status"]["errorResult"]
    return shown
