from __future__ import annotations

import base64
import json

import pytest

from airflow_kafka_bq.kafka.tokens import AccessToken, google_token_callback, is_managed_by_google


def decoded(part: str) -> str:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


def test_a_token_is_wrapped_as_googles_brokers_want_it() -> None:
    ask = google_token_callback(lambda: AccessToken("ya29.secret", 2_000.5, "loader@demo.iam"), now=lambda: 1_000.0)
    token, expires_at = ask("")
    header, claims, inner = (decoded(part) for part in token.split("."))
    assert json.loads(header) == {"typ": "JWT", "alg": "GOOG_OAUTH2_TOKEN"}
    assert json.loads(claims) == {
        "exp": 2_000.5, "iat": 1_000.0, "iss": "Google", "scope": "kafka", "sub": "loader@demo.iam",
    }  # fmt: skip
    assert inner == "ya29.secret"
    assert expires_at == 2_000.5
    assert "=" not in token


def test_it_may_be_asked_again_while_the_first_token_is_valid() -> None:
    """librdkafka asks after four fifths of a token's life, and each client asks for itself."""
    ask = google_token_callback(lambda: AccessToken("t", 9e9, "p"))
    assert ask("")[1] == ask("")[1]


def test_a_failure_reaches_the_client() -> None:
    def refused() -> AccessToken:
        raise PermissionError

    with pytest.raises(PermissionError):
        google_token_callback(refused)("")


def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(AccessToken("secret", 0, "p"))


@pytest.mark.parametrize(
    ("servers", "managed"),
    [
        ("bootstrap.c.europe-west4.managedkafka.demo.cloud.goog:9092", True),
        ("localhost:9092", False),
        ("managedkafka.example.com:9092", False),
    ],
)
def test_the_managed_service_is_known_by_its_name(servers: str, managed: bool) -> None:
    assert is_managed_by_google(servers) is managed
