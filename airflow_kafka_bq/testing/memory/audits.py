"""``inspection.Audits`` in memory, written from what is meant and not from the SQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from airflow_kafka_bq.batch import OffsetRange
from airflow_kafka_bq.config.letters import LOST
from airflow_kafka_bq.exceptions import CostLimitError
from airflow_kafka_bq.inspection import DayCount, Duplicates, Examples, Leftover, Scan, Shortage, Strays, Surplus
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.testing.memory.order import COORDINATES
from airflow_kafka_bq.testing.memory.statements import bounded, key_of, names_of
from airflow_kafka_bq.testing.memory.tables import Row, Tables
from airflow_kafka_bq.testing.memory.work import size_bytes

Key = tuple[Hashable, ...]


class Reading(Protocol):
    """What a look needs of the project: its tables, and the name of the call for planted faults."""

    tables: Tables

    def check(self, name: str) -> None:
        """:raises IngestError: a fault is planted for this call."""


class MemoryAudits:
    """Reads of one project. See :class:`airflow_kafka_bq.inspection.Audits`."""

    def __init__(self, database: Reading) -> None:
        self._database = database
        self.estimated_bytes = 0

    def duplicates(self, scan: Scan, max_bytes_billed: int | None) -> Duplicates:
        """Rows, and those that are there more than once."""
        self._database.check("duplicates")
        rows = self._rows(scan, max_bytes_billed)
        keys = _groups(rows, scan.target.key)
        places = _groups(rows, COORDINATES) if scan.target.kafka_columns else {}
        copies = _groups(rows, (*scan.target.key, *COORDINATES)) if scan.target.kafka_columns else {}
        all_days = Counter(day_of(row, scan) for row in rows)
        surplus = Counter[date | None]()
        for same in keys.values():
            surplus[min((day_of(row, scan) for row in same), key=_first)] += len(same) - 1
        return Duplicates(
            rows=len(rows),
            null_keys=sum(None in key_of(row, scan.target.key) for row in rows),
            by_key=_surplus(keys),
            by_coordinates=_surplus(places) if scan.target.kafka_columns else None,
            copies=_surplus(copies),
            days=tuple(DayCount(day, all_days[day], surplus[day]) for day in sorted(all_days, key=_first_null)),
        )

    def examples(self, scan: Scan, most: int, max_bytes_billed: int | None) -> Examples:
        """Dedup keys with most rows."""
        groups = _groups(self._rows(scan, max_bytes_billed), scan.target.key)
        found = [(key, len(same)) for key, same in groups.items() if len(same) > 1]
        found.sort(key=lambda pair: (-pair[1], pair[0]))
        return tuple((dict(zip(scan.target.key, key, strict=True)), count) for key, count in found[:most])

    def covered(self, target: Target, pipeline: str, *, live: bool = False) -> tuple[OffsetRange, ...]:
        """What the batches have read."""
        return self._joined(target, pipeline, {"live"} if live else {"live", "window", "redrive"})

    def skipped(self, target: Target, pipeline: str) -> tuple[OffsetRange, ...]:
        """What a seek moved the position over."""
        return self._joined(target, pipeline, {"seek"})

    def _joined(self, target: Target, pipeline: str, kinds: set[str]) -> tuple[OffsetRange, ...]:
        read = sorted(
            (one["partition"], one["start_offset"], one["end_offset"])
            for batch in self._table(str(target.history))
            if batch["pipeline"] == pipeline and batch["kind"] in kinds
            for one in batch["ranges"]
            if one["end_offset"] > one["start_offset"]
        )
        found: list[OffsetRange] = []
        for part, start, end in read:
            last = found[-1] if found and found[-1].partition == part else None
            if last is None or start > last.end_offset:
                found.append(OffsetRange(part, start, end))
            else:
                found[-1] = OffsetRange(part, last.start_offset, max(last.end_offset, end))
        return tuple(found)

    def lost(self, target: Target, topic: str) -> tuple[OffsetRange, ...]:
        """Ranges that Kafka no longer had."""
        ends: dict[tuple[int, int], int] = {}
        for letter in self._table(str(target.dead_letters)):
            if letter["_kafka_topic"] == topic and letter["stage"] == LOST:
                place = letter["_kafka_partition"], letter["_kafka_offset"]
                ends[place] = max(letter["_kafka_end_offset"], ends.get(place, 0))
        return tuple(OffsetRange(part, start, end) for (part, start), end in sorted(ends.items()))

    def shortages(
        self, scan: Scan, topic: str, pipeline: str, block: int, most: int, max_bytes_billed: int | None
    ) -> tuple[Shortage, ...]:
        """Batches of which messages are missing."""
        assert block > 0  # noqa: S101 - only BigQuery needs it
        whole = Scan(scan.target, scan.day)
        letters = [row for row in self._table(str(scan.target.dead_letters)) if row["stage"] != LOST]
        places = {
            (row["_kafka_partition"], row["_kafka_offset"])
            for row in (*self._rows(whole, max_bytes_billed), *letters)
            if row["_kafka_topic"] == topic
        }
        found = []
        for batch in sorted(self._table(str(scan.target.history)), key=lambda row: int(row["revision"])):
            expected = batch["messages"] - batch["ignored"]
            if batch["pipeline"] != pipeline or batch["kind"] in {"redrive", "seek"}:
                continue
            there = sum(_holds(batch["ranges"], place) for place in places)
            if there < expected:
                named = {name: batch[name] for name in ("batch_id", "revision", "kind", "applied_at")}
                found.append(Shortage(**named, expected=expected, found=there))
        return tuple(found[:most])

    def strays(
        self,
        scan: Scan,
        topic: str,
        covered: Sequence[OffsetRange],
        firsts: Mapping[int, int],
        max_bytes_billed: int | None,
    ) -> tuple[Strays, ...]:
        """Rows whose offsets no range holds."""
        ranges = [
            {"partition": one.partition, "start_offset": one.start_offset, "end_offset": one.end_offset}
            for one in covered
        ]
        found: defaultdict[tuple[int, bool], list[int]] = defaultdict(list)
        for row in self._rows(scan, max_bytes_billed):
            part, offset = row["_kafka_partition"], row["_kafka_offset"]
            if row["_kafka_topic"] != topic or _holds(ranges, (part, offset)):
                continue
            found[part, part not in firsts or offset < firsts[part]].append(offset)
        return tuple(
            Strays(part, min(offsets), max(offsets), len(offsets), early)
            for (part, early), offsets in sorted(found.items())
        )

    def leftovers(self, target: Target) -> tuple[Leftover, ...]:
        """Staging tables that are there."""
        found = self._database.tables.snapshot()
        prefix = str(target.staging(""))
        return tuple(
            Leftover(name, one.created_at, one.expires_at)
            for name, one in sorted(found.items())
            if name.startswith(prefix)
        )

    def batches_since(self, target: Target, since: datetime) -> int:
        """How many batches were applied since then."""
        return sum(row["applied_at"] >= since for row in self._table(str(target.history)))

    def _table(self, name: str) -> list[Row]:
        found = self._database.tables.named(name)
        return list(found.rows.values()) if found else []

    def _rows(self, scan: Scan, max_bytes_billed: int | None) -> list[Row]:
        """Rows of the scan in the job's names."""
        rows = list(scanned(self._database.tables, scan).values())
        needed = sum(size_bytes(row.get(name)) for row in rows for name in {*scan.target.key, *COORDINATES})
        if max_bytes_billed is not None and needed > max_bytes_billed:
            message = f"reading table {scan.target.table} would process {needed} bytes, {max_bytes_billed} are allowed"
            raise CostLimitError(message, remedy="look at fewer days with --from and --to, or raise max_bytes_billed")
        self.estimated_bytes += needed
        return rows


