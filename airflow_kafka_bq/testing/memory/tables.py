"""Tables and transactions with BigQuery's snapshot isolation.

A transaction reads the tables as they were when it began. Inserts never conflict. An update or delete cancels the
transaction where another one has the table changed and is open, or changed it and committed since the snapshot: by
table, whichever rows either touches (https://cloud.google.com/bigquery/docs/transactions#transaction_concurrency).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from airflow_kafka_bq.config.partitioning import Layout
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import NotFoundError
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import TableFacts
from airflow_kafka_bq.testing.memory.clock import Clock

Row = Mapping[str, Any]


class Cancelled(Exception):
    """A concurrent transaction changed rows of the same table."""


@dataclass(frozen=True, slots=True)
class StoredTable:
    """One version of a table; every change makes another."""

    columns: tuple[Column, ...]
    created_at: datetime
    expires_at: datetime | None = None
    partitioning: Layout | None = None
    cluster_by: tuple[str, ...] = ()
    require_partition_filter: bool = False
    options: Mapping[str, Any] | None = None
    rows: Mapping[int, Row] = field(default_factory=dict)
    written: Mapping[int, datetime] = field(default_factory=dict)  # when: decides the partition by ingestion time
    changed_by: int = 0  # number of the last commit that updated or deleted rows

    @property
    def facts(self) -> TableFacts:
        """As tables.get tells them."""
        return TableFacts(
            columns=self.columns,
            created_at=stamp(self.created_at),
            num_rows=len(self.rows),
            partitioning=self.partitioning,
            cluster_by=self.cluster_by,
            require_partition_filter=self.require_partition_filter,
            options=self.options,
        )


def stamp(moment: datetime) -> str:
    """A creation time as facts and ledger have it: ISO, UTC, milliseconds."""
    return moment.isoformat(timespec="milliseconds")


class Tables:
    """Datasets, tables and open transactions of a project."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.datasets: set[tuple[str, str]] = set()
        self._tables: dict[str, StoredTable] = {}
        self._row_ids = itertools.count(1)
        self._commits = itertools.count(1)
        self.last_commit = 0
        self._last_creation = datetime.min.replace(tzinfo=clock().tzinfo)
        self.changing: defaultdict[str, set[Transaction]] = defaultdict(set)

    def find(self, table: TableId) -> StoredTable | None:
        """A table that has not expired. :raises NotFoundError: no such dataset."""
        if (table.project, table.dataset) not in self.datasets:
            raise NotFoundError(f"dataset {table.project}.{table.dataset} does not exist")
        return self.named(str(table))

    def named(self, name: str) -> StoredTable | None:
        """A table by its full name."""
        found = self._tables.get(name)
        if found and found.expires_at and found.expires_at <= self._clock():
            del self._tables[name]
            return None
        return found

    def get(self, table: TableId) -> StoredTable:
        """:raises NotFoundError: no such dataset or table."""
        found = self.find(table)
        if found is None:
            raise NotFoundError(f"table {table} does not exist")
        return found

    def create(self, table: TableId, columns: Iterable[Column], **facts: Any) -> None:
        """Unless it exists. A re-created table is told apart by its creation time, even if the clock stood still."""
        if self.find(table) is None:
            self._last_creation = max(self._clock(), self._last_creation + timedelta(milliseconds=1))
            self._tables[str(table)] = StoredTable(tuple(columns), self._last_creation, **facts)

    def alter(self, table: TableId, columns: Iterable[Column]) -> None:
        """DDL: other columns, the same rows."""
        self._tables[str(table)] = replace(self.get(table), columns=tuple(columns))

    def drop(self, table: TableId) -> None:
        """Unless it is gone."""
        self._tables.pop(str(table), None)

    def snapshot(self) -> dict[str, StoredTable]:
        """All tables as they are."""
        return {name: found for name in list(self._tables) if (found := self.named(name))}

    def begin(self) -> Transaction:
        """A transaction on the tables as they are now."""
        return Transaction(self)

    def new_rows(self, rows: Iterable[Row]) -> dict[int, Row]:
        """Rows with ids of their own."""
        return {next(self._row_ids): row for row in rows}

    def write(self, name: str, rows: Mapping[int, Row], *, changed: bool, gone: Container[int] = ()) -> None:
        """One table's part of a commit."""
        now = self._tables[name]
        merged = {number: row for number, row in {**now.rows, **rows}.items() if number not in gone}
        written = now.written
        if now.partitioning and now.partitioning.by_ingestion:
            moment = self._clock()
            written = {number: written.get(number, moment) for number in merged}
        self._tables[name] = replace(
            now, rows=merged, written=written, changed_by=self.last_commit if changed else now.changed_by
        )

    def delete(self, table: TableId, wanted: Callable[[Row], bool]) -> int:
        """A DELETE statement of somebody else; the number of rows."""
        now = self.get(table)
        kept = {number: row for number, row in now.rows.items() if not wanted(row)}
        self.next_commit()
        self._tables[str(table)] = replace(now, rows=kept, changed_by=self.last_commit)
        return len(now.rows) - len(kept)

    def age(self, table: TableId, by: timedelta) -> None:
        """Rows by ingestion time lie so much earlier."""
        now = self.get(table)
        self._tables[str(table)] = replace(now, written={number: at - by for number, at in now.written.items()})

    def next_commit(self) -> None:
        """Number the commit that is about to be written."""
        self.last_commit = next(self._commits)


