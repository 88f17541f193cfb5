from __future__ import annotations

import base64
import datetime
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import bigquery

from airflow_kafka_bq.testing.bigquery.front import parquet
from tests.testing.bigquery.warehouse import Warehouse, parquet_bytes

_HEADERS = pa.list_(pa.struct([("key", pa.string()), ("value", pa.binary())]))
_NOON = datetime.datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=datetime.UTC)


@pytest.fixture
def table(warehouse: Warehouse) -> Warehouse:
    warehouse.query("CREATE TABLE DATASET.t (k INT64 NOT NULL, v STRING, tags ARRAY<STRING>)")
    return warehouse


def _ndjson(*rows: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in rows)


def _count(warehouse: Warehouse) -> int:
    return int(warehouse.rows("SELECT COUNT(*) FROM DATASET.t")[0][0])


def test_parquet_columns_are_matched_by_name(table: Warehouse) -> None:
    table.load(pa.table({"v": ["seven"], "k": [7]}), "t")
    assert table.rows("SELECT k, v, ARRAY_LENGTH(tags) FROM DATASET.t") == [(7, "seven", 0)]


@pytest.mark.parametrize("sized", [True, False], ids=["multipart", "resumable"])
def test_every_type_keeps_its_value(warehouse: Warehouse, sized: bool) -> None:
    warehouse.query(
        "CREATE TABLE DATASET.t (b BYTES, n NUMERIC, x BIGNUMERIC, ts TIMESTAMP, d DATE, f FLOAT64, o BOOL, "
        "h ARRAY<STRUCT<key STRING, value BYTES>>, s STRUCT<a INT64, l ARRAY<INT64>>)"
    )
    columns = {
        "b": pa.array([b"\x00\xff", None]),
        "n": pa.array([Decimal("12345678901234567890123456789.123456789"), None], pa.decimal128(38, 9)),
        "x": pa.array([Decimal("-0.00000000000000000000000000000000000001"), None], pa.decimal128(38, 38)),
        "ts": pa.array([_NOON, None], pa.timestamp("us", tz="UTC")),
        "d": pa.array([datetime.date(2026, 1, 2), None]),
        "f": [1.5, None],
        "o": [True, None],
        "h": pa.array([[{"key": "a", "value": b"\x01"}, {"key": None, "value": None}], None], _HEADERS),
        "s": pa.array([{"l": [1, 2], "a": 3}, None], pa.struct([("l", pa.list_(pa.int64())), ("a", pa.int64())])),
    }
    job = warehouse.load(pa.table(columns), "t", sized=sized)
    assert job.output_rows == 2
    [first] = warehouse.rows("SELECT * FROM DATASET.t WHERE b IS NOT NULL")
    assert first == (
        b"\x00\xff",
        Decimal("12345678901234567890123456789.123456789"),
        Decimal("-0.00000000000000000000000000000000000001"),
        _NOON,
        datetime.date(2026, 1, 2),
        1.5,
        True,
        [{"key": "a", "value": b"\x01"}, {"key": None, "value": None}],
        {"a": 3, "l": [1, 2]},
    )
    [second] = warehouse.rows("SELECT * FROM DATASET.t WHERE b IS NULL")
    assert second == (None, None, None, None, None, None, None, [], None)
    assert [row["x"] for row in warehouse.client.list_rows(warehouse.table("t"))] == [first[2], None]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"k": [1], "nope": ["x"]}, "Cannot add fields"),
        ({"v": ["x"]}, "Missing required field: k"),
        ({"k": pa.array([1, None], pa.int64())}, "Required field k cannot be null"),
        ({"k": ["1"]}, "does not match the target cpp_type INTEGER"),
        ({"k": [1.5]}, "does not match the target cpp_type INTEGER"),
        ({"k": [1], "v": [1]}, "does not match the target cpp_type STRING"),
        ({"k": [1], "tags": ["x"]}, "changed mode"),
        ({"k": [1], "tags": [["a", None]]}, "Only optional fields can be set to NULL"),
        ({"k": [1], "v": pa.array([datetime.time(1)])}, "no conversion"),
    ],
)
def test_a_parquet_file_that_does_not_fit_loads_nothing(
    table: Warehouse, columns: dict[str, Any], message: str
) -> None:
    table.load(pa.table({"k": [1]}), "t")
    with pytest.raises(BadRequest, match=message) as raised:
        table.load(pa.table(columns), "t")
    assert raised.value.errors[0]["reason"] == "invalid"
    assert _count(table) == 1


