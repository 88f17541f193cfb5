"""Audit: rows that are there twice, messages that are not there at all, rows that nobody knows. Changes nothing.

What can be known depends on the job. A table keyed by coordinates has a row for each message, so that counts of the
history and of the table can be compared. With a dedup key of its own a message may rightly leave no row; what can be
checked then is that every offset was read by some batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_kafka_bq.batch import OffsetRange
from airflow_kafka_bq.config.days import Between
from airflow_kafka_bq.exceptions import CostLimitError
from airflow_kafka_bq.inspection import Audits, Duplicates, Shortage, Strays, Surplus
from airflow_kafka_bq.operations.compare import Comparison, compare
from airflow_kafka_bq.operations.holes import holes, shared
from airflow_kafka_bq.operations.scanned import Scanned, scanned
from airflow_kafka_bq.pipeline.job import Job

KEYED = "missing rows: with a dedup_key of its own a message may rightly leave no row (look for keys: --against-kafka)"
_EXAMPLES = 10
_BATCHES = 100
_BLOCK_OFFSETS = 1_000
_MOST_BLOCKS = 10_000  # of one range: GENERATE_ARRAY makes no more than a million


def audit(job: Job, between: Between | None = None, *, against_kafka: bool = False) -> dict[str, Any]:
    """Count duplicates, compare history and table, and say what could not be checked.

    :param between: rows that are looked at, by the table's partition column; None: all.
    :param against_kafka: read the messages again that Kafka still has, of that range by their own time, and look for
        each key in the table.
    :raises CostLimitError: a read would bill more than ``max_bytes_billed``; nothing was spent on it.
    :raises IngestError: as ``operations.scanned.scanned``.
    """
    between = between or Between()
    seen = scanned(job, between)
    audits, limit = job.warehouse.audits, job.config.max_bytes_billed
    duplicates = audits.duplicates(seen.scan, limit)
    examples = audits.examples(seen.scan, _EXAMPLES, limit) if duplicates.by_key.rows else ()
    history = _history(job, seen, audits, between)
    compared = _compared(job, seen, history, between) if against_kafka else None
    found = _Findings(duplicates, history, seen.target.by_coordinates, compared)
    return {
        "topic": job.config.topic,
        "table": str(seen.target.table),
        "dedup_key": list(seen.target.key),
        "range": between.to_json(),
        "clean": not found.lines(),
        "findings": found.lines(),
        "rows": duplicates.rows,
        "duplicates": {
            "by_key": _surplus(duplicates.by_key),
            "by_coordinates": _surplus(duplicates.by_coordinates),
            "copies": _surplus(duplicates.copies if duplicates.by_coordinates else None),
        },
        "null_keys": duplicates.null_keys,
        "examples": [{"key": _plain(key), "rows": rows} for key, rows in examples],
        "days": [
            {"day": one.day.isoformat() if one.day else None, "rows": one.rows, "duplicates": one.duplicates}
            for one in duplicates.days
        ],
        **history.to_json(),
        "against_kafka": None if compared is None else _told(compared),
        "unchecked": [
            *_blind_spots(seen, between),
            *(one for one in history.unchecked if compared is None or one != KEYED),
        ],
        "estimated_bytes": audits.estimated_bytes,
    }


@dataclass(slots=True)
class _History:
    """The history against the ledger and the table."""

    unread: list[OffsetRange] = field(default_factory=list)
    skipped: list[OffsetRange] = field(default_factory=list)
    shortages: Sequence[Shortage] = ()
    strays: Sequence[Strays] = ()
    firsts: Mapping[int, int] = field(default_factory=dict)
    positions: Mapping[int, int] = field(default_factory=dict)
    unchecked: list[str] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Messages that are missing, at least: windows read again what live batches had read."""
        live = sum(one.expected - one.found for one in self.shortages if one.kind == "live")
        return max([live, *(one.expected - one.found for one in self.shortages)])

    def to_json(self) -> dict[str, Any]:
        """As in the report."""
        return {
            "unread": [_span(one) for one in self.unread],
            "skipped": [_span(one) for one in self.skipped],
            "missing": {
                "messages": self.missing,
                "batches": [
                    {
                        "batch_id": one.batch_id,
                        "revision": one.revision,
                        "kind": one.kind,
                        "applied_at": one.applied_at.isoformat(),
                        "messages": one.expected,
                        "found": one.found,
                    }
                    for one in self.shortages
                ],
            },
            "without_history": [
                {
                    "partition": one.partition,
                    "first_offset": one.first_offset,
                    "last_offset": one.last_offset,
                    "rows": one.rows,
                    "before_the_job": one.early,
                }
                for one in self.strays
            ],
        }


