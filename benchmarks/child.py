"""What runs in a process of its own, besides the command line itself; prints one JSON document.

``python -m benchmarks.child bare BOOTSTRAP TOPIC MESSAGES``, or ``engine JOB.yaml [--no-sink] [--merge-seconds N]``
"""

from __future__ import annotations

import argparse
import json
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
    parser = argparse.ArgumentParser(prog="python -m benchmarks.child", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    loop = kinds.add_parser("bare")
    loop.add_argument("bootstrap")
    loop.add_argument("topic")
    loop.add_argument("messages", type=int)
    whole = kinds.add_parser("engine")
    whole.add_argument("job")
    whole.add_argument("--no-sink", dest="sink", action="store_false")
    whole.add_argument("--merge-seconds", type=float, default=0.0)
    found = parser.parse_args()
    if found.kind == "engine":
        said = engine(found.job, sink=found.sink, merge_seconds=found.merge_seconds)
    else:
        said = bare(found.bootstrap, found.topic, found.messages)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
