"""Portions: what one MERGE applies, a batch or as many of a run's batches as one statement takes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
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
        del prepared  # kept while the next is asked for, it would be a third batch in memory


@dataclass(frozen=True, slots=True)
class Places:
    """Partitions that a batch touches: of the target, and of the dead-letter table."""

    rows: frozenset[Any] = frozenset()
    letters: frozenset[Any] = frozenset()

    def __or__(self, other: Places) -> Places:
        return Places(self.rows | other.rows, self.letters | other.letters)

    @property
    def most(self) -> int:
        """Of one table, which is what BigQuery counts for a statement."""
        return max(len(self.rows), len(self.letters))


def placed(final: Prepared, prepared: Prepared, target: Target) -> tuple[Portion, Places]:
    """A batch that was tried, and the partitions it touches.

    :param prepared: what it was before; its staging tables go with it, where it was staged again.
    """
    return single(final, *(() if final is prepared else (prepared.staged,))), _places(final, target)


def _places(prepared: Prepared, target: Target) -> Places:
    found = (touched(prepared.decoded.rows, target), touched_by_dead_letters(prepared.decoded.dead_letters))
    return Places(*(frozenset() if one is None else frozenset(one.unique().to_pylist()) for one in found))


def gathered(
    batches: Iterator[Prepared], target: Target, tried: Callable[[Prepared], Prepared]
) -> Generator[Pair, None, None]:
    """One MERGE for all batches of a run: whatever one statement takes, which nearly always is all of them.

    :param tried: a batch without the rows that the MERGE would reject: later its messages are no longer in memory.
    """

    def staged() -> Iterator[tuple[Portion, Places]]:
        for prepared in batches:
            final = tried(prepared)
            yield placed(final, prepared, target)
            del prepared, final  # their rows would be in memory beside those of the next batch

    for portion in grouped(staged()):
        yield portion, None


def grouped(batches: Iterable[tuple[Portion, Places]]) -> Iterator[Portion]:
    """As few portions as statements can apply, each a prefix of what is left: positions move in order."""
    waiting: list[Portion] = []
    touched_by_all = Places()
    for portion, places in batches:
        if waiting and (len(waiting) >= MAX_BATCHES or (touched_by_all | places).most > MAX_PARTITIONS):
            yield _joined(waiting)
            waiting, touched_by_all = [], Places()
        waiting.append(portion)
        touched_by_all |= places
    if waiting:
        yield _joined(waiting)


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
