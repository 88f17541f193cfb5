from __future__ import annotations

import datetime
import time

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound, PreconditionFailed
from google.cloud import bigquery

from tests.testing.bigquery.warehouse import NO_RETRY, Warehouse

_DDL = """CREATE TABLE IF NOT EXISTS DATASET.t (
  k INT64 NOT NULL OPTIONS(description='the key'), ts TIMESTAMP, s STRUCT<a INT64, l ARRAY<STRING>>, j JSON)
PARTITION BY TIMESTAMP_TRUNC(ts, HOUR) CLUSTER BY k, ts
OPTIONS(description='a table', labels=[('team', 'x')], require_partition_filter=TRUE,
  expiration_timestamp=TIMESTAMP '2999-01-01 00:00:00 UTC')"""


def _get(warehouse: Warehouse, name: str = "t") -> bigquery.Table:
    return warehouse.client.get_table(warehouse.table(name), retry=NO_RETRY)


def test_ddl_comes_back_as_metadata(warehouse: Warehouse) -> None:
    warehouse.query(_DDL)
    table = _get(warehouse)
    assert [(field.name, field.field_type, field.mode) for field in table.schema] == [
        ("k", "INTEGER", "REQUIRED"),
        ("ts", "TIMESTAMP", "NULLABLE"),
        ("s", "RECORD", "NULLABLE"),
        ("j", "JSON", "NULLABLE"),
    ]
    assert table.schema[0].description == "the key"
    assert [(field.name, field.mode) for field in table.schema[2].fields] == [("a", "NULLABLE"), ("l", "REPEATED")]
    assert table.time_partitioning == bigquery.TimePartitioning(type_="HOUR", field="ts")
    assert table.clustering_fields == ["k", "ts"]
    assert (table.description, table.labels, table.require_partition_filter) == ("a table", {"team": "x"}, True)
    assert table.expires == datetime.datetime(2999, 1, 1, tzinfo=datetime.UTC)
    warehouse.query(_DDL)
    assert _get(warehouse).etag == table.etag


def test_a_table_of_a_query_has_its_columns(warehouse: Warehouse) -> None:
    warehouse.query(
        "CREATE TABLE DATASET.t AS SELECT '*' AS a, 0 AS b, [STRUCT(1 AS x)] AS c, PARSE_JSON('{}') "
        "AS d, NUMERIC '1' AS e"
    )
    assert [(field.name, field.field_type, field.mode) for field in _get(warehouse).schema] == [
        ("a", "STRING", "NULLABLE"),
        ("b", "INTEGER", "NULLABLE"),
        ("c", "RECORD", "REPEATED"),
        ("d", "JSON", "NULLABLE"),
        ("e", "NUMERIC", "NULLABLE"),
    ]
    warehouse.query("CREATE TABLE IF NOT EXISTS DATASET.t AS SELECT 'again' AS a")
    assert warehouse.rows("SELECT a FROM DATASET.t") == [("*",)]
    with pytest.raises(Conflict):
        warehouse.query("CREATE TABLE DATASET.t AS SELECT 1 AS a")