def scanned(tables: Tables, scan: Scan) -> dict[int, Row]:
    """Rows of a scan by their numbers, in the job's names. :raises NotFoundError: no such table."""
    stored = tables.get(scan.target.table)
    names = names_of(stored, scan.target)
    rows = {number: {ours: row[their] for ours, their in names.items()} for number, row in stored.rows.items()}
    one = scan.bounds
    return {number: row for number, row in rows.items() if one is None or bounded(row[one.column], one, half_open=True)}


def day_of(row: Row, scan: Scan) -> date | None:
    """The day that a row is counted under."""
    value = row[scan.day.name] if scan.day else None
    if isinstance(value, str):  # a DATETIME keeps its wire text here
        value = datetime.fromisoformat(value)
    return value.date() if isinstance(value, datetime) else value


def _groups(rows: Iterable[Row], names: Sequence[str]) -> dict[Key, list[Row]]:
    found: defaultdict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        key = key_of(row, names)
        if None not in key:
            found[key].append(row)
    return found


def _surplus(groups: Mapping[Key, Sequence[Row]]) -> Surplus:
    several = [len(same) for same in groups.values() if len(same) > 1]
    return Surplus(len(several), sum(several) - len(several))


def _first(day: date | None) -> tuple[bool, date]:
    """As SQL's MIN takes it: NULL only where there is nothing else."""
    return day is None, day or date.min


def _first_null(day: date | None) -> tuple[bool, date]:
    return day is not None, day or date.min


def _holds(ranges: Iterable[Mapping[str, Any]], place: tuple[int, int]) -> bool:
    part, offset = place
    return any(one["partition"] == part and one["start_offset"] <= offset < one["end_offset"] for one in ranges)
