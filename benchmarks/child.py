"""What runs in a process of its own, besides the command line itself; prints one JSON document.

``python -m benchmarks.child bare BOOTSTRAP TOPIC MESSAGES``, or ``engine JOB.yaml [--no-sink] [SECONDS-OF-A-MERGE]``
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from typing import Any


def bare(bootstrap: str, topic: str, messages: int) -> dict[str, Any]:
    """The limit of a Python client: take the messages and drop them. The client's settings are the engine's."""
    from confluent_kafka import Consumer, TopicPartition

    from airflow_kafka_bq.kafka.settings import consumer_settings

    consumer = Consumer(
        consumer_settings(
            {"bootstrap.servers": bootstrap}, group_id="bare", isolation_level="read_committed", client_id="bare"
        )
    )
    began, cpu = time.monotonic(), time.process_time()
    partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    count = 0
    while count < messages:
        count += sum(1 for message in consumer.consume(1_000, 0.2) if message.error() is None)
    done = {"run_seconds": time.monotonic() - began, "run_cpu_seconds": time.process_time() - cpu}
    consumer.close()
    return {**done, "landed": {"rows": count, "duplicates": 0}}


def engine(path: str, *, sink: bool = True, merge_seconds: float = 0.0) -> dict[str, Any]:
    """A run whose loads go to the sink, with a Warehouse that answers at once, and a second one with nothing to do."""
    from airflow_kafka_bq import jobfile
    from airflow_kafka_bq.pipeline.runner import run
    from airflow_kafka_bq.pipeline.stopping import Stop
    from airflow_kafka_bq.testing.memory import MemoryBigQuery
    from benchmarks.warehouse import InstantWarehouse

    file = jobfile.read(path)
    table = file.config.table_id(str(file.bigquery["project"]))
    database = MemoryBigQuery(table.project, [table.dataset])
    stop = Stop()
    warehouse = InstantWarehouse(database, jobfile.assemble(file, stop).warehouse if sink else None, merge_seconds)
    done: list[dict[str, Any]] = []
    for _ in range(2):
        began, cpu = time.monotonic(), time.process_time()
        job = replace(jobfile.assemble(file, stop), warehouse=warehouse)
        report = run(job).to_json()
        spent = {"run_seconds": time.monotonic() - began, "run_cpu_seconds": time.process_time() - cpu}
        job.source.close()
        done.append({**spent, "report": report})
    first, empty = done
    assert empty["report"]["messages"] == 0
    return {
        **first,
        "landed": warehouse.landed(),
        "counting_cpu_seconds": warehouse.counting_seconds,
        "empty": empty,
    }


def main() -> None:
    """As the module says."""
    kind, *arguments = sys.argv[1:]
    if kind == "engine":
        seconds = [float(one) for one in arguments[1:] if one != "--no-sink"]
        found = engine(arguments[0], sink="--no-sink" not in arguments, merge_seconds=sum(seconds))
    else:
        found = bare(arguments[0], arguments[1], int(arguments[2]))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
