"""The second half: from one shared group to a group for each topic, as the team did it, and with ``migrate-group``.

Both begin alike: a consumer written by hand has appended each topic to a table under the shared group; the commit of
its last batch was lost; newer messages wait.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import Consumer, TopicPartition
from google.cloud.bigquery import Client

from airflow_kafka_bq.demo import plain
from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import NewMessage, produce
from laboratory.play import create_topics

REPOSITORY = Path(__file__).parent.parent
PROJECT = "demo"
KINDS = {"command": 30, "edit": 60, "statement": 180}
"""Seconds of a person for one step of a kind: estimates, the same for both ways."""
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Amounts:
    """Messages for each topic: read and committed; read while the commit was lost; not read yet."""

    topics: int = 3
    partitions: int = 4
    committed: int = 800
    uncommitted: int = 200
    waiting: int = 100

    @property
    def messages(self) -> int:
        """In all topics."""
        return self.topics * (self.committed + self.uncommitted + self.waiting)


@dataclass(frozen=True, slots=True)
class Step:
    """What a person does. :param wall: seconds that it then takes by itself, measured."""

    kind: str
    what: str
    wall: float


class Hands:
    """Counts what a person does."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    @contextmanager
    def doing(self, kind: str, what: str) -> Iterator[None]:
        """One step."""
        began = time.monotonic()
        yield
        self.steps.append(Step(kind, what, round(time.monotonic() - began, 2)))

    def repeated(self, what: str, do: Callable[[str], object], tables: list[str]) -> None:
        """A statement that is written once, and given again for each other table."""
        for number, table in enumerate(tables):
            with self.doing("command" if number else "statement", what):
                do(table)


class Site:
    """Topics, tables and the old group of one way."""

    def __init__(self, bootstrap: str, bigquery: LocalBigQuery, folder: Path, name: str, amounts: Amounts) -> None:
        self.bootstrap, self.folder, self.amounts, self.url = bootstrap, folder, amounts, bigquery.url
        self.client: Client = bigquery.client(PROJECT, "US")
        self.dataset = f"story_{name}"
        self.topics = [f"{name}.t{number}" for number in range(amounts.topics)]
        self.old_group = f"{name}.loader"

    def table(self, topic: str) -> str:
        """Full name."""
        return f"{PROJECT}.{self.dataset}.{topic.rsplit('.', 1)[1]}"

    @property
    def tables(self) -> list[str]:
        """All of them."""
        return [self.table(topic) for topic in self.topics]

    def load(self, topic: str, group: str) -> int:
        """The consumer written by hand: read until it is quiet, append, commit."""
        return plain.load(self.bootstrap, group, topic, self.client, self.table(topic))

    def begin(self) -> None:
        """The shared group's time."""
        self.client.create_dataset(self.dataset)
        create_topics(self.bootstrap, self.topics, self.amounts.partitions)
        first, lost, waiting = self.amounts.committed, self.amounts.uncommitted, self.amounts.waiting
        for topic in self.topics:
            self._send(topic, 0, first)
            self.load(topic, self.old_group)
            kept = self._committed(topic)
            self._send(topic, first, lost)
            self.load(topic, self.old_group)
            self._commit(kept)
            self._send(topic, first + lost, waiting)

    def counted(self) -> dict[str, int]:
        """Rows over all tables, how many of them repeat an order, and orders that no table has."""
        rows = distinct = 0
        for table in self.tables:
            rows, distinct = rows + self.rows(table)[0], distinct + self.rows(table)[1]
        return {"rows": rows, "duplicated": rows - distinct, "lost": self.amounts.messages - distinct}

    def rows(self, table: str) -> tuple[int, int]:
        """Rows, and different orders."""
        (found,) = self.client.query_and_wait(f"SELECT COUNT(*), COUNT(DISTINCT order_id) FROM `{table}`")
        return found[0], found[1]

    def _send(self, topic: str, first: int, count: int) -> None:
        orders = [
            {"order_id": f"{number}", "ordered_on": "2026-01-01", "customer": f"C{number % 97}", "total": "12.50"}
            for number in range(first, first + count)
        ]
        for order in orders:
            order["updated_at"] = "2026-01-01T10:00:00Z"
        parts = self.amounts.partitions
        produce(self.bootstrap, topic, [NewMessage(each, partition=int(each["order_id"]) % parts) for each in orders])

    def _memberless(self) -> Consumer:
        return Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.old_group, "log_level": 3})

    def _committed(self, topic: str) -> list[TopicPartition]:
        consumer = self._memberless()
        wanted = [TopicPartition(topic, partition) for partition in range(self.amounts.partitions)]
        found = consumer.committed(wanted, timeout=_TIMEOUT_SECONDS)
        consumer.close()
        return list(found)

    def _commit(self, offsets: list[TopicPartition]) -> None:
        consumer = self._memberless()
        consumer.commit(offsets=offsets, asynchronous=False)
        consumer.close()


