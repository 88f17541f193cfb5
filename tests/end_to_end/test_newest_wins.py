"""Of several messages of one key one wins, always the same: in whatever batches, replayed, or out of order."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]

MODEL = """
from pydantic import BaseModel

class Thing(BaseModel):
    id: str
    v: int | None = None
    n: int
"""
UPDATE: dict[str, Any] = {
    "model": "thing_model:Thing", "dedup_key": ["id"], "on_duplicate": "update", "on_tombstone": "ignore",
}  # fmt: skip
MESSAGES = 27
START_MS = (int(time.time()) - 600) * 1_000  # a broker deletes what is older than its retention


class Sent(NamedTuple):
    """A message, where it landed."""

    partition: int
    offset: int
    timestamp_ms: int
    id: str
    v: int | None
    n: int | None  # None: a tombstone


def _pipe(pipe: PipeFactory, **settings: Any) -> Pipe:
    made = pipe(**settings)
    (made.folder / "thing_model.py").write_text(MODEL)
    return made


def _send(made: Pipe, messages: Iterable[NewMessage]) -> list[Sent]:
    wanted = list(messages)
    found = []
    for message, at in zip(wanted, made.produce(wanted), strict=True):
        value = json.loads(message.value) if isinstance(message.value, str) else {}
        key = str(message.key)
        found.append(Sent(at.partition, at.offset, at.timestamp_ms, key, value.get("v"), value.get("n")))
    return found


def _drawn(seed: int, versions: bool, start_ms: int = START_MS) -> list[NewMessage]:
    """Five keys in three partitions, few timestamps and few versions, so that there are ties of every kind.

    Timestamps do not go back: where they do, "newer" goes round in a circle (docs/decisions/22).
    """
    random_ = random.Random(seed)
    found = []
    for number in range(MESSAGES):
        key = f"k{random_.randrange(5)}"
        value: dict[str, Any] = {"id": key, "n": number}
        if versions:
            value["v"] = random_.choice([None, 1, 2, 3])
        at = start_ms + number // 9
        found.append(NewMessage(json.dumps(value), key, partition=random_.randrange(3), timestamp_ms=at))
    return found


def _winners(sent: Iterable[Sent]) -> set[tuple[str, int | None, int]]:
    """The rule in Python: version; in a partition the offset; across partitions the timestamp, then the partition."""
    best: dict[tuple[str, int], Sent] = {}
    for one in sent:
        rival = best.get((one.id, one.partition))
        if rival is None or (_version(one), one.offset) > (_version(rival), rival.offset):
            best[one.id, one.partition] = one
    last: dict[str, Sent] = {}
    for one in best.values():
        rival = last.get(one.id)
        if rival is None or _across(one) > _across(rival):
            last[one.id] = one
    return {(one.id, one.v, one.n or 0) for one in last.values()}


def _version(one: Sent) -> int:
    return -1 if one.v is None else one.v


def _across(one: Sent) -> tuple[int, int, int]:
    return _version(one), one.timestamp_ms, one.partition


def _table(made: Pipe) -> set[tuple[Any, ...]]:
    rows = made.query(f"SELECT id, v, n FROM {made.name()}")
    assert len({row[0] for row in rows}) == len(rows), "two rows of one key"
    return set(rows)


def _window(first: int, last: int, partitions: int = 3) -> str:
    return str({"from": dict.fromkeys(range(partitions), first), "to": dict.fromkeys(range(partitions), last)})


def _ended(report: dict[str, Any], outcome: str = "end") -> None:
    assert report.get("outcome") == outcome, report


def _replayed(made: Pipe, seed: int, times: int = 2) -> None:
    """Windows over old ranges, in any order."""
    random_ = random.Random(seed)
    for _ in range(times):
        first = random_.randrange(MESSAGES // 3)
        _ended(made.run(f"window={_window(first, first + random_.randrange(1, 12))}"), "window")


@pytest.mark.fault("D7", "D8")
@pytest.mark.parametrize("versions", [pytest.param(False, marks=pytest.mark.slow), True], ids=["offset", "version"])
def test_the_winner_does_not_depend_on_batches(
    pipe: PipeFactory, versions: bool, record_property: Callable[[str, object], None]
) -> None:
    """D7: keys doubled in a batch, across partitions, with equal timestamps. D8: then old ranges are replayed."""
    seed, settings = 20 + versions, {**UPDATE, **({"version": ["v"]} if versions else {})}
    first = made = _pipe(pipe, partitions=3, **settings, table="of_1000", batch_messages=1_000)
    sent = _send(first, _drawn(seed, versions))
    expected = _winners(sent)
    sizes = [1_000, 10, 4]
    for size in sizes:
        made = _pipe(pipe, partitions=3, topic=first.topic, **settings, table=f"of_{size}", batch_messages=size)
        _ended(made.run())
        assert _table(made) == expected, size
    _replayed(made, seed)
    assert _table(made) == expected
    assert made.ledger() == made.committed()
    record_property("runs", len(sizes) + 2)
    record_property("seed", seed)


@pytest.mark.fault("D8")
@pytest.mark.parametrize("versions", [pytest.param(False, marks=pytest.mark.slow), True], ids=["offset", "version"])
def test_batches_out_of_order_end_where_the_order_would(
    pipe: PipeFactory, versions: bool, record_property: Callable[[str, object], None]
) -> None:
    """D8: windows from the newest back to the oldest, then the live run, then newer data and old again."""
    seed = 30 + versions
    made = _pipe(pipe, partitions=3, **UPDATE, **({"version": ["v"]} if versions else {}))
    sent = _send(made, _drawn(seed, versions))
    for first in (6, 3, 0):
        _ended(made.run(f"window={_window(first, first + 3)}"), "window")
    _ended(made.run())
    assert _table(made) == _winners(sent)
    sent += _send(made, _drawn(seed + 100, versions, START_MS + 3))
    _ended(made.run())
    _replayed(made, seed)
    assert _table(made) == _winners(sent)
    record_property("runs", 7)
    record_property("seed", seed)


def _life(steps: str) -> list[NewMessage]:
    """``a`` inserts key a, ``-a`` deletes it; each message is a millisecond later than the one before."""
    found = []
    for number, step in enumerate(steps.split()):
        key = step.lstrip("-")
        value = None if step.startswith("-") else json.dumps({"id": key, "n": number})
        found.append(NewMessage(value, key, partition=0, timestamp_ms=START_MS + number))
    return found


LIFE = "a b c d -a a -b -c c d -d e -e -f f -a"


def _alive(sent: list[Sent]) -> dict[str, int]:
    """What the last message of each key says."""
    last = {one.id: one.n for one in sent}
    return {key: n for key, n in last.items() if n is not None}


@pytest.mark.fault("D9")
def test_deletes_stay_deletes(pipe: PipeFactory, record_property: Callable[[str, object], None]) -> None:
    """D9: tombstone and insert in one batch and across batches; every old range is replayed; both end alike."""
    settings = {**UPDATE, "on_tombstone": "soft_delete"}
    first = made = _pipe(pipe, partitions=1, **settings, table="of_1000", batch_messages=1_000)
    sent = _send(first, _life(LIFE))
    sizes = [1_000, 4]
    states = []
    for size in sizes:
        made = _pipe(pipe, partitions=1, topic=first.topic, **settings, table=f"of_{size}", batch_messages=size)
        _ended(made.run())
        alive = made.query(f"SELECT id, n FROM {made.name()} WHERE _deleted_at IS NULL")
        assert dict(alive) == _alive(sent), size
        assert len(alive) == len(dict(alive))
        states.append(set(made.query(f"SELECT id, n, _kafka_offset, UNIX_MILLIS(_deleted_at) FROM {made.name()}")))
    before = states[-1]
    for begin, end in ((0, 5), (3, 9), (0, len(sent))):
        _ended(made.run(f"window={_window(begin, end, 1)}", "batch_messages=1000"), "window")
        now = set(made.query(f"SELECT id, n, _kafka_offset, UNIX_MILLIS(_deleted_at) FROM {made.name()}"))
        assert now == before, (begin, end)
    record_property("runs", len(sizes) + 3)
