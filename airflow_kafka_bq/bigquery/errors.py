"""Google's errors as ours, sorted by what to do next.

Reasons: https://cloud.google.com/bigquery/docs/error-messages ; transactions and conflicts:
https://cloud.google.com/bigquery/docs/transactions#transaction_concurrency .
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import requests
from google.api_core import exceptions as google
from google.auth import exceptions as auth

from airflow_kafka_bq.batch import Failure
from airflow_kafka_bq.bigquery import letters, quotas
from airflow_kafka_bq.bigquery.bookkeeping import LATE, MISSING, MOVED, UNSTAGED
from airflow_kafka_bq.exceptions import (
    AccessDeniedError,
    ConfigError,
    CostLimitError,
    IngestError,
    MergeConflictError,
    MergeRejectedError,
    NotFoundError,
    WarehouseUnavailableError,
)

log = logging.getLogger(__name__)

_CONFLICTS = re.compile(
    r"Could not serialize access|aborted due to concurrent|Too many DML statements outstanding", re.IGNORECASE
)
# Refusals of the statement or of the table as a whole: no single row is to blame.
_SCHEMA = re.compile(r"Provided Schema does not match|Unrecognized name|Syntax error|Cannot add fields", re.IGNORECASE)
_COST = re.compile(r"bytesBilledLimitExceeded|exceeded limit for bytes billed", re.IGNORECASE)
_STREAMED = re.compile(r"streaming buffer", re.IGNORECASE)
_EXPIRED = re.compile(r"expiration ?time", re.IGNORECASE)
_MISSING_DATASET = re.compile(r"Not found: Dataset\b", re.IGNORECASE)
_AGAIN = {
    "backendError", "internalError", "jobBackendError", "jobInternalError", "rateLimitExceeded",
    "jobRateLimitExceeded", "badGateway", "tableUnavailable",
}  # fmt: skip
_QUOTA = {"quotaExceeded", "billingTierLimitExceeded", "stopped", "timeout"}
_ROWS = {"invalid", "invalidQuery", "badRequest"}
_ACCESS = {"accessDenied", "blocked", "billingNotEnabled", "invalidUser", "proxyAuthenticationRequired", "forbidden"}
_FINAL = {
    "responseTooLarge", "resourcesExceeded", "resourceInUse", "duplicate", "notImplemented", "required",
    "attributeError", "conditionNotMet", "bytesBilledLimitExceeded",
}  # fmt: skip
_SECRET = re.compile(
    r"ya29\.[\w.-]+"  # access tokens
    r"|1//[\w-]{20,}"  # refresh tokens
    r"|GOCSPX-[\w-]+"  # client secrets
    r"|AIza[\w-]{30,}"  # API keys
    r"|eyJ[\w-]+\.[\w-]+(\.[\w-]*)?"  # signed tokens
    r"|-----BEGIN [^-]+-----[\s\S]*?(-----END [^-]+-----|$)"
    r"|Bearer\s+\S+"
    r"|(?<=[?&])(access_token|token|key|upload_id|client_secret|secret|password|signature)=[^&\s]+"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # a login in an address
)
KNOWN_REASONS = frozenset(_AGAIN | _QUOTA | _ROWS | _ACCESS | _FINAL | {"notFound"})


def masked(message: str) -> str:
    """Google's text without tokens and keys, at most 2,000 characters."""
    return _SECRET.sub("***", message)[:2000]


def _mask(error: BaseException | None) -> None:
    """Take tokens and keys out of an exception and its causes: whoever logs ours logs them too, as Airflow does."""
    while error is not None:
        for name in ("message", "strerror"):  # of Google's errors, and of Python's: their texts are made of them
            if isinstance(found := getattr(error, name, None), str):
                setattr(error, name, _SECRET.sub("***", found))
        if _SECRET.search(text := f"{error} {error.args}"):
            error.args = (_SECRET.sub("***", text),)
        error = error.__cause__ or error.__context__


def job_failure(result: Mapping[str, Any], what: str) -> tuple[Failure, IngestError]:
    """A finished job's ``errorResult`` as (what to do, error to raise when nothing more can be done)."""
    reason, message = str(result.get("reason") or "unknown"), masked(str(result.get("message") or ""))
    text = f"{what}: {message} ({reason})"
    if MOVED in message or MISSING in message:
        return Failure.LEDGER_MOVED, MergeConflictError(text)
    if LATE in message:
        return Failure.TERMINAL, WarehouseUnavailableError(text, remedy="run it again: the window is planned anew")
    if letters.MOVED in message:
        return Failure.LETTERS_MOVED, MergeConflictError(text)
    if UNSTAGED in message:
        return Failure.TERMINAL, NotFoundError(text)
    if _CONFLICTS.search(message):
        full = "outstanding" in message
        others = "run it again; look for other writers of this table"
        return Failure.CONFLICT, MergeConflictError(text, remedy=quotas.remedy(message) if full else others)
    if reason in _AGAIN or "too many table update operations" in message.lower():
        return Failure.AGAIN, WarehouseUnavailableError(text, remedy=_rate(reason, message))
    if reason in _ROWS and not any(one.search(message) for one in (_COST, _SCHEMA, _STREAMED)):
        return Failure.BAD_ROWS, MergeRejectedError(text)
    if reason not in KNOWN_REASONS:
        log.warning("unknown BigQuery reason %r is taken as transient: %s", reason, message)
        return Failure.AGAIN, WarehouseUnavailableError(text)
    return Failure.TERMINAL, _final(reason, text)


