"""The servers that all rounds of a campaign share; each round has a topic and a table of its own."""

from __future__ import annotations

import itertools
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from google.cloud.bigquery import Client

from airflow_kafka_bq.testing.bigquery import FaultDoor, LocalBigQuery
from airflow_kafka_bq.testing.kafka import KafkaBroker, create_topic, warm_up
from tests.campaign.processes import make_airflow_home
from tests.campaign.shapes import Shape, write_model
from tests.campaign.writing import Writing
from tests.end_to_end.pipe import Pipe

BASE_SETTINGS: dict[str, Any] = {"max_bad_ratio": None, "on_gap": "record"}


@dataclass
class Ground:
    """Where rounds are played."""

    kafka: KafkaBroker
    bigquery: LocalBigQuery
    client: Client
    dataset: str
    folder: Path
    writing: Writing
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    @cached_property
    def airflow_home(self) -> Path:
        """An empty Airflow, to be copied; made when first asked for."""
        return make_airflow_home(self.folder)

    @property
    def faults(self) -> FaultDoor:
        """Of the strict front."""
        return self.bigquery.faults

    def pipe(self, shape: Shape, partitions: int, **settings: Any) -> Pipe:
        """A fresh topic, a fresh table and a job file."""
        number = next(self._numbers)
        topic = f"campaign-{number}-{uuid.uuid4().hex[:6]}"
        replicas = min(3, len(self.kafka.node_ids))
        config = {"min.insync.replicas": "2"} if replicas == 3 else None
        create_topic(self.kafka.bootstrap, topic, partitions, replication_factor=replicas, config=config)
        return Pipe(
            bootstrap=self.kafka.bootstrap,
            client=self.client,
            dataset=self.dataset,
            topic=topic,
            partitions=partitions,
            folder=self.folder,
            settings={**BASE_SETTINGS, **shape.settings, **settings},
            table=f"t{number}",
            api_endpoint=self.bigquery.url,
        )


def front_is_dead(bigquery: LocalBigQuery) -> bool:
    """Whether the front's process has ended; of one that runs in this process it cannot be."""
    return bigquery._process is not None and bigquery._process.poll() is not None


def on_servers(kafka: KafkaBroker, bigquery: LocalBigQuery, client: Client, dataset: str, folder: Path) -> Ground:
    """A ground on servers that are there."""
    write_model(folder)
    return Ground(kafka, bigquery, client, dataset, folder, Writing(kafka.bootstrap))


@contextmanager
def started(brokers: int) -> Iterator[Ground]:
    """A ground with servers of its own: their brokers may be killed, and the front too."""
    with (
        KafkaBroker(brokers, proxied=True) as kafka,
        LocalBigQuery(in_process=False) as bigquery,
        tempfile.TemporaryDirectory(prefix="campaign-") as folder,
    ):
        create_topic(kafka.bootstrap, "warm-up", replication_factor=brokers)
        warm_up(kafka.bootstrap, "warm-up")
        client = bigquery.client()
        client.create_dataset("campaign")
        yield on_servers(kafka, bigquery, client, "campaign", Path(folder))
        client.close()
