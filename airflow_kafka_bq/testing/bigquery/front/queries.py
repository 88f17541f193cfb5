"""Calls about queries: `jobs.query`, `getQueryResults`, dry runs."""

from __future__ import annotations

from typing import Any

from airflow_kafka_bq.testing.bigquery.front.catalog import Catalog
from airflow_kafka_bq.testing.bigquery.front.door import Door, DoorError
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, invalid_query
from airflow_kafka_bq.testing.bigquery.front.estimate import Budget, Estimator
from airflow_kafka_bq.testing.bigquery.front.ingestion import played
from airflow_kafka_bq.testing.bigquery.front.jobs import Jobs
from airflow_kafka_bq.testing.bigquery.front.registry import Job, job_name
from airflow_kafka_bq.testing.bigquery.front.resources import finished, new_job
from airflow_kafka_bq.testing.bigquery.front.statements import DDL_KINDS, VARIABLE_KINDS, Statement

_PAGE_ROWS = 20_000
_WAIT_SECONDS = 10.0


class Queries:
    """Answers them.

    Args:
        jobs: Runs queries.
        door: The way to the emulator.
        catalog: The tables.
        estimator: Counts bytes.
    """

    def __init__(self, jobs: Jobs, door: Door, catalog: Catalog, estimator: Estimator) -> None:
        self._jobs = jobs
        self._door = door
        self._catalog = catalog
        self._estimator = estimator

    def dry_run(self, project: str, body: dict[str, Any]) -> Job:
        """What a query would cost, without running anything of it.

        A script is never given to the emulator, which would run it: its statements are bound one by one.

        Raises:
            BigQueryError: What is wrong with the query.
        """
        configuration = body["configuration"]
        statements = self._jobs.parse(project, configuration)
        if isinstance(statements, BigQueryError):
            raise statements
        budget = Budget(self._estimator, None)
        query: dict[str, Any] = {}
        for statement in statements:
            if statement.kind in VARIABLE_KINDS:
                raise invalid_query("The strict front does not dry-run a script with variables")
            query = self._bind(project, statement) | budget.spend(statement)
        total = budget.totals()["totalBytesProcessed"]
        if len(statements) > 1:
            query = {"statementType": "SCRIPT", "totalBytesProcessed": total}
        job = new_job(project, body, self._jobs.location(project, body, statements))
        job.pop("id")
        job["jobReference"].pop("jobId")
        return finished(job, {"query": query, "totalBytesProcessed": total}, None)

    def _bind(self, project: str, statement: Statement) -> dict[str, Any]:
        told: dict[str, Any] = {"statementType": statement.kind}
        for key in statement.reads:
            if key != statement.target or statement.kind not in DDL_KINDS:
                self._catalog.get(key)
        if statement.kind in DDL_KINDS or statement.kind.endswith("_TRANSACTION"):
            return told
        try:
            describe = statement.kind == "SELECT"
            sql = played(statement, self._catalog).sql()
            found = self._door.call("explain", project=project, sql=sql, describe=describe)
        except DoorError as error:
            raise error.as_bigquery() from error
        return told | ({"schema": {"fields": found["schema"]}} if describe else {})

    def query(self, project: str, body: dict[str, Any]) -> dict[str, Any]:
        """`jobs.query`: run a query and answer with its first rows if it is done in time.

        Raises:
            BigQueryError: It failed.
        """
        names = ("query", "defaultDataset", "useLegacySql", "queryParameters", "parameterMode", "maximumBytesBilled")
        settings = {name: body[name] for name in names if name in body}
        insert = {"configuration": {"query": settings, "labels": body.get("labels", {})}}
        if body.get("location"):
            insert["jobReference"] = {"location": body["location"]}
        if body.get("dryRun"):
            done = self.dry_run(project, insert)["statistics"]
            return {
                "kind": "bigquery#queryResponse",
                "jobComplete": True,
                "schema": done["query"].get("schema"),
                "totalBytesProcessed": done["totalBytesProcessed"],
            }
        job = self._jobs.wait(self._jobs.insert(project, insert), int(body.get("timeoutMs", 10_000)) / 1000)
        return self._answer(job, 0, int(body.get("maxResults") or _PAGE_ROWS)) | {"kind": "bigquery#queryResponse"}

    def results(self, job: Job, query: dict[str, str]) -> dict[str, Any]:
        """`getQueryResults`: waits for the job as long as the caller wants.

        Raises:
            BigQueryError: The job failed.
        """
        wait = float(query.get("timeoutMs", _WAIT_SECONDS * 1000)) / 1000
        job = self._jobs.wait(job, min(wait, _WAIT_SECONDS))
        start = int(query.get("pageToken") or query.get("startIndex") or 0)
        limit = query.get("maxResults")
        return self._answer(job, start, _PAGE_ROWS if limit is None else int(limit))

    def _answer(self, job: Job, start: int, limit: int) -> dict[str, Any]:
        answer: dict[str, Any] = {"kind": "bigquery#getQueryResultsResponse", "jobReference": job["jobReference"]}
        if job["status"]["state"] != "DONE":
            return answer | {"jobComplete": False}
        failed = job["status"].get("errorResult")
        if failed:
            raise BigQueryError(failed["reason"], failed["message"], _http_status(failed["reason"]))
        page = self._door.call("page", result=job_name(job), start=start, limit=limit)
        answer |= {"jobComplete": True, "schema": {"fields": page["schema"]}, "totalRows": str(page["total_rows"])}
        query = job["statistics"].get("query", {})
        answer |= {name: query[name] for name in ("numDmlAffectedRows", "dmlStats", "cacheHit") if name in query}
        answer["totalBytesProcessed"] = query.get("totalBytesProcessed", "0")
        if page["rows"]:
            answer["rows"] = page["rows"]
        after = start + len(page["rows"])
        if page["rows"] and after < page["total_rows"]:
            answer["pageToken"] = str(after)
        return answer


def _http_status(reason: str) -> int:
    # A job that failed is told with its own status; 5xx would make clients ask again for minutes.
    status = BigQueryError(reason, "").status
    return 400 if status >= 500 or status < 400 else status
