"""A run that is asked to stop, wherever it is: over soon, nothing further merged or committed, the next goes on."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import KafkaBroker, create_topic
from airflow_kafka_bq.testing.kafka.waiting import wait_until
from tests.end_to_end.child import Blow
from tests.end_to_end.frozen import frozen, wide
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.promise import restored
from tests.end_to_end.test_interruptions import command

pytestmark = pytest.mark.kill
PipeFactory = Callable[..., Pipe]

QUICK = ("source.poll", "warehouse.merge", "source.commit")
PHASES = [
    pytest.param(Blow(effect, when, action="term"), marks=() if (effect, when) in always else pytest.mark.slow)
    for always in [{(effect, "before") for effect in QUICK}]
    for effect in (
        *(
            "source.describe",
            "source.committed",
            "source.group",
            "source.bounds",
            "warehouse.table",
            "warehouse.create",
        ),
        *("warehouse.create_ledger", "warehouse.register", "source.open", "source.poll", "warehouse.load"),
        *("warehouse.estimate", "warehouse.merge", "source.commit", "warehouse.drop"),
    )
    for when in ("before", "after")
]


@pytest.mark.fault("A4")
@pytest.mark.parametrize("blow", PHASES, ids=str)
def test_a_stop_commits_nothing_on_its_way_out(pipe: PipeFactory, blow: Blow) -> None:
    """What is not the effect that was under way does not happen any more; the next run ends as if nothing had been."""
    made = pipe(partitions=1, batch_messages=4)
    sent = made.produce([{"n": number} for number in range(12)])
    child = made.start(blow)
    report = child.finish(60)
    effects = child.effects()
    after = [effect for effect, _ in effects[effects.index((blow.effect, 1)) + 1 :]]
    assert "warehouse.merge" not in after
    assert "source.commit" not in after
    assert report.get("outcome") == "stopped", report
    committed = made.committed().get(0, 0)
    assert committed <= (4 if blow.effect in {"source.commit", "warehouse.drop"} else 0)
    restored(made, sent)


@pytest.fixture(scope="module")
def proxied_kafka() -> Iterator[KafkaBroker]:
    """A broker that can be made silent."""
    with KafkaBroker(proxied=True) as broker:
        yield broker


@pytest.mark.fault("A4")
def test_a_stop_inside_of_consume(pipe: PipeFactory, proxied_kafka: KafkaBroker) -> None:
    """The client waits for a broker that says nothing; the stall time is a minute away."""
    create_topic(proxied_kafka.bootstrap, "inside-consume", 1)
    made = pipe(partitions=1, topic="inside-consume", stall_timeout_seconds=60)
    made.bootstrap = proxied_kafka.bootstrap
    sent = made.produce(wide(1_000))
    narrow = {"queued.max.messages.kbytes": "64", "fetch.message.max.bytes": "20000"}
    made.write(kafka={"bootstrap.servers": proxied_kafka.proxied_bootstrap, **narrow})
    with frozen(made, "source.poll", "after") as child:
        proxied_kafka.proxies[1].black_hole()
    try:
        polls = len(child.effects())
        wait_until(lambda: len(child.effects()) > polls + 3, "polls that find nothing", 20)
        began = time.monotonic()
        os.kill(child.process.pid or 0, signal.SIGTERM)
        report = child.finish(50)
    finally:
        proxied_kafka.proxies[1].restore()
    assert report.get("outcome") == "stopped", report
    assert time.monotonic() - began < 40
    assert made.committed() == {}
    made.write(kafka={"bootstrap.servers": made.bootstrap})
    restored(made, sent)


@pytest.mark.fault("A4")
@pytest.mark.parametrize("kind", [pytest.param(one, marks=pytest.mark.slow) for one in ("load", "merge")])
def test_a_stop_while_a_job_runs_leaves_it_to_bigquery(
    pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any, kind: str
) -> None:
    """The command ends with 143; the job ends when it likes, and the next run finds it."""
    made = pipe(partitions=1)
    sent = made.produce([{"n": number} for number in range(4)])
    trouble("hold", job_id=f"kafka-bq-{kind}")

    def submitted() -> bool:
        return any(f"kafka-bq-{kind}" in str(call) for call in bigquery.faults.calls("jobs.insert"))

    with command(made, "run", str(made.path)) as process:
        wait_until(submitted, f"a {kind} job", 30)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    assert json.loads(out)["outcome"] == "stopped"
    assert made.committed() == {}
    bigquery.faults.release()
    restored(made, sent)
    assert len({str(call["job_id"]) for call in bigquery.faults.calls("jobs.insert") if call["kind"] == "load"}) == 1
