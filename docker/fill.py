"""Topics with messages, and a dataset, for the example DAGs: ``python fill.py`` where Kafka and BigQuery are.

``KAFKA_BOOTSTRAP`` and ``BIGQUERY_EMULATOR_HOST`` say where. A topic that is there already is left as it is.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from airflow_kafka_bq.testing.kafka import NewMessage, create_topic, produce

PROJECT = "demo"
DATASET = "analytics"
ORDERS = 1_000
PARTITIONS = 4


def order(number: int) -> dict[str, Any]:
    """As the model in ``kafka_bq_typed.py``; each tenth comes again, with a later time."""
    known = number - number // 11
    placed = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=known)
    return {
        "order_id": f"order-{known:05}",
        "ordered_on": placed.date().isoformat(),
        "customer": f"customer-{known % 97}",
        "total": f"{known % 200}.50",
        "lines": [{"sku": f"sku-{known % 13}", "quantity": known % 4 + 1}],
        "updated_at": (placed + timedelta(seconds=number)).isoformat(),
    }


def payment(number: int) -> dict[str, Any]:
    """What the examples for many topics move as it is."""
    return {"order_id": f"order-{number:05}", "amount": f"{number % 200}.50"}


MESSAGES = {"shop.orders": order, "shop.payments": payment, "shop.returns": payment}


def fill(bootstrap: str, endpoint: str) -> None:
    """Make what is missing."""
    client = bigquery.Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": endpoint})
    client.create_dataset(DATASET, exists_ok=True)
    client.close()
    for topic, message in MESSAGES.items():
        try:
            create_topic(bootstrap, topic, PARTITIONS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
            continue
        made = [message(number) for number in range(ORDERS)]
        produce(bootstrap, topic, [NewMessage(one, key=one["order_id"]) for one in made])
        print(f"{topic}: {len(made)} messages")


if __name__ == "__main__":
    fill(os.environ["KAFKA_BOOTSTRAP"], os.environ["BIGQUERY_EMULATOR_HOST"])
