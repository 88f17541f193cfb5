"""Portions: what one MERGE applies, a batch or as many of a run's batches as one statement takes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_kafka_bq.batch import LetterPlace, Portion, Staged
from airflow_kafka_bq.pipeline.bounds import MAX_PARTITIONS, touched, touched_by_dead_letters
from airflow_kafka_bq.pipeline.reader import Prepared
from airflow_kafka_bq.pipeline.sizes import payload_bytes
from airflow_kafka_bq.pipeline.together import together
from airflow_kafka_bq.schema.target import Target

MAX_BATCHES = 100
"""Staging tables of one statement: BigQuery takes 1,000 tables in a query, and a MERGE names each several times
(https://cloud.google.com/bigquery/quotas#query_jobs)."""


Pair = tuple[Portion, Prepared | None]
"""What one MERGE applies, and the batch with its messages where a row that it rejects is still to be found."""


def single(prepared: Prepared, *leftovers: Staged) -> Portion:
    """A batch as a portion."""
    raw, decoded = prepared.raw, prepared.decoded
    return Portion(
        staged=prepared.staged,
        batches=1,
        gaps=raw.gaps,
        unknown_fields=decoded.unknown_fields,
        timestamps_replaced=decoded.timestamps_replaced,
        size_bytes=payload_bytes(raw.messages),
        letter=LetterPlace.last_of(raw.messages) if raw.messages.num_rows else None,
        leftovers=leftovers,
    )


def one_by_one(batches: Iterator[Prepared]) -> Generator[Pair, None, None]:
    """A MERGE for each batch; its messages stay in memory until then."""
    for prepared in batches:
        yield single(prepared), prepared


def gathered(
    batches: Iterator[Prepared], target: Target, tried: Callable[[Prepared], Prepared]
) -> Generator[Pair, None, None]:
    """One MERGE for all batches: whatever one statement takes, which nearly always is the whole run.

    :param tried: a batch without the rows that the MERGE would reject: later its messages are no longer in memory.
    """
    group = _Group()
    for prepared in batches:
        final = tried(prepared)
        places = _places(final, target)
        if group.full(places):
            yield group.portion(), None
            group = _Group()
        leftovers = () if final is prepared else (prepared.staged,)
        group.add(single(final, *leftovers), places)
        del prepared, final  # their rows would be in memory beside those of the next batch
    if group.portions:
        yield group.portion(), None


def _places(prepared: Prepared, target: Target) -> tuple[set[Any], set[Any]]:
    """Partitions that the batch touches: of the target, and of the dead-letter table."""
    found = (touched(prepared.decoded.rows, target), touched_by_dead_letters(prepared.decoded.dead_letters))
    rows, letters = (set() if one is None else set(one.unique().to_pylist()) for one in found)
    return rows, letters


@dataclass(slots=True)
class _Group:
    """Batches that go into one MERGE."""

    portions: list[Portion] = field(default_factory=list)
    rows: set[Any] = field(default_factory=set)
    letters: set[Any] = field(default_factory=set)

    def full(self, places: tuple[set[Any], set[Any]]) -> bool:
        """Whether another batch would be one too many for a statement."""
        if not self.portions:
            return False
        most = max(len(self.rows | places[0]), len(self.letters | places[1]))
        return len(self.portions) >= MAX_BATCHES or most > MAX_PARTITIONS

    def add(self, portion: Portion, places: tuple[set[Any], set[Any]]) -> None:
        """Take a batch."""
        self.portions.append(portion)
        self.rows |= places[0]
        self.letters |= places[1]

    def portion(self) -> Portion:
        """All of it as one."""
        return _joined(self.portions)


def _joined(portions: Sequence[Portion]) -> Portion:
    return Portion(
        staged=together([one.staged for one in portions]),
        batches=len(portions),
        gaps=tuple(gap for one in portions for gap in one.gaps),
        unknown_fields=sum(one.unknown_fields for one in portions),
        timestamps_replaced=sum(one.timestamps_replaced for one in portions),
        size_bytes=sum(one.size_bytes for one in portions),
        letter=portions[-1].letter,
        leftovers=tuple(staged for one in portions for staged in one.leftovers),
    )
