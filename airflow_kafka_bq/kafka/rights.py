"""What the login may do with topics and a group, as the brokers themselves say; no rule of an ACL is read.

Reading the rules would need DESCRIBE on the cluster, which no job needs, and would leave out groups of principals,
super users, and whatever an authorizer of the cluster's own decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, TopicCollection
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.batch import Rights
from airflow_kafka_bq.exceptions import AccessDeniedError, IngestError, NotFoundError
from airflow_kafka_bq.kafka import errors
from airflow_kafka_bq.kafka.requests import LONGEST_SECONDS, Requests

_REFUSED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)
_UNTOLD = (errors.UNSUPPORTED_FEATURE, KafkaError.UNSUPPORTED_VERSION)


def permitted(requests: Requests, topics: Sequence[str], group_id: str) -> Rights:
    """Operations by their names; see ``ports.Source.permitted``.

    :raises KafkaUnavailableError: no answer until the time limit.
    """
    if not _has_controller(requests, topics[0]):
        return Rights(dict.fromkeys(topics), None)
    found = {name: _asked(requests, f"permissions on topic {name!r}", _of_topic(name)) for name in topics}
    return Rights(found, _asked(requests, f"permissions on consumer group {group_id!r}", _of_group(group_id)))


def _has_controller(requests: Requests, topic: str) -> bool:
    """The mock cluster names one that is not there, and asking it would only end by time."""
    metadata = requests.retried(
        "looking for the controller",
        lambda remaining: requests.clients.consumer.list_topics(topic, timeout=remaining),
    )
    return metadata.controller_id in metadata.brokers


def _of_topic(name: str) -> Callable[[AdminClient], Iterable[Future[Any]]]:
    return lambda admin: admin.describe_topics(
        TopicCollection([name]), include_authorized_operations=True, request_timeout=LONGEST_SECONDS
    ).values()


def _of_group(name: str) -> Callable[[AdminClient], Iterable[Future[Any]]]:
    return lambda admin: admin.describe_consumer_groups(
        [name], include_authorized_operations=True, request_timeout=LONGEST_SECONDS
    ).values()


def _asked(
    requests: Requests, doing: str, send: Callable[[AdminClient], Iterable[Future[Any]]]
) -> frozenset[str] | None:
    try:
        (found,) = requests.admin(doing, send)
    except AccessDeniedError as refused:
        if errors.code_behind(refused) in _REFUSED:
            return frozenset()
        raise
    except NotFoundError:
        return None
    except IngestError as failure:
        if errors.code_behind(failure) in _UNTOLD:
            return None
        raise
    operations = found.authorized_operations
    return None if operations is None else frozenset(each.name for each in operations)
