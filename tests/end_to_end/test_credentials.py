"""A service account whose login is refused in the middle of a run: named, nothing lost, and no secret in any output."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from tests.end_to_end.altered import Altered
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.promise import restored
from tests.end_to_end.token_server import TOKEN, TokenServer, token_server

PipeFactory = Callable[..., Pipe]
PLACES: dict[str, dict[str, Any]] = {
    "look": {"call": "tables.get", "nth": 2},
    "load": {"call": "jobs.insert", "kind": "load"},
    "merge": {"call": "jobs.insert", "job_id": "kafka-bq-merge"},
    "wait": {"call": "jobs.get"},
}
QUICK = {("merge", 401)}
ENDS = [
    pytest.param(place, status, marks=() if (place, status) in QUICK else pytest.mark.slow)
    for place in PLACES
    for status in (401, 403)
]


@pytest.fixture
def google() -> Iterator[TokenServer]:
    """Gives tokens."""
    with token_server() as found:
        yield found


@pytest.fixture
def logged_in(pipe: PipeFactory, google: TokenServer) -> Pipe:
    """A job with a service account's key. Its endpoint is this machine under a name that does not mean "no login"."""
    made = pipe(partitions=1)
    endpoint = made.api_endpoint.replace("127.0.0.1", "127.1")
    settings = {"project": "demo", "api_endpoint": endpoint, "credentials_json": json.dumps(google.key_file())}
    made.write(bigquery=settings)
    return made


@pytest.mark.fault("Q9")
@pytest.mark.parametrize(("place", "status"), ENDS)
def test_credentials_that_are_revoked_in_mid_run(
    logged_in: Pipe, google: TokenServer, bigquery: LocalBigQuery, trouble: Any, place: str, status: int
) -> None:
    """BigQuery refuses the token, or what it wants to do; a new token is refused as well."""
    sent = logged_in.produce([{"n": number} for number in range(4)])
    reason = "authError" if status == 401 else "accessDenied"
    trouble("slow", kind="load", seconds=0.5)
    said = f"Request had invalid authentication credentials: Bearer {TOKEN}"
    trouble("fail_before", **PLACES[place], status=status, reason=reason, message=said, times=0)
    done = logged_in.command("run", str(logged_in.path), "--json", "--verbose")
    failure = json.loads(done.stdout)
    assert (done.returncode, failure["error"]) == (3, "AccessDeniedError"), failure
    assert (failure["topic"], failure["group_id"]) == (logged_in.topic, logged_in.group_id)
    assert failure["remedy"]
    assert google.asked
    assert [secret for secret in google.secrets() if secret in done.stdout + done.stderr] == []
    assert logged_in.committed() == {}
    bigquery.faults.clear()
    restored(logged_in, sent)


@pytest.mark.fault("Q9")
def test_a_new_token_that_is_refused_is_told_without_it(logged_in: Pipe, google: TokenServer) -> None:
    """Revoked at Google: its answer names the grant, and perhaps more."""
    sent = logged_in.produce([{"n": number} for number in range(4)])
    google.status = 400
    for more in ([], ["--json"]):
        done = logged_in.command("run", str(logged_in.path), "--verbose", *more)
        assert done.returncode == 3
        assert "AccessDeniedError" in done.stdout + done.stderr
        assert "invalid_grant" in done.stdout + done.stderr
        assert [secret for secret in google.secrets() if secret in done.stdout + done.stderr] == []
    google.status = 200
    restored(logged_in, sent)


@pytest.mark.fault("Q9")
def test_a_token_server_that_is_out_of_order_is_waited_for_and_then_called_that(
    logged_in: Pipe, google: TokenServer
) -> None:
    """Nobody was refused: Airflow runs it again."""
    sent = logged_in.produce([{"n": number} for number in range(4)])
    google.status = 503
    failure = Altered(call_seconds=1, deadline_seconds=2).run(logged_in)
    assert failure["error"] == "WarehouseUnavailableError", failure
    assert [secret for secret in google.secrets() if secret in json.dumps(failure)] == []
    google.status = 200
    restored(logged_in, sent)
