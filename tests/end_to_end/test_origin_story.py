"""Before and after: from a shared group of short-lived consumers with auto-commit to a job, by the commands alone.

Two topics, one group. One consumer dies between its rows and the next auto-commit, and the one that follows appends
them again; another one holds a partition and reads nothing of it.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from confluent_kafka import Consumer, TopicPartition

from airflow_kafka_bq import KafkaToBigQueryOperator
from airflow_kafka_bq.testing.kafka import NewMessage
from tests import airflow_home
from tests.cli.commands import Command
from tests.cli.conftest import kafka_bq
from tests.end_to_end import naive
from tests.end_to_end.pipe import Pipe

__all__ = ["kafka_bq"]

PARTITIONS = 3
LAGGING = 2  # of the range assignor's: to whom comes last by name
JOB: dict[str, Any] = {
    "model": "shop:Order", "dedup_key": ["order_id"], "kafka_columns": "none", "partition_by": "none",
    "cluster_by": ["order_id"],
}  # fmt: skip
MODEL = "from pydantic import BaseModel\n\n\nclass Order(BaseModel):\n    order_id: str\n    total: int\n"


class Shop:
    """Two topics, the table of one, and the consumers of before."""

    def __init__(self, orders: Pipe, payments: Pipe) -> None:
        self.orders, self.payments = orders, payments
        self.group_id = f"etl-{orders.topic}"
        self.sent: set[str] = set()
        self.children: list[subprocess.Popen[str]] = []

    def produce(self, each: int) -> None:
        """So many acknowledged messages for each partition, two hours old."""
        first, stamp = len(self.sent), int(time.time() * 1000) - 2 * 3_600_000
        ids = [f"o{number}" for number in range(first, first + each * PARTITIONS)]
        messages = [
            NewMessage({"order_id": one, "total": at}, partition=at % PARTITIONS, timestamp_ms=stamp)
            for at, one in enumerate(ids)
        ]
        assert len(self.orders.produce(messages)) == len(ids)
        self.sent |= set(ids)

    def consumer(self, client_id: str, ending: str, messages: int = 0) -> Any:
        """Start one, and wait for what it says."""
        made = self.orders
        child = naive.start(
            bootstrap=made.bootstrap, group_id=self.group_id, client_id=client_id, messages=messages, ending=ending,
            topics=[made.topic, self.payments.topic], endpoint=made.api_endpoint, project=made.client.project,
            table=f"{made.client.project}.{made.dataset}.{made.table}",
        )  # fmt: skip
        self.children.append(child)
        found = naive.told(child)
        if ending != "stuck":
            child.wait(30)
        return found

    def old_offsets(self) -> dict[int, int]:
        """Where the old group stands."""
        reader = Consumer({"bootstrap.servers": self.orders.bootstrap, "group.id": self.group_id})
        places = reader.committed([TopicPartition(self.orders.topic, part) for part in range(PARTITIONS)], timeout=10)
        reader.close()
        return {one.partition: one.offset for one in places}

    def pay(self) -> None:
        """The group has a position in the other topic too, whether or not the first consumer came to read it."""
        other = Consumer({"bootstrap.servers": self.orders.bootstrap, "group.id": self.group_id})
        other.commit(offsets=[TopicPartition(self.payments.topic, 0, 1)], asynchronous=False)
        other.close()

    def ids(self) -> Counter[str]:
        """The table."""
        return Counter(row[0] for row in self.orders.query(f"SELECT order_id FROM {self.orders.name()}"))

    def stop(self) -> None:
        """All consumers."""
        for child in self.children:
            if child.poll() is None:
                child.terminate()
                child.wait(30)


@pytest.fixture
def shop(pipe: Callable[..., Pipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """As the company had it, and job files for what is to come."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "shop.py").write_text(MODEL, "utf-8")
    orders = pipe(partitions=PARTITIONS, table="orders", **JOB)
    made = Shop(orders, pipe(partitions=1, table="payments"))
    yield made
    made.stop()


def before(shop: Shop) -> int:
    """The old consumers at work; how many rows are too many."""
    shop.produce(each=40)
    shop.payments.produce([NewMessage({"n": 1}, partition=0)])
    assert len(shop.consumer("etl-1", "close", 120)) == 120
    shop.pay()
    shop.consumer("etl-z", "stuck")
    shop.produce(each=20)
    lost = shop.consumer("etl-2", "kill", 40)
    again = shop.consumer("etl-3", "close", 40)
    assert sorted(lost) == sorted(again), "read twice, as nobody had committed"
    shop.payments.produce([NewMessage({"n": 2}, partition=0)])
    return len(again)


