from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import RefreshError

from airflow_kafka_bq.bigquery.access import valid_token
from airflow_kafka_bq.exceptions import AccessDeniedError


class Login(Credentials):
    """Credentials that count how often they log in."""

    service_account_email = "loader@demo.iam"

    def __init__(self, seconds: float = 3600) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.logins, self.seconds = 0, seconds

    def refresh(self, request: Any) -> None:
        assert request
        self.logins += 1
        self.token = f"token-{self.logins}"
        self.expiry = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=self.seconds)


class Refused(Login):
    def refresh(self, request: Any) -> None:
        raise RefreshError(f"invalid_grant for {request}")


def _never(*_: Any, **__: Any) -> Any:
    raise AssertionError


def test_a_token_lasts_until_its_end() -> None:
    login = Login()
    first, ends, principal = valid_token(login, _never)
    again, _, _ = valid_token(login, _never)
    assert (first, again, login.logins, principal) == ("token-1", "token-1", 1, "loader@demo.iam")
    assert abs(ends - (datetime.now(UTC) + timedelta(hours=1)).timestamp()) < 5


def test_one_that_has_ended_is_replaced() -> None:
    login = Login(seconds=0)
    assert [valid_token(login, _never)[0] for _ in range(2)] == ["token-1", "token-2"]


def test_a_refusal_is_an_error_of_ours() -> None:
    with pytest.raises(AccessDeniedError, match="invalid_grant"):
        valid_token(Refused(), "the transport")  # type: ignore[arg-type]


def test_credentials_without_a_service_account_are_named() -> None:
    with pytest.raises(AccessDeniedError, match="AnonymousCredentials name no service account"):
        valid_token(AnonymousCredentials(), _never)
