"""All that a plan rests on."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from airflow_kafka_bq.batch import Bounds, Committed, GroupFacts, LedgerRow, TopicFacts
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import TopicChangedError
from airflow_kafka_bq.pipeline.same_topic import ANOTHER_TOPIC
from airflow_kafka_bq.schema.target import TableFacts


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a plan rests on, read in the order of the protocol."""

    topic: TopicFacts
    committed: Mapping[int, Committed]
    ledger: LedgerRow | None
    group: GroupFacts
    bounds: Mapping[int, Bounds]
    table: TableFacts | None


def check_same_partitions(config: JobConfig, parts: Iterable[int], found: Container[int]) -> None:
    """Partitions never go away from a topic, so one that a later answer does not have tells of another topic.

    :raises TopicChangedError: the topic was created again, with fewer partitions, while it was looked at.
    """
    if missing := sorted(part for part in parts if part not in found):
        message = f"topic {config.topic} lost partitions {missing} while it was looked at: it was created again"
        raise TopicChangedError(
            message, topic=config.topic, partition=missing[0],
            remedy=ANOTHER_TOPIC,
        )  # fmt: skip
