"""dlt with its Kafka source and its BigQuery destination.

``plain`` is the documented ``pipeline.run(kafka_consumer(topic))``: the value stays one text column. ``tuned`` parses
the value with a fast parser, keeps its nested part as JSON, reads 10,000 messages a batch and normalizes with two
workers. Both append. The source is that of dlt's verified sources, in ``dlt_source/`` as it was published.
"""

from __future__ import annotations

import os
import time
from typing import Any

from benchmarks.peers.arguments import arguments, coordinates, say


def main() -> None:
    """Read to the end."""
    told = arguments()
    tuned = told.mode == "tuned"
    os.environ["DLT_DATA_DIR"] = str(told.state / "dlt")
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    if tuned:
        os.environ["NORMALIZE__WORKERS"] = "2"

    import dlt
    from dlt.common.configuration.specs import GcpServiceAccountCredentials

    account = GcpServiceAccountCredentials()
    account.parse_native_representation(told.account.read_text())
    destination = dlt.destinations.bigquery(credentials=account, location="US")
    pipeline = dlt.pipeline("kafka_pipeline", destination=destination, dataset_name=told.dataset)
    began = time.time()
    pipeline.run(_messages(told, tuned)).raise_on_failed_jobs()
    say(told.messages, began)


def _messages(told: Any, tuned: bool) -> Any:
    from benchmarks.peers.dlt_source import kafka_consumer
    from benchmarks.peers.dlt_source.helpers import KafkaCredentials

    kafka = KafkaCredentials()
    kafka.bootstrap_servers, kafka.group_id, kafka.security_protocol = told.bootstrap, told.group, "PLAINTEXT"
    if not tuned:
        return kafka_consumer([told.topic], credentials=kafka)
    found = kafka_consumer([told.topic], credentials=kafka, msg_processor=_parsed, batch_size=10_000, batch_timeout=1)
    found.max_table_nesting = 0
    return found


def _parsed(message: Any) -> dict[str, Any]:
    import msgspec

    # The source's table is named by this entry.
    return {**msgspec.json.decode(message.value()), **coordinates(message), "_kafka": {"topic": message.topic()}}


if __name__ == "__main__":
    main()
