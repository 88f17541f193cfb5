"""A broker that is killed, frozen or cut off at each step of a run: an end in time, and nothing lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from airflow_kafka_bq.testing.kafka import KafkaBroker, create_topic, wait_until, warm_up
from tests.end_to_end.elsewhere import oracle_on
from tests.end_to_end.frozen import NARROW, frozen, wide
from tests.end_to_end.oracle import Oracle
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]
TRANSIENT = {"KafkaUnavailableError", "StalledError"}


@pytest.fixture(scope="module")
def module_broker() -> Iterator[KafkaBroker]:
    """With a proxy before it, for those who come that way."""
    with KafkaBroker(proxied=True) as own:
        create_topic(own.bootstrap, "warm-up")
        warm_up(own.bootstrap, "warm-up")
        yield own


@pytest.fixture
def broker(module_broker: KafkaBroker) -> Iterator[KafkaBroker]:
    """In order again for the next test, however this one ends."""
    yield module_broker
    module_broker.proxies[1].restore()
    if not module_broker.process_ids:
        module_broker.restart()
    module_broker.resume()


def _filled(broker: KafkaBroker, pipe: PipeFactory, **settings: object) -> Oracle:
    oracle = oracle_on(broker, pipe, batch_messages=50, kafka=NARROW, **settings)
    oracle.produce(wide(200))
    return oracle


@pytest.mark.fault("B1")
@pytest.mark.kill
@pytest.mark.parametrize(
    ("effect", "phase"),
    [
        ("source.poll", "after"),
        pytest.param("source.committed", "before", marks=pytest.mark.slow),
        pytest.param("source.commit", "before", marks=pytest.mark.slow),
    ],
)
def test_a_broker_that_restarts_costs_seconds_and_no_message(
    pipe: PipeFactory, broker: KafkaBroker, effect: str, phase: str
) -> None:
    """B1, SIGKILL and back in about 5 s: the same run goes on, in planning, reading and committing."""
    oracle = _filled(broker, pipe, stall_timeout_seconds=90)
    with frozen(oracle.pipe, effect, phase, patience=90) as child:
        broker.kill()
    broker.restart()
    report = child.finish(180)
    assert (report.get("outcome"), report.get("messages")) == ("end", 200), report
    oracle.check()
    assert oracle.settle()["messages"] == 0


@pytest.mark.fault("B1")
@pytest.mark.kill
def test_a_broker_that_stays_away_ends_the_run_by_name(pipe: PipeFactory, broker: KafkaBroker) -> None:
    """B1, for good: in the middle of reading and before it, never green."""
    oracle = _filled(broker, pipe, stall_timeout_seconds=2)
    with frozen(oracle.pipe, "source.poll", "after") as child:
        broker.kill()
    failure = child.finish()
    again = oracle.pipe.start(patience=1.5).finish()
    broker.restart()
    for told in (failure, again):
        assert told.get("error") == "KafkaUnavailableError", told
        assert told["topic"] == oracle.pipe.topic
        assert told["remedy"]
    oracle.prefix()
    oracle.settle("stall_timeout_seconds=30")


@pytest.mark.fault("B1")
@pytest.mark.kill
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_minute_without_broker_ends_runs_with_usual_patience(pipe: PipeFactory, broker: KafkaBroker) -> None:
    """B1, 60 s: the usual patience ends in planning and reading; a commit is left open; who was told to waits."""
    steps = {"plan": "source.committed", "read": "source.poll", "commit": "source.commit", "patient": "source.poll"}
    oracles = {
        name: _filled(broker, pipe, table=name, stall_timeout_seconds=150 if name == "patient" else 30)
        for name in steps
    }
    with ExitStack() as held:
        children = {
            name: held.enter_context(frozen(oracles[name].pipe, effect, "after" if "poll" in effect else "before"))
            for name, effect in steps.items()
        }
        broker.kill()
        began = time.monotonic()
    told = {name: child.finish(70) for name, child in children.items() if name != "patient"}
    time.sleep(max(0.0, 60 - (time.monotonic() - began)))
    assert children["patient"].process.is_alive()
    broker.restart()
    assert children["patient"].finish(120)["messages"] == 200
    assert [told[name].get("error") for name in ("plan", "read")] == ["KafkaUnavailableError"] * 2, told
    assert told["commit"].get("error", "KafkaUnavailableError") == "KafkaUnavailableError", told
    for oracle in oracles.values():
        oracle.settle()


STEPS = [
    ("source.describe", "before"),
    ("source.committed", "before"),
    ("source.group", "before"),
    ("source.bounds", "before"),
    ("source.poll", "after"),
    ("source.topic_id", "before"),
    ("warehouse.load", "before"),
    ("warehouse.merge", "before"),
    ("source.commit", "before"),
    ("source.close", "before"),
]
QUICK = {"source.poll", "source.commit", "source.close"}


@pytest.mark.fault("B2")
@pytest.mark.kill
@pytest.mark.parametrize(
    ("effect", "phase"),
    [pytest.param(*step, marks=[] if step[0] in QUICK else pytest.mark.slow, id=step[0]) for step in STEPS],
)
def test_a_frozen_broker_holds_no_run_up(pipe: PipeFactory, broker: KafkaBroker, effect: str, phase: str) -> None:
    """B2, SIGSTOP of the broker: each step ends in time; what it does when it wakes up is repaired."""
    oracle = _filled(broker, pipe, stall_timeout_seconds=2)
    with frozen(oracle.pipe, effect, phase, patience=2.5) as child:
        broker.pause()
    began = time.monotonic()
    try:
        told = child.finish(60)
    finally:
        broker.resume()
    assert time.monotonic() - began < 45
    assert told.get("error") in TRANSIENT or told.get("outcome") == "end", told
    if effect != "source.close":
        assert "error" in told or told["committed"] is False, told
    oracle.prefix()
    oracle.settle("stall_timeout_seconds=30")


@pytest.mark.fault("B2")
@pytest.mark.kill
def test_a_broker_that_wakes_up_in_time_is_waited_for(pipe: PipeFactory, broker: KafkaBroker) -> None:
    oracle = _filled(broker, pipe)
    with frozen(oracle.pipe, "source.poll", "after") as child:
        broker.pause()
    asked = max(nth for effect, nth in child.effects() if effect == "source.poll")
    child.wait_for("source.poll", asked + 10)  # in vain
    broker.resume()
    assert child.finish()["messages"] == 200
    oracle.check()


@pytest.mark.fault("B2", "B7")
def test_a_commit_that_lands_after_a_newer_one_is_repaired(pipe: PipeFactory, broker: KafkaBroker) -> None:
    """B7: its run gave it up long ago. Kafka takes it, and is behind; the ledger decides, and the next run repairs."""
    oracle = oracle_on(broker, pipe, proxied=True)
    made = oracle.pipe
    oracle.produce(wide(10))
    proxy = broker.proxies[1]
    with frozen(made, "source.commit", patience=2) as child:
        proxy.freeze()
    late = child.finish()
    assert (late["outcome"], late["committed"], late["messages"]) == ("end", False, 10)
    oracle.produce(wide(10))
    made.write(kafka={})  # the newer run goes straight to the broker
    oracle.settle()
    assert made.committed() == {0: 20}
    proxy.restore()
    wait_until(lambda: made.committed() == {0: 10}, "the late commit", 20)
    assert made.ledger() == {0: 20}
    assert oracle.settle()["messages"] == 0
    assert made.committed() == {0: 20}
