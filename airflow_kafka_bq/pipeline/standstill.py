"""Reading that does not go on: what is said of it, and where it stood."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from airflow_kafka_bq.batch import OffsetRange, RunPlan
from airflow_kafka_bq.exceptions import ConfigError, IngestError, KafkaUnavailableError, StalledError
from airflow_kafka_bq.pipeline.same_topic import require_same_topic
from airflow_kafka_bq.ports import Source


def stalled(source: Source, plan: RunPlan, unread: Sequence[OffsetRange], group_id: str, seconds: float) -> IngestError:
    """Nothing moved for ``seconds``.

    :param unread: what is left of each partition that did not reach its end.
    :raises TopicChangedError: because the topic is gone, of which the client says nothing at all.
    """
    first = unread[0]
    partitions = [one.partition for one in unread]
    waiting = f"partitions {partitions} did not reach their ends, and nothing moved for {seconds:g} s"
    found: IngestError = StalledError(waiting, remedy="look at the brokers; run it again")
    if trouble := source.connection_error():
        found = KafkaUnavailableError(f"{waiting}; the client says: {trouble}")
    else:
        with suppress(KafkaUnavailableError):
            require_same_topic(source, plan, first, group_id)
    where = {"topic": plan.facts.topic, "partition": first.partition, "offset": first.start_offset}
    return found.located(**where, group_id=group_id)


def place(error: ConfigError, unread: Sequence[OffsetRange]) -> None:
    """Say where reading stood when the client refused what comes next: it does not tell the partition itself."""
    if stood := ", ".join(f"{one.start_offset} of partition {one.partition}" for one in unread):
        error.message = f"{error.message}; next to be read: offset {stood}"
    if len(unread) == 1:
        error.located(partition=unread[0].partition, offset=unread[0].start_offset)