class Transaction:
    """Changes that become visible together or not at all."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._snapshot = tables.snapshot()
        self._began_after = tables.last_commit
        self._updates: defaultdict[str, dict[int, Row]] = defaultdict(dict)
        self._inserts: defaultdict[str, dict[int, Row]] = defaultdict(dict)
        self._deletes: defaultdict[str, set[int]] = defaultdict(set)

    def table(self, table: TableId | str) -> StoredTable:
        """The snapshot's table. :raises NotFoundError: it was not there."""
        if str(table) not in self._snapshot:
            raise NotFoundError(f"table {table} does not exist")
        return self._snapshot[str(table)]

    def rows(self, table: TableId | str) -> dict[int, Row]:
        """The snapshot's rows with this transaction's own changes."""
        name = str(table)
        there = {**self.table(name).rows, **self._updates[name], **self._inserts[name]}
        return {number: row for number, row in there.items() if number not in self._deletes[name]}

    def insert(self, table: TableId, rows: Iterable[Row]) -> None:
        """Insert rows; conflicts with nothing."""
        self.table(table)
        self._inserts[str(table)] |= self._tables.new_rows(rows)

    def update(self, table: TableId, rows: Mapping[int, Row]) -> None:
        """Replace rows.

        :raises Cancelled: another transaction changes this table, or did so since the snapshot.
        """
        name = str(table)
        if not rows:
            return
        self._hold(name)
        own = {number: row for number, row in rows.items() if number in self._inserts[name]}
        self._inserts[name] |= own
        self._updates[name] |= {number: row for number, row in rows.items() if number not in own}

    def delete(self, table: TableId, numbers: Iterable[int]) -> None:
        """Remove rows.

        :raises Cancelled: as :meth:`update`.
        """
        wanted = set(numbers)
        if wanted:
            self._hold(str(table))
            self._deletes[str(table)] |= wanted

    def _hold(self, name: str) -> None:
        current = self._tables.named(name)
        others = self._tables.changing[name] - {self}
        if others or (current and current.changed_by > self._began_after):
            raise Cancelled(f"Transaction is aborted due to concurrent update against table {name}")
        self._tables.changing[name].add(self)

    def commit(self) -> None:
        """Make everything visible.

        :raises NotFoundError: a table was dropped or re-created meanwhile; nothing is applied.
        """
        changes = (self._updates, self._inserts, self._deletes)
        touched = {name for changed in changes for name, rows in changed.items() if rows}
        for name in touched:
            current = self._tables.named(name)
            if current is None or current.created_at != self._snapshot[name].created_at:
                self.rollback()
                raise NotFoundError(f"table {name} was dropped while a transaction used it")
        self._tables.next_commit()
        for name in touched:
            written = {**self._updates[name], **self._inserts[name]}
            changed = bool(self._updates[name]) or self in self._tables.changing[name]
            self._tables.write(name, written, changed=changed, gone=self._deletes[name])
        self.rollback()

    def rollback(self) -> None:
        """Forget everything, and stop holding tables."""
        for holders in self._tables.changing.values():
            holders.discard(self)
        self._updates.clear()
        self._inserts.clear()
        self._deletes.clear()
