"""Airflow's own ``ConsumeFromTopicOperator``, executed without a scheduler.

``plain`` has the provider's defaults, 1,000 messages a batch and auto-commit as the connection's form leaves it, with
one load job for each batch; only ``poll_timeout`` is 5 s instead of 60. ``tuned`` takes 50,000 a batch, a faster
parser, no auto-commit and a commit after each batch.
"""

from __future__ import annotations

import io
import json
import os
import time
from typing import Any

from benchmarks.peers.arguments import arguments, client, coordinates, load_config, say


def main() -> None:
    """Read until the operator thinks that it is at the end."""
    told = arguments()
    tuned = told.mode == "tuned"
    extra = {"bootstrap.servers": told.bootstrap, "group.id": told.group, "auto.offset.reset": "earliest"}
    if tuned:
        extra |= {"enable.auto.commit": False, "fetch.queue.backoff.ms": 10}
    os.environ["AIRFLOW_HOME"] = str(told.state / "airflow")
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
    os.environ["AIRFLOW_CONN_KAFKA_DEFAULT"] = json.dumps({"conn_type": "kafka", "extra": extra})

    import msgspec
    from airflow.providers.apache.kafka.operators.consume import ConsumeFromTopicOperator

    bigquery, config, total = client(told), load_config(), 0
    decode = msgspec.json.decode if tuned else json.loads

    def load(messages: list[Any]) -> None:
        nonlocal total
        rows = [{**decode(message.value()), **coordinates(message)} for message in messages]
        table = f"{told.dataset}.events"
        if tuned:
            data = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
            bigquery.load_table_from_file(io.BytesIO(data), table, size=len(data), job_config=config).result()
        else:
            bigquery.load_table_from_json(rows, table, job_config=config).result()
        total += len(rows)

    sizes: dict[str, Any] = {"max_batch_size": 50_000, "commit_cadence": "end_of_batch"} if tuned else {}
    began = time.time()
    consume = ConsumeFromTopicOperator(
        task_id="consume", topics=[told.topic], apply_function_batch=load, poll_timeout=5, **sizes
    )
    consume.execute(context={})
    say(total, began)


if __name__ == "__main__":
    main()