def test_columns_are_added_several_at_once(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (k INT64 NOT NULL)")
    warehouse.query("INSERT INTO DATASET.t (k) VALUES (1)")
    alter = (
        "ALTER TABLE DATASET.t ADD COLUMN IF NOT EXISTS a STRING OPTIONS(description='A'), ADD COLUMN IF "
        "NOT EXISTS b ARRAY<INT64>"
    )
    warehouse.query(alter)
    warehouse.query(alter)
    warehouse.query("ALTER TABLE DATASET.t ALTER COLUMN k DROP NOT NULL")
    warehouse.query("INSERT INTO DATASET.t (a, b) VALUES ('x', [1])")
    assert [(field.name, field.mode) for field in _get(warehouse).schema] == [
        ("k", "NULLABLE"),
        ("a", "NULLABLE"),
        ("b", "REPEATED"),
    ]
    assert warehouse.rows("SELECT k, a FROM DATASET.t ORDER BY k") == [(None, "x"), (1, None)]


def test_a_column_is_dropped_with_its_values(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t AS SELECT 1 AS k, 'x' AS a")
    warehouse.query("ALTER TABLE DATASET.t DROP COLUMN IF EXISTS b, DROP COLUMN a")
    warehouse.query("ALTER TABLE DATASET.t ADD COLUMN a INT64")
    assert warehouse.rows("SELECT k, a FROM DATASET.t") == [(1, None)]
    with pytest.raises(BadRequest, match="Column not found: b"):
        warehouse.query("ALTER TABLE DATASET.t DROP COLUMN b")


def test_a_nested_field_is_added_by_update(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (s STRUCT<a INT64>, l ARRAY<STRUCT<a INT64>>)")
    warehouse.query("INSERT INTO DATASET.t (s, l) VALUES (STRUCT(1), [STRUCT(2)])")
    table = _get(warehouse)
    inner = (bigquery.SchemaField("a", "INTEGER"), bigquery.SchemaField("b", "STRING"))
    table.schema = [
        bigquery.SchemaField("s", "RECORD", fields=inner),
        bigquery.SchemaField("l", "RECORD", "REPEATED", fields=inner),
    ]
    warehouse.client.update_table(table, ["schema"])
    warehouse.query("INSERT INTO DATASET.t (s, l) VALUES (STRUCT(3, 'x'), [STRUCT(4, 'y')])")
    assert warehouse.rows("SELECT s, l FROM DATASET.t ORDER BY s.a") == [
        ({"a": 1, "b": None}, [{"a": 2, "b": None}]),
        ({"a": 3, "b": "x"}, [{"a": 4, "b": "y"}]),
    ]


def test_a_required_column_takes_no_null(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (k INT64 NOT NULL, v STRING)")
    with pytest.raises(BadRequest, match="Required field k cannot be null"):
        warehouse.query("INSERT INTO DATASET.t (v) VALUES ('x')")


@pytest.mark.parametrize(
    "ddl",
    [
        "CREATE TABLE DATASET.t (a INT64, b INT64, c INT64, d INT64, e INT64) CLUSTER BY a, b, c, d, e",
        "CREATE TABLE DATASET.t (a JSON) CLUSTER BY a",
        "CREATE TABLE DATASET.t (a FLOAT64) CLUSTER BY a",
        "CREATE TABLE DATASET.t (a INT64) CLUSTER BY b",
        "CREATE TABLE DATASET.t (a INT64) PARTITION BY DATE(b)",
        "CREATE TABLE DATASET.t (a STRING) PARTITION BY a",
        "CREATE TABLE DATASET.t (a INT64, A STRING)",
        "CREATE TABLE DATASET.t (_PARTITIONTIME INT64)",
        "CREATE TABLE DATASET.t (a NOTHING)",
        "CREATE TABLE DATASET.t (a INT64) OPTIONS(nothing=1)",
        "ALTER TABLE DATASET.there ADD COLUMN a INT64 NOT NULL",
        "ALTER TABLE DATASET.there ADD COLUMN k STRING",
        "CREATE TABLE DATASET.t (a INT64) OPTIONS(expiration_timestamp=TIMESTAMP '2001-01-01 00:00:00 UTC')",
    ],
)
def test_impossible_tables_are_refused(warehouse: Warehouse, ddl: str) -> None:
    warehouse.query("CREATE TABLE DATASET.there (k INT64)")
    with pytest.raises(BadRequest):
        warehouse.query(ddl)
    assert [table.table_id for table in warehouse.client.list_tables(warehouse.dataset)] == ["there"]


def test_an_update_may_not_lose_or_change_a_column(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (a INT64, b STRING)")
    for schema in (
        [bigquery.SchemaField("a", "INTEGER")],
        [bigquery.SchemaField("a", "STRING"), bigquery.SchemaField("b", "STRING")],
        [
            bigquery.SchemaField("a", "INTEGER"),
            bigquery.SchemaField("b", "STRING"),
            bigquery.SchemaField("c", "STRING", "REQUIRED"),
        ],
    ):
        table = _get(warehouse)
        table.schema = schema
        with pytest.raises(BadRequest, match="Provided Schema does not match Table"):
            warehouse.client.update_table(table, ["schema"])


def test_a_stale_etag_is_refused(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (a INT64)")
    stale, fresh = _get(warehouse), _get(warehouse)
    fresh.description = "first"
    warehouse.client.update_table(fresh, ["description"])
    stale.description = "second"
    with pytest.raises(PreconditionFailed):
        warehouse.client.update_table(stale, ["description"])
    assert _get(warehouse).description == "first"


def test_a_table_expires(warehouse: Warehouse) -> None:
    table = bigquery.Table(warehouse.table("t"), [bigquery.SchemaField("a", "INTEGER")])
    table.expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=0.7)
    warehouse.client.create_table(table)
    assert _get(warehouse).expires is not None
    time.sleep(0.8)
    with pytest.raises(NotFound):
        _get(warehouse)
    with pytest.raises(NotFound):
        warehouse.query("SELECT * FROM DATASET.t")
    warehouse.query("CREATE TABLE DATASET.t (b STRING)")
    assert _get(warehouse).expires is None


def test_a_dataset_gives_its_tables_an_expiration(warehouse: Warehouse) -> None:
    dataset = bigquery.Dataset(f"demo.{warehouse.dataset}_short")
    dataset.default_table_expiration_ms = 3_600_000
    warehouse.client.create_dataset(dataset)
    warehouse.query(f"CREATE TABLE {dataset.dataset_id}.t (a INT64)")
    table = warehouse.client.get_table(f"demo.{dataset.dataset_id}.t")
    assert table.expires is not None
    assert table.created is not None
    assert table.expires - table.created == datetime.timedelta(hours=1)


def test_a_table_made_again_is_another_one(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (a INT64)")
    created = _get(warehouse).created
    warehouse.query("INSERT INTO DATASET.t (a) VALUES (1), (2)")
    assert (_get(warehouse).created, _get(warehouse).num_rows) == (created, 2)
    warehouse.query("DROP TABLE DATASET.t")
    warehouse.query("DROP TABLE IF EXISTS DATASET.t")
    with pytest.raises(NotFound):
        warehouse.query("DROP TABLE DATASET.t")
    warehouse.query("CREATE TABLE DATASET.t (a INT64)")
    assert _get(warehouse).created != created
    assert _get(warehouse).num_rows == 0
    with pytest.raises(Conflict):
        warehouse.client.create_table(bigquery.Table(warehouse.table("t")))


def test_a_snapshot_keeps_the_rows_of_its_moment(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t AS SELECT 1 AS a")
    warehouse.query("CREATE SNAPSHOT TABLE DATASET.s CLONE DATASET.t")
    warehouse.query("DELETE FROM DATASET.t WHERE TRUE")
    assert warehouse.rows("SELECT a FROM DATASET.s") == [(1,)]
    assert _get(warehouse, "s").table_type == "SNAPSHOT"


def test_information_schema_passes(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (a INT64)")
    assert warehouse.rows("SELECT table_name FROM DATASET.INFORMATION_SCHEMA.TABLES") == [("t",)]


def test_datasets_are_created_listed_and_deleted(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (a INT64)")
    assert warehouse.dataset in {dataset.dataset_id for dataset in warehouse.client.list_datasets()}
    with pytest.raises(BadRequest, match="still in use"):
        warehouse.client.delete_dataset(warehouse.dataset)
    warehouse.client.delete_dataset(warehouse.dataset, delete_contents=True)
    with pytest.raises(NotFound):
        warehouse.client.get_dataset(warehouse.dataset)
