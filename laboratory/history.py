"""What happened while a set-up ran: written down by each consumer, then put together."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Place = tuple[str, int]  # topic, partition
Offsets = Mapping[Place, Sequence[int]]


@dataclass(slots=True)
class Life:
    """One consumer, from its start to the moment before it closes. Times in seconds since the set-up's start.

    :param first: when it got its first message; None: it got none.
    :param without: seconds of its life in which it had no partition.
    :param committed: None: it had nothing to commit.
    :param error: why the commit failed, as the client calls it.
    """

    slot: int
    began: float
    ended: float = 0.0
    first: float | None = None
    without: float = 0.0
    messages: int = 0
    committed: bool | None = None
    error: str | None = None


@dataclass(slots=True)
class Diary:
    """Of the consumers of one topic, which run one after the other in a process of their own.

    :param began: the set-up's start, by the clock, which is that of the machine and the same in every process.
    :param clock: monotonic seconds.
    """

    began: float
    clock: Callable[[], float] = time.monotonic
    deliveries: list[Offsets] = field(default_factory=list)
    merges: list[tuple[float, Offsets]] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)

    def now(self) -> float:
        """Seconds since the set-up's start."""
        return self.clock() - self.began

    def delivered(self, offsets: Offsets) -> None:
        """A batch reaches the writer."""
        self.deliveries.append(dict(offsets))

    def merged(self, offsets: Offsets) -> None:
        """A batch is in the table, now."""
        self.merges.append((self.now(), dict(offsets)))


def combined(diaries: Sequence[Diary], places: Sequence[Place]) -> dict[str, Any]:
    """For the result file. :param places: all partitions, those without progress too."""
    delivered, duplicates = _delivered(each for diary in diaries for each in diary.deliveries)
    progress = _progress(sorted((merge for diary in diaries for merge in diary.merges), key=lambda merge: merge[0]))
    lives = sorted((life for diary in diaries for life in diary.lives), key=lambda life: life.began)
    return {
        "delivered": delivered,
        "duplicates": duplicates,
        "lives": [{name: _short(value) for name, value in asdict(life).items()} for life in lives],
        "progress": {
            f"{topic.rsplit('.', 1)[-1]}/{partition}": progress.get((topic, partition), [])
            for topic, partition in places
        },
    }


def _delivered(deliveries: Iterable[Offsets]) -> tuple[int, int]:
    """All, and those of a coordinate that reached the writer more often than once, in one batch or in two: MERGE may
    drop them, an append does not.
    """
    times = Counter[tuple[str, int, int]]()
    for each in deliveries:
        for (topic, partition), offsets in each.items():
            times.update((topic, partition, offset) for offset in offsets)
    return times.total(), times.total() - len(times)


def _progress(merges: Iterable[tuple[float, Offsets]]) -> dict[Place, list[list[float]]]:
    """When a partition's first offset that is not in the table became another one."""
    there: defaultdict[Place, set[int]] = defaultdict(set)
    heads: Counter[Place] = Counter()
    steps: defaultdict[Place, list[list[float]]] = defaultdict(list)
    for at, batch in merges:
        for place, offsets in batch.items():
            there[place].update(offsets)
            head = heads[place]
            while head in there[place]:
                head += 1
            if head != heads[place]:
                heads[place] = head
                steps[place].append([round(at, 2), head])
    return steps


def _short(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value
