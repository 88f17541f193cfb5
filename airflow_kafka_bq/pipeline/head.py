"""Where a run stands: what its next batch starts from, and what counts for its bounds."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_kafka_bq.batch import LetterPlace, Position, Staged


@dataclass(frozen=True, slots=True)
class Head:
    """Where the ledger is: what the next batch starts from."""

    positions: dict[int, Position]
    revision: int | None
    batch_id: str | None = None

    def after(self, staged: Staged) -> dict[int, Position]:
        """Positions once this batch is in."""
        return self.positions | {one.partition: one.position for one in staged.ranges}


@dataclass(slots=True)
class Spent:
    """What counts for the bounds of a run, also where it plans anew."""

    began: float
    size_bytes: int = 0
    commit_due: bool = False  # batches were applied after a commit that had no answer
    letter: LetterPlace | None = None  # the last one of what was applied, in a redrive
