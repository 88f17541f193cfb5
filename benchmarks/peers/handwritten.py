"""What a good engineer writes by hand: consume, parse, NDJSON, gzip, a load job for 50,000 rows, a synchronous commit.

``plain`` subscribes and packs at Python's own level, 9; ``tuned`` assigns what the group committed and packs at level
1. It validates nothing, and a crash between load and commit doubles a batch.
"""

from __future__ import annotations

import gzip
import io
import time
from typing import Any

import msgspec
from confluent_kafka import Consumer, TopicPartition

from benchmarks.peers.arguments import arguments, client, coordinates, load_config, say

BATCH = 50_000


def main() -> None:
    """Read to the end."""
    told = arguments()
    tuned = told.mode == "tuned"
    bigquery, config, began = client(told), load_config(), time.time()
    consumer = _consumer(told, tuned)
    names = consumer.list_topics(told.topic).topics[told.topic].partitions
    parts = [TopicPartition(told.topic, one) for one in names]
    ends = {part.partition: consumer.get_watermark_offsets(part)[1] for part in parts}
    done = {part.partition: max(part.offset, 0) for part in consumer.committed(parts, 10)}
    if tuned:
        consumer.assign([TopicPartition(told.topic, part, offset) for part, offset in done.items()])
    else:
        consumer.subscribe([told.topic])
    total = 0
    while any(done[part] < ends[part] for part in ends):
        packed, rows = _batch(consumer, done, ends, 1 if tuned else 9)
        size = packed.tell()
        packed.seek(0)
        bigquery.load_table_from_file(packed, f"{told.dataset}.events", size=size, job_config=config).result()
        offsets = [TopicPartition(told.topic, part, offset) for part, offset in done.items()]
        consumer.commit(offsets=offsets, asynchronous=False)
        total += rows
    consumer.close()
    say(total, began)


def _consumer(told: Any, tuned: bool) -> Consumer:
    settings = {"bootstrap.servers": told.bootstrap, "group.id": told.group, "auto.offset.reset": "earliest"}
    return Consumer(settings | {"enable.auto.commit": False} | ({"fetch.queue.backoff.ms": 10} if tuned else {}))


def _batch(consumer: Consumer, done: dict[int, int], ends: dict[int, int], level: int) -> tuple[io.BytesIO, int]:
    buffer, rows = io.BytesIO(), 0
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=level) as packed:
        while rows < BATCH and any(done[part] < ends[part] for part in ends):
            lines = []
            for message in consumer.consume(1_000, 1.0):
                if message.error():
                    raise RuntimeError(message.error())
                row = msgspec.json.decode(message.value() or b"")
                row.update(coordinates(message))
                lines.append(msgspec.json.encode(row))
                done[message.partition()] = message.offset() + 1  # type: ignore[index,operator]
            packed.write(b"".join(line + b"\n" for line in lines))
            rows += len(lines)
    return buffer, rows


if __name__ == "__main__":
    main()
