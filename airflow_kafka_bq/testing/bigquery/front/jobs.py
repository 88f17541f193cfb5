"""The life of jobs: accepted, kept, run in a thread of their own, told about."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow_kafka_bq.testing.bigquery.front.catalog import Catalog
from airflow_kafka_bq.testing.bigquery.front.children import told, told_by_marker
from airflow_kafka_bq.testing.bigquery.front.door import Door, DoorError
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, invalid, invalid_query
from airflow_kafka_bq.testing.bigquery.front.estimate import Budget, Estimator
from airflow_kafka_bq.testing.bigquery.front.faults import Faults
from airflow_kafka_bq.testing.bigquery.front.loads import Load, Loader, check_load
from airflow_kafka_bq.testing.bigquery.front.registry import Job, Registry, job_name
from airflow_kafka_bq.testing.bigquery.front.resources import finished, new_job, started
from airflow_kafka_bq.testing.bigquery.front.scripts import Engine, Run
from airflow_kafka_bq.testing.bigquery.front.statements import DDL_KINDS, Statement, parse_script

_KILLED = 137


def kind_of(configuration: dict[str, Any], statements: list[Statement]) -> str:
    """What faults call this kind of job."""
    if "load" in configuration:
        return "load"
    if len(statements) > 1:
        return "script"
    if not statements or statements[0].kind == "SELECT":
        return "query"
    if statements[0].kind in DDL_KINDS:
        return "ddl"
    return "merge" if statements[0].kind == "MERGE" else "dml"


class Jobs:
    """Accepts and runs jobs.

    Args:
        registry: Where they are kept.
        door: The way to the emulator.
        catalog: The tables.
        engine: Runs queries.
        loader: Runs loads.
        faults: Where jobs wait or fail on purpose.
        estimator: Counts bytes.
    """

    def __init__(
        self,
        registry: Registry,
        door: Door,
        catalog: Catalog,
        engine: Engine,
        loader: Loader,
        faults: Faults,
        estimator: Estimator,
    ) -> None:
        self.registry = registry
        self._door = door
        self._catalog = catalog
        self._engine = engine
        self._loader = loader
        self._faults = faults
        self._estimator = estimator
        self._cancelled: dict[str, threading.Event] = {}
        self._done: dict[str, threading.Event] = {}
        # Done, or held by a fault: nobody needs to wait any longer to see whether it is a quick one.
        self._settled: dict[str, threading.Event] = {}

    def parse(self, project: str, configuration: dict[str, Any]) -> list[Statement] | BigQueryError:
        """The statements of a query job, or why it has none: such a job is accepted, and fails."""
        query = configuration.get("query") or {}
        if query.get("useLegacySql"):
            return invalid("The strict front does not play legacy SQL")
        dataset = (query.get("defaultDataset") or {}).get("datasetId")
        try:
            return parse_script(str(query.get("query") or ""), project, dataset)
        except BigQueryError as error:
            return error
        except Exception as error:
            return invalid_query(f"The strict front cannot read this query: {error!r}")

    def location(self, project: str, body: dict[str, Any], statements: list[Statement] | BigQueryError) -> str:
        """Where a job runs: as asked, else where its data is, else US."""
        asked = (body.get("jobReference") or {}).get("location")
        if asked:
            return str(asked)
        load = body["configuration"].get("load")
        if load:
            key = load["destinationTable"]
            places = [(key.get("projectId", project), key["datasetId"])]
        else:
            places = (
                [key[:2] for statement in statements for key in statement.reads] if isinstance(statements, list) else []
            )
        for place in places:
            try:
                return self._catalog.location(*place)
            except BigQueryError:
                continue
        return "US"

    def insert(self, project: str, body: dict[str, Any], path: Path | None = None) -> Job:
        """Take the id, keep the job, start it.

        Raises:
            BigQueryError: 409: the id is taken; 400: the job cannot be accepted. Nothing runs then.
        """
        configuration = body.get("configuration")
        if not isinstance(configuration, dict) or not ({"load", "query"} & configuration.keys()):
            raise invalid(
                "Job configuration must contain exactly one job-specific configuration object (load or query)"
            )
        if "load" in configuration:
            check_load(configuration["load"])
        statements = [] if "load" in configuration else self.parse(project, configuration)
        job = new_job(project, body, self.location(project, body, statements))
        self.registry.add(job)
        name = job_name(job)
        self._done[name], self._cancelled[name], self._settled[name] = (threading.Event() for _ in range(3))
        kind = kind_of(configuration, statements if isinstance(statements, list) else [])
        threading.Thread(target=self._live, args=(job, statements, path, kind), name=name, daemon=True).start()
        return job

    def wait(self, job: Job, seconds: float) -> Job:
        """The job as it is when it is done, or after that time."""
        event = self._done.get(job_name(job))
        if event is not None:
            event.wait(seconds)
        reference = job["jobReference"]
        return self.registry.get(reference["projectId"], reference["jobId"], reference["location"])

    def quick(self, job: Job, seconds: float) -> Job:
        """The job once it is done or held, or after that time."""
        self._settled[job_name(job)].wait(seconds)
        return self.wait(job, 0.0)

    def cancel(self, job: Job) -> None:
        """Ask a job to stop: a request, not a promise."""
        event = self._cancelled.get(job_name(job))
        if event is not None:
            event.set()
            self._faults.wake()

    def running(self) -> int:
        """Jobs that are not done."""
        return sum(not event.is_set() for event in list(self._done.values()))

    def _live(self, job: Job, statements: list[Statement] | BigQueryError, path: Path | None, kind: str) -> None:
        job = started(job)
        self.registry.save(job)
        statistics: dict[str, Any] = {}
        error: BigQueryError | None = None
        try:
            gate = self._gate(job, kind)
            if isinstance(statements, BigQueryError):
                raise statements
            if path is not None:
                statistics = {"load": self._loader.run(self._load(job, path, gate))}
            else:
                self._query(job, statements, gate, statistics)
        except BigQueryError as refused:
            error = refused
        except DoorError as refused:
            error = refused.as_bigquery()
        except Exception as broken:
            error = BigQueryError("invalidQuery", f"The strict front failed: {broken!r}")
        self.registry.save(finished(job, statistics, error))
        if path is not None:
            path.unlink(missing_ok=True)
        self._done[job_name(job)].set()
        self._settled[job_name(job)].set()

    def _gate(self, job: Job, kind: str) -> Callable[[str], None]:
        job_id = job["jobReference"]["jobId"]
        struck = self._faults.strike("job", kind=kind, job_id=job_id)
        cancelled = self._cancelled[job_name(job)]

        def gate(point: str) -> None:
            for fault in struck:
                if fault.action == "kill_front" and fault.at == point:
                    os._exit(_KILLED)
                if fault.action in {"slow", "hold"} and fault.at == point:
                    self._settled[job_name(job)].set()
                    self._faults.wait(fault, cancelled)

        for fault in struck:
            if fault.action == "job_error":
                raise BigQueryError(fault.reason, fault.message)
        gate("started")
        return gate

    def _load(self, job: Job, path: Path, gate: Callable[[str], None]) -> Load:
        cancelled = self._cancelled[job_name(job)]

        def checked(point: str) -> None:
            gate(point)
            if cancelled.is_set() and point != "applied":
                raise BigQueryError("stopped", "Job execution was cancelled: User requested cancellation")

        settings = job["configuration"]["load"]
        return Load(job_name(job), check_load(settings), settings, path, checked)

    def _query(
        self, job: Job, statements: list[Statement], gate: Callable[[str], None], statistics: dict[str, Any]
    ) -> None:
        query = job["configuration"]["query"]
        budget = Budget(
            self._estimator,
            _number(query.get("maximumBytesBilled")),
            _number(query.get("scriptOptions", {}).get("statementByteBudget")) if len(statements) > 1 else None,
        )
        project = job["jobReference"]["projectId"]
        run = Run(
            project,
            job_name(job),
            statements,
            query.get("queryParameters"),
            self._cancelled[job_name(job)],
            gate,
            budget.spend,
        )
        try:
            self._engine.run(run)
        finally:
            statistics |= told(self.registry, job, run, budget)

    def recover(self) -> None:
        """Settle what a front that died left running: by the marker that a job commits with its effect, or not at all.

        Real BigQuery does not die with a job; a job without its marker was rolled back, and is told as failed.
        """
        self._door.call("abandon")
        for job in self.registry.unfinished():
            marker = self._door.call("marker", job=job_name(job))["payload"]
            if marker is None:
                lost = BigQueryError(
                    "jobBackendError", "The job encountered an error during execution and was rolled back"
                )
                self.registry.save(finished(job, {}, lost))
                continue
            self.registry.save(finished(job, told_by_marker(json.loads(marker)), None))


def _number(text: Any) -> int | None:
    """Of a limit, which the API has as text."""
    return None if text is None else int(text)
