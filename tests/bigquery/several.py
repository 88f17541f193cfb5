"""Several staged batches that one MERGE applies, one for each way to merge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from airflow_kafka_bq.batch import Staged
from airflow_kafka_bq.pipeline.together import together
from airflow_kafka_bq.schema.target import Target
from tests.bigquery.targets import keep, payload, staged, update

_FIRST = {"order_id": "a-1", "sequence": 1, "total": Decimal("9.90")}
_GONE = {"order_id": "c-3", "_tombstone": True}


def several() -> Iterator[tuple[str, Target, Staged]]:
    """(name, target, what is merged)."""
    later = {"order_id": "c", "_kafka_offset": 5, "_kafka_partition": 3}
    removed = update("sequence", delete=True, delete_expiration_days=90)
    found: tuple[tuple[str, Target, list[dict[str, Any]]], ...] = (
        ("coordinates", payload(), [{}, {"_kafka_offset": 5}]),
        ("keep", keep(), [_FIRST, later]),
        ("soft_delete", update("sequence", soft_delete=True), [_FIRST, _GONE]),
        ("delete", removed, [_FIRST, _GONE]),
    )
    for name, target, rows in found:
        parts = [_named(staged(target, one, dead=1), str(number)) for number, one in enumerate(rows)]
        yield name, target, together(parts)


def _named(batch: Staged, number: str) -> Staged:
    """Another batch: staged in tables of other names."""
    tables, letters = (
        tuple(replace(one, table=one.table.replace("abcdef0123_", f"abcdef012{number}_")) for one in found)
        for found in (batch.rows_tables, batch.dead_letters_tables)
    )
    jobs = tuple(one.replace("abcdef0123-", f"abcdef012{number}-") for one in batch.load_job_ids)
    return replace(batch, rows_tables=tables, dead_letters_tables=letters, load_job_ids=jobs)
