from __future__ import annotations

import pytest

from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import MergeConflictError
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.testing.memory import MemoryBigQuery
from airflow_kafka_bq.testing.memory.client import MemoryClient
from airflow_kafka_bq.testing.memory.tables import Transaction

TABLE = TableId("memory", "analytics", "t")


class Writer(MemoryClient):
    """Updates all rows of a table."""

    def write(self) -> None:
        self._transact(TABLE, lambda one: one.update(TABLE, {number: {"a": 2} for number in one.rows(TABLE)}))


def test_a_statement_that_meets_others_is_repeated_and_then_gives_up() -> None:
    database = MemoryBigQuery()
    database.create_table(TABLE, [Column("a", "INT64")], [{"a": 1}])
    other = database.tables.begin()
    other.update(TABLE, {number: {"a": 3} for number in other.rows(TABLE)})
    with pytest.raises(MergeConflictError, match=r"memory\.analytics\.t: 6 attempts"):
        Writer(database).write()
    other.rollback()
    Writer(database).write()
    assert database.rows(TABLE) == [{"a": 2}]
    assert isinstance(other, Transaction)
