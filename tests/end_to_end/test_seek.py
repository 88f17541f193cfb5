"""Positions moved on the real broker and the local BigQuery: back, forth, by time, killed between any two effects."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.end_to_end.child import Blow
from tests.end_to_end.members import member
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]
READ = {0: 5, 1: 5}
# Backwards and forwards at once: partition 0 is read again from 1, and 6 and 7 of partition 1 are skipped.
TO, MIXED = "0:1,1:8", {0: 1, 1: 8}
KILLS = [
    *(
        pytest.param(blow, marks=pytest.mark.slow)
        for blow in (
            Blow("source.commit", "before"),
            Blow("source.commit", "after"),
            Blow("source.commit", "after", nth=2),
        )
    ),
    Blow("warehouse.place", "after"),
]


def _read(pipe: PipeFactory) -> Pipe:
    """Ten messages in each partition, half of them read."""
    made = pipe(partitions=2)
    for first in (0, 10):
        made.produce([NewMessage({"n": number}, partition=number % 2) for number in range(first, first + 10)])
        if not first:
            made.run()
    return made


def _check(made: Pipe, stands: dict[int, int]) -> None:
    """The next run is an ordinary one: all is there once, but for what was skipped on purpose."""
    report = made.run()
    assert report["outcome"] == "end", report
    skipped = {(1, at) for at in range(5, stands[1])}
    assert made.coordinates() == Counter({(part, at): 1 for part in (0, 1) for at in range(10)} | {}) - Counter(
        dict.fromkeys(skipped, 1)
    )
    assert made.ledger() == made.committed() == {0: 10, 1: 10}
    audit = made.json("audit", str(made.path))
    assert (audit["clean"], audit["skipped"]) == (True, [{"partition": 1, "start": 5, "end": stands[1]}])


@pytest.mark.kill
@pytest.mark.parametrize("blow", KILLS, ids=str)
def test_killed_anywhere_the_next_run_goes_on(pipe: PipeFactory, blow: Blow) -> None:
    made = _read(pipe)
    made.start(blow, seeks=TO).dies()
    stands = made.ledger()
    assert stands in (READ, MIXED)
    assert (stands == MIXED) == (str(blow) in {"after-warehouse.place-1", "after-source.commit-2"})
    if stands == READ:  # half done: by doing it again
        assert made.start(seeks=TO).finish()["changed"]
        stands = MIXED
    _check(made, stands)


def test_to_the_ends_to_a_time_and_back_again(pipe: PipeFactory) -> None:
    made = _read(pipe)
    time.sleep(0.05)
    moment = datetime.now(UTC).isoformat()
    time.sleep(0.05)  # messages have whole milliseconds
    made.produce([NewMessage({"late": True}, partition=0)])
    path = str(made.path)
    for to, stands in (("earliest", {0: 0, 1: 0}), ("latest", {0: 11, 1: 10}), (moment, {0: 10, 1: 10})):
        told = made.json("seek", path, "--to", to, "--dry-run")
        done = made.json("seek", path, "--to", to, "--undo-file", "back.json")
        assert told["partitions"] == done["partitions"]
        assert made.ledger() == made.committed() == stands
        assert made.json("seek", path, "--undo", "back.json")["changed"]
        assert made.ledger() == made.committed() == READ
    assert made.json("seek", path, "--to", "0:12")["error"] == "ConfigError"
    with member(made):
        failure = made.start(seeks="earliest").finish()
    assert failure["error"] == "GroupInUseError"
    assert made.ledger() == READ
