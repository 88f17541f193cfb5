"""One row per order, with the newest version of it: a pydantic model, a dedup key, a version.

The model gives columns, types and descriptions; a message that does not fit it becomes a dead letter, with its bytes. A
replayed or late message never replaces a newer row. ``ordered_on`` never changes for an order, so the MERGE looks only
into the days of the batch.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from airflow.sdk import DAG
from pydantic import BaseModel, Field

from airflow_kafka_bq import KafkaToBigQueryOperator


class Line(BaseModel):
    """A line of an order."""

    sku: str
    quantity: int


class Order(BaseModel):
    """An order of the shop."""

    order_id: str = Field(description="Number that the shop gave it")
    ordered_on: date = Field(description="Day of the order; never changes")
    customer: str | None = None
    total: Decimal = Field(max_digits=12, decimal_places=2)
    lines: list[Line] = []
    updated_at: datetime = Field(description="When the shop last changed it")


with DAG(
    "kafka_bq_typed",
    schedule=timedelta(minutes=15),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["kafka", "bigquery"],
    doc_md=__doc__,
) as dag:
    KafkaToBigQueryOperator(
        task_id="orders",
        topic="shop.orders",
        table="analytics.orders",
        model=Order,
        dedup_key=["order_id", "ordered_on"],
        on_duplicate="update",
        version=["updated_at"],
        on_tombstone="ignore",
        partition_by="ordered_on",
        partition_immutable=True,
        max_bad_messages=1_000,
        retries=3,
        retry_delay=timedelta(minutes=2),
        retry_exponential_backoff=True,
        execution_timeout=timedelta(minutes=30),
        max_active_tis_per_dag=1,
    )
