"""The file of a load job holds the rows, and nothing that nobody reads."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_kafka_bq.batch import HEADERS
from airflow_kafka_bq.bigquery.staging_file import ParquetFile

COLUMNS: dict[str, Any] = {
    "name": pa.array(["ä", None, "ä"], pa.string()),
    "price": pa.array([Decimal("1.5"), None, Decimal("-0.000000001")], pa.decimal128(38, 9)),
    "at": pa.array([datetime(2026, 1, 1, microsecond=1, tzinfo=UTC), None, None], pa.timestamp("us", tz="UTC")),
    "headers": pa.array([[{"key": "h", "value": b"\xff"}], [], [{"key": "", "value": None}]], HEADERS),
}
ROWS = pa.table(COLUMNS)


def written(rows: pa.Table) -> BytesIO:
    file = ParquetFile()
    file.write(rows)
    return file.finished()


def test_rows_come_back_as_they_were_and_the_size_is_known() -> None:
    file = written(ROWS)
    assert file.tell() == len(file.getvalue()) > 0
    file.seek(0)
    assert pq.read_table(file).equals(ROWS)


def test_no_rows_are_a_file_with_columns() -> None:
    assert pq.read_table(written(ROWS.slice(0, 0))).schema.equals(ROWS.schema)


def test_no_column_has_statistics_or_a_dictionary() -> None:
    group = pq.ParquetFile(written(ROWS)).metadata.row_group(0)
    columns = [group.column(index) for index in range(group.num_columns)]
    assert len(columns) > len(ROWS.schema)
    assert [column.path_in_schema for column in columns if column.statistics or column.has_dictionary_page] == []
    assert {column.compression for column in columns} == {"ZSTD"}
