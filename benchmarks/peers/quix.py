"""Quix Streams with its BigQuery sink (streaming inserts), stopped after five seconds without a message.

``plain`` is as its documentation shows; ``tuned`` has a checkpoint for 20,000 messages. Its environment is its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # its environment does not have this project

from benchmarks.peers.arguments import PROJECT, arguments, say


def account(told: Any) -> str:
    """A service account whose tokens the sink gives, for it insists on one."""
    line = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    key = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    who = {"type": "service_account", "project_id": PROJECT, "private_key_id": "bench", "private_key": key}
    return json.dumps(who | {"client_email": "bench@demo", "client_id": "1", "token_uri": f"{told.endpoint}/token"})


def main() -> None:
    """Read until nothing comes."""
    told = arguments()
    from quixstreams import Application, message_context  # type: ignore[import-not-found]
    from quixstreams.sinks.community.bigquery import BigQuerySink  # type: ignore[import-not-found]

    tuned: dict[str, Any] = {"commit_every": 20_000, "consumer_extra_config": {"fetch.queue.backoff.ms": 10}}
    application = Application(
        broker_address=told.bootstrap, consumer_group=told.group, auto_offset_reset="earliest", loglevel="WARNING",
        auto_create_topics=False, state_dir=str(told.state / "quix"), **(tuned if told.mode == "tuned" else {}),
    )  # fmt: skip
    topic = application.topic(told.topic, value_deserializer="json", key_deserializer="str")
    sink = BigQuerySink(
        project_id=PROJECT, location="US", dataset_id=told.dataset, table_name="events",
        service_account_json=account(told),
    )  # fmt: skip
    frame = application.dataframe(topic)

    def with_coordinates(row: dict[str, Any]) -> dict[str, Any]:
        at = message_context()
        return row | {"_kafka_partition": at.partition, "_kafka_offset": at.offset}

    frame.apply(with_coordinates).sink(sink)
    began = time.time()
    application.run(timeout=5.0, collect=False)
    say(told.messages, began)


if __name__ == "__main__":
    main()
