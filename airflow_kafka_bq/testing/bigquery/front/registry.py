"""The jobs that were ever asked for, in a file that outlives the front."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from airflow_kafka_bq.testing.bigquery.front.errors import already_exists, not_found

Job = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    project TEXT, location TEXT, job_id TEXT, parent TEXT, state TEXT, created INTEGER, resource TEXT,
    PRIMARY KEY (project, location, job_id)
);
CREATE TABLE IF NOT EXISTS uploads (upload_id TEXT PRIMARY KEY, project TEXT, resource TEXT, path TEXT, job TEXT);
"""
# In these two a job is found without naming its location.
# https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/get
_MULTI_REGIONS = ("US", "EU")


def job_name(job: Job) -> str:
    """`project:location.jobId`, as BigQuery writes it."""
    reference = job["jobReference"]
    return f"{reference['projectId']}:{reference['location']}.{reference['jobId']}"


class Registry:
    """Jobs by project, location and id. An id is taken by its first use, for good, whatever became of the job.

    Args:
        path: The sqlite file.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # The file must outlive this process, not this machine.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _query(self, sql: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(sql, tuple(values)).fetchall()

    def add(self, job: Job, parent: str | None = None) -> None:
        """Take the id.

        Raises:
            BigQueryError: 409 duplicate: it is taken.
        """
        reference = job["jobReference"]
        key = (reference["projectId"], reference["location"], reference["jobId"])
        created = int(job["statistics"]["creationTime"])
        try:
            self._query(
                "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*key, parent, job["status"]["state"], created, json.dumps(job)),
            )
        except sqlite3.IntegrityError as error:
            raise already_exists("Job", job_name(job)) from error

    def save(self, job: Job) -> None:
        """Keep a job's new state."""
        reference = job["jobReference"]
        self._query(
            "UPDATE jobs SET state = ?, resource = ? WHERE project = ? AND location = ? AND job_id = ?",
            (
                job["status"]["state"],
                json.dumps(job),
                reference["projectId"],
                reference["location"],
                reference["jobId"],
            ),
        )

    def get(self, project: str, job_id: str, location: str | None) -> Job:
        """A job.

        Raises:
            BigQueryError: 404: there is none, or not in this location, or none was named and it is not in US or EU.
        """
        places = (location,) if location else _MULTI_REGIONS
        for place in places:
            found = self._query(
                "SELECT resource FROM jobs WHERE project = ? AND job_id = ? AND lower(location) = lower(?)",
                (project, job_id, place),
            )
            if found:
                job: Job = json.loads(found[0][0])
                return job
        raise not_found("Job", f"{project}:{job_id}" if not location else f"{project}:{location}.{job_id}")

    def search(self, project: str, parent: str | None, states: list[str]) -> list[Job]:
        """Jobs of a project, newest first; without `parent`, those that have none."""
        rows = self._query(
            "SELECT resource FROM jobs WHERE project = ? AND parent IS ? ORDER BY created DESC, rowid DESC",
            (project, parent),
        )
        jobs = [json.loads(row[0]) for row in rows]
        return [job for job in jobs if not states or job["status"]["state"].lower() in states]

    def unfinished(self) -> list[Job]:
        """Jobs that a front left behind when it died."""
        return [json.loads(row[0]) for row in self._query("SELECT resource FROM jobs WHERE state != 'DONE'")]

    def put_upload(self, upload_id: str, project: str, resource: Job, path: str) -> None:
        """Remember a resumable upload."""
        self._query("INSERT INTO uploads VALUES (?, ?, ?, ?, NULL)", (upload_id, project, json.dumps(resource), path))

    def upload(self, upload_id: str) -> tuple[str, Job, str] | None:
        """Project, job and file of a resumable upload."""
        found = self._query("SELECT project, resource, path FROM uploads WHERE upload_id = ?", (upload_id,))
        return (found[0][0], json.loads(found[0][1]), found[0][2]) if found else None

    def finish_upload(self, upload_id: str, job: Job) -> None:
        """Remember which job a resumable upload became."""
        self._query("UPDATE uploads SET job = ? WHERE upload_id = ?", (json.dumps(job), upload_id))

    def uploaded(self, upload_id: str) -> Job | None:
        """The job that a resumable upload became; None while it is incomplete."""
        found = self._query("SELECT job FROM uploads WHERE upload_id = ? AND job IS NOT NULL", (upload_id,))
        return json.loads(found[0][0]) if found else None
