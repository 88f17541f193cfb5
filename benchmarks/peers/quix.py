"""Quix Streams with its BigQuery sink (streaming inserts); stopped after five seconds without a message.

``plain`` is as its documentation shows; ``tuned`` makes a checkpoint every 20,000 messages, below the limit of a
request. The sink keeps a message's key and time alone, so the coordinates are added by hand in both.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.peers.arguments import arguments, say


def main() -> None:
    """Read until nothing comes."""
    told = arguments()

    from quixstreams import Application, message_context
    from quixstreams.sinks.community.bigquery import BigQuerySink

    better: dict[str, Any] = {"commit_every": 20_000, "consumer_extra_config": {"fetch.queue.backoff.ms": 10}}
    application = Application(
        broker_address=told.bootstrap,
        consumer_group=told.group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        loglevel="WARNING",
        state_dir=str(told.state / "quix"),
        **(better if told.mode == "tuned" else {}),
    )
    topic = application.topic(told.topic, value_deserializer="json", key_deserializer="str")
    sink = BigQuerySink(
        project_id="demo", location="US", dataset_id=told.dataset, table_name="events",
        service_account_json=told.account.read_text(),
    )  # fmt: skip
    began: list[float] = []

    def with_coordinates(row: dict[str, Any]) -> dict[str, Any]:
        if not began:
            began.append(time.time())
        context = message_context()
        return row | {"_kafka_partition": context.partition, "_kafka_offset": context.offset}

    application.dataframe(topic).apply(with_coordinates).sink(sink)
    application.run(timeout=5.0, collect=False)
    say(told.messages, began[0] if began else time.time())


if __name__ == "__main__":
    main()
