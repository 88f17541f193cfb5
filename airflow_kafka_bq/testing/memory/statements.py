"""The statements of a batch's transaction, by their meaning: rows, and tombstones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_kafka_bq.batch import ColumnBounds, StagedTable
from airflow_kafka_bq.config.partitioning import INGESTION_TIME
from airflow_kafka_bq.exceptions import NotFoundError
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.testing.memory.deletes import Markers, Verdict
from airflow_kafka_bq.testing.memory.order import COORDINATES, is_later, is_newer, newest, oldest
from airflow_kafka_bq.testing.memory.tables import Row, StoredTable, Transaction

Predicate = Callable[[Row], str | None]
"""BigQuery's message about a row that it cannot convert, or None."""
_AT_MERGE = {"_ingested_at", "_deleted_at"}


class RowRejected(Exception):
    """A value, or a column, does not fit the target."""


@dataclass(slots=True)
class Counts:
    """What the DML statistics tell."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0


def key_of(row: Row, names: Iterable[str]) -> tuple[Any, ...]:
    """The dedup key's values."""
    return tuple(row[name] for name in names)


def in_order(transaction: Transaction, tables: Iterable[StagedTable]) -> list[Row]:
    """Staged rows in the order in which they were read. :raises NotFoundError: a table expired or was dropped."""
    found: list[Row] = []
    for one in tables:
        found += sorted(transaction.rows(one.table).values(), key=lambda row: row.get("_row", 0))
    return found


def staged_rows(transaction: Transaction, spec: MergeSpec) -> list[Row]:
    """What was staged for the target. :raises NotFoundError: a staging table expired or was dropped."""
    rows = in_order(transaction, spec.staged.rows_tables)
    wanted = {column.name for column in spec.target.columns} - _AT_MERGE
    missing = wanted - {name for row in rows[:1] for name in row}
    if rows and missing:
        raise RowRejected(f"Unrecognized name: {', '.join(sorted(missing))} in the staging table")
    return rows


def check_staged(transaction: Transaction, spec: MergeSpec) -> None:
    """:raises NotFoundError: a staging table is gone, or was made anew and does not hold the batch."""
    for one in (*spec.staged.rows_tables, *spec.staged.dead_letters_tables):
        found = len(transaction.rows(one.table))
        if found != one.rows:
            raise NotFoundError(f"staging table {one.table} holds {found} rows, not {one.rows}")


def merge_batch(transaction: Transaction, spec: MergeSpec, now: datetime) -> Counts:
    """Rows first, then tombstones."""
    counts = Counts()
    if not spec.staged.rows_tables:
        return counts
    rows = staged_rows(transaction, spec)
    # A batch that counts no tombstones takes null values as rows (on_tombstone="insert").
    splits = spec.staged.tombstones > 0
    markers = Markers(transaction, spec.target, now) if spec.target.delete else None
    live = [row for row in rows if not (splits and row["_tombstone"])]
    merge_rows(transaction, spec, live, now, counts, markers)
    if splits:
        merge_tombstones(transaction, spec, [row for row in rows if row["_tombstone"]], counts, markers)
    if markers:
        markers.write()
    return counts


def merge_rows(
    transaction: Transaction, spec: MergeSpec, rows: list[Row], now: datetime, counts: Counts, markers: Markers | None
) -> None:
    """Insert what is missing; with ``update`` replace what is older; a marker's key obeys the marker."""
    target = spec.target
    matches = _Matches(transaction, target, spec.staged.bounds)
    updates: dict[int, Row] = {}
    inserts: list[Row] = []
    removed: set[int] = set()
    for key, same in _by_key(rows, target).items():
        row = _winner(same, target)
        found = matches.of(key)
        verdict = markers.judge(key, row) if markers else Verdict.ADMITTED
        if not found and verdict is Verdict.ADMITTED:
            inserts.append(matches.stored(_inserted(row, target, now)))
        for number, old in found.items() if target.update else ():
            if not is_newer(row, old, target.version):
                continue
            if verdict is Verdict.DELETED:
                removed.add(number)
            else:
                updates[number] = matches.stored(_replaced(row, old, target, now), over=number)
    transaction.insert(target.table, inserts)
    transaction.update(target.table, updates)
    transaction.delete(target.table, removed)
    counts.inserted, counts.updated, counts.deleted = len(inserts), len(updates), len(removed)


def merge_tombstones(
    transaction: Transaction, spec: MergeSpec, tombstones: list[Row], counts: Counts, markers: Markers | None
) -> None:
    """Mark, or remove, rows whose key was deleted behind them in Kafka; a tombstone without a row changes none.

    Its timestamp need not lie in the partition of the row, so of the bounds only those of the key are of use.
    """
    target = spec.target
    by = target.partitioning.column if target.partitioning else None
    bounds = tuple(one for one in spec.staged.bounds if one.column in target.key and one.column != by)
    matches = _Matches(transaction, target, bounds)
    updates: dict[int, Row] = {}
    removed: set[int] = set()
    for key, same in _by_key(tombstones, target).items():
        tombstone = newest(same, ())
        marks = {"_deleted_at": tombstone["_kafka_timestamp"], **{name: tombstone[name] for name in COORDINATES}}
        hit = {number: old for number, old in matches.of(key).items() if is_later(tombstone, old)}
        if markers:
            markers.mark(key, tombstone, hit.values())
            removed |= hit.keys()
        else:
            updates |= {number: matches.stored({**old, **marks}, over=number) for number, old in hit.items()}
    transaction.update(target.table, updates)
    transaction.delete(target.table, removed)
    counts.deleted += len(updates) + len(removed)


