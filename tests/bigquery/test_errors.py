from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest
import requests
from google.api_core import exceptions as google
from google.auth import exceptions as auth

from airflow_kafka_bq import exceptions as ours
from airflow_kafka_bq.batch import Failure
from airflow_kafka_bq.bigquery.bookkeeping import LATE
from airflow_kafka_bq.bigquery.errors import (
    KNOWN_REASONS,
    is_missing_dataset,
    is_transient,
    job_failure,
    masked,
    reason_of,
    translated,
)

# https://cloud.google.com/bigquery/docs/error-messages#errortable
DOCUMENTED: dict[str, tuple[Failure, type[ours.IngestError]]] = {
    "accessDenied": (Failure.TERMINAL, ours.AccessDeniedError),
    "attributeError": (Failure.TERMINAL, ours.MergeRejectedError),
    "backendError": (Failure.AGAIN, ours.WarehouseUnavailableError),
    "badRequest": (Failure.BAD_ROWS, ours.MergeRejectedError),
    "billingNotEnabled": (Failure.TERMINAL, ours.AccessDeniedError),
    "billingTierLimitExceeded": (Failure.TERMINAL, ours.WarehouseUnavailableError),
    "blocked": (Failure.TERMINAL, ours.AccessDeniedError),
    "bytesBilledLimitExceeded": (Failure.TERMINAL, ours.CostLimitError),
    "duplicate": (Failure.TERMINAL, ours.MergeRejectedError),
    "internalError": (Failure.AGAIN, ours.WarehouseUnavailableError),
    "invalid": (Failure.BAD_ROWS, ours.MergeRejectedError),
    "invalidQuery": (Failure.BAD_ROWS, ours.MergeRejectedError),
    "invalidUser": (Failure.TERMINAL, ours.AccessDeniedError),
    "jobBackendError": (Failure.AGAIN, ours.WarehouseUnavailableError),
    "jobInternalError": (Failure.AGAIN, ours.WarehouseUnavailableError),
    "jobRateLimitExceeded": (Failure.AGAIN, ours.WarehouseUnavailableError),
    "notFound": (Failure.TERMINAL, ours.NotFoundError),
    "notImplemented": (Failure.TERMINAL, ours.MergeRejectedError),
    "proxyAuthenticationRequired": (Failure.TERMINAL, ours.AccessDeniedError),
    "quotaExceeded": (Failure.TERMINAL, ours.WarehouseUnavailableError),
    "rateLimitExceeded": (Failure.AGAIN, ours.WarehouseUnavailableError),
    "resourceInUse": (Failure.TERMINAL, ours.MergeRejectedError),
    "resourcesExceeded": (Failure.TERMINAL, ours.MergeRejectedError),
    "responseTooLarge": (Failure.TERMINAL, ours.MergeRejectedError),
    "stopped": (Failure.TERMINAL, ours.WarehouseUnavailableError),
    "tableUnavailable": (Failure.AGAIN, ours.WarehouseUnavailableError),
    "timeout": (Failure.TERMINAL, ours.WarehouseUnavailableError),
}
T, AGAIN, CONFLICT, ROWS = Failure.TERMINAL, Failure.AGAIN, Failure.CONFLICT, Failure.BAD_ROWS
_CONFLICT, _LATER = ours.MergeConflictError, ours.WarehouseUnavailableError
MESSAGES: list[tuple[str, str, Failure, type[ours.IngestError]]] = [
    ("invalidQuery", "Query error: kafka-bq: ledger moved at [2:1]", Failure.LEDGER_MOVED, _CONFLICT),
    ("invalidQuery", "kafka-bq: ledger row missing or doubled", Failure.LEDGER_MOVED, _CONFLICT),
    ("invalidQuery", f"Query error: {LATE} at [7:1]", Failure.TERMINAL, _LATER),
    ("invalidQuery", "kafka-bq: staging table does not hold the batch at [6:1]", T, ours.NotFoundError),
    ("invalidQuery", "Could not serialize access to table p:d.t due to concurrent update", CONFLICT, _CONFLICT),
    ("invalidQuery", "Transaction is aborted due to concurrent update against table", CONFLICT, _CONFLICT),
    ("resourcesExceeded", "Too many DML statements outstanding against table", CONFLICT, _CONFLICT),
    ("quotaExceeded", "Exceeded rate limits: too many table update operations", AGAIN, _LATER),
    ("invalidQuery", "Query exceeded limit for bytes billed: 1. 10485760 or higher required.", T, ours.CostLimitError),
    ("invalidQuery", "Syntax error: Unexpected keyword PARTITION", T, ours.MergeRejectedError),
    ("invalid", "Provided Schema does not match Table p:d.t", T, ours.MergeRejectedError),
    ("badRequest", "MERGE statement over table p.d.t would affect rows in the streaming buffer", T, _LATER),
    ("invalidQuery", "Invalid TIME string \"x\"", ROWS, ours.MergeRejectedError),
    ("madeUpLately", "who knows", AGAIN, ours.WarehouseUnavailableError),
]  # fmt: skip


