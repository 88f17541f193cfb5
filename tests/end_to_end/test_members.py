"""Runs that join their group: one member, several, strangers beside them, and what becomes of evictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.end_to_end.child import Blow
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


def subscribing(pipe: PipeFactory, kafka: dict[str, Any], **settings: Any) -> Pipe:
    return pipe(4, assignment="subscribe", kafka=kafka, **settings)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_member_reads_all_of_the_topic(pipe: PipeFactory, name: str) -> None:
    made = subscribing(pipe, PROTOCOLS[name], batch_messages=7)
    oracle = Oracle(made)
    oracle.produce([{"n": number} for number in range(20)])
    report = made.run()
    assert (report.get("outcome"), report.get("committed"), report.get("messages")) == ("end", True, 20), report
    assert made.committed() == made.ledger()
    oracle.settle()


@pytest.mark.parametrize("name", ["range", "cooperative-sticky", "consumer"])
def test_two_members_share_the_topic_and_end_together(pipe: PipeFactory, name: str) -> None:
    """The second one joins while the first one is in the middle of it: what it had not merged is read again."""
    made = subscribing(pipe, PROTOCOLS[name], batch_messages=5)
    oracle = Oracle(made)
    oracle.produce([{"n": number} for number in range(120)])
    first = made.start(Blow("warehouse.load", "before", 3, "freeze"))
    first.freezes()
    second = made.start()
    first.thaw()
    reports = [first.finish(), second.finish()]
    assert [one.get("outcome") for one in reports] == ["end", "end"], reports
    assert sum(one["messages"] for one in reports) == 120
    assert made.committed() == made.ledger()
    oracle.settle()
