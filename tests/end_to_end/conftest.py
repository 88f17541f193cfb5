"""A pipeline per test, on the real broker and the local BigQuery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud.bigquery import Client

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import KafkaBroker
from airflow_kafka_bq.testing.kafka.topics import TopicFactory
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]


@pytest.fixture
def trouble(bigquery: LocalBigQuery) -> Iterator[Callable[..., None]]:
    """Puts faults of the local BigQuery in force; they end with the test, and the log of calls begins with it."""
    bigquery.faults.forget_calls()
    yield bigquery.faults.add
    bigquery.faults.clear()


@pytest.fixture
def pipe(
    kafka: KafkaBroker,
    bigquery: LocalBigQuery,
    bigquery_client: Client,
    dataset: str,
    kafka_topic: TopicFactory,
    tmp_path: Path,
) -> PipeFactory:
    """``pipe(partitions=2, batch_messages=3)``: a fresh topic, a fresh table, a job file with these settings."""

    def make(partitions: int = 2, *, topic: str | None = None, table: str = "target", **settings: Any) -> Pipe:
        return Pipe(
            bootstrap=kafka.bootstrap,
            client=bigquery_client,
            dataset=dataset,
            topic=topic or kafka_topic(partitions=partitions),
            partitions=partitions,
            folder=tmp_path,
            settings=dict(settings),
            table=table,
            api_endpoint=bigquery.url,
        )

    return make
