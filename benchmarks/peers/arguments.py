"""What every peer is told, with nothing but the standard library, so that it runs in any environment."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

PROJECT = "demo"
COLUMNS = (
    ("event_id", "STRING"), ("user_id", "INTEGER"), ("ts", "TIMESTAMP"), ("event", "STRING"), ("amount", "FLOAT"),
    ("context", "JSON"), ("_kafka_topic", "STRING"), ("_kafka_partition", "INTEGER"), ("_kafka_offset", "INTEGER"),
    ("_kafka_timestamp", "TIMESTAMP"), ("_kafka_key", "STRING"),
)  # fmt: skip


def arguments() -> argparse.Namespace:
    """Of the command line; ``BIGQUERY_EMULATOR_HOST`` is set for clients that look there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--endpoint", required=True, help="of the BigQuery that is written to")
    parser.add_argument("--messages", type=int, required=True, help="in the topic; for those that never stop")
    parser.add_argument("--mode", choices=("plain", "tuned"), required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--state", type=Path, required=True, help="a folder that outlives a crash")
    parser.add_argument("--dataset", default="bench")
    parser.add_argument("--account", type=Path, help="a service account's file, whose tokens the endpoint gives")
    parser.add_argument("--authority", type=Path, help="the certificate of the endpoint, where it is a proxy")
    parser.add_argument("--store", type=Path, help="the same for Java")
    parser.add_argument("--store-password")
    parser.add_argument("--java", help="the program")
    parser.add_argument("--worker-jars", type=Path, help="a folder: Kafka Connect")
    parser.add_argument("--connector-jars", type=Path, help="a folder: the connector")
    found = parser.parse_args()
    found.state.mkdir(parents=True, exist_ok=True)
    os.environ["BIGQUERY_EMULATOR_HOST"] = found.endpoint
    return found


def client(told: argparse.Namespace) -> Any:
    """Google's client, without credentials, and the dataset made."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    found = bigquery.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        location="US",
        client_options={"api_endpoint": told.endpoint},
    )
    found.create_dataset(told.dataset, exists_ok=True)
    return found


def load_config() -> Any:
    """Appends NDJSON."""
    from google.cloud import bigquery

    return bigquery.LoadJobConfig(
        source_format="NEWLINE_DELIMITED_JSON",
        write_disposition="WRITE_APPEND",
        schema=[bigquery.SchemaField(name, kind) for name, kind in COLUMNS],
    )


def coordinates(message: Any) -> dict[str, Any]:
    """Kafka's side of a message, for its row."""
    return {
        "_kafka_topic": message.topic(),
        "_kafka_partition": message.partition(),
        "_kafka_offset": message.offset(),
        "_kafka_timestamp": message.timestamp()[1] / 1000,
        "_kafka_key": message.key().decode(),
    }


def say(rows: int, began: float) -> None:
    """The last line. ``began``: seconds of the clock when reading began."""
    print(json.dumps({"rows": rows, "began": began}))
