"""BigQuery's REST API, version 2: which call is answered by what."""

from __future__ import annotations

import os
import re
import time
from typing import Any

from airflow_kafka_bq.testing.bigquery.front.door import DoorError
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, not_found
from airflow_kafka_bq.testing.bigquery.front.faults import Fault, Faults
from airflow_kafka_bq.testing.bigquery.front.http import Request, Response, Router
from airflow_kafka_bq.testing.bigquery.front.jobs import Jobs, kind_of
from airflow_kafka_bq.testing.bigquery.front.queries import Queries
from airflow_kafka_bq.testing.bigquery.front.registry import Job
from airflow_kafka_bq.testing.bigquery.front.resources import listed
from airflow_kafka_bq.testing.bigquery.front.tables import Tables
from airflow_kafka_bq.testing.bigquery.front.uploads import Uploads, split_multipart

_API = "/bigquery/v2/projects/{project}"
_UPLOAD = "/upload/bigquery/v2/projects/{project}/jobs"
_KILLED = 137
_QUICK_SECONDS = 0.3


class Api:
    """Answers calls, after the faults had their say.

    Args:
        jobs: Jobs.
        queries: Queries.
        tables: Tables and datasets.
        uploads: Uploads.
        faults: Faults.
    """

    def __init__(self, jobs: Jobs, queries: Queries, tables: Tables, uploads: Uploads, faults: Faults) -> None:
        self._jobs = jobs
        self._queries = queries
        self._uploads = uploads
        self._faults = faults
        self._router = Router()
        self._add_jobs()
        tables.add_to(self._router, _API)

    def _add_jobs(self) -> None:
        add = self._router.add
        add("POST", f"{_API}/jobs", "jobs.insert", self._insert)
        add("GET", f"{_API}/jobs", "jobs.list", self._list)
        add("GET", f"{_API}/jobs/{{job}}", "jobs.get", self._get)
        add("POST", f"{_API}/jobs/{{job}}/cancel", "jobs.cancel", self._cancel)
        add("POST", f"{_API}/queries", "jobs.query", self._query)
        add("GET", f"{_API}/queries/{{job}}", "jobs.getQueryResults", self._results)
        add("POST", _UPLOAD, "upload", self._upload)
        add("PUT", _UPLOAD, "upload", self._chunk)

    def handle(self, request: Request) -> Response:
        """Answer a call."""
        found = self._router.find(request)
        if found is None:
            return _refusal(BigQueryError("notFound", f"Not found: {request.method} {request.path}", 404))
        name, parameters, function = found
        call = self._describe(name, request, parameters)
        struck = self._faults.strike(call["call"], request.method, request.path, call["kind"], call["job_id"])
        response = self._before(struck, request)
        if response is None:
            response = _guarded(lambda: function(request, **parameters))
            self._remember_duplicate(response, call, struck)
            response = self._after(struck, request, response)
        self._faults.log(
            call | {"status": 0 if response.drop else response.status, "faults": [f.action for f in struck]}
        )
        return response

    def _describe(self, name: str, request: Request, parameters: dict[str, str]) -> dict[str, Any]:
        job_id: str | None = parameters.get("job")
        kind = None
        try:
            if name == "jobs.insert":
                job_id, kind = self._job_of(parameters["project"], request.json())
            elif name == "upload":
                name, job_id, kind = self._upload_of(request)
        except Exception:
            # The call itself will say what is wrong with it.
            kind = None
        return {
            "time": time.time(),
            "call": name,
            "method": request.method,
            "path": request.path,
            "kind": kind,
            "job_id": job_id,
        }

    def _job_of(self, project: str, body: dict[str, Any]) -> tuple[str | None, str]:
        configuration = body.get("configuration") or {}
        statements = [] if "load" in configuration else self._jobs.parse(project, configuration)
        job_id = (body.get("jobReference") or {}).get("jobId")
        return job_id, kind_of(configuration, statements if isinstance(statements, list) else [])

    def _upload_of(self, request: Request) -> tuple[str, str | None, str]:
        if request.method == "POST" and request.query.get("uploadType") == "multipart":
            body, _ = split_multipart(request)
            return "jobs.insert", (body.get("jobReference") or {}).get("jobId"), "load"
        if request.method == "POST":
            return "upload.start", (request.json().get("jobReference") or {}).get("jobId"), "load"
        _, body, _ = self._uploads.find(request)
        last = not request.headers.get("content-range", "").endswith("/*")
        return "jobs.insert" if last else "upload.chunk", (body.get("jobReference") or {}).get("jobId"), "load"

    def _before(self, struck: list[Fault], request: Request) -> Response | None:
        for fault in struck:
            if fault.action == "kill_front" and fault.at == "before":
                os._exit(_KILLED)
            if fault.action == "fail_before":
                return _refusal(BigQueryError(fault.reason, fault.message, fault.status))
            if fault.action == "drop_before":
                return Response(drop=True)
            if fault.action == "never_answer" and not fault.applied:
                return _silence(request)
        return None

    def _after(self, struck: list[Fault], request: Request, response: Response) -> Response:
        for fault in struck:
            if fault.action == "kill_front" and fault.at == "after":
                os._exit(_KILLED)
            if fault.action == "fail_after":
                return _refusal(BigQueryError(fault.reason, fault.message, fault.status))
            if fault.action == "drop_after":
                return Response(drop=True)
            if fault.action == "never_answer":
                return _silence(request)
            if fault.action == "deny" and response.status == 200:
                left = [one for one in response.body.get("permissions", ()) if not re.fullmatch(fault.message, one)]
                response = Response(200, {"permissions": left} if left else {})
        return response

    def _remember_duplicate(self, response: Response, call: dict[str, Any], struck: list[Fault]) -> None:
        duplicate = response.status == 409 and call["call"] == "jobs.insert"
        if duplicate and any(fault.action == "404_after_409" for fault in struck):
            self._faults.hide(call["job_id"])

    def _insert(self, request: Request, project: str) -> Response:
        body = request.json()
        if (body.get("configuration") or {}).get("dryRun"):
            return Response(200, self._queries.dry_run(project, body))
        return self._started(self._jobs.insert(project, body))

    def _started(self, job: Job) -> Response:
        return Response(200, self._jobs.quick(job, _QUICK_SECONDS))

    def _find(self, request: Request, project: str, job: str) -> Job:
        if self._faults.is_hidden(job):
            raise not_found("Job", f"{project}:{job}")
        return self._jobs.registry.get(project, job, request.query.get("location"))

    def _get(self, request: Request, project: str, job: str) -> Response:
        return Response(200, self._find(request, project, job))

    def _list(self, request: Request, project: str) -> Response:
        query = request.query
        states = [query["stateFilter"].lower()] if "stateFilter" in query else []
        jobs = self._jobs.registry.search(project, query.get("parentJobId"), states)
        start, limit = int(query.get("pageToken") or 0), int(query.get("maxResults") or 1000)
        full = query.get("projection", "").lower() == "full"
        page = [listed(job, full) for job in jobs[start : start + limit]]
        token = {"nextPageToken": str(start + limit)} if start + limit < len(jobs) else {}
        return Response(200, {"kind": "bigquery#jobList", "jobs": page} | token)

    def _cancel(self, request: Request, project: str, job: str) -> Response:
        found = self._find(request, project, job)
        self._jobs.cancel(found)
        return Response(200, {"kind": "bigquery#jobCancelResponse", "job": self._jobs.wait(found, _QUICK_SECONDS)})

    def _query(self, request: Request, project: str) -> Response:
        return Response(200, self._queries.query(project, request.json()))

    def _results(self, request: Request, project: str, job: str) -> Response:
        return Response(200, self._queries.results(self._find(request, project, job), request.query))

    def _upload(self, request: Request, project: str) -> Response:
        if request.query.get("uploadType") != "multipart":
            # The bytes go where the client found us: between containers that is another name than ours.
            return self._uploads.start(project, request.json(), f"http://{request.headers['host']}")
        body, content = split_multipart(request)
        path = self._uploads.new_file()
        path.write_bytes(content)
        return self._started(self._jobs.insert(project, body, path))

    def _chunk(self, request: Request, project: str) -> Response:
        _, body, path = self._uploads.find(request)
        finished = self._uploads.finished(request)
        if finished is not None:
            return Response(200, self._jobs.wait(finished, _QUICK_SECONDS))
        waiting = self._uploads.take_chunk(request, path)
        if waiting is not None:
            return waiting
        job = self._jobs.insert(project, body, path)
        self._uploads.finish(request, job)
        return self._started(job)


def _guarded(action: Any) -> Response:
    try:
        response: Response = action()
    except BigQueryError as error:
        return _refusal(error)
    except DoorError as error:
        return _refusal(error.as_bigquery())
    except Exception as error:
        # Never a 5xx: clients would ask again for minutes, and the answer would be the same.
        return _refusal(BigQueryError("invalid", f"The strict front failed: {error!r}"))
    return response


def _refusal(error: BigQueryError) -> Response:
    return Response(error.status, error.body())


def _silence(request: Request) -> Response:
    """Say nothing until the client gives up."""
    while not request.gone():
        time.sleep(0.05)
    return Response(drop=True)
