"""The member's thread: where it assigns, that it polls on, and that nothing is dropped or handed over twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import PartitionsLostError, TerminalError
from airflow_kafka_bq.kafka.commits import Commits
from airflow_kafka_bq.kafka.evictions import Evictions
from airflow_kafka_bq.kafka.member import Member
from airflow_kafka_bq.kafka.standing import Standing
from airflow_kafka_bq.kafka.troubles import Troubles
from tests.kafka.scripted_consumer import TOPIC, ScriptedConsumer, event, message, parts


class Made:
    """A member of a scripted group."""

    def __init__(self, incremental: bool = False, hold_seconds: float = 5.0) -> None:
        self.consumer = ScriptedConsumer()
        self.standing = Standing(TOPIC, "g", hold_seconds)
        evictions = Evictions(self.standing, Troubles({"bootstrap.servers": "b"}), 45.0, TOPIC, "g")
        commits = Commits()
        self.consumer.on_commit = commits.answered
        clients: Any = SimpleNamespace(consumer=self.consumer)
        self.member = Member(clients, TOPIC, self.standing, evictions, commits, incremental=incremental)

    def start(self, **positions: int) -> None:
        self.member.start({int(part[1:]): Position(at) for part, at in positions.items()})

    def ask(self, most: int = 100) -> list[tuple[Any, Any]]:
        return [(one.partition(), one.offset()) for one in self.member.ask(most, 0.05)]

    def of(self, name: str) -> list[Any]:
        return [what for call, what in self.consumer.done if call == name]

    def until(self, what: Callable[[], object]) -> None:
        end = time.monotonic() + 5
        while not what():
            assert time.monotonic() < end, self.consumer.done
            time.sleep(0.002)


@pytest.fixture(params=[False, True], ids=["eager", "incremental"])
def made(request: pytest.FixtureRequest) -> Iterator[Made]:
    found = Made(request.param)
    yield found
    found.member.stop()


def joined(made: Made) -> Made:
    made.consumer.assigns(0, 1)
    made.start(p0=10, p1=20)
    assert made.standing.share(5) == {0, 1}
    return made


def test_partitions_are_assigned_at_the_ledgers_positions_and_paused(made: Made) -> None:
    joined(made)
    assert made.of("assign") + made.of("incremental_assign") == [{0: 10, 1: 20}]
    assert made.consumer.paused == {0, 1}
    with pytest.raises(TerminalError, match="joined"):
        made.start()


def test_the_group_is_polled_while_nobody_asks_and_what_comes_is_kept(made: Made) -> None:
    """BigQuery works, and the reader waits."""
    joined(made).member.place({0: Position(10), 1: Position(20)})
    assert made.of("seek") == []
    made.consumer.brings(message(0, 10))
    assert made.ask() == [(0, 10)]
    assert made.consumer.paused == set()
    made.until(lambda: made.consumer.paused == {0, 1})
    before = made.consumer.polls
    made.consumer.brings(message(0, 11), message(1, 20))  # though all are paused
    made.until(lambda: made.consumer.polls > before + 10)
    assert made.ask(1) == [(0, 11)]
    assert made.ask() == [(1, 20)]


def test_a_partition_that_stands_elsewhere_is_placed_by_seek_and_what_was_kept_of_it_goes(made: Made) -> None:
    joined(made).member.place({0: Position(10), 1: Position(20)})
    made.consumer.brings(message(0, 10), message(1, 20))
    made.until(lambda: not made.consumer.script)
    time.sleep(0.05)
    made.member.place({0: Position(5), 1: Position(20)})
    assert made.of("seek") == [(0, 5)]
    assert made.ask() == [(1, 20)]


def test_reading_goes_on_behind_what_was_handed_over_when_a_partition_comes_back(made: Made) -> None:
    joined(made).member.place({0: Position(10), 1: Position(20)})
    made.consumer.brings(message(0, 10), message(0, 11))
    assert made.ask() == [(0, 10), (0, 11)]
    made.consumer.revokes(0, 1)
    made.consumer.assigns(0, 1)
    made.until(lambda: len(made.of("assign") + made.of("incremental_assign")) == 2)
    assert (made.of("assign") + made.of("incremental_assign"))[-1] == {0: 12, 1: 20}


def test_messages_of_partitions_that_are_not_ours_or_not_open_are_left_out(made: Made) -> None:
    joined(made).member.place({0: Position(10)})
    made.consumer.brings(message(0, 10), message(1, 20), message(7, 1))
    assert made.ask() == [(0, 10)]
    made.member.finish(0)
    made.consumer.brings(message(0, 11))
    assert made.ask() == []


def test_a_rebalance_waits_for_the_merge_and_sends_its_commit(made: Made) -> None:
    """In the callback no poll brings the answer: the commit is sent there, and waited for."""
    joined(made)
    with made.standing.holding(frozenset({0, 1}), 1):
        made.consumer.revokes(0, 1)
        made.until(lambda: not made.consumer.script)
        time.sleep(0.1)
        assert made.standing.partitions == {0, 1}
        made.member.commit(parts(0), 5)
        assert made.of("unassign") + made.of("incremental_unassign") == []
    made.until(lambda: made.standing.partitions == frozenset())
    assert made.of("commit")


def test_a_rebalance_waits_no_longer_than_the_group_allows() -> None:
    made = Made(hold_seconds=0.1)
    joined(made)
    with made.standing.holding(frozenset({0}), 1):
        made.consumer.revokes(0, 1)
        made.until(lambda: made.standing.partitions == frozenset())
    made.member.stop()


def test_a_commit_is_answered_by_a_poll_also_while_messages_flow(made: Made) -> None:
    joined(made).member.place({0: Position(10), 1: Position(20)})
    made.ask()
    began = time.monotonic()
    made.member.commit(parts(0), 5)
    assert time.monotonic() - began < 0.4
    made.consumer.mute = True
    with pytest.raises(TimeoutError):
        made.member.commit(parts(1), 0.05)


def test_who_is_put_out_hears_why_at_the_next_question(made: Made) -> None:
    joined(made)
    made.consumer.loses(0, 1, event=event(KafkaError._MAX_POLL_EXCEEDED, "by 2ms"))
    with pytest.raises(PartitionsLostError, match=r"max\.poll\.interval\.ms.*by 2ms"):
        made.until(made.standing.check)
    assert made.standing.partitions == frozenset()


def test_nothing_is_committed_by_a_member_that_was_put_out_and_is_in_again(made: Made) -> None:
    """The client joins again by itself, and its coordinator would take the commit."""
    joined(made)
    made.consumer.loses(0, 1)
    made.consumer.assigns(0, 1)
    made.until(lambda: made.standing.lost_within(0))
    with pytest.raises(KafkaException, match="_ASSIGNMENT_LOST"):
        made.member.commit(parts(0), 5)
    assert made.of("commit") == []


def test_a_thread_that_ends_is_told_of() -> None:
    made = Made()
    made.consumer.script.append(lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    hook, threading.excepthook = threading.excepthook, lambda _: None
    try:
        made.start()
        with pytest.raises(TerminalError, match="ZeroDivisionError"):
            made.member.place({0: Position(0)})
    finally:
        threading.excepthook = hook
    assert made.consumer.closed.is_set()
