"""Tables by ingestion time, which tells nothing of a key, and by ranges of whole numbers; jobs as users write them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from airflow_kafka_bq.bigquery import ddl
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.partitioning import IntegerRange, Partitioning
from airflow_kafka_bq.schema.build import build_target
from airflow_kafka_bq.schema.columns import Column
from tests.bigquery import care
from tests.bigquery.cases import CASES, FIRST, GONE, Case, script, tables_of
from tests.bigquery.targets import TABLE, TOPIC, keep, payload, staged, update


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


class Order(BaseModel):
    """What a message holds."""

    order_id: int
    total: Decimal | None = None


def whole_jobs() -> Iterator[Case]:
    """From the parameters of a job to its statements: envelopes, fields that no column takes, a window with updates."""
    keyed: dict[str, Any] = {"model": Order, "dedup_key": ["order_id"], "on_duplicate": "update"}
    jobs: dict[str, dict[str, Any]] = {
        "delete_debezium": {**keyed, "envelope": "debezium", "key_format": "json", "on_tombstone": "delete"},
        "soft_delete_debezium": {**keyed, "envelope": "debezium", "key_format": "json"},
        "cloudevents": {"model": Order, "envelope": "cloudevents", "dedup_key": ["ce_source", "ce_id"]},
        "unknown_fields": {"model": Order, "unknown_fields": "json_column"},
        "dedup_window_update": {**keyed, "dedup_window": "2d", "partition_by": "_kafka_timestamp:hour"},
    }
    for name, parameters in jobs.items():
        target = build_target(JobConfig.of(topic=TOPIC, table=str(TABLE), **parameters), TABLE, Order)
        rows: list[dict[str, Any]] = [
            {"order_id": 1, "ce_source": "a", "ce_id": "b"},
            {"order_id": 2, "_tombstone": target.update},
        ]
        known = {column.name for column in target.columns} | {"_tombstone"}
        batch = staged(target, *[{key: value for key, value in row.items() if key in known} for row in rows])
        yield script(name, target, batch)
        yield Case(f"create_{name}", ddl.create_target(target), ())


def widened() -> Iterator[Case]:
    """Each type that a column may get."""
    for column in (Column("total", "BIGNUMERIC"), Column("order_id", "STRING"), Column("sequence", "BIGNUMERIC")):
        yield Case(f"widen_{column.name}_to_{column.type}".lower(), ddl.widen(keep(), column), tables_of(keep()))


def looked_after() -> Iterator[Case]:
    """Audit and repair, of tables that have a column more."""
    for name, text, target in care.statements():
        yield Case(name, text, (*care.tables(target), *tables_of(target)[1:]))


ALL = {case.name: case for cases in (*CASES, ingestion, numbers, whole_jobs, widened, looked_after) for case in cases()}
