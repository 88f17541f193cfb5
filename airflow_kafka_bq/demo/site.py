"""Where the demo plays: a Kafka, a BigQuery and a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_kafka_bq.demo.interruption import Signals
from airflow_kafka_bq.demo.orders import PARTITIONS, TOPIC, Wave
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.testing.kafka import (
    KafkaBroker,
    KafkaProgramsError,
    MockCluster,
    MockClusterUnavailableError,
    create_topic,
    offset_bounds,
    produce,
)

if TYPE_CHECKING:
    from airflow_kafka_bq.testing.bigquery import LocalBigQuery

PROJECT = "demo"
DATASET = "analytics"
TABLE = f"{DATASET}.shop_orders"  # the example DAGs have analytics.orders
BY_HAND = f"{PROJECT}.{TABLE}_by_hand"
Tell = Callable[[str], None]
CreateTopic = Callable[[str, int], None]


@dataclass(frozen=True)
class Site:
    """What runs, and how to reach it."""

    bootstrap: str
    create_topic: CreateTopic  # with that many partitions
    local: LocalBigQuery
    client: Any  # google.cloud.bigquery.Client
    folder: Path
    running: ExitStack  # closes what is started later, before Kafka and BigQuery are
    signals: Signals

    def produce(self, wave: Wave, topic: str = TOPIC) -> None:
        """Into a topic, acknowledged."""
        produce(self.bootstrap, topic, wave.messages)

    def everything(self) -> tuple[str, str]:
        """A window over the whole topic, by offsets: the embedded Kafka does not find offsets by time."""
        bounds = offset_bounds(self.bootstrap, TOPIC, range(PARTITIONS))
        starts, ends = ({part: pair[end] for part, pair in bounds.items()} for end in (0, 1))
        return json.dumps(starts), json.dumps(ends)


@contextmanager
def scratch(signals: Signals) -> Iterator[Path]:
    """A folder that takes all temporary files of this process and its children, and goes with them."""
    before = tempfile.tempdir, os.environ.get("TMPDIR")
    folder = Path(tempfile.mkdtemp(prefix="kafka-bq-demo-"))
    try:
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        yield folder
    finally:
        signals.ignore()
        tempfile.tempdir = before[0]
        os.environ.pop("TMPDIR") if before[1] is None else os.environ.update(TMPDIR=before[1])
        _remove(folder)


def _remove(folder: Path) -> None:
    """A process that was killed a moment ago may have written a last file meanwhile."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


@contextmanager
def opened(kafka: str, folder: Path, signals: Signals, tell: Tell) -> Iterator[Site]:
    """Start both servers, and stop them.

    :param kafka: ``embedded`` (librdkafka's mock cluster, no Java) or ``real`` (Apache Kafka).
    :raises ConfigError: what it needs is not installed.
    """
    try:
        with ExitStack() as servers:
            servers.callback(signals.ignore)
            bootstrap, make_topic = _started_kafka(kafka, servers, tell)
            make_topic(TOPIC, PARTITIONS)
            local = servers.enter_context(_local_bigquery(tell))
            tell(f"BigQuery: a local one at {local.url}")
            client = local.client(PROJECT, "US")
            servers.callback(client.close)
            client.create_dataset(DATASET)
            with ExitStack() as running:
                running.callback(signals.ignore)
                yield Site(bootstrap, make_topic, local, client, folder, running, signals)
    finally:
        signals.ignore()


def _started_kafka(kind: str, servers: ExitStack, tell: Tell) -> tuple[str, CreateTopic]:
    try:
        if kind == "real":
            tell("Kafka: starting Apache Kafka; the first time its programs are downloaded (44 MB)")
            broker = servers.enter_context(KafkaBroker())
            tell(f"Kafka: Apache Kafka at {broker.bootstrap}")
            return broker.bootstrap, partial(create_topic, broker.bootstrap)
        mock = servers.enter_context(MockCluster())
    except (KafkaProgramsError, MockClusterUnavailableError) as error:
        other = "embedded" if kind == "real" else "real"
        cause = str(error).splitlines()[-1]  # in front of it is the trace of another program
        raise ConfigError(f"no Kafka for the demo: {cause}", remedy=f"kafka-bq demo --kafka {other}") from error
    mock.set_initial_rebalance_delay(0)
    tell(f"Kafka: an embedded one at {mock.bootstrap}")
    return mock.bootstrap, mock.create_topic


def _local_bigquery(tell: Tell) -> LocalBigQuery:
    try:
        from airflow_kafka_bq.testing.bigquery import LocalBigQuery
        from airflow_kafka_bq.testing.bigquery.environment import ensure_environment
    except ModuleNotFoundError as error:
        remedy = "pip install 'airflow-provider-kafka-bq[testing]'"
        raise ConfigError(f"the local BigQuery needs the package {error.name}", remedy=remedy) from error
    tell("BigQuery: an emulator in an environment of its own; the first time that is made, half a minute")
    try:
        ensure_environment()
    except RuntimeError as error:
        raise ConfigError(f"no BigQuery for the demo: {error}", remedy="is there a network?") from error
    return LocalBigQuery()