@pytest.mark.parametrize("kind", ["JSON", "TIME", "DATETIME"])
def test_parquet_cannot_fill_json_time_or_datetime(warehouse: Warehouse, kind: str) -> None:
    warehouse.query(f"CREATE TABLE DATASET.t (c {kind})")
    with pytest.raises(BadRequest, match="cannot be loaded from Parquet"):
        warehouse.load(pa.table({"c": ["12:00:00"]}), "t")


def test_arrays_need_list_inference(table: Warehouse) -> None:
    with pytest.raises(BadRequest, match="changed mode"):
        table.load(pa.table({"k": [1], "tags": [["a"]]}), "t", lists=False)


def test_nanoseconds_are_refused(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (ts TIMESTAMP)")
    with pytest.raises(BadRequest, match="nanosecond"):
        warehouse.load(pa.table({"ts": pa.array([1], pa.timestamp("ns", tz="UTC"))}), "t")


def test_a_row_over_the_limit_loads_nothing(table: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_BYTES", 1_000)
    table.load(pa.table({"k": range(100), "v": ["x" * 900] * 100}), "t")  # a limit for a row, not for a file
    with pytest.raises(BadRequest, match="Row size is larger than: 1000, at row 1"):
        table.load(pa.table({"k": [1, 2], "v": ["x", "x" * 1_001]}), "t")
    assert _count(table) == 100


def test_ndjson_values_are_read_as_their_types(warehouse: Warehouse) -> None:
    warehouse.query(
        "CREATE TABLE DATASET.t (b BYTES, big INT64, n NUMERIC, j JSON, ts TIMESTAMP, c TIME, dt "
        "DATETIME, s STRUCT<x INT64>, a ARRAY<INT64>)"
    )
    row = {
        "b": base64.b64encode(b"\x00\x01").decode(),
        "big": "9223372036854775807",
        "n": "1.123456789",
        "j": {"a": [1, None]},
        "ts": "2026-01-02T12:00:00.123456Z",
        "c": "01:02:03",
        "dt": "2026-01-02 03:04:05",
        "s": {"x": 1},
        "a": [1, 2],
    }
    assert warehouse.load(_ndjson(row, {}), "t").output_rows == 2
    assert warehouse.rows("SELECT * FROM DATASET.t WHERE b IS NOT NULL") == [
        (
            b"\x00\x01",
            9223372036854775807,
            Decimal("1.123456789"),
            {"a": [1, None]},
            _NOON,
            datetime.time(1, 2, 3),
            datetime.datetime(2026, 1, 2, 3, 4, 5),
            {"x": 1},
            [1, 2],
        )
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"k": 1, "nope": 1}, "No such field: nope"),
        ({"v": "x"}, "Missing required field: k"),
        ({"k": None}, "Missing required field: k"),
        ({"k": 1.5}, "Could not convert value to integer"),
        ({"k": "one"}, "Could not convert value to integer"),
        ({"k": 1 << 63}, "Could not convert value to integer"),
        ({"k": True}, "Could not convert value to integer"),
        ({"k": 1, "v": {"a": 1}}, "Could not convert value to string"),
        ({"k": 1, "tags": ["a", None]}, "Only optional fields can be set to NULL"),
        ({"k": 1, "tags": "a"}, "Array specified for non-repeated field"),
    ],
)
def test_an_ndjson_row_that_does_not_fit_loads_nothing(table: Warehouse, row: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        table.load(_ndjson({"k": 1}, row), "t")
    assert _count(table) == 0


def test_broken_base64_is_refused(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (b BYTES)")
    with pytest.raises(BadRequest, match="Could not convert value to bytes"):
        warehouse.load(_ndjson({"b": "no base64!"}), "t")


def test_write_dispositions(table: Warehouse) -> None:
    one = pa.table({"k": [1]})
    assert table.load(one, "t", write_disposition="WRITE_EMPTY").output_rows == 1
    with pytest.raises(Conflict, match="Already Exists: Table"):
        table.load(one, "t", write_disposition="WRITE_EMPTY")
    assert table.load(one, "t", write_disposition="WRITE_APPEND").output_rows == 1
    assert _count(table) == 2
    created = table.client.get_table(table.table("t")).created
    assert table.load(pa.table({"k": [1, 2, 3]}), "t", write_disposition="WRITE_TRUNCATE").output_rows == 3
    assert _count(table) == 3
    assert table.client.get_table(table.table("t")).created == created


def test_a_load_creates_its_table_or_not(warehouse: Warehouse) -> None:
    with pytest.raises(NotFound, match="Not found: Table"):
        warehouse.load(pa.table({"k": [1]}), "t", create_disposition="CREATE_NEVER")
    schema = [bigquery.SchemaField("k", "INT64"), bigquery.SchemaField("v", "STRING")]
    warehouse.load(pa.table({"k": [1]}), "t", schema=schema)
    assert [field.name for field in warehouse.client.get_table(warehouse.table("t")).schema] == ["k", "v"]
    warehouse.load(pa.table({"k": [1], "tags": [["a"]]}), "inferred")
    assert [field.mode for field in warehouse.client.get_table(warehouse.table("inferred")).schema] == [
        "NULLABLE",
        "REPEATED",
    ]


def test_a_load_adds_columns_only_when_allowed(table: Warehouse) -> None:
    schema = [bigquery.SchemaField("k", "INT64", "REQUIRED"), bigquery.SchemaField("extra", "STRING")]
    wider = pa.table({"k": [1], "extra": ["x"]})
    with pytest.raises(BadRequest, match="Cannot add fields"):
        table.load(wider, "t", schema=schema)
    table.load(wider, "t", schema=schema, schema_update_options=["ALLOW_FIELD_ADDITION"])
    assert table.rows("SELECT extra FROM DATASET.t") == [("x",)]


def test_a_load_id_is_taken_once(table: Warehouse) -> None:
    name = f"{table.dataset}_load"
    table.load(pa.table({"k": [1]}), "t", job_id=name)
    for sized in (True, False):
        with pytest.raises(Conflict, match="Already Exists: Job"):
            table.load(pa.table({"k": [1]}), "t", job_id=name, sized=sized)
    assert _count(table) == 1
    found = table.client.get_job(name)
    assert isinstance(found, bigquery.LoadJob)
    assert found.output_rows == 1


def test_an_upload_in_several_chunks_can_be_resumed(table: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("google.cloud.bigquery.client._DEFAULT_CHUNKSIZE", 256 * 1024)
    rows = 40_000
    values = [f"value-{number * 7919 % 1_000_003:09d}" for number in range(rows)]
    content = pa.table({"k": list(range(rows)), "v": values})
    assert len(parquet_bytes(content)) > 512 * 1024
    table.local.faults.add("drop_after", call="upload.chunk")
    job = table.client.load_table_from_file(
        __import__("io").BytesIO(parquet_bytes(content)),
        table.table("t"),
        job_config=bigquery.LoadJobConfig(source_format="PARQUET"),
        num_retries=3,
    )
    job.result(timeout=20)
    assert len(table.local.faults.calls("upload.chunk")) >= 2
    assert table.rows("SELECT COUNT(*), COUNT(DISTINCT k) FROM DATASET.t") == [(rows, rows)]
