"""The SQL of "newer", run on generated rows, against the same rule written in Python."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.bigquery.order import newer, winners
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.kafka_columns import kafka_columns
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.testing.memory.order import COORDINATES, is_newer, newest, oldest
from tests.bigquery.targets import TABLE

NAMES = ("k", "v", "w", *COORDINATES)
TARGET = Target(
    TABLE,
    (*(Column(name, "INT64") for name in ("k", "v", "w")), *kafka_columns("string")),
    ("k",),
    by_coordinates=False,
    update=True,
)
VERSIONS = [(), ("v",), ("v", "w")]
SMALL = st.integers(0, 2)
ROWS = st.fixed_dictionaries(
    {
        "k": st.just(1),
        "v": st.none() | SMALL,
        "w": st.none() | SMALL,
        "_kafka_topic": st.sampled_from(["a", "b"]),
        "_kafka_partition": SMALL,
        "_kafka_offset": SMALL,
        "_kafka_timestamp": SMALL,
    }
)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


@functools.cache
def in_sqlite(sql: str) -> str:
    return sqlglot.transpile(sql, "bigquery", "sqlite")[0]


def run(database: sqlite3.Connection, sql: str, rows: list[Row]) -> list[tuple[Any, ...]]:
    """BigQuery's SQL over rows named ``source``, in sqlite."""
    values = ", ".join(f"({', '.join('?' * len(NAMES))})" for _ in rows)
    with_rows = f"WITH source({', '.join(NAMES)}) AS (VALUES {values}) "
    parameters = [row[name] for row in rows for name in NAMES]
    return database.execute(with_rows + in_sqlite(sql), parameters).fetchall()


@given(ROWS, ROWS, st.sampled_from(VERSIONS))
def test_a_row_replaces_another_if_it_is_newer(
    database: sqlite3.Connection, staged: Row, there: Row, version: tuple[str, ...]
) -> None:
    sql = f"SELECT {newer(replace(TARGET, version=version))} FROM source AS S, source AS T WHERE S.k = 1 AND T.k = 2"
    found = run(database, sql, [staged, there | {"k": 2}])
    assert bool(found[0][0]) is is_newer(staged, there, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_row_without_coordinates_is_older_than_any_message(
    database: sqlite3.Connection, version: tuple[str, ...]
) -> None:
    adopted = dict.fromkeys(NAMES) | {"k": 2}
    message = dict.fromkeys(NAMES, 0) | {"k": 1, "_kafka_topic": "a"}
    sql = f"SELECT {newer(replace(TARGET, version=version))} FROM source AS S, source AS T WHERE S.k = 1 AND T.k = 2"
    assert run(database, sql, [message, adopted]) == [(1,)]


def of_one_topic(rows: list[Row]) -> list[Row]:
    """As in a batch: one topic, and each offset of a partition once."""
    return list({(row["_kafka_partition"], row["_kafka_offset"]): row | {"_kafka_topic": "a"} for row in rows}.values())


BATCH = st.lists(ROWS, min_size=1, max_size=6).map(of_one_topic)
# Without QUALIFY, sqlite needs a subquery for it, which must name its columns.
SOURCE = f"SELECT {', '.join(NAMES)} FROM source"


def left(database: sqlite3.Connection, rows: list[Row], target: Target, *, versions: bool) -> list[Row]:
    found = run(database, winners(SOURCE, target, versions=versions), rows)
    return [dict(zip(NAMES, row, strict=False)) for row in found]


@given(BATCH, st.sampled_from(VERSIONS))
def test_of_a_batch_the_newest_is_left_for_update(
    database: sqlite3.Connection, rows: list[Row], version: tuple[str, ...]
) -> None:
    assert left(database, rows, replace(TARGET, version=version), versions=True) == [newest(rows, version)]


@given(BATCH)
def test_of_a_batch_the_oldest_is_left_for_keep(database: sqlite3.Connection, rows: list[Row]) -> None:
    assert left(database, rows, replace(TARGET, update=False), versions=True) == [oldest(rows)]


@given(BATCH)
def test_tombstones_are_in_kafkas_order_whatever_the_version(database: sqlite3.Connection, rows: list[Row]) -> None:
    assert left(database, rows, replace(TARGET, version=("v",)), versions=False) == [newest(rows, ())]


def test_a_key_of_coordinates_needs_no_second_step() -> None:
    """A partition's offset is there once; to look across partitions would be sorting the batch for nothing."""
    target = replace(TARGET, by_coordinates=True, key=COORDINATES)
    assert winners(SOURCE, target, versions=True).count("QUALIFY") == 1
    assert winners(SOURCE, TARGET, versions=True).count("QUALIFY") == 2


def test_a_table_without_coordinates_keeps_the_first_row_of_the_batch() -> None:
    target = replace(TARGET, columns=TARGET.columns[:3])
    assert winners(SOURCE, target, versions=True).endswith("(PARTITION BY `k` ORDER BY `_row`) = 1")