def by_hand(site: Site) -> dict[str, Any]:
    """New groups without offsets, ``auto.offset.reset=earliest``, an append; then the clean-up."""
    hands = Hands()
    _stop_the_old(site, hands)
    for topic in site.topics:
        with hands.doing("edit", "another group id for a consumer"):
            group = f"{site.dataset}.{topic}"
        with hands.doing("command", "start a consumer with its new group"):
            site.load(topic, group)
    after = site.counted()
    hands.repeated("count rows and orders of a table", site.rows, site.tables)
    hands.repeated("write a table anew with one row of each order", lambda table: _single(site, table), site.tables)
    for table in site.tables:
        with hands.doing("command", "count again"):
            site.rows(table)
    return _done("by hand", hands, after, site.counted())


def _single(site: Site, table: str) -> None:
    """Through a copy: what fails in the middle leaves one of the two."""
    ranked = f"SELECT *, ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY updated_at DESC) AS place FROM `{table}`"
    for statement in (
        f"CREATE TABLE `{table}_single` AS SELECT * EXCEPT (place) FROM ({ranked}) WHERE place = 1",
        f"CREATE OR REPLACE TABLE `{table}` AS SELECT * FROM `{table}_single`",
        f"DROP TABLE `{table}_single`",
    ):
        site.client.query_and_wait(statement)


def with_us(site: Site) -> dict[str, Any]:
    """``migrate-group``; positions in the ledger (``fence``), and rows by MERGE on the order's id."""
    hands = Hands()
    _stop_the_old(site, hands)
    jobs = []
    for topic in site.topics:
        with hands.doing("edit", "write a job file"):
            jobs.append(_job(site, topic))
    move = ["migrate-group", "--adopt", "--from-group", site.old_group, *map(str, jobs)]  # the tables have rows
    with hands.doing("command", "kafka-bq migrate-group --dry-run"):
        _kafka_bq(site, *move, "--dry-run")
    with hands.doing("command", "kafka-bq migrate-group"):
        _kafka_bq(site, *move)
    for job in jobs:
        with hands.doing("command", "kafka-bq run"):
            _kafka_bq(site, "run", str(job))
    after = site.counted()
    for job in jobs:
        with hands.doing("command", "kafka-bq audit"):
            _kafka_bq(site, "audit", str(job))
    return _done("kafka-bq migrate-group", hands, after, site.counted())


def _stop_the_old(site: Site, hands: Hands) -> None:
    """Nothing runs here any more; for a person it is a step."""
    for _ in site.topics:
        with hands.doing("command", "stop an old consumer"):
            pass


def _job(site: Site, topic: str) -> Path:
    path = site.folder / f"{topic}.yaml"
    clients = {
        "kafka": {"bootstrap.servers": site.bootstrap},
        "bigquery": {"project": PROJECT, "api_endpoint": site.url},
    }
    row = {"schema_from": "table", "dedup_key": ["order_id"], "fence": "ledger"}
    path.write_text(yaml.safe_dump({"topic": topic, "table": site.table(topic), **row, **clients}))
    return path


def _kafka_bq(site: Site, *words: str) -> None:
    """:raises RuntimeError: it failed."""
    command = [sys.executable, "-m", "airflow_kafka_bq", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=site.folder)
    if done.returncode:
        raise RuntimeError(f"{words} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def _done(way: str, hands: Hands, after: dict[str, int], cleaned: dict[str, int]) -> dict[str, Any]:
    return {"way": way, "after": after, "cleaned": cleaned, "steps": [asdict(step) for step in hands.steps]}


def migrated(bootstrap: str, bigquery: LocalBigQuery, folder: Path, amounts: Amounts) -> list[dict[str, Any]]:
    """Both ways, each with topics and tables of its own."""
    found = []
    for name, way in (("by_hand", by_hand), ("ours", with_us)):
        site = Site(bootstrap, bigquery, folder, name, amounts)
        site.begin()
        found.append(way(site))
        site.client.close()
    return found