_MIN_BILLED = "BigQuery bills at least 10 MB for each table of a statement"
_CLOCK = "set this machine's clock: it is behind by more than staging_expiration_hours"
_ROLES = "roles/bigquery.user in the project and roles/bigquery.dataEditor on the datasets"


def _final(reason: str, text: str) -> IngestError:
    if _COST.search(f"{reason} {text}"):
        return CostLimitError(
            text, remedy=f"raise max_bytes_billed ({_MIN_BILLED}), or let it prune: partition_immutable"
        )
    if reason in _QUOTA:
        later = reason in {"stopped", "timeout"}
        return WarehouseUnavailableError(text, remedy="run it again later" if later else quotas.remedy(text))
    if _STREAMED.search(text):
        return WarehouseUnavailableError(text, remedy="rows that were streamed in lately cannot change; run it later")
    if reason == "billingNotEnabled":
        return AccessDeniedError(text, remedy="enable billing for the project: without it BigQuery refuses DML")
    if reason in _ACCESS:
        return AccessDeniedError(text, remedy=f"the account needs {_ROLES}")
    if reason == "notFound":
        return NotFoundError(text)
    return MergeRejectedError(text)


def _rate(reason: str, message: str) -> str | None:
    """What helps where BigQuery says "not now" for a quota, and not for trouble of its own."""
    return quotas.remedy(message) if "rate" in f"{reason} {message}".lower() else None


def is_missing_dataset(error: google.NotFound) -> bool:
    """Whether the dataset, not only the table, is not there."""
    return _MISSING_DATASET.search(str(error)) is not None


def reason_of(error: google.GoogleAPICallError) -> str:
    """The first reason that the API gave."""
    details = getattr(error, "errors", None) or [{}]
    return str(details[0].get("reason", "")) if isinstance(details[0], Mapping) else ""


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed if it is made again with the same job id."""
    if isinstance(error, google.Forbidden | google.BadRequest):
        return reason_of(error) in _AGAIN
    if isinstance(error, google.MethodNotImplemented):
        return False
    kinds = (
        google.ServerError, google.TooManyRequests, requests.exceptions.ConnectionError, requests.exceptions.Timeout,
        requests.exceptions.ChunkedEncodingError, ConnectionError, TimeoutError, google.RetryError,
    )  # fmt: skip
    transport = isinstance(error, auth.TransportError) or (isinstance(error, auth.RefreshError) and error.retryable)
    return isinstance(error, kinds) or transport


def translated(error: Exception, what: str) -> IngestError:
    """An exception of the client as ours, to raise ``from`` it. Unknown ones are transient, and logged as unknown."""
    _mask(error)
    text = masked(f"{what}: {getattr(error, 'message', None) or error}")
    if isinstance(error, google.NotFound):
        return NotFoundError(text, remedy="create it, or mend the name")
    reason = reason_of(error) if isinstance(error, google.GoogleAPICallError) else ""
    if isinstance(error, google.Forbidden | google.BadRequest) and reason in KNOWN_REASONS - _ROWS:
        again = WarehouseUnavailableError(text, remedy=_rate(reason, text))
        return again if reason in _AGAIN else _final(reason, text)
    if isinstance(error, google.Forbidden | google.Unauthorized | auth.RefreshError) and not is_transient(error):
        return AccessDeniedError(text, remedy="check the credentials and their roles")
    if isinstance(error, auth.DefaultCredentialsError | auth.MalformedError):
        return AccessDeniedError(text, remedy="give credentials: a key file, or gcloud auth application-default login")
    if isinstance(error, google.BadRequest | google.Conflict | google.PreconditionFailed | google.MethodNotImplemented):
        return MergeRejectedError(text, remedy=_CLOCK if _EXPIRED.search(text) else None)
    if isinstance(error, ValueError | TypeError):
        return ConfigError(text)
    if not is_transient(error):
        log.warning("unknown error %s is taken as transient: %s", type(error).__name__, text)
    if isinstance(error, google.TooManyRequests):
        return WarehouseUnavailableError(text, remedy=quotas.remedy(text))
    # What the HTTP client raises by itself had no answer at all.
    remedy = "is BigQuery reachable from here? see proxy, DNS and api_endpoint; " if isinstance(error, OSError) else ""
    return WarehouseUnavailableError(text, remedy=f"{remedy}run it again")
