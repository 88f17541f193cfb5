"""Fill a topic."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message

from airflow_kafka_bq.testing.kafka import create_topic, new_producer
from airflow_kafka_bq.testing.kafka.api_keys import error_code


def produce(bootstrap: str, topic: str, partitions: int, values: Iterable[tuple[bytes, bytes]]) -> dict[str, float]:
    """Create the topic and produce (key, value); number ``n`` goes to partition ``n % partitions``.

    :raises KafkaException: a message was not acknowledged.
    """
    create_topic(bootstrap, topic, partitions)
    errors: list[KafkaError] = []

    def note(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            errors.append(error)

    producer = new_producer(bootstrap, {"linger.ms": 20, "delivery.report.only.error": True, "on_delivery": note})
    count = size = 0
    for number, (key, value) in enumerate(values):
        count, size = number + 1, size + len(value)
        while True:
            try:
                producer.produce(topic, value, key, partition=number % partitions)
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(120) or errors:
        raise KafkaException(errors[0] if errors else KafkaError(error_code("_TIMED_OUT")))
    return {"messages": count, "mean_value_bytes": round(size / max(count, 1), 1)}
