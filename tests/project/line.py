"""A pipeline from a Kafka in memory into a BigQuery that is not: a real project's, or the local one."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import Any, cast

from google.cloud import bigquery
from pydantic import BaseModel

from airflow_kafka_bq.batch import LedgerRow, RunContext
from airflow_kafka_bq.bigquery.warehouse import BigQueryWarehouse
from airflow_kafka_bq.config import JobConfig, TableId
from airflow_kafka_bq.formats.fingerprint import fingerprint
from airflow_kafka_bq.operations.preview import preview
from airflow_kafka_bq.pipeline.decode import DecodeRules
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.ports import Warehouse
from airflow_kafka_bq.schema.build import build_target
from airflow_kafka_bq.testing.memory import NOW, MemoryCluster, MemorySource

TOPIC = "shop.orders"


class Order(BaseModel):
    """What the messages hold."""

    id: str
    n: int


class Hooked:
    """A Warehouse before one of whose calls something happens, once."""

    def __init__(self, warehouse: Warehouse, call: str, hook: Any) -> None:
        self._warehouse, self._call, self._hook = warehouse, call, hook

    def __getattr__(self, name: str) -> Any:
        if name == self._call and self._hook is not None:
            hook, self._hook = self._hook, None
            hook()
        return getattr(self._warehouse, name)


class Line:
    """One topic, one table, and runs between them."""

    def __init__(self, client: bigquery.Client, dataset: str, topic: str = TOPIC) -> None:
        self.client = client
        self.topic = topic
        self.table = TableId(str(client.project), dataset, "orders")
        self.group = f"kafka-bq.{topic}"
        self.cluster = MemoryCluster()
        self.cluster.create_topic(topic, 2)
        self._sent = 0

    def send(self, count: int, *, timestamp_ms: int = NOW) -> None:
        """Produce orders, each with an id of its own."""
        for _ in range(count):
            value = json.dumps({"id": f"{self.topic}-{self._sent}", "n": self._sent}).encode()
            self.cluster.produce(self.topic, value, partition=self._sent % 2, timestamp_ms=timestamp_ms)
            self._sent += 1

    def job(self, *, before: tuple[str, Any] | None = None, deadline_seconds: float = 60.0, **settings: Any) -> Job:
        """A job with clients of its own.

        :param before: a call of the Warehouse, and what happens right before it, once.
        """
        config = JobConfig.of(
            topic=self.topic, table=str(self.table), **{"model": Order, "group_id": self.group, **settings}
        )
        target = build_target(config, self.table, config.model)
        warehouse: Any = BigQueryWarehouse(self.client, stop=threading.Event(), deadline_seconds=deadline_seconds)
        if before is not None:
            warehouse = Hooked(warehouse, *before)
        return Job(
            config, MemorySource(self.cluster, self.topic, self.group), cast(Warehouse, warehouse), target,
            DecodeRules.of(config, target, config.model), fingerprint(config, target, config.model),
            RunContext("shop", "orders", "manual", 1, "tests"),
        )  # fmt: skip

    def run(self, **settings: Any) -> RunReport:
        """One run."""
        return run(self.job(**settings))

    def preview(self, **settings: Any) -> dict[str, Any]:
        """What ``kafka-bq plan`` shows."""
        return preview(self.job(**settings))

    def query(self, sql: str) -> list[Any]:
        """Rows of a statement; ``{table}`` and ``{ledger}`` and the like stand for names."""
        names = {one: self.table.companion(one).quoted for one in ("ledger", "batches", "dead_letters")}
        return list(self.client.query(sql.format(table=self.table.quoted, **names), job_retry=None).result(timeout=120))

    def offsets(self) -> Counter[tuple[int, int]]:
        """Coordinates of this topic's rows."""
        found = self.query(
            f"SELECT _kafka_partition AS p, _kafka_offset AS o FROM {{table}} WHERE _kafka_topic = '{self.topic}'"
        )
        return Counter((row["p"], row["o"]) for row in found)

    def ledger(self) -> LedgerRow:
        """The pipeline's row."""
        job = self.job()
        found = job.warehouse.ledger(job.target, f"memory/{self.topic}")
        assert found is not None
        return found

    def check_whole(self) -> None:
        """Every message is there once; ledger and group are at the end."""
        ends = {part: self.cluster.log(self.topic, part).high_watermark for part in (0, 1)}
        wanted = Counter((part, offset) for part, end in ends.items() for offset in range(end))
        assert self.offsets() == wanted
        self.check_at(ends)

    def check_at(self, positions: dict[int, int]) -> None:
        """Ledger and group have these positions."""
        assert {part: at.next_offset for part, at in self.ledger().positions.items()} == positions
        found = self.cluster.groups.committed(self.group, self.topic)
        assert {part: held.position.next_offset for part, held in found.items()} == positions
