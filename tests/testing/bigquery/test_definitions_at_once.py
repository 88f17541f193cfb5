"""Changes of tables that overlap with each other and with everything else: refused in a way that may be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pyarrow as pa
import pytest
from google.api_core.exceptions import BadRequest, PreconditionFailed
from google.cloud import bigquery

from tests.testing.bigquery.warehouse import NO_RETRY, Warehouse


@pytest.fixture
def table(warehouse: Warehouse) -> Warehouse:
    warehouse.query("CREATE TABLE DATASET.t (k INT64 NOT NULL, v STRING)")
    return warehouse


@contextmanager
def altering(table: Warehouse) -> Iterator[None]:
    """Within, an ALTER has done its work and waits with its commit; it goes well in the end."""
    table.local.faults.add("hold", kind="ddl", job_id="first")
    first = table.submit("ALTER TABLE DATASET.t ADD COLUMN a INT64", job_id=f"{table.dataset}_first")
    yield
    table.local.faults.release()
    first.result(retry=NO_RETRY, timeout=10)
    assert [field.name for field in table.client.get_table(table.table("t")).schema] == ["k", "v", "a"]


@pytest.mark.parametrize(
    "other",
    [
        "ALTER TABLE DATASET.t ADD COLUMN IF NOT EXISTS b INT64",
        "ALTER TABLE DATASET.t ALTER COLUMN k DROP NOT NULL",
        "ALTER TABLE DATASET.t SET OPTIONS (description = 'b')",
        "DROP TABLE DATASET.t",
        "CREATE OR REPLACE TABLE DATASET.t (k INT64)",
    ],
)
def test_two_changes_of_a_table_cannot_be_serialized(table: Warehouse, other: str) -> None:
    with altering(table):
        with pytest.raises(BadRequest, match=f"Could not serialize access to table demo:{table.dataset}.t") as raised:
            table.query(other)
        assert raised.value.errors[0]["reason"] == "invalidQuery"


def test_a_call_that_changes_a_table_fails_its_precondition(table: Warehouse) -> None:
    before = table.client.get_table(table.table("t"))
    before.schema = [*before.schema, bigquery.SchemaField("b", "INT64")]
    before._properties.pop("etag")
    with altering(table), pytest.raises(PreconditionFailed, match="Precondition check failed"):
        table.client.update_table(before, ["schema"], retry=NO_RETRY)


def test_a_load_that_adds_a_column_at_the_same_time_is_told_to_come_again(table: Warehouse) -> None:
    rows = pa.table({"k": pa.array([1], pa.int64()), "b": pa.array([1], pa.int64())})
    schema = [bigquery.SchemaField("k", "INT64", "REQUIRED"), bigquery.SchemaField("b", "INT64")]
    with altering(table), pytest.raises(BadRequest, match="Could not serialize access to table"):
        table.load(rows, "t", schema=schema, schema_update_options=["ALLOW_FIELD_ADDITION"])


def test_jobs_that_make_drop_and_read_tables_do_not_trip_over_each_other(warehouse: Warehouse) -> None:
    def life(number: int) -> None:
        name = f"DATASET.t{number}"
        for turn in range(4):
            warehouse.query(f"CREATE TABLE {name} AS SELECT {turn} AS n")
            assert warehouse.rows(f"SELECT n FROM {name}") == [(turn,)]
            assert [one.n for one in warehouse.query(f"SELECT n + 1 AS n FROM {name}").result()] == [turn + 1]
            warehouse.query(f"DROP TABLE {name}")
            warehouse.client.create_dataset(f"{warehouse.dataset}_{number}", exists_ok=True)

    assert failures([lambda number=number: life(number) for number in range(8)]) == []  # type: ignore[misc]


def test_results_are_kept_and_read_by_many_at_once(warehouse: Warehouse) -> None:
    def ask(number: int) -> None:
        for turn in range(20):
            assert warehouse.rows(f"SELECT {number * 1000 + turn}") == [(number * 1000 + turn,)]

    assert failures([lambda number=number: ask(number) for number in range(8)]) == []  # type: ignore[misc]


def failures(calls: list[Callable[[], None]]) -> list[BaseException]:
    with ThreadPoolExecutor(len(calls)) as pool:
        ended = [future.exception(60) for future in [pool.submit(call) for call in calls]]
    return [error for error in ended if error is not None]