@dataclass(frozen=True, slots=True)
class _Findings:
    duplicates: Duplicates
    history: _History
    same: bool  # the dedup key is the coordinates
    compared: Comparison | None = None

    def lines(self) -> list[str]:
        """One sentence for each kind of finding; none where the table is clean."""
        by_key, places = self.duplicates.by_key, self.duplicates.by_coordinates
        late = [one for one in self.history.strays if not one.early]
        offsets = sum(one.end_offset - one.start_offset for one in self.history.unread)
        rows, messages = (places.rows, places.groups) if places else (0, 0)
        found = {
            f"rows too many by dedup key: {by_key.rows:,}, of {by_key.groups:,} keys": 0 if self.same else by_key.rows,
            f"rows too many by coordinates: {rows:,}, of {messages:,} messages": rows,
            f"messages neither in the table nor in the dead-letter table: {self.history.missing:,}": (
                self.history.missing
            ),
            f"offsets below the position that no batch read: {offsets:,}": offsets,
            f"rows that came with no batch: {sum(one.rows for one in late):,}": len(late),
        }
        if one := self.compared:
            found[f"keys that Kafka has and the table has not: {one.missing:,}"] = one.missing
            found[f"rows that are older than a message that was applied: {one.older:,}"] = one.older
        return [line for line, count in found.items() if count]


def _history(job: Job, seen: Scanned, audits: Audits, between: Between) -> _History:
    """What the batches say they read, against the position and the rows."""
    found = _History()
    target, topic, limit = seen.target, job.config.topic, job.config.max_bytes_billed
    if seen.ledger is None:
        found.unchecked.append("missing messages and rows without history: the job keeps no ledger yet")
        return found
    covered, live = audits.covered(target, seen.pipeline), audits.covered(target, seen.pipeline, live=True)
    firsts: dict[int, int] = {}
    for one in live:
        firsts.setdefault(one.partition, one.start_offset)
    positions = {part: at.next_offset for part, at in seen.ledger.positions.items()}
    found.firsts, found.positions = firsts, positions
    lost, moved_over = audits.lost(target, topic), audits.skipped(target, seen.pipeline)
    found.unread = holes(covered, firsts, positions, [*lost, *moved_over])
    found.skipped = shared(holes(covered, firsts, positions, lost), moved_over)
    if not target.kafka_columns:
        found.unchecked.append("rows against the history: the table has no Kafka columns")
        return found
    found.strays = audits.strays(seen.scan, topic, covered, firsts, limit)
    if not target.by_coordinates:
        found.unchecked.append(KEYED)
        return found
    widest = max((one.end_offset - one.start_offset for one in covered), default=0)
    block = max(_BLOCK_OFFSETS, widest // _MOST_BLOCKS)
    try:
        found.shortages = audits.shortages(seen.scan, topic, seen.pipeline, block, _BATCHES, limit)
    except CostLimitError as error:
        if between.everything:
            raise
        found.unchecked.append(f"missing messages: no batch says which days it touched, and {error.message}")
    return found


def _compared(job: Job, seen: Scanned, history: _History, between: Between) -> Comparison | None:
    """None: nothing says what was applied, or nothing can be compared."""
    if not history.firsts or not seen.target.kafka_columns:
        why = "the job keeps no ledger yet" if not history.firsts else "the table has no Kafka columns"
        history.unchecked.append(f"keys against Kafka: {why}")
        return None
    return compare(job, seen, history.firsts, history.positions, between)


def _told(compared: Comparison) -> dict[str, Any]:
    examples = [
        {"key": _plain(one.key), "partition": one.partition, "offset": one.offset, "missing": one.missing}
        for one in compared.examples
    ]
    return {**compared.to_json(), "examples": examples}


def _span(one: OffsetRange) -> dict[str, int]:
    return {"partition": one.partition, "start": one.start_offset, "end": one.end_offset}


def _blind_spots(seen: Scanned, between: Between) -> list[str]:
    """What the mode of the job, or the range, hides."""
    target, found = seen.target, []
    if not target.kafka_columns:
        found.append("duplicates by coordinates: the table has no Kafka columns")
    if not between.everything and not target.immutable:
        found.append("duplicates of which one row lies outside of the range")
    if target.delete:
        found.append("rows that a tombstone should have removed")
    return found


def _surplus(found: Surplus | None) -> dict[str, int] | None:
    return None if found is None else {"groups": found.groups, "rows": found.rows}


def _plain(key: Mapping[str, Any]) -> dict[str, Any]:
    """Values that JSON has; others as their text."""
    return {
        name: value if isinstance(value, int | float | str) or value is None else _text(value)
        for name, value in key.items()
    }


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return str(value.isoformat() if hasattr(value, "isoformat") else value)
