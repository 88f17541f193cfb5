"""The Warehouse that answers at once counts what a benchmark would hide: rows that are missing or there twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import Written
from airflow_kafka_bq.config import JobConfig, TableId
from airflow_kafka_bq.schema.build import build_target
from airflow_kafka_bq.testing.memory import MemoryBigQuery
from benchmarks.warehouse import InstantWarehouse

TARGET = build_target(JobConfig(topic="orders", table="demo.bench.orders"), TableId("demo", "bench", "orders"), None)


def landed(*loads: list[tuple[int, int]]) -> dict[str, int]:
    warehouse = InstantWarehouse(MemoryBigQuery("demo", ["bench"]))
    for number, coordinates in enumerate(loads):
        partitions, offsets = zip(*coordinates, strict=True)
        rows = pa.table({"_kafka_partition": pa.array(partitions), "_kafka_offset": pa.array(offsets)})
        table, expires = TableId("demo", "bench", f"staging_{number}"), datetime(2100, 1, 1, tzinfo=UTC)
        file = warehouse.begin_file()
        for first in range(0, rows.num_rows, 2):  # in slices, as a run writes it
            file.write(rows.slice(first, 2))
        written = Written(file, rows.schema, rows.num_rows, "", 0.0)
        done = warehouse.load(f"load-{number}", table, written, TARGET, expires)
        assert (done.failure, done.output_rows) == (None, len(coordinates))
    return warehouse.landed()


def test_rows_of_all_loads_are_counted() -> None:
    assert landed([(0, 0), (1, 0), (0, 1)], [(0, 2), (1, 1)]) == {"rows": 5, "duplicates": 0}


def test_coordinates_twice_in_one_load_are_duplicates() -> None:
    assert landed([(0, 0), (1, 0), (0, 0)]) == {"rows": 3, "duplicates": 1}


def test_loads_that_overlap_end_the_benchmark() -> None:
    with pytest.raises(AssertionError, match="overlap"):
        landed([(0, 0), (0, 1)], [(0, 1), (0, 2)])
