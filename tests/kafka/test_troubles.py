from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from airflow_kafka_bq.exceptions import AccessDeniedError, ConfigError, IngestError, KafkaUnavailableError
from airflow_kafka_bq.kafka.troubles import Troubles

SETTINGS = {"bootstrap.servers": "b1:9092", "sasl.password": "canary-secret", "security.protocol": "SASL_SSL"}


@pytest.fixture
def troubles() -> Troubles:
    return Troubles(SETTINGS)


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (KafkaError._AUTHENTICATION, "SASL authentication error: Authentication failed", AccessDeniedError),
        (KafkaError._SSL, "SSL handshake failed: certificate verify failed", AccessDeniedError),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "denied", AccessDeniedError),
        (KafkaError._BAD_MSG, "Invalid response size: increase receive.message.max.bytes", ConfigError),
    ],
)
def test_refusals_end_at_once(troubles: Troubles, code: int, text: str, kind: type[IngestError]) -> None:
    troubles.record_asking(KafkaError(code, text))
    with pytest.raises(kind, match=text.split(":", maxsplit=1)[0]):
        troubles.raise_refusal()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (KafkaError._TRANSPORT, "Connection refused"),
        (KafkaError._SSL, "SSL handshake failed: Disconnected"),  # a broker went down in the middle of it
        (KafkaError._AUTHENTICATION, "Failed to acquire SASL OAUTHBEARER token: endpoint is down"),  # tried again
    ],
)
def test_what_may_pass_is_ridden_out(troubles: Troubles, code: int, text: str) -> None:
    troubles.record_fetching(KafkaError(code, text))
    troubles.raise_refusal()
    assert text in (troubles.latest() or "")
    troubles.messages_flow()
    assert troubles.latest() is None


def test_the_reason_outlives_that_all_brokers_are_down(troubles: Troubles) -> None:
    troubles.record_fetching(KafkaError(KafkaError._TRANSPORT, "Connection refused"))
    troubles.record_fetching(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    assert "Connection refused" in (troubles.latest() or "")


def test_what_the_admin_client_says_is_no_trouble_of_fetching(troubles: Troubles) -> None:
    troubles.record_asking(KafkaError(KafkaError._TRANSPORT, "Connection refused"))
    assert troubles.latest() is None
    found = troubles.out_of_time("describing", 5)
    assert type(found) is KafkaUnavailableError
    assert "describing: Connection refused" in str(found)
    assert "b1:9092" in str(found)
    assert "security.protocol" in str(found)


def test_what_was_said_before_the_last_answer_is_over(troubles: Troubles) -> None:
    troubles.record_asking(KafkaError(KafkaError._TRANSPORT, "Connection refused"))
    troubles.answers_come()
    assert "describing: timed out" in str(troubles.out_of_time("describing", 5, "timed out"))


def test_a_token_that_never_came_is_a_matter_of_access(troubles: Troubles) -> None:
    troubles.record_asking(KafkaError(KafkaError._AUTHENTICATION, "Failed to acquire SASL OAUTHBEARER token: no"))
    assert type(troubles.out_of_time("describing", 5)) is AccessDeniedError


def test_what_the_cluster_answered_last_is_told_beside_a_lost_connection(troubles: Troubles) -> None:
    """One of three brokers is down: that a partition has no leader is what counts."""
    troubles.record_asking(KafkaError(KafkaError._TRANSPORT, "Connection refused"))
    found = troubles.out_of_time("looking", 5, "partitions [1] have no leader (LEADER_NOT_AVAILABLE)")
    assert "Connection refused (_TRANSPORT); partitions [1] have no leader" in str(found)
    assert (
        "; "
        not in str(troubles.out_of_time("looking", 5, "Local: Broker transport failure (_TRANSPORT)")).split(",")[0]
    )


def test_a_refusal_for_want_of_a_token_says_so(troubles: Troubles) -> None:
    """What the broker says of an old token is no help: that it is invalid, or that it came too soon."""
    troubles.record_fetching(KafkaError(KafkaError._AUTHENTICATION, "Failed to acquire SASL OAUTHBEARER token: no"))
    troubles.record_asking(KafkaError(KafkaError._AUTHENTICATION, "Request not valid in current SASL state"))
    with pytest.raises(AccessDeniedError, match=r"SASL state.*Failed to acquire SASL OAUTHBEARER token") as raised:
        troubles.raise_refusal()
    assert "token callback" in (raised.value.remedy or "")


def test_no_secret_is_told(troubles: Troubles) -> None:
    troubles.record_fetching(KafkaError(KafkaError._TRANSPORT, "with canary-secret"))
    troubles.record_asking(KafkaError(KafkaError._AUTHENTICATION, "with canary-secret"))
    with pytest.raises(AccessDeniedError) as raised:
        troubles.raise_refusal()
    said = [str(raised.value), troubles.latest(), str(troubles.out_of_time("x", 5, "canary-secret"))]
    assert "canary" not in repr(said)


def test_each_caller_gets_an_error_of_its_own(troubles: Troubles) -> None:
    troubles.record_asking(KafkaError(KafkaError._AUTHENTICATION, "no"))
    raised = []
    for group_id in ("a", "b"):
        with pytest.raises(AccessDeniedError) as caught:
            troubles.raise_refusal()
        raised.append(caught.value.located(group_id=group_id))
    assert [each.group_id for each in raised] == ["a", "b"]