def causes(kafka_bq: Command, shop: Shop) -> None:
    """The doctor names them, in the job file that the team would write first."""
    made = shop.orders
    kafka = {"enable.auto.commit": "true", "bootstrap.servers": made.bootstrap}
    made.write(group_id=shop.group_id, kafka=kafka)
    assert "enable.auto.commit must be false" in kafka_bq("doctor", str(made.path)).out
    made.write(group_id=shop.group_id, kafka={})
    done = kafka_bq("doctor", str(made.path), "--every", "10m", "--json")
    told = "\n".join(f"{one['severity']}: {one['what']}" for one in done.json()["findings"])
    assert done.code == 1
    assert "error: etl-z at " in told
    assert f"error: the group has positions for topic {shop.payments.topic}" in told
    assert f"warning: the oldest of 20 unread messages of partition {LAGGING} waits for 2:0" in told
    assert not any(f"messages of partition {part} " in told for part in range(PARTITIONS) if part != LAGGING)
    made.settings.pop("group_id")
    made.write()


def migrate(kafka_bq: Command, shop: Shop) -> dict[int, int]:
    """Refused while a consumer is left; then all at once. Where the old group stood."""
    paths = str(shop.orders.path), str(shop.payments.path)
    command = ("migrate-group", "--from-group", shop.group_id, *paths, "--adopt", "--delete-old", "--json")
    refused = kafka_bq(*command).failure()
    assert (refused["error"], "etl-z at " in refused["message"]) == ("GroupInUseError", True)
    shop.stop()
    stood = shop.old_offsets()
    assert stood == {part: 40 if part == LAGGING else 60 for part in range(PARTITIONS)}
    moved = kafka_bq(*command)
    assert (moved.code, moved.json()["old_group"]) == (0, "deleted")
    return stood


def run_task(shop: Shop, made: Pipe, **settings: Any) -> dict[str, Any]:
    """The operator, by Airflow."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    google = {"project": made.client.project, "api_endpoint": made.api_endpoint, "is_anonymous": True}
    with DAG(f"story_{made.table}", schedule=None) as dag:
        KafkaToBigQueryOperator(task_id="load", topic=made.topic, table=f"{made.dataset}.{made.table}", **settings)
    airflow_home.register(dag)
    kafka = {"bootstrap.servers": shop.orders.bootstrap}
    with airflow_home.connections(kafka_default=kafka, google_cloud_default=google):
        run = dag.test()
    assert str(run.state) == "success"
    with create_session() as session:
        asked = select(XComModel.value).where(XComModel.run_id == run.run_id, XComModel.key == "return_value")
        (value,) = session.execute(asked).scalars()
    found: dict[str, Any] = value
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("airflow_database")
def test_the_origin_story(shop: Shop, kafka_bq: Command) -> None:
    orders, payments = (str(made.path) for made in (shop.orders, shop.payments))
    too_many = before(shop)
    causes(kafka_bq, shop)
    rows = shop.ids()
    assert sum(rows.values()) - len(rows) == too_many
    audited = kafka_bq("audit", orders, "--json")
    assert (audited.code, audited.json()["duplicates"]["by_key"]) == (1, {"groups": too_many, "rows": too_many})

    stood = migrate(kafka_bq, shop)
    assert shop.orders.ledger() == shop.orders.committed() == stood
    assert shop.ids() == rows

    report = run_task(shop, shop.orders, **JOB)
    assert (report["messages"], report["rows"]["inserted"]) == (20, 20), "the lagging partition, and nothing again"
    assert run_task(shop, shop.payments)["messages"] == 1, "the one that nobody had read"
    assert sum(shop.ids().values()) == len(shop.sent) + too_many

    repaired = kafka_bq("repair", orders, "--json")
    assert (repaired.code, repaired.json()["removed"]) == (0, too_many)
    shop.produce(each=5)
    assert run_task(shop, shop.orders, **JOB)["messages"] == 15
    clean = kafka_bq("audit", orders, "--json")
    assert (clean.code, clean.json()["clean"]) == (0, True), clean.out
    assert shop.ids() == Counter(shop.sent), "every acknowledged message, once"
    cured = {one["what"] for one in kafka_bq("doctor", orders, payments, "--every", "1d", "--json").json()["findings"]}
    assert not [what for what in cured if "member" in what or "group" in what or "waits" in what]