def bounded(value: Any, bounds: ColumnBounds, *, half_open: bool) -> bool:
    """Whether a target's value lies within the literals of the ON clause."""
    if value is None:
        return bounds.has_null or not (bounds.values or bounds.ranges)
    if bounds.values:
        return value in bounds.values
    for low, high in bounds.ranges:
        typed = _typed(value, low)
        above = low is None or typed >= low
        if above and (high is None or typed < high or (typed == high and not half_open)):
            return True
    return not bounds.ranges


def names_of(table: StoredTable, target: Target) -> Mapping[str, str]:
    """The table's names of the target's columns: BigQuery does not tell upper from lower case.

    :raises RowRejected: a column is missing.
    """
    theirs = {column.name.lower(): column.name for column in table.columns}
    missing = [column.name for column in target.columns if column.name.lower() not in theirs]
    if missing:
        raise RowRejected(f"Column {', '.join(missing)} is not present in table {target.table}")
    return {column.name: theirs[column.name.lower()] for column in target.columns}


def target_rows(transaction: Transaction, target: Target, bounds: Iterable[ColumnBounds]) -> dict[int, Row]:
    """Rows of the target that the ON clause's literals let a statement see, in the job's names."""
    names = names_of(transaction.table(target.table), target)
    by = target.partitioning.column if target.partitioning else None
    rows = {
        number: {ours: stored[their] for ours, their in names.items()}
        for number, stored in transaction.rows(target.table).items()
    }
    if target.partitioning and target.partitioning.by_ingestion:
        written = transaction.table(target.table).written
        rows = {number: {**row, INGESTION_TIME: written.get(number)} for number, row in rows.items()}
    return {number: row for number, row in rows.items() if seen(row, bounds, by)}


def seen(row: Row, bounds: Iterable[ColumnBounds], partitioned_by: str | None) -> bool:
    """Whether the literals of an ON clause let a statement see the row."""
    return all(bounded(row[one.column], one, half_open=one.column == partitioned_by) for one in bounds)


def _typed(value: Any, literal: Any) -> Any:
    """A DATETIME column keeps its wire text here; its literals are typed."""
    return datetime.fromisoformat(value) if isinstance(value, str) and isinstance(literal, datetime) else value


def _by_key(rows: Iterable[Row], target: Target) -> dict[tuple[Any, ...], list[Row]]:
    found: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[key_of(row, target.key)].append(row)
    return found


def _winner(rows: list[Row], target: Target) -> Row:
    if not target.kafka_columns:
        return rows[0]
    return newest(rows, target.version) if target.update else oldest(rows)


def _inserted(row: Row, target: Target, now: datetime) -> dict[str, Any]:
    at_merge = {"_ingested_at": now, "_deleted_at": None}
    return {column.name: at_merge.get(column.name, row.get(column.name)) for column in target.columns}


def _replaced(row: Row, old: Row, target: Target, now: datetime) -> dict[str, Any]:
    new = _inserted(row, target, now)
    if target.soft_delete and old["_deleted_at"] is not None and not is_later(row, old):
        # Newer by version, yet in front of the tombstone in Kafka: the content is newer, the deletion still holds.
        new |= {name: old[name] for name in ("_deleted_at", *COORDINATES)}
    return new


class _Matches:
    """Rows of the target by dedup key, as far as literal bounds let the statement see them."""

    def __init__(self, transaction: Transaction, target: Target, bounds: tuple[ColumnBounds, ...]) -> None:
        self._table: StoredTable = transaction.table(target.table)
        self._rows = transaction.rows(target.table)
        self._names = names_of(self._table, target)
        self._found: defaultdict[tuple[Any, ...], dict[int, Row]] = defaultdict(dict)
        for number, row in target_rows(transaction, target, bounds).items():
            self._found[key_of(row, target.key)][number] = row

    def of(self, key: tuple[Any, ...]) -> dict[int, Row]:
        """Rows that equal the key. NULL equals nothing."""
        return {} if None in key else self._found.get(key, {})

    def stored(self, row: Row, over: int | None = None) -> Row:
        """A row in the table's own names, with its other columns. :raises RowRejected: NULL where it is REQUIRED."""
        rest = {column.name: None for column in self._table.columns} if over is None else self._rows[over]
        merged = {**rest, **{their: row[ours] for ours, their in self._names.items()}}
        for column in self._table.columns:
            if column.mode == "REQUIRED" and merged[column.name] is None:
                raise RowRejected(f"Required field {column.name} cannot be null")
        return merged
