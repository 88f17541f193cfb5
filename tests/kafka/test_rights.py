"""What a login may do: as brokers tell it, and what their refusals mean. With access control: on a real broker."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined]  # documented, but not in __all__

from airflow_kafka_bq.exceptions import AccessDeniedError, IngestError, KafkaUnavailableError, NotFoundError
from airflow_kafka_bq.kafka import rights
from airflow_kafka_bq.kafka.requests import LONGEST_SECONDS, Requests


class Cluster:
    """Answers each request with operations, or with an error."""

    def __init__(self, topic: Any, group: Any, controller: int = 1) -> None:
        self._topic, self._group = topic, group
        self._metadata = SimpleNamespace(controller_id=controller, brokers={1: "b"})
        self.clients = SimpleNamespace(consumer=SimpleNamespace(list_topics=lambda *_, **__: self._metadata))

    def retried(self, _doing: str, attempt: Callable[[float], Any]) -> Any:
        return attempt(1.0)

    def admin(self, _doing: str, send: Callable[[Any], Any]) -> list[Any]:
        return list(send(self))

    def describe_topics(self, _topics: Any, *, include_authorized_operations: bool, request_timeout: float) -> Any:
        assert (include_authorized_operations, request_timeout) == (True, LONGEST_SECONDS)
        return {"t": self._answer(self._topic)}

    def describe_consumer_groups(
        self, _groups: Any, *, include_authorized_operations: bool, request_timeout: float
    ) -> Any:
        assert (include_authorized_operations, request_timeout) == (True, LONGEST_SECONDS)
        return {"g": self._answer(self._group)}

    @staticmethod
    def _answer(told: Any) -> Any:
        if isinstance(told, Exception):
            raise told
        return SimpleNamespace(authorized_operations=told)


def failure(kind: type[IngestError], code: int) -> IngestError:
    """As the requests translate it."""
    found = kind("refused")
    found.__cause__ = KafkaException(KafkaError(code))
    return found


def look(topic: Any, group: Any, controller: int = 1) -> tuple[Any, Any]:
    found = rights.permitted(cast(Requests, Cluster(topic, group, controller)), ["t"], "g")
    return found.topics["t"], found.group


def test_operations_have_their_names() -> None:
    told = look([AclOperation.READ, AclOperation.DESCRIBE], [])
    assert told == (frozenset(("READ", "DESCRIBE")), frozenset())


def test_what_may_not_even_be_described_has_no_operation() -> None:
    topic, group = KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED
    told = look(failure(AccessDeniedError, topic), failure(AccessDeniedError, group))
    assert told == (frozenset(), frozenset())


def test_a_refused_login_is_no_missing_permission() -> None:
    with pytest.raises(AccessDeniedError):
        look(failure(AccessDeniedError, KafkaError._AUTHENTICATION), [])


def test_what_is_not_told_is_not_known() -> None:
    none = (None, None)
    assert look(None, None) == none
    assert look([], [], controller=-1) == none
    old = failure(KafkaUnavailableError, KafkaError.UNSUPPORTED_VERSION)
    assert look(old, old) == none
    assert look(NotFoundError("no topic"), None) == none


def test_no_answer_is_an_error() -> None:
    with pytest.raises(KafkaUnavailableError):
        look(KafkaUnavailableError("no answer"), [])
