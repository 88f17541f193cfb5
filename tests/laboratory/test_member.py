"""How long a member has no partition, with eager and cooperative callbacks."""

from __future__ import annotations

from typing import Any, cast

from confluent_kafka import Consumer, TopicPartition

from laboratory.member import Assignment

ONE, TWO = TopicPartition("t", 0), TopicPartition("t", 1)
NOBODY = cast(Consumer, None)


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def at(clock: Clock, now: float, change: Any, *partitions: TopicPartition) -> None:
    clock.now = now
    change(NOBODY, list(partitions))


def test_the_wait_for_the_first_partition_and_between_two_assignments_counts() -> None:
    clock = Clock()
    member = Assignment(clock)
    at(clock, 3.0, member.gained, ONE, TWO)
    at(clock, 5.0, member.gone, ONE, TWO)
    at(clock, 5.5, member.gained, TWO)
    clock.now = 9.0
    assert member.seconds_without() == 3.5


def test_a_member_that_keeps_one_partition_waits_for_none() -> None:
    clock = Clock()
    member = Assignment(clock)
    at(clock, 1.0, member.gained, ONE, TWO)
    at(clock, 2.0, member.gone, ONE)
    at(clock, 4.0, member.gained)
    clock.now = 8.0
    assert member.seconds_without() == 1.0


def test_an_empty_assignment_is_none() -> None:
    clock = Clock()
    member = Assignment(clock)
    at(clock, 1.0, member.gained)
    clock.now = 4.0
    assert member.seconds_without() == 4.0
