"""What a user of a cluster with access control may do."""

from __future__ import annotations

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not named as exports
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from airflow_kafka_bq.testing.kafka.waiting import wait_until

_TIMEOUT_SECONDS = 10.0


def allow(bootstrap: str, user: str, *operations: str, topic: str | None = None, group_id: str | None = None) -> None:
    """Allow ``user`` some operations on one topic, or one consumer group, or both; in force when this returns.

    Only a cluster started with ``KafkaBroker(acl=True)`` asks. READ and WRITE include DESCRIBE.

    :param bootstrap: the plain listeners, whose user may change access.
    :param operations: names in Kafka's words: ``READ``, ``WRITE``, ``DESCRIBE``, ``DELETE``, …
    :raises KafkaException: the broker refused.
    :raises ValueError: an operation has no such name.
    """
    resources = [(ResourceType.TOPIC, topic), (ResourceType.GROUP, group_id)]
    wanted = [
        _binding(kind, name, user, operation)
        for kind, name in resources
        if name is not None
        for operation in operations
    ]
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 3})
    for created in admin.create_acls(wanted, request_timeout=_TIMEOUT_SECONDS).values():
        created.result(_TIMEOUT_SECONDS)
    wait_until(lambda: set(wanted) <= _bindings(admin, user), f"access of {user}", _TIMEOUT_SECONDS)


def forbid(bootstrap: str, user: str, *, topic: str | None = None, group_id: str | None = None) -> None:
    """Take back what was allowed to ``user`` on one topic, or one consumer group, or both; in force when this returns.

    :raises KafkaException: the broker refused.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 3})
    gone = [
        _filter(kind, name, user)
        for kind, name in ((ResourceType.TOPIC, topic), (ResourceType.GROUP, group_id))
        if name is not None
    ]
    for deleted in admin.delete_acls(gone, request_timeout=_TIMEOUT_SECONDS).values():
        deleted.result(_TIMEOUT_SECONDS)
    names = {topic, group_id}
    wait_until(
        lambda: not any(each.name in names for each in _bindings(admin, user)), f"no access of {user}", _TIMEOUT_SECONDS
    )


def _binding(kind: ResourceType, name: str, user: str, operation: str) -> AclBinding:
    try:
        permitted = AclOperation[operation.upper()]
    except KeyError as unknown:
        raise ValueError(f"no Kafka operation {operation!r}") from unknown
    return AclBinding(kind, name, ResourcePatternType.LITERAL, f"User:{user}", "*", permitted, AclPermissionType.ALLOW)


def _bindings(admin: AdminClient, user: str) -> set[AclBinding]:
    """What the broker's own copy of the rules says, which it asks for each request."""
    everything = _filter(ResourceType.ANY, None, user)
    found: list[AclBinding] = admin.describe_acls(everything, request_timeout=_TIMEOUT_SECONDS).result(_TIMEOUT_SECONDS)
    return set(found)


def _filter(kind: ResourceType, name: str | None, user: str) -> AclBindingFilter:
    return AclBindingFilter(
        kind,
        name,  # type: ignore[arg-type]  # the client takes None for "any"
        ResourcePatternType.ANY,
        f"User:{user}",
        None,  # type: ignore[arg-type]
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
