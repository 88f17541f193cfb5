"""Dead letters run again on the real broker and the local BigQuery: killed anywhere, beside a live run, and twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.end_to_end.child import Blow
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]
TODAY = ("on_tombstone=insert",)
KILLS = [
    Blow("warehouse.letters", "after"),
    Blow("client.load", "after"),
    Blow("client.merge", "after"),
    Blow("warehouse.merge", "after"),
]


def _waiting(pipe: PipeFactory) -> Pipe:
    """Six tombstones and what is no JSON, among good messages; the policy of then made dead letters of all of them."""
    made = pipe(partitions=2, max_bad_ratio=None, batch_messages=4, on_tombstone="dead_letter")
    headers = [("h", b"\x00"), ("h", None)]
    values: list[Any] = [{"n": 1}, None, None, None, b"{", {"n": 2}, None, None, None]
    made.produce([NewMessage(one, key=b"k", partition=at % 2, headers=headers) for at, one in enumerate(values)])
    made.run()
    assert sum(made.dead_letters().values()) == 7
    return made


def _check(made: Pipe) -> None:
    """All tombstones are rows, once and whole; what is no JSON waits; nothing else moved."""
    rows = made.query(f"SELECT _kafka_partition, _kafka_offset, _kafka_key, payload IS NULL FROM {made.name()}")
    assert Counter(rows) == Counter({(at % 2, at // 2, "k", at not in {0, 5}): 1 for at in range(9) if at != 4})
    headers = made.query(f"SELECT DISTINCT TO_JSON_STRING(_kafka_headers) FROM {made.name()}")
    assert len(headers) == 1, "those of a redriven message are those of a live one"
    letters = made.query(f"SELECT stage, redriven_at IS NULL, _kafka_value FROM {made.name('__dead_letters')}")
    assert Counter(letters) == Counter({("tombstone", False, None): 6, ("decode", True, b"{"): 1})
    assert made.ledger() == made.committed() == {0: 5, 1: 4}
    made.check_history()


@pytest.mark.kill
@pytest.mark.parametrize(
    "blow", [*KILLS[:1], *(pytest.param(one, marks=pytest.mark.slow) for one in KILLS[1:])], ids=str
)
def test_a_redrive_that_is_killed_is_run_again(pipe: PipeFactory, blow: Blow) -> None:
    made = _waiting(pipe)
    made.start(blow, settings=TODAY, redrives=True).dies()
    report = made.start(settings=TODAY, redrives=True).finish()
    assert (report.get("outcome"), report.get("committed")) == ("end", None), report
    _check(made)
    again = made.json("redrive", str(made.path), "--set", *TODAY)
    assert (again["messages"], again["rows"]["dead_lettered"]) == (1, 1)
    _check(made)


def test_two_redrives_and_a_live_run_at_once(pipe: PipeFactory) -> None:
    made = _waiting(pipe)
    children = [made.start(settings=TODAY, redrives=True), made.start(settings=TODAY, redrives=True), made.start()]
    found = [child.finish() for child in children]
    assert {one.get("outcome") for one in found} <= {"end", None}, found
    for redrives in (False, True):  # who lost too often says so, and is run again
        report = made.start(settings=TODAY if redrives else (), redrives=redrives).finish()
        assert report.get("outcome") == "end", report
    _check(made)
