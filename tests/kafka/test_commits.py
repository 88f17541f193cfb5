"""Commits of a member and their answers."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from airflow_kafka_bq.kafka.commits import Commits
from tests.kafka.scripted_consumer import ScriptedConsumer, parts

REFUSED = KafkaError(KafkaError.UNKNOWN_MEMBER_ID, "no")


@pytest.fixture
def consumer() -> Any:
    return ScriptedConsumer()


def test_an_answer_belongs_to_the_commit_that_was_sent_last(consumer: Any) -> None:
    commits = Commits()
    first = commits.asked_for(parts(0))
    second = commits.asked_for(parts(1))
    commits.send(consumer)
    commits.answered(None, parts(0))  # of the first, which nobody waits for any more
    assert not first.done()
    assert not second.done()
    commits.answered(None, parts(1))
    assert second.result(0) is None
    assert not commits.pending


@pytest.mark.parametrize("whole", [True, False])
def test_a_refusal_of_all_or_of_one_is_raised(whole: bool) -> None:
    commits = Commits()
    answer = commits.asked_for(parts(0, 1))
    of_one = parts(0, 1)
    refused = type("Refused", (), {"partition": 1, "offset": of_one[1].offset, "metadata": None, "error": REFUSED})
    found: Any = of_one if whole else [of_one[0], refused]
    commits.answered(REFUSED if whole else None, found)
    with pytest.raises(KafkaException):
        answer.result(0)


def test_in_a_callback_it_is_sent_and_waited_for(consumer: Any) -> None:
    commits = Commits()
    commits.send_and_wait(consumer)
    assert consumer.done == []
    answer = commits.asked_for(parts(0))
    commits.send_and_wait(consumer)
    assert answer.result(0) is None
    again = commits.asked_for(parts(0))
    consumer.refusal = REFUSED
    commits.send_and_wait(consumer)
    with pytest.raises(KafkaException):
        again.result(0)
