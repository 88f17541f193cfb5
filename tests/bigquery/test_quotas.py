"""A quota that is used up is called by its name, with what helps."""

from __future__ import annotations

import pytest
from google.api_core import exceptions as google

from airflow_kafka_bq.bigquery.errors import job_failure, translated
from airflow_kafka_bq.bigquery.quotas import remedy, spread

# As BigQuery says them: https://cloud.google.com/bigquery/docs/troubleshoot-quotas
MESSAGES = [
    ("rateLimitExceeded", "Exceeded rate limits: too many table update operations for this table.", "5 in 10 seconds"),
    ("quotaExceeded", "Quota exceeded: Your table exceeded quota for imports or query appends per table", "1,500"),
    ("quotaExceeded", "Quota exceeded: Your table exceeded quota for Number of partition modifications", "30,000"),
    ("quotaExceeded", "Quota exceeded: Your project exceeded quota for imports per project", "100,000"),
    ("quotaExceeded", "Quota exceeded: Your project exceeded quota for load jobs per day", "100,000"),
    ("rateLimitExceeded", "Exceeded rate limits: too many DML statements for this table", "25 in 10 seconds"),
    ("resourcesExceeded", "Too many DML statements outstanding against table p:d.t, limit is 20.", "waiting DML"),
    (
        "quotaExceeded",
        "Custom quota exceeded: Your usage exceeded the custom quota QueryUsagePerDay",
        "of your own",
    ),
    ("quotaExceeded", "Quota exceeded: Your project exceeded quota for concurrent queries", "at a time"),
]


@pytest.mark.parametrize(("reason", "message", "quota"), MESSAGES, ids=lambda value: str(value)[:50])
def test_the_error_of_a_job_names_the_quota(reason: str, message: str, quota: str) -> None:
    _, error = job_failure({"reason": reason, "message": message}, "load job 1")
    assert message in error.message
    assert quota in str(error.remedy)


@pytest.mark.parametrize("kind", [google.Forbidden, google.TooManyRequests])
def test_the_error_of_a_call_names_the_quota(kind: type[google.GoogleAPICallError]) -> None:
    for reason, message, quota in MESSAGES:
        if reason in {"rateLimitExceeded", "quotaExceeded"}:
            error = translated(kind(message, errors=[{"reason": reason}]), "table t")
            assert quota in str(error.remedy)


def test_a_quota_that_nobody_knows_is_told_where_to_look() -> None:
    assert "IAM & Admin > Quotas" in remedy("Quota exceeded: something new")


def test_trouble_of_bigquerys_own_is_no_quota() -> None:
    for reason in ("backendError", "stopped", "timeout"):
        _, error = job_failure({"reason": reason, "message": "no"}, "job 1")
        assert "the quota is" not in str(error.remedy)
        assert "Quotas" not in str(error.remedy)


def test_changes_of_columns_are_spread() -> None:
    pauses: list[float] = []
    assert list(spread(range(8), pauses.append)) == list(range(8))
    assert pauses == [2.0] * 3
