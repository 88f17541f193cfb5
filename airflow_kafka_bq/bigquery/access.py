"""Access tokens of Google credentials, valid whenever they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request

from airflow_kafka_bq.bigquery.errors import translated
from airflow_kafka_bq.exceptions import AccessDeniedError


def valid_token(credentials: Credentials, request: Callable[..., Any] | None = None) -> tuple[str, float, str]:
    """Token, end (seconds since the epoch) and principal; refreshed only where the one at hand has ended.

    :param request: transport of the refresh; None: HTTPS.
    :raises AccessDeniedError: Google refuses, or these credentials belong to no service account.
    """
    try:
        if not credentials.valid:
            credentials.refresh(request or Request())
    except GoogleAuthError as error:
        raise translated(error, "a token for Kafka") from error
    principal = getattr(credentials, "service_account_email", None)
    if not principal or credentials.token is None or credentials.expiry is None:
        raise AccessDeniedError(
            f"credentials of type {type(credentials).__name__} name no service account, and Kafka asks for one",
            remedy="use a service account's key, or impersonate one (impersonation_chain)",
        )
    expiry: datetime = credentials.expiry  # without a zone, in UTC
    return str(credentials.token), expiry.replace(tzinfo=UTC).timestamp(), str(principal)
