"""Puts the front together and serves it."""

from __future__ import annotations

import threading
from pathlib import Path

from pydantic import ValidationError

from airflow_kafka_bq.testing.bigquery.front.api import Api
from airflow_kafka_bq.testing.bigquery.front.catalog import Catalog
from airflow_kafka_bq.testing.bigquery.front.conflicts import Versions
from airflow_kafka_bq.testing.bigquery.front.door import Door
from airflow_kafka_bq.testing.bigquery.front.errors import invalid
from airflow_kafka_bq.testing.bigquery.front.estimate import Estimator
from airflow_kafka_bq.testing.bigquery.front.faults import Fault, Faults
from airflow_kafka_bq.testing.bigquery.front.http import FrontServer, Request, Response
from airflow_kafka_bq.testing.bigquery.front.jobs import Jobs
from airflow_kafka_bq.testing.bigquery.front.loads import Loader
from airflow_kafka_bq.testing.bigquery.front.queries import Queries
from airflow_kafka_bq.testing.bigquery.front.registry import Registry
from airflow_kafka_bq.testing.bigquery.front.scripts import Engine
from airflow_kafka_bq.testing.bigquery.front.tables import Tables
from airflow_kafka_bq.testing.bigquery.front.uploads import Uploads


class Front:
    """The strict front.

    Args:
        emulator_url: Where the emulator answers.
        state: Directory of its registry and uploads; a front that is started again on it knows its jobs.
        port: 0 for a free one.
        host: Address to listen on.
    """

    def __init__(self, emulator_url: str, state: Path, port: int = 0, host: str = "127.0.0.1") -> None:
        self.faults = Faults()
        self._door = Door(emulator_url)
        self._registry = Registry(state / "jobs.sqlite")
        versions = Versions(self._door)
        catalog = Catalog(self._door, versions)
        estimator = Estimator(self._door, catalog)
        engine = Engine(self._door, catalog, versions)
        loader = Loader(catalog, versions)
        self._jobs = Jobs(self._registry, self._door, catalog, engine, loader, self.faults, estimator)
        queries = Queries(self._jobs, self._door, catalog, estimator)
        self._api = Api(self._jobs, queries, Tables(catalog, self._door), Uploads(self._registry, state), self.faults)
        self._server = FrontServer(port, self._handle, host)
        self.url = self._server.url
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Settle what an earlier front left, then answer calls in a thread of its own."""
        self._jobs.recover()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, as if it had died: jobs that run are left as they are."""
        self._server.shutdown()
        self._server.server_close()
        self._server.close_connections()
        self._registry.close()
        self._door.close()

    def _handle(self, request: Request) -> Response:
        if request.path.startswith("/_front/"):
            return self._control(request)
        return self._api.handle(request)

    def _control(self, request: Request) -> Response:
        """The door for tests: `/_front/faults`, `/_front/calls`, `/_front/release/NAME`."""
        what = request.method, request.path.removeprefix("/_front/")
        if what == ("POST", "faults"):
            try:
                self.faults.add(Fault(**request.json()))
            except ValidationError as error:
                refused = invalid(str(error))
                return Response(refused.status, refused.body())
        elif what == ("DELETE", "faults"):
            self.faults.clear()
        elif what == ("GET", "calls"):
            return Response(200, {"calls": self.faults.calls()})
        elif what == ("DELETE", "calls"):
            self.faults.forget_calls()
        elif what[0] == "POST" and what[1].startswith("release/"):
            self.faults.release(what[1].removeprefix("release/"))
        else:
            return Response(404, None)
        return Response(200, {})
