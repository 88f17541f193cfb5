"""Who may commit: BigQuery's rules for statements and transactions that touch one table at the same time.

https://cloud.google.com/bigquery/docs/transactions and .../docs/data-manipulation-language: a transaction that updates
or deletes rows of a table conflicts with every other transaction or statement that does, whatever rows they touch; the
later one is cancelled. Appends conflict with nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_kafka_bq.testing.bigquery.front.door import Door, DoorError, Key, Session, table_name
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError

_RUNNING_PER_TABLE = 2
_QUEUED_PER_TABLE = 20


class ConflictError(BigQueryError):
    """Somebody else changed the table at the same time; the same again may go well."""


class Versions:
    """Counts the mutations of every table, and knows which are under way.

    Args:
        door: The way to the emulator.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self._lock = threading.Condition()
        self._committed: dict[Key, int] = {}
        self._under_way: dict[Key, Unit] = {}
        self._outstanding: dict[Key, int] = {}
        self._running: dict[Key, int] = {}

    def begin(self, transaction: bool) -> Unit:
        """Take a snapshot: of the data in the emulator, and of the counts here, at one moment."""
        with self._lock:
            return Unit(self, Session(self._door), dict(self._committed), transaction)

    def mutate(self, unit: Unit, table: Key) -> None:
        """Note that a unit changes rows of a table.

        Raises:
            BigQueryError: Somebody else does, or has since the unit's snapshot.
        """
        with self._lock:
            holder = self._under_way.setdefault(table, unit)
            if holder is not unit or self._committed.get(table, 0) != unit.seen.get(table, 0):
                raise unit.conflict(table, holder if holder is not unit else None)
            unit.mutated.add(table)

    def commit(self, unit: Unit, job: str, payload: str) -> None:
        """Commit, and let the others know."""
        with self._lock:
            try:
                with unit.refusals(None):
                    unit.session.commit(job, payload)
                for table in unit.mutated:
                    self._committed[table] = self._committed.get(table, 0) + 1
            finally:
                # Whether it went well or not, the unit holds nothing any more.
                self._let_go(unit)

    def rollback(self, unit: Unit) -> None:
        """Undo, and let the others pass."""
        try:
            unit.session.rollback()
        finally:
            with self._lock:
                self._let_go(unit)

    def _let_go(self, unit: Unit) -> None:
        for table in [table for table, holder in self._under_way.items() if holder is unit]:
            del self._under_way[table]

    @contextmanager
    def turn(self, table: Key, cancelled: threading.Event) -> Iterator[None]:
        """A place among the mutating statements of a table: two run, twenty wait, the next is refused.

        Raises:
            BigQueryError: There is no place left.
        """
        with self._lock:
            if self._outstanding.get(table, 0) >= _RUNNING_PER_TABLE + _QUEUED_PER_TABLE:
                raise BigQueryError(
                    "resourcesExceeded",
                    "Resources exceeded during query execution: Too many DML statements outstanding against table "
                    f"{table_name(table)}, limit is {_QUEUED_PER_TABLE}.",
                )
            self._outstanding[table] = self._outstanding.get(table, 0) + 1
            while self._running.get(table, 0) >= _RUNNING_PER_TABLE and not cancelled.is_set():
                self._lock.wait(0.05)
            self._running[table] = self._running.get(table, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                self._outstanding[table] -= 1
                self._running[table] -= 1
                self._lock.notify_all()


class Unit:
    """What commits as one: a transaction of a script, or a statement outside of one.

    Args:
        versions: The counts it is measured by.
        session: Its transaction in the emulator.
        seen: The counts at its snapshot.
        transaction: True for a transaction of a script.
    """

    def __init__(self, versions: Versions, session: Session, seen: dict[Key, int], transaction: bool) -> None:
        self._versions = versions
        self.session = session
        self.seen = seen
        self.transaction = transaction
        self.mutated: set[Key] = set()

    def mutate(self, table: Key) -> None:
        """See `Versions.mutate`."""
        self._versions.mutate(self, table)

    def commit(self, job: str, payload: str) -> None:
        """See `Versions.commit`."""
        self._versions.commit(self, job, payload)

    def rollback(self) -> None:
        """See `Versions.rollback`."""
        self._versions.rollback(self)

    @contextmanager
    def refusals(self, table: Key | None) -> Iterator[None]:
        """What the emulator refuses within, in BigQuery's words; changes of a table's columns conflict as DML does.

        Raises:
            BigQueryError: It refused.
        """
        try:
            yield
        except DoorError as error:
            raise (self.conflict(table, None) if error.is_conflict else error.as_bigquery()) from error

    def conflict(self, table: Key | None, other: Unit | None) -> ConflictError:
        """The later one's error; a statement is told otherwise than a transaction."""
        name = table_name(table) if table else "of this job"
        if self.transaction or (other is not None and other.transaction):
            message = (
                f"Transaction is aborted due to concurrent update against table {name}. "
                f"Transaction ID: {self.session.name}"
            )
        else:
            message = f"Could not serialize access to table {name} due to concurrent update"
        return ConflictError("invalidQuery", message, location="query")
