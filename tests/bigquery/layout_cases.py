"""Tables by ingestion time, which tells nothing of a key, and by ranges of whole numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from airflow_kafka_bq.bigquery import ddl
from airflow_kafka_bq.config.partitioning import IntegerRange, Partitioning
from tests.bigquery.cases import CASES, FIRST, GONE, Case, script
from tests.bigquery.targets import keep, payload, staged, update


def ingestion() -> Iterator[Case]:
    """A MERGE finds rows of all partitions, or those that were written lately."""
    written: dict[str, Any] = {"partitioning": Partitioning("_PARTITIONTIME", "hour"), "cluster_by": ()}
    written["immutable"] = False
    for name, target in {
        "ingestion_time": keep(**written),
        "ingestion_time_dedup_window": keep(**written, dedup_window=timedelta(days=7)),
        "ingestion_time_update": update("sequence", soft_delete=True, **written),
    }.items():
        yield script(name, target, staged(target, FIRST, *([GONE] if target.soft_delete else [])))
    coordinates = replace(payload(), **written)
    yield script("ingestion_time_coordinates", coordinates, staged(coordinates, {}))
    for grain in ("hour", "day", "month", "year"):
        made = keep(partitioning=Partitioning("_PARTITIONTIME", grain), options={"partition_expiration_days": 9})
        yield Case(f"create_ingestion_time_{grain}", ddl.create_target(made), ())


def numbers() -> Iterator[Case]:
    """Bounds of ranges, and of what lies beyond them."""
    ranges: dict[str, Any] = {"partitioning": IntegerRange("sequence", 0, 1000, 10), "cluster_by": ()}
    for name, target in {
        "integer_range": keep(**ranges, immutable=True),
        "integer_range_in_key": keep(**ranges, immutable=True, key=("order_id", "sequence")),
        "integer_range_update": update("updated_at", **ranges),
    }.items():
        values = [-1, 0, 9, 10, 500, 1000, *([] if "sequence" in target.key else [None])]
        found = [{"order_id": f"{at}", "sequence": value} for at, value in enumerate(values)]
        yield script(name, target, staged(target, *found))
    made = keep(partitioning=IntegerRange("sequence", -100, 1000, 10), options={"require_partition_filter": True})
    yield Case("create_integer_range", ddl.create_target(made), ())


ALL = {case.name: case for cases in (*CASES, ingestion, numbers) for case in cases()}
