"""Counts of a merge job, and statements that meet others of their kind."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from google.cloud import bigquery

from airflow_kafka_bq.bigquery.client import connect
from airflow_kafka_bq.bigquery.jobs import Jobs
from airflow_kafka_bq.bigquery.statements import Statements
from airflow_kafka_bq.exceptions import IngestError, MergeConflictError, MergeRejectedError, WarehouseUnavailableError
from tests.bigquery.cases import FIRST, GONE
from tests.bigquery.targets import JOB, TABLE, spec, staged, update

Children = list[bigquery.QueryJob]
CLIENT = connect({"project": "demo", "api_endpoint": "http://127.0.0.1:1"})  # never asked


class Listing:
    """A client that lists what it is given, one answer after the other."""

    def __init__(self, *answers: Children) -> None:
        self.answers = list(answers)

    def list_jobs(self, parent_job: str, **_: Any) -> Children:
        assert parent_job == JOB
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def child(
    number: int, kind: str, inserted: int = 0, updated: int = 0, *, deleted: int = 0, line: int | None = None
) -> bigquery.QueryJob:
    counts = {"insertedRowCount": str(inserted), "updatedRowCount": str(updated), "deletedRowCount": str(deleted)}
    statistics: dict[str, Any] = {"creationTime": "1000", "query": {"statementType": kind, "dmlStats": counts}}
    if line is not None:
        statistics["scriptStatistics"] = {"stackFrames": [{"startLine": line, "startColumn": 1}]}
    resource = {
        "jobReference": {"projectId": "demo", "jobId": f"script_job_0a_{number}", "location": "US"},
        "configuration": {"query": {"query": "x"}},
        "statistics": statistics,
        "status": {"state": "DONE"},
    }
    return bigquery.QueryJob.from_api_repr(resource, CLIENT)


def statements(client: Any) -> Statements:
    jobs = Jobs(client, threading.Event(), 1.0)
    jobs.pause = lambda seconds: None  # type: ignore[method-assign]  # noqa: ARG005 - no test waits
    return Statements(jobs, "US")


BOTH = update("sequence", soft_delete=True)
SCRIPT = [
    child(10, "MERGE", 7),
    child(9, "MERGE", 0, 3),
    child(2, "MERGE", 5, 2),
    child(1, "SELECT"),
    child(0, "UPDATE"),
]


@pytest.mark.parametrize("listed", [SCRIPT, SCRIPT[::-1], SCRIPT[2:] + SCRIPT[:2]], ids=["newest", "oldest", "mixed"])
def test_counts_go_by_number_where_all_times_are_equal(listed: Children) -> None:
    found = spec(BOTH, staged(BOTH, FIRST, GONE, dead=1))
    assert statements(Listing(listed))._statistics(JOB, found) == (5, 2, 3)


def test_counts_go_by_place_in_the_script_first() -> None:
    listed = [child(1, "MERGE", 0, 3, line=9), child(9, "MERGE", 5, 2, line=3)]
    found = spec(BOTH, staged(BOTH, FIRST, GONE))
    assert statements(Listing(listed))._statistics(JOB, found) == (5, 2, 3)


def test_tombstones_alone_are_deletions() -> None:
    found = spec(BOTH, staged(BOTH, GONE))
    assert statements(Listing([child(3, "MERGE", 0, 4)]))._statistics(JOB, found) == (0, 0, 4)


def test_what_a_row_or_a_tombstone_removes_is_deleted() -> None:
    removing = update("sequence", delete=True, delete_expiration_days=90)
    listed = [
        child(1, "MERGE", 5, 2, deleted=1),  # rows; one of them showed that another had to go
        child(2, "MERGE", 0, 9),  # markers raised
        child(3, "MERGE", 8, 0),  # markers written
        child(4, "MERGE", deleted=3),  # tombstones
        child(5, "MERGE", 7),  # dead letters
    ]
    both = spec(removing, staged(removing, FIRST, GONE, dead=1))
    assert statements(Listing(listed))._statistics(JOB, both) == (5, 2, 4)
    gone = spec(removing, staged(removing, GONE))
    assert statements(Listing(listed[2:4]))._statistics(JOB, gone) == (0, 0, 3)
    rows = spec(removing, staged(removing, FIRST))
    assert statements(Listing(listed[:2]))._statistics(JOB, rows) == (5, 2, 1)


def test_dead_letters_alone_count_nothing() -> None:
    assert statements(None)._statistics(JOB, spec(BOTH, staged(BOTH, dead=3))) == (0, 0, 0)


def test_a_list_that_lags_is_read_again() -> None:
    found = spec(BOTH, staged(BOTH, FIRST, GONE, dead=1))
    late = Listing([], SCRIPT[:1], SCRIPT[:2], SCRIPT)
    assert statements(late)._statistics(JOB, found) == (5, 2, 3)


def test_a_list_without_the_statements_is_no_count() -> None:
    found = spec(BOTH, staged(BOTH, FIRST))
    with pytest.raises(WarehouseUnavailableError, match="does not list"):
        statements(Listing([]))._statistics(JOB, found)


class Refusing(Statements):
    """Every statement is answered by the next of these refusals; then it runs."""

    def __init__(self, *refusals: dict[str, str]) -> None:
        self.left = list(refusals)
        self.attempts = 0
        jobs = Jobs(CLIENT, threading.Event(), 1.0)
        jobs.pause = lambda seconds: None  # type: ignore[method-assign]  # noqa: ARG005
        jobs.query = self._answer  # type: ignore[method-assign]
        super().__init__(jobs, "US")

    def _answer(self, *_: Any, **__: Any) -> tuple[Any, Any]:
        self.attempts += 1
        return (object(), self.left.pop(0)) if self.left else (object(), None)


LOST = {"reason": "duplicate", "message": "Already Exists: Table p:d.t"}
CANCELLED = {"reason": "invalidQuery", "message": "Transaction is aborted due to concurrent update"}
BUSY = {"reason": "jobBackendError", "message": "busy"}
WRONG = {"reason": "invalidQuery", "message": "Division by zero"}


@pytest.mark.parametrize("refusal", [LOST, CANCELLED, BUSY])
def test_a_race_is_run_again(refusal: dict[str, str]) -> None:
    refusing = Refusing(refusal, refusal)
    refusing.run("CREATE …", TABLE)
    assert refusing.attempts == 3


@pytest.mark.parametrize(
    ("refusals", "kind", "attempts"),
    [
        ([CANCELLED] * 9, MergeConflictError, 8),
        ([BUSY] * 9, WarehouseUnavailableError, 8),
        ([WRONG], MergeRejectedError, 1),
    ],
)  # fmt: skip
def test_in_the_end_the_last_refusal_is_raised(
    refusals: list[dict[str, str]], kind: type[IngestError], attempts: int
) -> None:
    refusing = Refusing(*refusals)
    with pytest.raises(kind):
        refusing.run("CREATE …", TABLE)
    assert refusing.attempts == attempts


def test_only_rows_make_a_probe_fail() -> None:
    assert Refusing(WRONG).failure_of("SELECT", TABLE) == "Division by zero"
    assert Refusing().failure_of("SELECT", TABLE) is None
    with pytest.raises(WarehouseUnavailableError):
        Refusing(BUSY).failure_of("SELECT", TABLE)
    with pytest.raises(MergeRejectedError):
        Refusing(WRONG).dry_run("SELECT", replace(TABLE))
