"""Runs that join their group: one member, several, strangers beside them, and what becomes of evictions."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer

from airflow_kafka_bq.testing.kafka import wait_until
from airflow_kafka_bq.testing.kafka.topics import TopicFactory
from tests.end_to_end.child import Blow
from tests.end_to_end.frozen import frozen
from tests.end_to_end.members import members, rebalance_storm, stranger
from tests.end_to_end.oracle import Oracle
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]
CLASSIC: dict[str, Any] = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 300}
PROTOCOLS: dict[str, dict[str, Any]] = {
    "range": {**CLASSIC, "partition.assignment.strategy": "range"},
    "roundrobin": {**CLASSIC, "partition.assignment.strategy": "roundrobin"},
    "cooperative-sticky": {**CLASSIC, "partition.assignment.strategy": "cooperative-sticky"},
    "consumer": {"group.protocol": "consumer"},
    "static": {**CLASSIC, "group.instance.id": "worker-1"},
}
EIGHT_FOUR_EIGHT: dict[str, Any] = {"group.protocol": "consumer", "max.poll.interval.ms": 2000}
SHORT = {**CLASSIC, "session.timeout.ms": 2000, "max.poll.interval.ms": 2000}


def protocols(*quick: str, of: tuple[str, ...] = tuple(PROTOCOLS)) -> list[Any]:
    """These in every run of the tests, the others in the long one."""
    return [pytest.param(name, marks=() if name in quick else pytest.mark.slow) for name in of]


# PyDLL, unlike CDLL, keeps the interpreter's lock while it calls.
STALL = """
import ctypes
def stall(table):
    ctypes.PyDLL(None).sleep(4)
    return table
