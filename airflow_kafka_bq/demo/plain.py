"""The consumer that teams write by hand: poll, insert, commit. Nothing in it is wrong line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from airflow_kafka_bq.demo.orders import Order

if TYPE_CHECKING:
    from google.cloud import bigquery

FIELDS = {
    "order_id": "STRING",
    "ordered_on": "DATE",
    "customer": "STRING",
    "total": "NUMERIC",
    "updated_at": "TIMESTAMP",
}
_JOINED_WITHIN_SECONDS = 15.0
_QUIET_SECONDS = 1.0
_AT_ONCE = 5_000


def load(bootstrap: str, group_id: str, topic: str, client: bigquery.Client, table: str) -> int:
    """Read the topic until it is quiet, append what can be read to the table; messages read.

    What is no order is left out, as is a tombstone: there is nowhere to put it.
    """
    from confluent_kafka import Consumer

    consumer = Consumer({
        "bootstrap.servers": bootstrap,
        "group.id": group_id,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "log_level": 3,
    })  # fmt: skip
    consumer.subscribe([topic])
    read = 0
    try:
        messages = consumer.consume(1, _JOINED_WITHIN_SECONDS)
        while messages:
            messages += consumer.consume(_AT_ONCE - 1, _QUIET_SECONDS)
            read += len(messages)
            _insert(client, table, [order for each in messages if (order := _order(each.value())) is not None])
            consumer.commit(asynchronous=False)
            messages = consumer.consume(1, _QUIET_SECONDS)
    finally:
        consumer.close()
    return read


def _order(value: bytes | None) -> dict[str, Any] | None:
    try:
        return Order.model_validate_json(value or b"").model_dump(mode="json")
    except ValidationError:
        return None


def _insert(client: bigquery.Client, table: str, rows: list[dict[str, Any]]) -> None:
    from google.cloud import bigquery

    schema = [bigquery.SchemaField(name, kind) for name, kind in FIELDS.items()]
    client.load_table_from_json(rows, table, job_config=bigquery.LoadJobConfig(schema=schema)).result()
