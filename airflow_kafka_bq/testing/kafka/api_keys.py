"""Kafka's request types by name: the API keys of the wire protocol."""

from __future__ import annotations

from enum import IntEnum


class ApiKey(IntEnum):
    """Request types that the clients of this project send (Kafka protocol guide, "API keys")."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    LEAVE_GROUP = 13
    SYNC_GROUP = 14
    DESCRIBE_GROUPS = 15
    LIST_GROUPS = 16
    SASL_HANDSHAKE = 17
    API_VERSIONS = 18
    CREATE_TOPICS = 19
    DELETE_TOPICS = 20
    DELETE_RECORDS = 21
    INIT_PRODUCER_ID = 22
    OFFSET_FOR_LEADER_EPOCH = 23
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    TXN_OFFSET_COMMIT = 28
    DESCRIBE_CONFIGS = 32
    DELETE_GROUPS = 42
    DESCRIBE_CLUSTER = 60
    CONSUMER_GROUP_HEARTBEAT = 68
    CONSUMER_GROUP_DESCRIBE = 69
    GET_TELEMETRY_SUBSCRIPTIONS = 71
    DESCRIBE_TOPIC_PARTITIONS = 75

    @classmethod
    def named(cls, name: str | ApiKey) -> ApiKey:
        """``"OffsetCommit"`` or ``"OFFSET_COMMIT"``, in any case.

        :raises ValueError: no request type has that name.
        """
        if isinstance(name, ApiKey):
            return name
        for key in cls:
            if key.name.replace("_", "") == name.replace("_", "").upper():
                return key
        raise ValueError(f"no Kafka request type {name!r}; known: {', '.join(key.name for key in cls)}")


def error_code(name: str) -> int:
    """Number of an error by its name in :class:`confluent_kafka.KafkaError`, such as ``NOT_COORDINATOR``.

    :raises ValueError: the client knows no error of that name.
    """
    from confluent_kafka import KafkaError

    code = getattr(KafkaError, name, None)
    if not isinstance(code, int):
        raise ValueError(f"no Kafka error {name!r}")
    return code
