"""Where slices are tried: a real Kafka, the local BigQuery, topics of orders, tables that are compared."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from google.cloud.bigquery import Client

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import KafkaBroker
from benchmarks import orders
from benchmarks.produce import produce

PROJECT = "demo"
# What two runs of the same messages never have in common.
_OF_THE_RUN = ("_ingested_at",)


@dataclass(frozen=True, slots=True)
class Ground:
    """Servers that run, and a folder."""

    bootstrap: str
    bigquery: LocalBigQuery
    client: Client
    folder: Path

    def topic(self, messages: int) -> str:
        """A topic of so many orders on four partitions."""
        name = f"orders_{messages}_{uuid.uuid4().hex[:4]}"
        produce(self.bootstrap, name, orders.PARTITIONS, orders.values(messages))
        return name

    def table(self) -> str:
        """The name of a table, in a dataset of its own: a run of it starts from nothing."""
        dataset = f"scale_{uuid.uuid4().hex[:8]}"
        self.client.create_dataset(dataset)
        return f"{PROJECT}.{dataset}.orders"

    def rows(self, table: str) -> int:
        return int(next(iter(self.client.query_and_wait(f"SELECT COUNT(*) FROM `{table}`")))[0])

    def rows_that_differ(self, one: str, other: str) -> int:
        """Rows that one table has more often than the other, with all that the messages say: as multisets."""
        names = [field.name for field in self.client.get_table(one).schema if field.name not in _OF_THE_RUN]
        columns = ", ".join(f"`{name}`" for name in names)
        content = f"SELECT TO_JSON_STRING(STRUCT({columns})) AS content"
        sides = (f"{content}, {count} AS n FROM `{table}`" for table, count in ((one, 1), (other, -1)))
        counted = f"SELECT content, SUM(n) AS n FROM ({' UNION ALL '.join(sides)}) GROUP BY content HAVING SUM(n) != 0"
        found = self.client.query_and_wait(f"SELECT COALESCE(SUM(ABS(n)), 0) FROM ({counted})")
        return int(next(iter(found))[0])

    def load_jobs(self) -> list[str]:
        """Ids of the load jobs that were asked for."""
        jobs = (str(call.get("job_id") or "") for call in self.bigquery.faults.calls("jobs.insert"))
        return [job for job in jobs if "kafka-bq-load-" in job]


@contextmanager
def ground() -> Iterator[Ground]:
    """A real broker, and the local BigQuery behind the strict front in another process."""
    with (
        tempfile.TemporaryDirectory(prefix="kafka-bq-scale-") as folder,
        KafkaBroker(throughput=True) as kafka,
        LocalBigQuery(in_process=False) as bigquery,
    ):
        client = bigquery.client(PROJECT)
        try:
            yield Ground(kafka.bootstrap, bigquery, client, Path(folder))
        finally:
            client.close()