@pytest.mark.parametrize("reason", DOCUMENTED)
def test_every_documented_reason_is_sorted(reason: str, caplog: pytest.LogCaptureFixture) -> None:
    failure, error = job_failure({"reason": reason, "message": "something"}, "job x")
    assert (failure, type(error)) == DOCUMENTED[reason]
    assert reason in KNOWN_REASONS
    assert error.message == f"job x: something ({reason})"
    assert caplog.records == []


def test_nothing_is_sorted_that_the_table_leaves_out() -> None:
    assert KNOWN_REASONS - set(DOCUMENTED) == {"badGateway", "required", "conditionNotMet", "forbidden"}


@pytest.mark.parametrize(("reason", "message", "failure", "kind"), MESSAGES, ids=[one[1][:40] for one in MESSAGES])
def test_some_messages_say_more_than_the_reason(
    reason: str, message: str, failure: Failure, kind: type[ours.IngestError]
) -> None:
    found, error = job_failure({"reason": reason, "message": message}, "job x")
    assert (found, type(error)) == (failure, kind)


def test_an_unknown_reason_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        job_failure({"message": "?"}, "job x")
    assert "unknown BigQuery reason" in caplog.text


def api(kind: type[google.GoogleAPICallError], reason: str = "", message: str = "no") -> google.GoogleAPICallError:
    return kind(message, errors=[{"reason": reason}] if reason else ())


W, A, R, N = ours.WarehouseUnavailableError, ours.AccessDeniedError, ours.MergeRejectedError, ours.NotFoundError
EXCEPTIONS: list[tuple[Exception, bool, type[ours.IngestError]]] = [
    (api(google.ServiceUnavailable), True, W),
    (api(google.InternalServerError), True, W),
    (api(google.BadGateway), True, W),
    (api(google.GatewayTimeout), True, W),
    (api(google.TooManyRequests), True, W),
    (api(google.MethodNotImplemented), False, R),
    (api(google.Forbidden, "rateLimitExceeded"), True, W),
    (api(google.Forbidden, "quotaExceeded"), False, W),
    (api(google.Forbidden, "accessDenied"), False, A),
    (api(google.Forbidden, "billingNotEnabled"), False, A),
    (api(google.Forbidden), False, A),
    (api(google.Unauthorized), False, A),
    (api(google.NotFound, "notFound"), False, N),
    (api(google.Conflict, "duplicate"), False, R),
    (api(google.PreconditionFailed, "conditionNotMet"), False, R),
    (api(google.BadRequest, "invalid"), False, R),
    (api(google.BadRequest, "tableUnavailable"), True, W),
    (api(google.BadRequest, "bytesBilledLimitExceeded"), False, ours.CostLimitError),
    (google.RetryError("gave up", None), True, W),
    (requests.exceptions.ConnectionError("reset"), True, W),
    (requests.exceptions.ReadTimeout("slow"), True, W),
    (requests.exceptions.ChunkedEncodingError("cut"), True, W),
    (ConnectionResetError("reset"), True, W),
    (TimeoutError("slow"), True, W),
    (auth.TransportError("no route"), True, W),
    (auth.RefreshError("metadata server", retryable=True), True, W),
    (auth.RefreshError("invalid_grant"), False, A),
    (auth.DefaultCredentialsError("none"), False, A),
    (auth.MalformedError("key file"), False, A),
    (ValueError("bad value"), False, ours.ConfigError),
    (TypeError("bad type"), False, ours.ConfigError),
    (KeyError("odd"), False, W),
]