"""


def subscribing(pipe: PipeFactory, kafka: dict[str, Any], **settings: Any) -> Pipe:
    return pipe(4, assignment="subscribe", kafka=kafka, **settings)


@pytest.mark.parametrize("name", protocols("range", "consumer"))
def test_a_member_reads_all_of_the_topic(pipe: PipeFactory, name: str) -> None:
    made = subscribing(pipe, PROTOCOLS[name], batch_messages=7)
    oracle = Oracle(made)
    oracle.produce([{"n": number} for number in range(20)])
    report = made.run()
    assert (report.get("outcome"), report.get("committed"), report.get("messages")) == ("end", True, 20), report
    assert made.committed() == made.ledger()
    oracle.settle()


@pytest.mark.parametrize("name", protocols("cooperative-sticky", of=("range", "cooperative-sticky", "consumer")))
def test_two_members_share_the_topic_and_end_together(pipe: PipeFactory, name: str) -> None:
    """The second one joins while the first one is in the middle of it: what it had not merged is read again."""
    made = subscribing(pipe, PROTOCOLS[name], batch_messages=5)
    oracle = Oracle(made)
    oracle.produce([{"n": number} for number in range(60)])
    first = made.start(Blow("warehouse.load", "before", 3, "freeze"))
    first.freezes()
    second = made.start()
    first.thaw()
    reports = [first.finish(), second.finish()]
    assert [one.get("outcome") for one in reports] == ["end", "end"], reports
    assert sum(one["messages"] for one in reports) == 60
    assert made.committed() == made.ledger()
    oracle.settle()


@pytest.mark.fault("G5")
@pytest.mark.parametrize(
    "limits", [SHORT, pytest.param(EIGHT_FOUR_EIGHT, marks=pytest.mark.slow)], ids=["classic", "kip-848"]
)
def test_a_member_that_cannot_poll_is_put_out_and_merges_nothing(pipe: PipeFactory, limits: dict[str, Any]) -> None:
    """G5: a function that keeps Python to itself for longer than max.poll.interval.ms, while heart-beats go on."""
    made = subscribing(pipe, limits, transform="stalls:stall")
    (made.folder / "stalls.py").write_text(STALL)
    oracle = Oracle(made)
    oracle.produce([{"n": number} for number in range(10)])
    child = made.start()
    failure = child.finish()
    assert (failure["error"], failure["group_id"]) == ("PartitionsLostError", made.group_id), failure
    assert "max.poll.interval.ms" in failure["message"]
    assert "assignment='assign'" in failure["remedy"]
    assert "warehouse.merge" not in {effect for effect, _ in child.effects()}
    assert made.committed() == {}
    made.settings.pop("transform")
    made.write()
    oracle.settle()


@pytest.mark.fault("G5")
@pytest.mark.kill
@pytest.mark.parametrize(
    ("at", "name"),
    [
        ("warehouse.load", "range"),
        pytest.param("warehouse.merge", "cooperative-sticky", marks=pytest.mark.slow),
        pytest.param("source.commit", "range", marks=pytest.mark.slow),
    ],
)
def test_a_member_whose_session_ends_is_put_out_and_the_next_one_reads_all(
    pipe: PipeFactory, at: str, name: str
) -> None:
    """G5: frozen for longer than its session. It wakes as a zombie, when another run has read everything."""
    made = subscribing(pipe, {**PROTOCOLS[name], "session.timeout.ms": 2000}, batch_messages=4)
    oracle = Oracle(made)
    oracle.produce([{"n": number} for number in range(12)])
    zombie = made.start(Blow(at, "before", 1, "freeze"))
    zombie.freezes()
    wait_until(lambda: members(made) == 0, "the end of the session", 30)
    assert made.run()["outcome"] == "end"
    before = made.committed()
    zombie.thaw()
    failure = zombie.finish()
    assert failure["error"] == "PartitionsLostError", failure
    assert "session.timeout.ms" in failure["message"]
    assert made.committed() == before == made.ledger()
    oracle.settle()


@pytest.mark.fault("G4")
@pytest.mark.kill
@pytest.mark.parametrize("how", ["killed", pytest.param("frozen", marks=pytest.mark.slow)])
def test_a_member_takes_over_from_a_stranger_that_died_or_froze(pipe: PipeFactory, how: str) -> None:
    """G4: beside a member, what a dead one had is read when its session of 8 s is over."""
    made = subscribing(pipe, {**CLASSIC, "partition.assignment.strategy": "range,roundrobin"})
    oracle = Oracle(made)
    oracle.produce([{"n": number} for number in range(12)])
    with stranger(made) as other:
        other.send_signal(signal.SIGKILL if how == "killed" else signal.SIGSTOP)
        report = made.run()
        assert (report.get("outcome"), report.get("messages")) == ("end", 12), report
        assert made.committed() == made.ledger()
    oracle.settle()


@pytest.mark.fault("G1", "G2")
def test_strangers_that_join_and_leave_cost_only_time(pipe: PipeFactory) -> None:
    """G1 and G2 beside a member: one was there before, one joins between MERGE and commit; both leave."""
    made = subscribing(pipe, {**CLASSIC, "partition.assignment.strategy": "range,roundrobin"}, batch_messages=4)
    oracle = Oracle(made)
    oracle.produce([{"n": number} for number in range(12)])
    with stranger(made):
        with frozen(made, "source.commit", nth=2) as child:
            pass
        with stranger(made):
            child.wait_for("source.share", 3)
    report = child.finish()
    assert (report.get("outcome"), report.get("messages")) == ("end", 12), report
    oracle.settle()


@pytest.mark.slow
@pytest.mark.fault("G3")
@pytest.mark.parametrize("name", ["range", "cooperative-sticky"])
def test_a_storm_of_rebalances_doubles_and_loses_nothing(pipe: PipeFactory, name: str) -> None:
    """G3: a stranger joins and leaves every second."""
    made = subscribing(pipe, {**PROTOCOLS[name], "partition.assignment.strategy": "range,roundrobin"}, batch_messages=5)
    oracle = Oracle(made)
    told = []
    with rebalance_storm(made):
        for first in (0, 20):
            oracle.produce([{"n": number} for number in range(first, first + 20)])
            told.append(made.run("max_seconds=40"))
            oracle.prefix()
    ends = {one.get("outcome") or one["error"] for one in told}
    assert ends <= {"end", "limit", "StalledError", "PartitionsLostError"}, told
    oracle.settle()


def test_a_stranger_that_reads_another_topic_is_refused(pipe: PipeFactory, kafka_topic: TopicFactory) -> None:
    made = subscribing(pipe, PROTOCOLS["range"])
    made.produce_ten()
    other = Pipe(**{**vars(made), "topic": kafka_topic(), "settings": {}, "table": "other"})
    other.topic, group = other.topic, made.group_id
    consumer = Consumer({"bootstrap.servers": made.bootstrap, "group.id": group, "client.id": "stranger"})
    consumer.subscribe([other.topic])
    wait_until(lambda: bool(consumer.poll(0.1) or consumer.assignment()), "the stranger in the group", 30)
    failure = made.run()
    consumer.close()
    assert failure["error"] == "GroupInUseError"
    assert f"which reads {other.topic}" in failure["message"]


@pytest.mark.parametrize("name", ["range", pytest.param("cooperative-sticky", marks=pytest.mark.slow)])
def test_a_load_and_a_merge_may_take_longer_than_a_member_may_go_without_a_poll(
    pipe: PipeFactory, trouble: Callable[..., None], name: str
) -> None:
    """It is polled on, with all partitions paused: nobody puts it out, and nothing that comes meanwhile is missed."""
    made = subscribing(pipe, {**PROTOCOLS[name], **SHORT}, batch_messages=7)
    oracle = Oracle(made)
    oracle.produce([{"n": number} for number in range(12)])
    trouble("slow", kind="load", seconds=3.0, times=1)
    trouble("slow", kind="script", job_id="kafka-bq-merge", seconds=3.5, times=1)
    report = made.run()
    assert (report.get("outcome"), report.get("messages"), report.get("batches")) == ("end", 12, 2), report
    assert made.committed() == made.ledger()
    oracle.settle()
