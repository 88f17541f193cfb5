"""``inspection.Repairs`` in memory: the same transactions, by their meaning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from airflow_kafka_bq.batch import JobResult
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.inspection import BackedUp, Doubled, RepairSpec, Scan, by_time
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.testing.memory import ledger
from airflow_kafka_bq.testing.memory.audits import scanned
from airflow_kafka_bq.testing.memory.bigquery import MemoryBigQuery
from airflow_kafka_bq.testing.memory.ledger import LedgerMoved
from airflow_kafka_bq.testing.memory.order import newest, oldest
from airflow_kafka_bq.testing.memory.statements import RowRejected, key_of
from airflow_kafka_bq.testing.memory.tables import Cancelled, Row, Tables, Transaction
from airflow_kafka_bq.testing.memory.work import failure, size_bytes

PART, KEPT = Column("_kafka_bq_part", "STRING"), Column("_kafka_bq_kept", "BOOL")
Group = dict[int, Row]


class MemoryRepairs:
    """Repairs of one project. See :class:`airflow_kafka_bq.inspection.Repairs`."""

    def __init__(self, database: MemoryBigQuery) -> None:
        self._database = database

    def doubled(self, scan: Scan, max_bytes_billed: int | None) -> tuple[Doubled, ...]:  # noqa: ARG002 - free here
        """Where the duplicates lie."""
        self._database.check("doubled")
        firsts: defaultdict[Any, list[Group]] = defaultdict(list)
        for group in _decided(self._database.tables, scan):
            firsts[_first_part(group, scan.target)].append(group)
        return tuple(
            Doubled(
                first,
                tuple(sorted({start_of(row, scan.target) for group in groups for row in group.values()}, key=_ordered)),
                len(groups),
                sum(map(len, groups)),
            )
            for first, groups in sorted(firsts.items(), key=lambda pair: _ordered(pair[0]))
        )

    def make_backup(self, target: Target, backup: TableId, expires_at: datetime) -> None:
        """An empty table that expires."""
        with self._database.lock:
            self._database.check("make_backup")
            with self._database.effect("make_backup"):
                columns = self._database.tables.get(target.table).columns
                self._database.tables.create(backup, (*columns, PART, KEPT), expires_at=expires_at)

    def estimate(self, spec: RepairSpec) -> int:
        """All columns of what the bounds leave, twice: read and rewritten."""
        rows = scanned(self._database.tables, Scan(spec.target, bounds=spec.bounds)).values()
        return 2 * sum(size_bytes(dict(row)) for row in rows)

    def remove(self, job_id: str, spec: RepairSpec, max_bytes_billed: int | None) -> JobResult:  # noqa: ARG002
        """Backup and removal in one transaction."""
        return self._run("remove", RepairWork(self._database, job_id, spec, _remove))

    def restore(self, job_id: str, spec: RepairSpec, max_bytes_billed: int | None) -> JobResult:  # noqa: ARG002
        """Rows back into the table."""
        return self._run("restore", RepairWork(self._database, job_id, spec, _restore))

    def _run(self, name: str, work: RepairWork) -> JobResult:
        with self._database.lock:
            self._database.check(name)
            self._database.jobs.settle()
            with self._database.effect(name):
                return work.commit()

    def backed_up(self, backup: TableId) -> tuple[BackedUp, ...]:
        """What a backup holds."""
        parts: defaultdict[str, list[bool]] = defaultdict(list)
        for row in self._database.tables.get(backup).rows.values():
            parts[row[PART.name]].append(row[KEPT.name])
        return tuple(BackedUp(part, sum(kept), len(kept) - sum(kept)) for part, kept in sorted(parts.items()))


@dataclass(slots=True)
class RepairWork:
    """One transaction; its snapshot is taken when the work is made."""

    database: MemoryBigQuery
    job_id: str
    spec: RepairSpec
    statements: Callable[[Transaction, MemoryBigQuery, RepairSpec], None]
    transaction: Transaction = field(init=False)

    def __post_init__(self) -> None:
        self.transaction = self.database.tables.begin()

    def commit(self) -> JobResult:
        """All of it, or nothing."""
        try:
            _fence(self.transaction, self.spec, self.database.clock())
            self.statements(self.transaction, self.database, self.spec)
            self.transaction.commit()
        except (LedgerMoved, Cancelled, RowRejected) as error:
            self.transaction.rollback()
            return failure(self.job_id, error)
        return JobResult(self.job_id)


def _fence(transaction: Transaction, spec: RepairSpec, now: datetime) -> None:
    found = ledger.rows_of(transaction.rows(spec.target.ledger), spec.pipeline)
    if len(found) != 1 or any(row["revision"] != spec.revision for row in found.values()):
        raise LedgerMoved("kafka-bq: ledger moved")
    moved = {"revision": spec.revision + 1, "updated_at": now, "updated_by": spec.context.who}
    transaction.update(spec.target.ledger, {at: {**row, **moved} for at, row in found.items()})


def _remove(transaction: Transaction, database: MemoryBigQuery, spec: RepairSpec) -> None:
    stored = transaction.rows(spec.target.table)
    saved: list[Row] = []
    kept: list[Row] = []
    doomed: set[int] = set()
    for group in _decided(database.tables, Scan(spec.target, bounds=spec.bounds)):
        if _first_part(group, spec.target) != spec.first:
            continue
        winner = winner_of(group, spec.target)
        doomed |= group.keys()
        kept.append(stored[winner])
        saved += [{**stored[at], PART.name: spec.part, KEPT.name: at == winner} for at in group]
    if any(row[PART.name] == spec.part for row in transaction.rows(spec.backup).values()):
        raise RowRejected("kafka-bq: rows would be deleted that are not in the backup")
    transaction.insert(spec.backup, saved)
    transaction.delete(spec.target.table, doomed)
    transaction.insert(spec.target.table, kept)


def _restore(transaction: Transaction, _database: MemoryBigQuery, spec: RepairSpec) -> None:
    names = {column.name for column in transaction.table(spec.target.table).columns}
    empty: dict[str, Any] = dict.fromkeys(names)
    saved = {at: row for at, row in transaction.rows(spec.backup).items() if row[PART.name] == spec.part}
    back = [{**empty, **{name: row[name] for name in spec.columns}} for row in saved.values() if not row[KEPT.name]]
    transaction.insert(spec.target.table, back)
    transaction.delete(spec.backup, saved)


def winner_of(group: Group, target: Target) -> int:
    """The row that the job's own rule keeps; of exact copies the one that came first."""
    if not target.kafka_columns:
        return min(group)
    bare = [at for at, row in group.items() if row["_kafka_offset"] is None]
    placed = {at: row for at, row in group.items() if at not in bare}
    if bare and not (target.update and placed):
        return min(bare)
    rows = list(placed.values())
    best = newest(rows, target.version) if target.update else oldest(rows)
    same = [at for at, row in placed.items() if key_of(row, _PLACE) == key_of(best, _PLACE)]
    return min(same, key=lambda at: (str(placed[at].get("_ingested_at")), at))


