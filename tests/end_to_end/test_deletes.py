"""``on_tombstone: delete`` on the real broker and the local BigQuery: what is removed stays away, read again or not."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.testing.kafka import NewMessage, TopicFactory
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.within import ran

PipeFactory = Callable[..., Pipe]
MODEL = "from pydantic import BaseModel\nclass Order(BaseModel):\n    id: str\n    version: int\n    n: int\n"
SETTINGS: dict[str, Any] = {
    "dedup_key": ["id"], "on_duplicate": "update", "version": ["version"],
    "on_tombstone": "delete", "start": "earliest",
}  # fmt: skip
KEYS, PARTITIONS, DAY_MS = 6, 2, 24 * 3600 * 1000
Rows = dict[str, tuple[int, int]]


def removing(pipe: PipeFactory, **more: Any) -> Pipe:
    made = pipe(PARTITIONS, **SETTINGS, **more)
    name = f"orders_of_{made.folder.name}"  # Python keeps one module of a name
    (made.folder / f"{name}.py").write_text(MODEL)
    made.write(model=f"{name}:Order")
    return made


def drawn(seed: int, count: int = 40) -> list[tuple[str, int | None]]:
    """Keys with a version, or None for a tombstone: rows of keys that come back, and of versions that go back."""
    chance = random.Random(seed)
    return [
        (f"k{chance.randrange(KEYS)}", None if chance.random() < 0.3 else chance.randrange(6)) for _ in range(count)
    ]


def partition_of(key: str) -> int:
    return int(key[1:]) % PARTITIONS


def produce(made: Pipe, drawn_ones: list[tuple[str, int | None]], timestamp_ms: int | None = None) -> None:
    made.produce([
        NewMessage(
            None if version is None else {"id": key, "version": version, "n": number},
            key=key.encode(), partition=partition_of(key), timestamp_ms=timestamp_ms,
        )
        for number, (key, version) in enumerate(drawn_ones)
    ])  # fmt: skip


def in_order(drawn_ones: list[tuple[str, int | None]]) -> Rows:
    """What one pass in the order of the log leaves: (version, number) of each key that is there."""
    rows: Rows = {}
    newest: dict[str, int] = {}
    for number, (key, version) in enumerate(drawn_ones):
        if version is None:
            rows.pop(key, None)
        elif version >= newest.get(key, -1):
            newest[key] = version
            rows[key] = (version, number)
    return rows


def rows(made: Pipe) -> Rows:
    found = made.query(f"SELECT id, version, n FROM {made.name()}")
    assert len({id for id, _, _ in found}) == len(found), "a key has two rows"
    return {id: (version, n) for id, version, n in found}


def windows(made: Pipe, chance: random.Random, pieces: int) -> Iterator[str]:
    """The log in pieces, in an order by chance: each is ranges of both partitions."""
    ends = made.ledger() if "__ledger" in "".join(made.tables()) else {}
    ends = {part: max(1, ends.get(part, 0)) for part in range(PARTITIONS)}
    cuts = {part: sorted({0, end, *(chance.randrange(end) for _ in range(pieces - 1))}) for part, end in ends.items()}
    found = []
    for at in range(pieces):
        span = {part: cut[at : at + 2] for part, cut in cuts.items() if len(cut) > at + 1}
        if span:
            start, end = ({part: one[side] for part, one in span.items()} for side in (0, 1))
            found.append(f"window={{'from': {start}, 'to': {end}}}")
    chance.shuffle(found)
    yield from found


def test_rows_that_are_read_again_without_their_tombstones_stay_away(pipe: PipeFactory) -> None:
    made = removing(pipe, batch_messages=6)
    log = [("k0", 1), ("k1", 1), ("k0", None), ("k1", None), ("k2", 5), ("k1", 2), ("k2", None), ("k2", 1), ("k3", 1)]
    produce(made, log)
    assert ran(made).messages == len(log)
    expected = {"k1": (2, 5), "k3": (1, 8)}  # the last k2 is older than what was removed
    assert rows(made) == in_order(log) == expected
    # Partition 0 is k0, k0 removed, k2, k2 removed, k2 again; partition 1 is k1, k1 removed, k1, k3.
    for start, end in (({0: 2, 1: 3}, {0: 3, 1: 4}), ({0: 4}, {0: 5}), ({0: 0, 1: 0}, {0: 1, 1: 1})):
        replayed = ran(made, f"window={{'from': {start}, 'to': {end}}}")
        assert (replayed.outcome, replayed.rows["unchanged"]) == ("window", replayed.messages)
        assert rows(made) == expected, (start, end)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_no_replay_in_any_order_brings_a_row_back(pipe: PipeFactory, seed: int) -> None:
    made, log, chance = removing(pipe, batch_messages=7), drawn(seed), random.Random(seed)
    expected = in_order(log)
    produce(made, log)
    report = ran(made)
    assert rows(made) == expected
    assert 0 < len(expected) < KEYS
    assert report.rows["deleted"] > 0
    for window in windows(made, chance, 6):
        replayed = ran(made, window, f"batch_messages={chance.choice((5, 100))}")
        assert replayed.outcome == "window"
        assert rows(made) == expected, window
        assert replayed.rows["dead_lettered"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(11, 14))
def test_windows_before_the_live_run_end_as_one_pass_does(pipe: PipeFactory, seed: int) -> None:
    """A tombstone may be read before the row that it removes."""
    made, log, chance = removing(pipe), drawn(seed), random.Random(seed)
    produce(made, log)
    ran(made, "max_messages=1")
    ends = {part: sum(partition_of(key) == part for key, _ in log) for part in range(PARTITIONS)}
    halves = [
        f"window={{'from': {{{part}: {start}}}, 'to': {{{part}: {end}}}}}"
        for part, whole in ends.items()
        for start, end in ((0, whole // 2), (whole // 2, whole))
    ]
    chance.shuffle(halves)
    for window in halves:
        ran(made, window)
    ran(made)
    assert rows(made) == in_order(log)
    for window in halves:
        ran(made, window)
    assert rows(made) == in_order(log)


def test_a_window_from_before_the_markers_is_refused_by_name(pipe: PipeFactory, kafka_topic: TopicFactory) -> None:
    """What removed its rows is forgotten by then, and it would bring them back."""
    kept = kafka_topic(PARTITIONS, config={"retention.ms": "-1"})
    made = removing(pipe, delete_expiration_days=30, topic=kept)
    log: list[tuple[str, int | None]] = [("k0", 1), ("k1", 1), ("k0", None)]
    produce(made, log, timestamp_ms=round(time.time() * 1000) - 40 * DAY_MS)
    produce(made, [("k0", 2), ("k0", None), ("k1", 2)])
    ran(made)
    expected = rows(made)
    assert expected == {"k1": (2, 2)}
    for window in (
        "window={'from': {0: 0, 1: 0}, 'to': {0: 4, 1: 2}}",
        "window={'from': '2020-01-01T00:00:00+00:00', 'to': '2100-01-01T00:00:00+00:00'}",
    ):
        with pytest.raises(ConfigError, match="delete_expiration_days=30, and might bring it back") as error:
            ran(made, window)
        assert "begin the window later" in str(error.value.remedy)
    refused = made.command("replay", str(made.path), "--from", "{0: 0}", "--to", "{0: 4}")
    assert refused.returncode == 2
    assert "on_tombstone='delete' has forgotten" in refused.stderr
    assert rows(made) == expected
    young = ran(made, "window={'from': {0: 2, 1: 1}, 'to': {0: 4, 1: 2}}")
    assert (young.outcome, rows(made)) == ("window", expected)
