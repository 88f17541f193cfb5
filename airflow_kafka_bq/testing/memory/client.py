"""One client of a project in memory: every call meets what was planted for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import MergeConflictError
from airflow_kafka_bq.testing.memory.audits import MemoryAudits
from airflow_kafka_bq.testing.memory.bigquery import MemoryBigQuery
from airflow_kafka_bq.testing.memory.repairs import MemoryRepairs
from airflow_kafka_bq.testing.memory.tables import Cancelled, Transaction

_ATTEMPTS = 6
_Result = TypeVar("_Result")


class MemoryClient:
    """What the calls of a warehouse have in common."""

    def __init__(self, database: MemoryBigQuery) -> None:
        self._database = database
        self.audits, self.repairs = MemoryAudits(database), MemoryRepairs(database)
        self.closed = False

    @contextmanager
    def _call(self, name: str) -> Iterator[None]:
        with self._database.lock:
            self._database.check(name)
            self._database.jobs.settle()
            yield

    @contextmanager
    def _effect(self, name: str) -> Iterator[None]:
        with self._call(name), self._database.effect(name):
            yield

    def _transact(self, table: TableId, statements: Callable[[Transaction], _Result]) -> _Result:
        """Repeat while others hold the table. :raises MergeConflictError: they did not let go."""
        for _ in range(_ATTEMPTS):
            transaction = self._database.tables.begin()
            try:
                result = statements(transaction)
                transaction.commit()
            except Cancelled:
                transaction.rollback()
            except BaseException:
                transaction.rollback()
                raise
            else:
                return result
        raise MergeConflictError(f"table {table}: {_ATTEMPTS} attempts met concurrent changes")
