"""Why a group puts a member out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError

from airflow_kafka_bq.exceptions import AccessDeniedError, GroupInUseError, IngestError, PartitionsLostError
from airflow_kafka_bq.kafka.evictions import Evictions
from airflow_kafka_bq.kafka.standing import Standing
from airflow_kafka_bq.kafka.troubles import Troubles
from tests.kafka.scripted_consumer import event, message


def made() -> tuple[Standing, Evictions]:
    standing = Standing("t", "g", 1)
    return standing, Evictions(standing, Troubles({"bootstrap.servers": "b"}), 6.0, "t", "g")


@pytest.mark.parametrize(
    ("text", "said"),
    [("The instance ID is still used", r"another member has its group\.instance\.id"), ("Producer fenced", "_FATAL")],
)
def test_a_fatal_error_has_its_reason_in_its_text(text: str, said: str) -> None:
    standing, evictions = made()
    evictions.sorted_out([event(KafkaError._FATAL, text)])
    with pytest.raises(PartitionsLostError, match=said):
        standing.check()


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (KafkaError._MAX_POLL_EXCEEDED, PartitionsLostError, r"no poll within max\.poll\.interval\.ms"),
        (KafkaError.UNKNOWN_MEMBER_ID, PartitionsLostError, r"within session\.timeout\.ms \(6 s\).*UNKNOWN_MEMBER_ID"),
        (KafkaError.FENCED_INSTANCE_ID, PartitionsLostError, r"another member has its group\.instance\.id"),
        (KafkaError._ASSIGNMENT_LOST, PartitionsLostError, "_ASSIGNMENT_LOST"),
        (KafkaError.INCONSISTENT_GROUP_PROTOCOL, GroupInUseError, "do not share an assignor"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, AccessDeniedError, "membership"),
    ],
)
def test_what_the_group_says_ends_the_membership_by_name(code: int, error: type[IngestError], said: str) -> None:
    standing, evictions = made()
    kept = evictions.sorted_out([message(0, 1), event(code)])
    assert [one.offset() for one in kept] == [1]
    with pytest.raises(error, match=said) as raised:
        standing.check()
    assert raised.value.remedy


def test_passing_trouble_ends_nothing() -> None:
    standing, evictions = made()
    evictions.sorted_out([event(KafkaError._TRANSPORT)])
    standing.check()


def test_a_process_that_stood_still_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    clock: Callable[[], float] = lambda: now[0]  # noqa: E731
    monkeypatch.setattr("airflow_kafka_bq.kafka.evictions.time.monotonic", clock)
    standing, evictions = made()
    evictions.about_to_poll()
    now[0] += 9
    evictions.about_to_poll()
    evictions.lost()
    evictions.sorted_out([])
    with pytest.raises(PartitionsLostError, match=r"stood still for 9\.0 s, and session\.timeout\.ms is 6 s"):
        standing.check()


def test_which_refusals_of_a_commit_mean_that_we_are_out() -> None:
    _, evictions = made()
    out = (KafkaError.UNKNOWN_MEMBER_ID, KafkaError.FENCED_INSTANCE_ID, KafkaError._ASSIGNMENT_LOST)
    passing = (KafkaError.REBALANCE_IN_PROGRESS, KafkaError.ILLEGAL_GENERATION, KafkaError._TRANSPORT)
    for code in (*out, *passing, KafkaError.TOPIC_AUTHORIZATION_FAILED):
        said = KafkaError(code)
        assert (evictions.refuses(said), evictions.passes(said)) == (code in out, code in passing), said
