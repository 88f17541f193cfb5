"""Tables by ingestion time and by whole numbers, as BigQuery plays them."""

from __future__ import annotations

import datetime

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from tests.testing.bigquery.warehouse import NO_RETRY, Warehouse


def _get(warehouse: Warehouse) -> bigquery.Table:
    return warehouse.client.get_table(warehouse.table("t"), retry=NO_RETRY)


@pytest.mark.parametrize(
    ("by", "kind"),
    [
        ("_PARTITIONDATE", "DAY"),
        ("DATE(_PARTITIONTIME)", "DAY"),
        ("TIMESTAMP_TRUNC(_PARTITIONTIME, HOUR)", "HOUR"),
        ("TIMESTAMP_TRUNC(_PARTITIONTIME, YEAR)", "YEAR"),
    ],
)
def test_ingestion_time_has_no_field(warehouse: Warehouse, by: str, kind: str) -> None:
    warehouse.query(f"CREATE TABLE DATASET.t (k INT64) PARTITION BY {by}")
    assert _get(warehouse).time_partitioning == bigquery.TimePartitioning(type_=kind)


def test_its_column_is_there_when_asked_for_and_in_no_star(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (k INT64, v STRING) PARTITION BY _PARTITIONDATE")
    warehouse.query("INSERT INTO DATASET.t VALUES (1, 'a')")
    warehouse.query("INSERT INTO DATASET.t (k) SELECT 2")
    warehouse.query("INSERT INTO DATASET.t (_PARTITIONTIME, k) VALUES (TIMESTAMP '2026-01-31', 3)")
    today = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert warehouse.rows("SELECT * FROM DATASET.t ORDER BY k") == [(1, "a"), (2, None), (3, None)]
    assert warehouse.rows("SELECT t.* EXCEPT (v) FROM DATASET.t AS t WHERE k = 3") == [(3,)]
    assert warehouse.rows("SELECT k, _PARTITIONTIME AS at FROM DATASET.t WHERE k > 1 ORDER BY k") == [
        (2, today),
        (3, datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC)),
    ]
    assert warehouse.rows("SELECT k FROM DATASET.t WHERE _PARTITIONDATE = DATE '2026-01-31'") == [(3,)]
    warehouse.query("UPDATE DATASET.t SET _PARTITIONTIME = TIMESTAMP '2026-02-01' WHERE k = 3")
    assert warehouse.rows("SELECT k FROM DATASET.t WHERE _PARTITIONTIME = TIMESTAMP '2026-02-01'") == [(3,)]


def test_a_filter_on_it_can_be_required(warehouse: Warehouse) -> None:
    options = "OPTIONS(require_partition_filter=TRUE)"
    warehouse.query(f"CREATE TABLE DATASET.t (k INT64) PARTITION BY _PARTITIONDATE {options}")
    with pytest.raises(BadRequest, match="_PARTITIONTIME"):
        warehouse.rows("SELECT k FROM DATASET.t")
    assert warehouse.rows("SELECT k FROM DATASET.t WHERE _PARTITIONTIME > TIMESTAMP '2026-01-31'") == []


def test_whole_numbers_are_ranges(warehouse: Warehouse) -> None:
    warehouse.query(
        "CREATE TABLE DATASET.t (k INT64) PARTITION BY RANGE_BUCKET(k, GENERATE_ARRAY(-10, 100, 10)) "
        "OPTIONS(require_partition_filter=TRUE)"
    )
    found = _get(warehouse).range_partitioning
    assert (found.field, found.range_.start, found.range_.end, found.range_.interval) == ("k", -10, 100, 10)
    with pytest.raises(BadRequest, match="without a filter over column"):
        warehouse.rows("SELECT k FROM DATASET.t")


@pytest.mark.parametrize(
    "by",
    [
        "RANGE_BUCKET(s, GENERATE_ARRAY(0, 10, 1))",
        "RANGE_BUCKET(missing, GENERATE_ARRAY(0, 10, 1))",
        "RANGE_BUCKET(k, GENERATE_ARRAY(10, 10, 1))",
        "RANGE_BUCKET(k, GENERATE_ARRAY(0, 10001, 1))",
    ],
)
def test_ranges_that_bigquery_refuses_are_refused(warehouse: Warehouse, by: str) -> None:
    with pytest.raises(BadRequest, match="range partitioning"):
        warehouse.query(f"CREATE TABLE DATASET.t (k INT64, s STRING) PARTITION BY {by}")
