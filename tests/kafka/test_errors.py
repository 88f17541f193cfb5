from __future__ import annotations

import logging

import pytest
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
    TransientError,
)
from airflow_kafka_bq.kafka import errors


def codes() -> dict[str, int]:
    """Every error code that the installed client has a name for."""
    named = {name: getattr(KafkaError, name) for name in dir(KafkaError) if name.lstrip("_")[:1].isupper()}
    return {name: code for name, code in named.items() if isinstance(code, int)}


def test_every_code_of_the_client_is_sorted() -> None:
    assert len(codes()) > 150
    assert [name for name, code in codes().items() if not errors.known(code)] == []


def test_no_name_is_sorted_twice_or_misspelt() -> None:
    names = [name for text in errors._NAMES.values() for name in text.split()]
    assert len(names) == len(set(names))
    assert set(names) == set(codes())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("_TRANSPORT", KafkaUnavailableError),
        ("_ALL_BROKERS_DOWN", KafkaUnavailableError),
        ("COORDINATOR_LOAD_IN_PROGRESS", KafkaUnavailableError),
        ("NOT_COORDINATOR", KafkaUnavailableError),
        ("_AUTHENTICATION", AccessDeniedError),
        ("_SSL", AccessDeniedError),
        ("TOPIC_AUTHORIZATION_FAILED", AccessDeniedError),
        ("GROUP_AUTHORIZATION_FAILED", AccessDeniedError),
        ("UNKNOWN_TOPIC_OR_PART", NotFoundError),
        ("_AUTO_OFFSET_RESET", OffsetGapError),
        ("_LOG_TRUNCATION", TopicChangedError),
        ("INVALID_MSG", BadMessagesError),
        ("_BAD_MSG", BadMessagesError),
        ("UNKNOWN_MEMBER_ID", GroupInUseError),
        ("REBALANCE_IN_PROGRESS", GroupInUseError),
        ("OFFSET_METADATA_TOO_LARGE", ConfigError),
        ("_INVALID_ARG", ConfigError),
    ],
)
def test_codes_become_the_errors_that_name_them(name: str, kind: type[IngestError]) -> None:
    found = errors.translated(KafkaError(codes()[name]), "reading", topic="t", partition=3)
    assert type(found) is kind
    assert name in str(found)
    assert (found.topic, found.partition) == ("t", 3)


@pytest.mark.parametrize("code", [32_000, codes()["PRODUCER_FENCED"]])
def test_what_nobody_sorted_is_transient_and_logged(code: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = errors.translated(KafkaError(code), "reading")
    assert isinstance(found, TransientError)
    assert str(code) in caplog.text


def test_what_was_there_and_is_not_found_was_deleted() -> None:
    assert type(errors.gone(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART), "committing")) is TopicChangedError
    assert type(errors.gone(KafkaError(KafkaError.NOT_COORDINATOR), "committing")) is KafkaUnavailableError


def test_an_exception_without_an_error_inside_is_transient() -> None:
    assert errors.sort(errors.kafka_error(KafkaException("plain text"))) is errors.Sort.UNAVAILABLE
