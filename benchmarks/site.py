"""Where a benchmark happens: the broker, the BigQuery, job files, and processes that are measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import yaml

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import KafkaBroker
from airflow_kafka_bq.testing.kafka.jars import java
from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer
from benchmarks.keys import PASSWORD, Keys, made, write_account
from benchmarks.peers.connector import library
from benchmarks.peers.environments import connect_worker, python_of

REPOSITORY = Path(__file__).parent.parent
PROJECT = "demo"
_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Site:
    """Servers that run, and a folder for job files."""

    bootstrap: str
    bigquery: LocalBigQuery
    sink: str
    folder: Path
    keys: Keys
    registry: Callable[[], str]
    """The URL of a real schema registry, started when it is first asked for."""

    def measured(self, *command: str, python: str = sys.executable) -> dict[str, Any]:
        """As ``measured``."""
        return measured(*command, python=python)

    def job(self, topic: str, dataset: str, *, sink: bool = False, **settings: Any) -> Path:
        """A job file, for the local BigQuery or the sink."""
        path = self.folder / f"{uuid.uuid4().hex[:8]}.yaml"
        clients = {
            "kafka": {"bootstrap.servers": self.bootstrap},
            "bigquery": {"project": PROJECT, "api_endpoint": self.sink if sink else self.bigquery.url},
        }
        path.write_text(yaml.safe_dump({"topic": topic, "table": f"{dataset}.orders", **clients, **settings}))
        return path

    @contextmanager
    def dataset(self) -> Iterator[str]:
        """A fresh dataset, so that each run has tables and a consumer group of its own."""
        name = f"bench_{uuid.uuid4().hex[:8]}"
        client = self.bigquery.client(PROJECT)
        client.create_dataset(name)
        yield name
        client.delete_dataset(name, delete_contents=True)
        client.close()

    def peer_line(self, topic: str, messages: int, module: str, mode: str) -> list[str]:
        """The command of a peer with its interpreter, with a group and a folder of its own.

        :raises UnavailableError: its environment cannot be made.
        """
        name = uuid.uuid4().hex[:8]
        told = {
            "bootstrap": self.bootstrap, "topic": topic, "endpoint": self.sink, "messages": messages, "mode": mode,
            "group": f"bench-{name}", "state": self.folder / name, "account": self.keys.account,
            "authority": self.keys.authority,
        }  # fmt: skip
        python = str(python_of(module))
        if module == "kafka_connect":
            told |= {"store": self.keys.store, "store-password": PASSWORD, "java": java()}
            told |= {"worker-jars": connect_worker(), "connector-jars": library()}
        return [python, "-m", f"benchmarks.peers.{module}", *(f"--{key}={value}" for key, value in told.items())]

    def asked(self, path: str, method: str = "GET", said: Any = None) -> Any:
        """What the sink says."""
        return httpx.request(method, self.sink + path, json=said, timeout=_SECONDS).json()

    def empty_sink(self, dataset: str) -> None:
        """Nothing is in the sink but this dataset."""
        self.asked("/_reset", "POST")
        named = {"datasetReference": {"projectId": PROJECT, "datasetId": dataset}}
        self.asked(f"/bigquery/v2/projects/{PROJECT}/datasets", "POST", named)

    def landed(self, dataset: str) -> dict[str, int]:
        """Rows of the target, and how many of them repeat coordinates."""
        client = self.bigquery.client(PROJECT)
        counted = "SELECT COUNT(*) AS rows_, COUNT(DISTINCT _kafka_offset) AS distinct_"
        found = list(client.query_and_wait(f"{counted} FROM `{PROJECT}.{dataset}.orders` GROUP BY _kafka_partition"))
        client.close()
        rows = sum(row["rows_"] for row in found)
        return {"rows": rows, "duplicates": rows - sum(row["distinct_"] for row in found)}


def measured(*command: str, python: str = sys.executable) -> dict[str, Any]:
    """Cost of a command of ``python`` in a process of its own, and the JSON document that it prints.

    :raises RuntimeError: it failed.
    """
    whole = [sys.executable, "-I", "-S", str(Path(__file__).with_name("measured.py")), str(_SECONDS)]
    load = os.getloadavg()[0]
    done = subprocess.run([*whole, python, *command], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    found: dict[str, Any] = json.loads(done.stdout)
    said = found.pop("said")
    if found.pop("exit_code") != 0:
        raise RuntimeError(f"{command} failed: {said[-2000:]}{done.stderr[-2000:]}")
    document = said if said.startswith("{") else said.rstrip().splitlines()[-1]  # Airflow prints its own
    return {**found, "load_before": load, "said": json.loads(document)}


@contextmanager
def site() -> Iterator[Site]:
    """A real broker with the settings of a server, and the local BigQuery with its front in another process."""
    with (
        KafkaBroker(throughput=True) as kafka,
        LocalBigQuery(in_process=False) as bigquery,
        TemporaryDirectory(prefix="kafka-bq-bench-") as folder,
        TemporaryDirectory(prefix="kafka-bq-sink-") as kept,
        TemporaryDirectory(prefix="kafka-bq-keys-") as secret,
        running_sink(kept, keys := made(Path(secret))) as sink,
        ExitStack() as later,
    ):
        registry = cache(lambda: later.enter_context(SchemaRegistryServer()).url)
        yield Site(kafka.bootstrap, bigquery, sink, Path(folder), keys, registry)


@contextmanager
def running_sink(folder: str, keys: Keys) -> Iterator[str]:
    """Its address."""
    line = [sys.executable, "-m", "benchmarks.sink", folder, str(keys.server)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdout is not None
        try:
            sink = process.stdout.readline().strip()
            write_account(keys, PROJECT, sink)
            yield sink
        finally:
            process.terminate()
