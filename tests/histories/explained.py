"""Which error may be met when: a run that fails has to be explained by something in its history."""

from __future__ import annotations

from enum import StrEnum

from airflow_kafka_bq.exceptions import (
    AccessDeniedError,
    BadMessagesError,
    ConfigError,
    GroupInUseError,
    KafkaUnavailableError,
    MergeConflictError,
    MergeRejectedError,
    NotFoundError,
    OffsetGapError,
    PositionConflictError,
    SchemaDriftError,
    StalledError,
    TargetChangedError,
    TopicChangedError,
    WarehouseUnavailableError,
)


class Trouble(StrEnum):
    """What is wrong with the world. Some of it ends; what is planted for a call to come stays until the end."""

    BROKERS_DOWN = "brokers down"
    BROKER_ERRORS = "errors of brokers"
    KAFKA_DENIED = "Kafka denies"
    SILENT = "nothing is fetched"
    DELETED = "retention"
    TOPIC_GONE = "topic deleted"
    TOPIC_ANOTHER = "topic created again"
    TRUNCATED = "log truncated"
    MEMBER = "a member in the group"
    OTHER_TOPIC = "another topic in the group"
    FORWARD = "group set forward"
    BEYOND_END = "group set beyond the end"
    COMMIT_REFUSED = "a commit refused"
    COMMIT_UNANSWERED = "a commit without an answer"
    BIGQUERY_ERRORS = "errors of BigQuery"
    BIGQUERY_DENIED = "BigQuery denies"
    REJECTED = "a job rejected"
    CONFLICTS = "conflicts"
    STAGING_GONE = "staging gone"
    TARGET_GONE = "target dropped"
    OTHERS = "other writers"
    BAD_MESSAGES = "messages that cannot be used"
    FORGOTTEN = "delete markers expired"


EXPLAINED: dict[type[BaseException], frozenset[Trouble]] = {
    KafkaUnavailableError: frozenset({Trouble.BROKERS_DOWN, Trouble.BROKER_ERRORS, Trouble.COMMIT_UNANSWERED}),
    StalledError: frozenset({Trouble.SILENT, Trouble.TOPIC_GONE, Trouble.TOPIC_ANOTHER, Trouble.TRUNCATED}),
    AccessDeniedError: frozenset({Trouble.KAFKA_DENIED, Trouble.COMMIT_REFUSED, Trouble.BIGQUERY_DENIED}),
    GroupInUseError: frozenset({Trouble.MEMBER, Trouble.OTHER_TOPIC, Trouble.COMMIT_REFUSED}),
    PositionConflictError: frozenset({Trouble.FORWARD}),
    OffsetGapError: frozenset({Trouble.DELETED}),
    TopicChangedError: frozenset(
        {Trouble.TOPIC_GONE, Trouble.TOPIC_ANOTHER, Trouble.TRUNCATED, Trouble.BEYOND_END, Trouble.COMMIT_REFUSED}
    ),
    NotFoundError: frozenset({Trouble.TOPIC_GONE, Trouble.TOPIC_ANOTHER, Trouble.TARGET_GONE}),
    TargetChangedError: frozenset({Trouble.TARGET_GONE}),
    SchemaDriftError: frozenset({Trouble.TARGET_GONE}),
    BadMessagesError: frozenset({Trouble.BAD_MESSAGES}),
    ConfigError: frozenset({Trouble.FORGOTTEN, Trouble.TOPIC_ANOTHER, Trouble.TRUNCATED}),
    WarehouseUnavailableError: frozenset(
        {Trouble.BIGQUERY_ERRORS, Trouble.STAGING_GONE, Trouble.TARGET_GONE, Trouble.OTHERS, Trouble.FORGOTTEN}
    ),
    MergeConflictError: frozenset({Trouble.CONFLICTS, Trouble.OTHERS, Trouble.BIGQUERY_ERRORS}),
    MergeRejectedError: frozenset({Trouble.REJECTED, Trouble.TARGET_GONE}),
}

# A live run that began and ended while one of these lasted must not be green; a window reads beside a group.
NEVER_GREEN = frozenset(
    {
        Trouble.BROKERS_DOWN, Trouble.TOPIC_GONE, Trouble.TOPIC_ANOTHER, Trouble.MEMBER, Trouble.OTHER_TOPIC,
        Trouble.FORWARD, Trouble.TARGET_GONE,
    }
)  # fmt: skip
NEVER_GREEN_WINDOW = frozenset({Trouble.BROKERS_DOWN, Trouble.TOPIC_GONE, Trouble.TOPIC_ANOTHER, Trouble.TARGET_GONE})


def is_explained(error: BaseException, seen: set[Trouble]) -> bool:
    """Whether something that was wrong in the time of a run explains its error."""
    return bool(EXPLAINED.get(type(error), frozenset()) & seen)
