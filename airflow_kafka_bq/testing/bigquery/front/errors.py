"""BigQuery's errors, in the shapes that its clients expect."""

from __future__ import annotations

from typing import Any

# https://cloud.google.com/bigquery/docs/error-messages
_STATUS = {
    "accessDenied": 403,
    "backendError": 503,
    "bytesBilledLimitExceeded": 400,
    "conditionNotMet": 412,
    "duplicate": 409,
    "internalError": 500,
    "invalid": 400,
    "invalidQuery": 400,
    "jobBackendError": 400,
    "jobInternalError": 400,
    "notFound": 404,
    "notImplemented": 501,
    "quotaExceeded": 403,
    "rateLimitExceeded": 403,
    "resourceInUse": 400,
    "resourcesExceeded": 400,
    "responseTooLarge": 403,
    "stopped": 200,
    "tableUnavailable": 400,
}


class BigQueryError(Exception):
    """A refusal, of a request or of a job.

    Args:
        reason: BigQuery's word for it.
        message: What people read.
        status: HTTP status; by default the documented one of the reason.
        location: Where in the request (`query`), if anywhere.
    """

    def __init__(self, reason: str, message: str, status: int | None = None, location: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.status = status or _STATUS.get(reason, 400)
        self.location = location

    def body(self) -> dict[str, Any]:
        """The answer to a request."""
        entry = {"message": self.message, "domain": "global", "reason": self.reason}
        return {"error": {"code": self.status, "message": self.message, "errors": [entry], "status": self.reason}}

    def result(self) -> dict[str, str]:
        """`errorResult` of a job."""
        return {"reason": self.reason, "message": self.message} | ({"location": self.location} if self.location else {})


def invalid(message: str) -> BigQueryError:
    """A request or file that is not acceptable."""
    return BigQueryError("invalid", message)


def invalid_query(message: str) -> BigQueryError:
    """SQL that is not acceptable, or failed."""
    return BigQueryError("invalidQuery", message, location="query")


def not_found(what: str, name: str, location: str = "US") -> BigQueryError:
    """A resource that is not there."""
    suffix = "" if what == "Job" else f" was not found in location {location}"
    return BigQueryError("notFound", f"Not found: {what} {name}{suffix}")


def already_exists(what: str, name: str) -> BigQueryError:
    """A name or job id that is taken."""
    return BigQueryError("duplicate", f"Already Exists: {what} {name}")
