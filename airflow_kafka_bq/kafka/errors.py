"""The border to the Kafka client: every error code sorted into the package's own errors."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from airflow_kafka_bq.exceptions import (
    AccessDeniedError,
    BadMessagesError,
    ConfigError,
    GroupInUseError,
    IngestError,
    KafkaUnavailableError,
    NotFoundError,
    OffsetGapError,
    TopicChangedError,
)

_log = logging.getLogger(__name__)


class Sort(StrEnum):
    """What an error code means to a reader of one topic."""

    UNAVAILABLE = "unavailable"  # asking again may help
    DENIED = "denied"
    NOT_FOUND = "not_found"
    RANGE = "range"  # the offset is not, or no longer, or not yet there
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    GROUP_IN_USE = "group_in_use"
    CONFIG = "config"
    FOREIGN = "foreign"  # of producers, transactions, elections, share groups: no request of ours is answered so


_NAMES: dict[Sort, str] = {
    Sort.UNAVAILABLE: """
        _DESTROY _FAIL _TRANSPORT _CRIT_SYS_RESOURCE _RESOLVE _MSG_TIMED_OUT _ALL_BROKERS_DOWN _TIMED_OUT _QUEUE_FULL
        _ISR_INSUFF _NODE_UPDATE _WAIT_COORD _UNKNOWN_GROUP _IN_PROGRESS _PREV_IN_PROGRESS _CONFLICT _STATE _OUTDATED
        _TIMED_OUT_QUEUE _WAIT_CACHE _INTR _PARTIAL _UNDERFLOW _RETRY _UNKNOWN_BROKER _NOOP _DESTROY_BROKER _NOENT
        _BAD_COMPRESSION _FATAL UNKNOWN LEADER_NOT_AVAILABLE NOT_LEADER_FOR_PARTITION REQUEST_TIMED_OUT
        BROKER_NOT_AVAILABLE REPLICA_NOT_AVAILABLE STALE_CTRL_EPOCH NETWORK_EXCEPTION COORDINATOR_LOAD_IN_PROGRESS
        COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR NOT_CONTROLLER KAFKA_STORAGE_ERROR FETCH_SESSION_ID_NOT_FOUND
        INVALID_FETCH_SESSION_EPOCH LISTENER_NOT_FOUND FENCED_LEADER_EPOCH UNKNOWN_LEADER_EPOCH STALE_BROKER_EPOCH
        OFFSET_NOT_AVAILABLE UNSTABLE_OFFSET_COMMIT THROTTLING_QUOTA_EXCEEDED REBOOTSTRAP_REQUIRED
        NOT_ENOUGH_REPLICAS NOT_ENOUGH_REPLICAS_AFTER_APPEND OPERATION_NOT_ATTEMPTED REASSIGNMENT_IN_PROGRESS
        ELIGIBLE_LEADERS_NOT_AVAILABLE PREFERRED_LEADER_NOT_AVAILABLE TELEMETRY_TOO_LARGE UNKNOWN_SUBSCRIPTION_ID
        UNKNOWN_CONTROLLER_ID LOG_DIR_NOT_FOUND""",
    Sort.DENIED: """
        _SSL _AUTHENTICATION TOPIC_AUTHORIZATION_FAILED GROUP_AUTHORIZATION_FAILED CLUSTER_AUTHORIZATION_FAILED
        TRANSACTIONAL_ID_AUTHORIZATION_FAILED DELEGATION_TOKEN_AUTHORIZATION_FAILED SASL_AUTHENTICATION_FAILED
        UNSUPPORTED_SASL_MECHANISM ILLEGAL_SASL_STATE SECURITY_DISABLED DELEGATION_TOKEN_AUTH_DISABLED
        DELEGATION_TOKEN_NOT_FOUND DELEGATION_TOKEN_OWNER_MISMATCH DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
        DELEGATION_TOKEN_EXPIRED INVALID_PRINCIPAL_TYPE UNACCEPTABLE_CREDENTIAL PRINCIPAL_DESERIALIZATION_FAILURE
        POLICY_VIOLATION""",
    Sort.NOT_FOUND: """
        _UNKNOWN_PARTITION _UNKNOWN_TOPIC UNKNOWN_TOPIC_OR_PART UNKNOWN_TOPIC_ID INCONSISTENT_TOPIC_ID
        RESOURCE_NOT_FOUND GROUP_ID_NOT_FOUND""",
    Sort.RANGE: "OFFSET_OUT_OF_RANGE _AUTO_OFFSET_RESET _NO_OFFSET",
    Sort.TRUNCATED: "_LOG_TRUNCATION",
    Sort.CORRUPT: "_BAD_MSG INVALID_MSG INVALID_MSG_SIZE INVALID_RECORD UNSUPPORTED_COMPRESSION_TYPE",
    Sort.GROUP_IN_USE: """
        UNKNOWN_MEMBER_ID ILLEGAL_GENERATION REBALANCE_IN_PROGRESS STALE_MEMBER_EPOCH FENCED_MEMBER_EPOCH
        FENCED_INSTANCE_ID UNRELEASED_INSTANCE_ID NON_EMPTY_GROUP GROUP_SUBSCRIBED_TO_TOPIC MEMBER_ID_REQUIRED
        INCONSISTENT_GROUP_PROTOCOL _ASSIGNMENT_LOST _MAX_POLL_EXCEEDED _FENCED GROUP_MAX_SIZE_REACHED""",
    Sort.CONFIG: """
        _INVALID_ARG _FS _UNKNOWN_PROTOCOL _NOT_IMPLEMENTED _UNSUPPORTED_FEATURE _NOT_CONFIGURED _INVALID_TYPE
        _READ_ONLY _EXISTING_SUBSCRIPTION _INCONSISTENT TOPIC_EXCEPTION INVALID_GROUP_ID INVALID_SESSION_TIMEOUT
        UNSUPPORTED_VERSION INVALID_CONFIG INVALID_REQUEST UNSUPPORTED_FOR_MESSAGE_FORMAT INVALID_COMMIT_OFFSET_SIZE
        OFFSET_METADATA_TOO_LARGE INVALID_TIMESTAMP UNSUPPORTED_ASSIGNOR INVALID_REGULAR_EXPRESSION
        MISMATCHED_ENDPOINT_TYPE UNSUPPORTED_ENDPOINT_TYPE INVALID_REGISTRATION""",
    Sort.FOREIGN: """
        NO_ERROR _PARTITION_EOF _ASSIGN_PARTITIONS _REVOKE_PARTITIONS _KEY_SERIALIZATION _VALUE_SERIALIZATION
        _KEY_DESERIALIZATION _VALUE_DESERIALIZATION _PURGE_QUEUE _PURGE_INFLIGHT _GAPLESS_GUARANTEE _APPLICATION
        _INVALID_DIFFERENT_RECORD MSG_SIZE_TOO_LARGE RECORD_LIST_TOO_LARGE INVALID_REQUIRED_ACKS TOPIC_ALREADY_EXISTS
        INVALID_PARTITIONS INVALID_REPLICATION_FACTOR INVALID_REPLICA_ASSIGNMENT OUT_OF_ORDER_SEQUENCE_NUMBER
        DUPLICATE_SEQUENCE_NUMBER INVALID_PRODUCER_EPOCH INVALID_TXN_STATE INVALID_PRODUCER_ID_MAPPING
        INVALID_TRANSACTION_TIMEOUT CONCURRENT_TRANSACTIONS TRANSACTION_COORDINATOR_FENCED UNKNOWN_PRODUCER_ID
        TOPIC_DELETION_DISABLED ELECTION_NOT_NEEDED NO_REASSIGNMENT_IN_PROGRESS PRODUCER_FENCED DUPLICATE_RESOURCE
        INCONSISTENT_VOTER_SET INVALID_UPDATE_VERSION FEATURE_UPDATE_FAILED TRANSACTION_ABORTABLE
        INVALID_RECORD_STATE SHARE_SESSION_NOT_FOUND INVALID_SHARE_SESSION_EPOCH FENCED_STATE_EPOCH INVALID_VOTER_KEY
        DUPLICATE_VOTER VOTER_NOT_FOUND STREAMS_INVALID_TOPOLOGY STREAMS_INVALID_TOPOLOGY_EPOCH
        STREAMS_TOPOLOGY_FENCED SHARE_SESSION_LIMIT_REACHED""",
}

# The names that begin with an underscore are the client's own errors, and public.
PARTITION_EOF: int = KafkaError._PARTITION_EOF  # noqa: SLF001
UNKNOWN_TOPIC: int = KafkaError._UNKNOWN_TOPIC  # noqa: SLF001
UNSUPPORTED_FEATURE: int = KafkaError._UNSUPPORTED_FEATURE  # noqa: SLF001
ALL_BROKERS_DOWN: int = KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001
TLS: int = KafkaError._SSL  # noqa: SLF001
FAILED: int = KafkaError._FAIL  # noqa: SLF001

# Older clients do not know the newest names.
_BY_CODE: dict[int, Sort] = {
    getattr(KafkaError, name): sort
    for sort, names in _NAMES.items()
    for name in names.split()
    if hasattr(KafkaError, name)
}

_CLASSES: dict[Sort, type[IngestError]] = {
    Sort.UNAVAILABLE: KafkaUnavailableError,
    Sort.DENIED: AccessDeniedError,
    Sort.NOT_FOUND: NotFoundError,
    Sort.RANGE: OffsetGapError,
    Sort.TRUNCATED: TopicChangedError,
    Sort.CORRUPT: BadMessagesError,
    Sort.GROUP_IN_USE: GroupInUseError,
    Sort.CONFIG: ConfigError,
    Sort.FOREIGN: KafkaUnavailableError,
}

_REMEDIES: dict[Sort, str] = {
    Sort.DENIED: "the login needs READ on the topic and on the group; without, a topic's existence is hidden too",
    Sort.TRUNCATED: "look at what happened to the topic, then place the position on purpose with `kafka-bq seek`",
    Sort.CORRUPT: "the record is damaged on the broker: restore it, or step over it on purpose with `kafka-bq seek`",
    Sort.GROUP_IN_USE: "stop the other consumers of this group, or give this job a group_id of its own",
}


def known(code: int) -> bool:
    """Whether the code is in the table."""
    return code in _BY_CODE


def sort(error: KafkaError) -> Sort:
    """What the error means; codes that nobody sorted count as unavailable and are logged."""
    found = _BY_CODE.get(error.code())
    if found is None or found is Sort.FOREIGN:
        _log.warning(
            "unexpected Kafka error %s (%d), treated as transient: %s", error.name(), error.code(), error.str()
        )
        return Sort.UNAVAILABLE
    return found


def translated(error: KafkaError, doing: str, **context: Any) -> IngestError:
    """The package's error for a client's error.

    :param doing: what was under way, to open the sentence with.
    :param context: topic, partition, offset, group_id, as far as they are known.
    """
    found = sort(error)
    return _CLASSES[found](f"{doing}: {error.str()} ({error.name()})", remedy=_REMEDIES.get(found), **context)


def gone(error: KafkaError, doing: str, **context: Any) -> IngestError:
    """As :func:`translated`, where the topic was there a moment ago: what is not found now, was deleted."""
    if sort(error) is not Sort.NOT_FOUND:
        return translated(error, doing, **context)
    return TopicChangedError(
        f"{doing}: the partition is gone ({error.name()})",
        remedy="was the topic deleted or created again? Then place the position on purpose with `kafka-bq seek`",
        **context,
    )


def code_behind(failure: IngestError) -> int | None:
    """The client's error code that a translated error was made of."""
    cause = failure.__cause__
    return kafka_error(cause).code() if isinstance(cause, KafkaException) else None


def kafka_error(exception: KafkaException) -> KafkaError:
    """The error inside the client's exception."""
    inner = exception.args[0] if exception.args else None
    return inner if isinstance(inner, KafkaError) else KafkaError(FAILED, str(exception))