_PLACE = ("_kafka_topic", "_kafka_partition", "_kafka_offset", "_kafka_timestamp")


def _decided(tables: Tables, scan: Scan) -> list[Group]:
    """Groups of rows with equal keys that the job's rule can decide."""
    target, found = scan.target, defaultdict[tuple[Hashable, ...], Group](dict)
    for number, row in scanned(tables, scan).items():
        key = key_of(row, target.key)
        if None not in key:
            found[key][number] = row
    return [group for group in found.values() if len(group) > 1 and _can_decide(list(group.values()), target)]


def _can_decide(rows: Sequence[Row], target: Target) -> bool:
    if not target.kafka_columns:
        return all(row == rows[0] for row in rows)
    if target.soft_delete and target.version:
        return len({row["_deleted_at"] is None for row in rows}) == 1
    return True


def start_of(row: Mapping[str, Any], target: Target) -> Any:
    """Start of the partition of the table that a row lies in."""
    by = by_time(target)
    value = row[by.column] if by else None
    if value is None or by is None:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if by.granularity in {"month", "year"}:
        value = value.replace(day=1, month=1 if by.granularity == "year" else value.month)
    if not isinstance(value, datetime):
        return value
    return value.replace(minute=0, second=0, microsecond=0, hour=value.hour if by.granularity == "hour" else 0)


def _first_part(group: Group, target: Target) -> Any:
    starts = [start for row in group.values() if (start := start_of(row, target)) is not None]
    return min(starts, default=None)


def _ordered(start: date | None) -> tuple[bool, Any]:
    return start is not None, start or date.min
