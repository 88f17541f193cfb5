"""What a MERGE would change, found by applying it to a transaction that is rolled back."""

from __future__ import annotations

from datetime import datetime

from airflow_kafka_bq.batch import Absence, Absent
from airflow_kafka_bq.exceptions import CostLimitError
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.testing.memory.statements import key_of, merge_batch
from airflow_kafka_bq.testing.memory.tables import Row, Transaction
from airflow_kafka_bq.testing.memory.work import merge_bytes


def absent(
    transaction: Transaction, spec: MergeSpec, most: int, max_bytes_billed: int | None, now: datetime
) -> Absence:
    """Rows that are new, and rows that are replaced. :raises CostLimitError: more bytes than allowed."""
    needed = merge_bytes(transaction, spec)
    if max_bytes_billed is not None and needed > max_bytes_billed:
        raise CostLimitError(f"reading table {spec.target.table} would process {needed} bytes")
    before = dict(transaction.rows(spec.target.table))
    merge_batch(transaction, spec, now)
    after = dict(transaction.rows(spec.target.table))
    transaction.rollback()
    missing = [row for number, row in after.items() if number not in before]
    replaced = [row for number, row in after.items() if number in before and row != before[number]]
    older = list({tuple(key_of(row, spec.target.key)): row for row in replaced}.values())  # a key may be doubled
    places = [_place(row, spec, missing=True) for row in missing] + [_place(row, spec, missing=False) for row in older]
    places.sort(key=lambda one: (one.partition, one.offset))
    return Absence(len(missing), len(older), tuple(places[:most]))


def _place(row: Row, spec: MergeSpec, *, missing: bool) -> Absent:
    found = dict(zip(spec.target.key, key_of(row, spec.target.key), strict=True))
    return Absent(found, row["_kafka_partition"], row["_kafka_offset"], missing)
