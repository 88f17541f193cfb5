"""Is it still the topic that the plan was made for? Of one that was created again, all offsets mean other messages."""

from __future__ import annotations

from airflow_kafka_bq.batch import OffsetRange, RunPlan
from airflow_kafka_bq.exceptions import NotFoundError, TopicChangedError
from airflow_kafka_bq.ports import Source

ANOTHER_TOPIC = (
    "kafka-bq seek --accept-topic, once you know which messages are meant: with --to earliest all of the new topic's"
)
"""What to do where a topic was created again: its offsets name other messages than the ledger's."""


def require_same_topic(source: Source, plan: RunPlan, first: OffsetRange, group_id: str) -> None:
    """Ask for the topic's id once more. The client reads on at the old offset of a new topic and says nothing.

    :param first: of what was read, or was to be read: the first range, to name where nothing was applied from.
    :raises TopicChangedError: the topic was deleted, or created again, since the plan was made.
    """
    topic, before = plan.facts.topic, plan.facts.topic_id
    try:
        now = source.topic_id() if before is not None else source.describe().topic_id
    except NotFoundError as gone:
        raise _changed(f"topic {topic} was deleted while it was read", plan, first, group_id) from gone
    if before is not None and now is not None and before != now:
        message = f"topic {topic} was created again while it was read: its id is {now}, it was {before}"
        raise _changed(message, plan, first, group_id)


def _changed(message: str, plan: RunPlan, first: OffsetRange, group_id: str) -> TopicChangedError:
    return TopicChangedError(
        f"{message}; nothing is applied from offset {first.start_offset} of partition {first.partition} on",
        topic=plan.facts.topic, partition=first.partition, offset=first.start_offset, group_id=group_id,
        remedy=f"what was not read of the old topic is lost; for the new one: {ANOTHER_TOPIC}",
    )  # fmt: skip
