"""Runs that join their group: one member, several, strangers beside them, and what becomes of evictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

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
    assert (report.get("outcome"), report.get("committed"), report["messages"]) == ("end", True, 20), report
    assert made.committed() == made.ledger()
    oracle.settle()