@pytest.mark.parametrize(("error", "again", "kind"), EXCEPTIONS, ids=[repr(one[0])[:50] for one in EXCEPTIONS])
def test_every_exception_is_sorted(error: Exception, again: bool, kind: type[ours.IngestError]) -> None:
    assert is_transient(error) is again
    assert type(translated(error, "table t")) is kind


def test_all_kinds_of_api_errors_become_ours() -> None:
    kinds = [
        one for one in vars(google).values() if isinstance(one, type) and issubclass(one, google.GoogleAPICallError)
    ]
    assert len(kinds) > 20
    for kind in kinds:
        assert isinstance(translated(kind("x"), "y"), ours.IngestError)


def test_only_a_missing_dataset_is_one() -> None:
    url = "GET http://x/datasets/d/tables/t: Not found: "
    assert is_missing_dataset(google.NotFound(f"{url}Dataset p:my_table was not found"))
    assert not is_missing_dataset(google.NotFound(f"{url}Table p:datasets.dataset was not found"))


def test_a_reason_is_found_or_empty() -> None:
    assert reason_of(api(google.BadRequest, "invalid")) == "invalid"
    assert reason_of(google.BadRequest("x", errors=["odd"])) == ""
    assert reason_of(google.BadRequest("x")) == ""


SECRETS = [
    "ya29.a0AfH6SMC-_x.y",
    "1//0gAbCdEfGhIjKlMnOpQrStUv",
    "GOCSPX-abc_DEF-123",
    "AIzaSyA1234567890123456789012345678901",
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg",
    "Bearer abc.def",
    "https://idp/token?client_secret=c4n4ry-secret",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_no_message_carries_a_secret(secret: str) -> None:
    canaries = [
        part for part in secret.replace("\n", " ").split() if not part.startswith(("-----", "PRIVATE", "KEY", "Bearer"))
    ]
    for error in (
        google.Forbidden(f"no: {secret} !"),
        auth.RefreshError(f"no: {secret}"),
        ValueError(secret),
        OSError(secret),
    ):
        said: list[Any] = [str(translated(error, "x"))]
        said.append(str(job_failure({"reason": "invalid", "message": f"bad {secret}"}, "x")[1]))
        assert [one for one in said for canary in canaries if canary in one] == []


def test_no_cause_carries_a_secret() -> None:
    """A traceback shows the exceptions behind ours."""
    token = "ya29.c4n4ry"
    for error in (google.Forbidden(f"no: {token}"), auth.RefreshError("no", {"error": token}), OSError(5, token)):
        try:
            try:
                raise ValueError(token)
            except ValueError as first:
                raise error from first
        except Exception as second:
            ours = translated(second, "x")
            ours.__cause__ = second
        shown = "".join(traceback.format_exception(ours))
        assert token not in shown
        assert type(error).__name__ in shown


def test_a_message_is_cut_and_keys_in_addresses_go() -> None:
    assert masked("https://x/y?key=abc&z=1&access_token=t") == "https://x/y?***&z=1&***"
    assert (
        masked("via http://me:c4n4ry@proxy:3128 to https://x:443/a@b")
        == "via http://***@proxy:3128 to https://x:443/a@b"
    )
    assert len(masked("x" * 5000)) == 2000
