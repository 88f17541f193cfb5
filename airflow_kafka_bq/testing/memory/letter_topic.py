"""The DeadLetterTopic port over a cluster in memory."""

from __future__ import annotations

import zlib

import pyarrow as pa

from airflow_kafka_bq.batch import Delivered, Delivery
from airflow_kafka_bq.exceptions import IngestError
from airflow_kafka_bq.testing.memory.kafka import MemoryCluster
from airflow_kafka_bq.testing.memory.log import Headers
from airflow_kafka_bq.testing.memory.tables import Row


class MemoryDeadLetterTopic:
    """A topic of a cluster in memory. See :class:`airflow_kafka_bq.ports.DeadLetterTopic`."""

    def __init__(self, cluster: MemoryCluster, topic: str) -> None:
        self._cluster = cluster
        self._topic = topic
        self.closed = False

    def send(self, copies: pa.Table) -> Delivered:
        """Append each that is not too large. A key always goes to the same partition."""
        with self._cluster.lock:
            try:
                self._cluster.request("send")
                partitions = len(self._cluster.topic(self._topic).logs)
                with self._cluster.effect("send"):
                    return Delivered(tuple(self._appended(one, partitions) for one in copies.to_pylist()))
            except IngestError as error:
                return Delivered((Delivery.UNKNOWN,) * copies.num_rows, error)

    def close(self) -> None:
        """Nothing to release."""
        self.closed = True

    def _appended(self, copy: Row, partitions: int) -> Delivery:
        key, value = copy["key"], copy["value"]
        headers: Headers = tuple((one["key"], one["value"]) for one in copy["headers"])
        size = sum(len(part or b"") for part in (key, value, *(value for _, value in headers)))
        if size > self._cluster.topic(self._topic).max_message_bytes:
            return Delivery.TOO_LARGE
        partition = zlib.crc32(key or b"") % partitions
        self._cluster.produce(self._topic, value, key=key, partition=partition, headers=headers)
        return Delivery.ACKNOWLEDGED
