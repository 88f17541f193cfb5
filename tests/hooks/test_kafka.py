"""A Kafka connection as settings: what the official provider resolves, and what it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.exceptions import AccessDeniedError, ConfigError
from airflow_kafka_bq.hooks.kafka import KafkaSettingsHook
from airflow_kafka_bq.kafka.tokens import AccessToken
from tests import airflow_home

MANAGED = "bootstrap.c.europe-west4.managedkafka.demo.cloud.goog:9092"
MSK = "b-1.demo.abcde1.c2.kafka.us-east-1.amazonaws.com:9098"


def oauth(_config: str) -> tuple[str, float]:
    """A callback of the user's."""
    return "token", 9e9


def settings(extra: dict[str, Any], google_token: Any = None) -> dict[str, Any]:
    with airflow_home.connections(kafka_test=extra):
        return KafkaSettingsHook("kafka_test", google_token).settings()


def test_the_extra_is_the_settings() -> None:
    extra = {"bootstrap.servers": "a:9092", "sasl.password": "p", "socket.timeout.ms": 5_000}
    assert settings(extra) == extra


def test_a_missing_connection_is_named_with_the_command_that_makes_it() -> None:
    with pytest.raises(ConfigError, match="'kafka_nowhere' is not defined") as caught:
        KafkaSettingsHook("kafka_nowhere").settings()
    assert "airflow connections add kafka_nowhere --conn-type kafka" in str(caught.value.remedy)


def test_missing_servers_are_named() -> None:
    with pytest.raises(ConfigError, match=r"'kafka_test'.*bootstrap\.servers"):
        settings({"group.id": "x"})


def test_a_callback_is_imported_only_if_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"bootstrap.servers": "a:9092", "oauth_cb": f"{__name__}.oauth"}
    with pytest.raises(ConfigError, match="Refusing to resolve Kafka callback") as caught:
        settings(extra)
    assert "callback_allowlist" in str(caught.value.remedy)
    monkeypatch.setenv("AIRFLOW__APACHE_KAFKA__CALLBACK_ALLOWLIST", f"{__name__}.oauth")
    assert settings(extra)["oauth_cb"]("") == ("token", 9e9)


def test_googles_managed_service_gets_our_own_token() -> None:
    """The provider's needs the Google provider, and has none to show when it is asked twice."""
    found = settings({"bootstrap.servers": MANAGED, "sasl.mechanism": "PLAIN"}, lambda: AccessToken("t", 5.0, "p"))
    assert (found["security.protocol"], found["sasl.mechanisms"]) == ("SASL_SSL", "OAUTHBEARER")
    assert "sasl.mechanism" not in found
    assert [found["oauth_cb"]("")[1] for _ in range(2)] == [5.0, 5.0]


def test_a_callback_of_the_users_own_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__APACHE_KAFKA__CALLBACK_ALLOWLIST", f"{__name__}.oauth")
    extra = {"bootstrap.servers": "a:9092", "oauth_cb": f"{__name__}.oauth", "sasl.mechanism": "OAUTHBEARER"}
    assert settings(extra)["oauth_cb"]("")[0] == "token"


def test_the_managed_service_without_a_google_login_is_named() -> None:
    with pytest.raises(AccessDeniedError, match="no Google login"):
        settings({"bootstrap.servers": MANAGED})


def test_amazons_service_needs_its_signer() -> None:
    """The official provider adds the token; its signer is an extra of that provider."""
    with pytest.raises(ConfigError, match="aws_msk_iam_sasl_signer"):
        settings({"bootstrap.servers": MSK, "sasl.mechanism": "OAUTHBEARER", "security.protocol": "SASL_SSL"})


def test_amazons_token_comes_from_its_signer(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    signer = ModuleType("aws_msk_iam_sasl_signer")
    signer.MSKAuthTokenProvider = type(  # type: ignore[attr-defined]
        "MSKAuthTokenProvider", (), {"generate_auth_token": staticmethod(lambda region: (f"token of {region}", 5_000))}
    )
    monkeypatch.setitem(sys.modules, signer.__name__, signer)
    found = settings({"bootstrap.servers": MSK, "sasl.mechanism": "OAUTHBEARER"})
    assert found["oauth_cb"]("") == ("token of us-east-1", 5.0)
