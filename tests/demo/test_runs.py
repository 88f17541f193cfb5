"""A run that fails is told with its reason; nothing is measured behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.demo.interruption import Signals
from airflow_kafka_bq.demo.orders import TOPIC
from airflow_kafka_bq.demo.runs import JobFileRuns, RunFailed
from airflow_kafka_bq.demo.site import DATASET, Site
from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import MockCluster


@pytest.fixture
def site(bigquery: LocalBigQuery, bigquery_client: Any, tmp_path: Path) -> Iterator[Site]:
    """Without the topic."""
    bigquery_client.create_dataset(DATASET, exists_ok=True)
    with MockCluster() as mock, ExitStack() as running:
        mock.set_topic_error(TOPIC, "UNKNOWN_TOPIC_OR_PART")
        yield Site(mock.bootstrap, mock.create_topic, bigquery, bigquery_client, tmp_path, running, Signals())
    bigquery_client.delete_dataset(DATASET, delete_contents=True)


def test_a_failure_is_told_by_name(site: Site) -> None:
    with pytest.raises(RunFailed, match=r"NotFoundError: .*shop\.orders"):
        JobFileRuns(site).begin().report()


def test_a_process_that_ended_without_a_word_is_told_by_its_log(site: Site) -> None:
    runs = JobFileRuns(site)
    runs.path.write_text("topic: [")
    with pytest.raises(RunFailed, match="not a job file"):
        runs.begin().report()
