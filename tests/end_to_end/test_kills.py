"""SIGKILL around every effect of a run; the next run leaves everything as if nothing had happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.end_to_end.child import Blow
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]

# One blow for each boundary between two stations, in the order of the protocol; batches of three make three of each.
BOUNDARIES = [
    Blow("source.committed", "after"),
    Blow("warehouse.table", "before"),  # plan is done
    Blow("warehouse.create", "after"),
    Blow("warehouse.create_ledger", "after"),
    Blow("warehouse.register", "before"),
    Blow("warehouse.register", "after"),
    Blow("source.open", "after"),
    Blow("source.poll", "after"),  # messages were handed over, nothing is decoded
    Blow("warehouse.load", "before"),  # consumed and decoded
    Blow("warehouse.load", "after"),  # staged
    Blow("warehouse.load", "after", 2),
    Blow("warehouse.merge", "before"),
    Blow("warehouse.merge", "after"),
    Blow("warehouse.merge", "after", 2),
    Blow("source.commit", "before"),  # durable, not committed
    Blow("source.commit", "after"),
    Blow("source.commit", "after", 3),
    Blow("warehouse.drop", "before"),
    Blow("source.close", "before"),  # reported
]

MESSAGES: list[Any] = [{"n": number, "text": "ä\n" * (number % 3)} for number in range(7)] + [
    b"{poison",
    None,
    {"n": 8},
]


def _filled(pipe: PipeFactory, partitions: int = 2) -> tuple[Pipe, Counter[tuple[Any, ...]]]:
    made = pipe(partitions=partitions, batch_messages=3, max_bad_ratio=None)
    acknowledged = made.produce(MESSAGES)
    good = Counter(
        (one.partition, one.offset) for one, value in zip(acknowledged, MESSAGES, strict=True) if value != b"{poison"
    )
    return made, good


def _check_whole(pipe: Pipe, good: Counter[tuple[Any, ...]]) -> None:
    rows = pipe.query(f"SELECT _kafka_partition, _kafka_offset FROM {pipe.name()}")
    assert Counter(rows) == good
    letters = pipe.dead_letters()
    assert [letter[2:4] for letter in letters] == [("decode", b"{poison")]
    assert list(letters.values()) == [1]
    assert sum(pipe.ledger().values()) == len(MESSAGES)
    assert pipe.committed() == pipe.ledger()
    pipe.check_history()
    assert sum(batch["messages"] for batch in pipe.history()) == len(MESSAGES)


@pytest.mark.kill
@pytest.mark.parametrize("blow", BOUNDARIES, ids=str)
def test_one_kill_leaves_no_trace(pipe: PipeFactory, blow: Blow) -> None:
    """K1-K12: killed once, the next ordinary run restores the promise without help."""
    made, good = _filled(pipe)
    made.start(blow).dies()
    report = made.run()
    assert report.get("outcome") == "end", report
    _check_whole(made, good)


@pytest.mark.kill
@pytest.mark.slow
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_kill_at_every_call(pipe: PipeFactory, phase: str) -> None:
    """Every call of both ports, found by a clean run: not only the boundaries that somebody thought of."""
    clean, good = _filled(pipe)
    child = clean.start()
    child.finish()
    _check_whole(clean, good)
    polls = 0
    for effect, nth in child.effects():
        polls += effect == "source.poll"
        if (effect == "source.poll" and polls > 5) or "fetch_positions" in effect:
            continue
        made, expected = _filled(pipe)
        run = made.start(Blow(effect, phase, nth))
        run.process.join(60)
        report = made.run()
        assert report.get("outcome") == "end", (effect, nth, report)
        _check_whole(made, expected)


@pytest.mark.kill
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Blow("warehouse.load", "after"), Blow("warehouse.merge", "after")),
        (Blow("warehouse.merge", "after"), Blow("warehouse.load", "after")),
        (Blow("warehouse.register", "after"), Blow("source.commit", "before", 2)),
    ],
    ids=str,
)
def test_killed_twice_in_a_row(pipe: PipeFactory, first: Blow, second: Blow) -> None:
    """K13, with messages that arrive between the two: the second run's batches have other ends than the first's."""
    made, good = _filled(pipe)
    made.start(first).dies()
    more = made.produce([{"late": 1}, {"late": 2}])
    made.start(second).dies()
    report = made.run()
    assert report.get("outcome") == "end", report
    good += Counter((one.partition, one.offset) for one in more)
    assert Counter(made.query(f"SELECT _kafka_partition, _kafka_offset FROM {made.name()}")) == good
    made.check_history()
    assert made.committed() == made.ledger()


@pytest.mark.kill
def test_a_crash_loop_leaves_no_heap_of_staging_tables(pipe: PipeFactory) -> None:
    """A11: the staging of a batch has one name, however often its run dies: two batches, one with dead letters."""
    made, good = _filled(pipe, partitions=1)
    for _ in range(6):
        made.start(Blow("warehouse.merge", "before")).dies()
    staging = {name for name in made.tables() if "__stg_" in name}
    assert len(staging) <= 3, staging
    made.run()
    _check_whole(made, good)
