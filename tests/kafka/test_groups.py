"""Answers of a coordinator that look like success."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import AccessDeniedError, GroupInUseError, IngestError, KafkaUnavailableError
from airflow_kafka_bq.kafka.groups import Group
from airflow_kafka_bq.kafka.requests import Requests


class Coordinator:
    """Answers each request as a whole with success, and each partition as it was told to."""

    def __init__(self, *answers: dict[int, int | None]) -> None:
        self.waiting, self.asked = list(answers), 0

    def retried(self, what: str, attempt: Callable[[float], Any], *_: Any) -> Any:
        for _attempt in range(3):
            try:
                return attempt(1.0)
            except KafkaException:
                continue
        raise KafkaUnavailableError(what)

    def answers(self, _request: Any, _remaining: float) -> list[Any]:
        self.asked += 1
        told = self.waiting.pop(0)
        parts = [SimpleNamespace(partition=part, error=code and KafkaError(code)) for part, code in told.items()]
        return [SimpleNamespace(topic_partitions=parts)]

    def admin(self, *_: Any) -> list[Any]:
        raise KafkaUnavailableError("nobody tells the members")


def _commit(coordinator: Coordinator) -> None:
    group = Group(cast(Requests, coordinator), "t", "g")
    group.commit({0: Position(5), 1: Position(7)}, "")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (KafkaError.UNKNOWN_MEMBER_ID, GroupInUseError),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, AccessDeniedError),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, AccessDeniedError),
    ],
)
def test_one_refused_partition_is_an_error_although_the_answer_is_a_success(
    code: int, error: type[IngestError]
) -> None:
    with pytest.raises(error) as caught:
        _commit(Coordinator({0: None, 1: code}))
    assert (caught.value.topic, caught.value.partition, caught.value.group_id) == ("t", 1, "g")


def test_passing_trouble_with_one_partition_is_tried_again_and_then_an_error() -> None:
    trouble: dict[int, int | None] = {0: None, 1: KafkaError.COORDINATOR_LOAD_IN_PROGRESS}
    coordinator = Coordinator(trouble, {0: None, 1: None})
    _commit(coordinator)
    assert coordinator.asked == 2
    with pytest.raises(KafkaUnavailableError):
        _commit(Coordinator(trouble, trouble, trouble))
