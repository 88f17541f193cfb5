"""Report: what a run did, counted as it happens, JSON-ready."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from airflow_kafka_bq.batch import Applied, Gap, Kind, Outcome, Portion, Position, RunPlan, Staged
from airflow_kafka_bq.exceptions import AccountingError
from airflow_kafka_bq.pipeline.copied import LetterCopies
from airflow_kafka_bq.pipeline.quotas import Quotas

STATIONS = ("plan", "consume", "decode", "stage", "merge", "commit")


@dataclass(slots=True)
class RunReport:
    """Counts of one run. ``to_json`` is the contract (XCom and ``--json``).

    ``columns``: for each column that is not called as its field in the message, that field.
    """

    topic: str
    table: str
    group_id: str
    columns: Mapping[str, str] = field(default_factory=dict)
    outcome: Outcome = Outcome.END
    messages: int = 0
    batches: int = 0
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(
        ("inserted", "updated", "deleted", "unchanged", "dead_lettered", "ignored"), 0))  # fmt: skip
    partitions: dict[int, dict[str, Any]] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    revision: int | None = None
    committed: bool | None = None
    unchecked: tuple[str, ...] = ()
    jobs: list[str] = field(default_factory=list)
    estimated_bytes: int = 0
    bytes_billed: int = 0
    size_bytes: int = 0  # of keys, values and headers that were merged
    unknown_fields: int = 0
    timestamps_replaced: int = 0
    looks_nearby: bool = False
    isolated: bool = False  # a window
    copies: LetterCopies | None = None
    quotas: Quotas = field(default_factory=Quotas)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STATIONS, 0.0))
    _began: float = field(default_factory=time.monotonic)

    @contextmanager
    def timed(self, station: str) -> Iterator[None]:
        """Add the time spent inside to a station's seconds (stations overlap: their sum may exceed the total)."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[station] += time.monotonic() - began

    def planned(self, plan: RunPlan, window: timedelta | None = None) -> None:
        """Note where each partition starts; a second plan of the same run keeps the first start.

        :param window: beyond which duplicates are not looked for.
        """
        for number, part in sorted(plan.partitions.items()):
            first = self.partitions.get(number, {}).get("start", part.start_offset)
            self.partitions[number] = {
                "start": first,
                "end": part.start_offset,
                "high_watermark": part.bounds.high_watermark,
                "committed": part.committed,
                "lag_before": part.end_offset - first,
                "lag_after": part.lag,
                "_target": part.end_offset,
            }
        self.unchecked = plan.unchecked
        self.looks_nearby = window is not None
        if window is not None:
            self.unchecked += (f"duplicates beyond dedup_window={window / timedelta(days=1):g}d",)
        self.committed = self.committed if plan.kind is Kind.LIVE else None
        self.isolated = plan.kind is Kind.WINDOW

    def applied(self, portion: Portion, done: Applied) -> None:
        """Add what one MERGE applied.

        :raises AccountingError: BigQuery counts more changed rows than were staged.
        """
        staged = portion.staged
        updated, deleted = self._per_message(staged, done)
        unchanged = staged.rows - done.inserted - updated - deleted
        if unchanged < 0:
            message = f"merge job {done.merge_job_id} changed {-unchanged} rows more than the {staged.rows} staged"
            raise AccountingError(message, topic=self.topic, batch_id=staged.batch_id)
        self.bytes_billed += done.bytes_billed
        self.estimated_bytes += done.estimated_bytes
        self._add(portion, done.inserted, updated, deleted, done.revision, [*staged.load_job_ids, done.merge_job_id])

    def found_applied(self, portion: Portion, revision: int) -> None:
        """Add what an earlier try of this task applied: it changes nothing now."""
        self._add(portion, 0, 0, 0, revision, list(portion.staged.load_job_ids))

    def _add(
        self, portion: Portion, inserted: int, updated: int, deleted: int, revision: int | None, jobs: list[str]
    ) -> None:
        staged = portion.staged
        unchanged = staged.rows - inserted - updated - deleted
        self.batches += portion.batches
        self.messages += staged.messages
        for name, count in (
            ("inserted", inserted), ("updated", updated), ("deleted", deleted), ("unchanged", unchanged),
            ("dead_lettered", staged.dead_lettered), ("ignored", staged.ignored),
        ):  # fmt: skip
            self.rows[name] += count
        self.gaps += portion.gaps
        self.revision = revision
        self.jobs += jobs
        self.unknown_fields += portion.unknown_fields
        self.size_bytes += portion.size_bytes
        self.timestamps_replaced += portion.timestamps_replaced
        self.quotas.load_jobs += len(staged.load_job_ids)
        for one in staged.ranges:
            if part := self.partitions.get(one.partition):
                part["end"] = one.end_offset
                part["lag_after"] = max(0, part["_target"] - one.end_offset)

    def _per_message(self, staged: Staged, done: Applied) -> tuple[int, int]:
        """Rows updated and deleted; once where a message changed several, as a key beyond the window may have."""
        more = done.inserted + done.updated + done.deleted - staged.rows if self.looks_nearby else 0
        updated = done.updated - min(done.updated, max(0, more))
        return updated, done.deleted - max(0, more - (done.updated - updated))

    def committed_to(self, positions: Mapping[int, Position], confirmed: bool) -> None:
        """Note what the group has after a commit."""
        self.committed = confirmed
        if confirmed:
            for number, at in positions.items():
                if part := self.partitions.get(number):
                    part["committed"] = at.next_offset

    def check(self) -> None:
        """:raises AccountingError: messages and what became of them differ."""
        if self.messages != sum(self.rows.values()):
            message = f"{self.messages} messages were read, and {sum(self.rows.values())} accounted for: {self.rows}"
            raise AccountingError(message, topic=self.topic)

    def to_json(self) -> dict[str, Any]:
        """The report as XCom and ``--json`` show it."""
        seconds = {name: round(spent, 3) for name, spent in self.seconds.items()}
        seconds["total"] = round(time.monotonic() - self._began, 3)
        visible = {
            str(number): {name: value for name, value in part.items() if not name.startswith("_")}
            for number, part in self.partitions.items()
        }
        return {
            "topic": self.topic,
            "table": self.table,
            "group_id": self.group_id,
            "outcome": str(self.outcome),
            "messages": self.messages,
            "batches": self.batches,
            "rows": dict(self.rows),
            "partitions": visible,
            "gaps": [gap.to_json() for gap in self.gaps],
            "revision": self.revision,
            "committed": self.committed,
            "unchecked": list(self.unchecked),
            "jobs": list(self.jobs),
            "estimated_bytes": self.estimated_bytes,
            "bytes_billed": self.bytes_billed,
            "unknown_fields": self.unknown_fields,
            "timestamps_replaced": self.timestamps_replaced,
            "quota": self.quotas.to_json(),
            "seconds": seconds,
            **({"missing_before": self.rows["inserted"]} if self.isolated else {}),
            **({"columns": dict(self.columns)} if self.columns else {}),
            **({"dead_letter_copies": asdict(self.copies)} if self.copies else {}),
        }
