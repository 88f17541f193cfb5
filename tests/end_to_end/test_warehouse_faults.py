"""BigQuery fails before it did anything, after it did all, or says nothing: at every call that a run makes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka.waiting import wait_until
from tests.end_to_end.altered import Altered
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.promise import kept, restored

PipeFactory = Callable[..., Pipe]
Rule = dict[str, Any]

# Every kind of call of a first run, and which job is meant.
CALLS: dict[str, Rule] = {
    "dataset": {"call": "datasets.get"},
    "look": {"call": "tables.get"},
    "create": {"call": "jobs.insert", "kind": "ddl"},
    "read": {"call": "jobs.insert", "kind": "query"},
    "register": {"call": "jobs.insert", "kind": "script", "job_id": "kafka-bq-[0-9a-f]{32}$"},
    "staging": {"call": "tables.insert"},
    "load": {"call": "jobs.insert", "kind": "load"},
    "dry run": {"call": "jobs.insert", "kind": "merge"},
    "merge": {"call": "jobs.insert", "kind": "script", "job_id": "kafka-bq-merge"},
    "wait": {"call": "jobs.get"},
    "rows": {"call": "jobs.getQueryResults"},
    "statistics": {"call": "jobs.list"},
    "drop": {"call": "tables.delete"},
}
ACTIONS: dict[str, Rule] = {
    "500 before": {"action": "fail_before", "status": 500, "reason": "internalError"},
    "502 after": {"action": "fail_after", "status": 502, "reason": "badGateway"},
    "503 before": {"action": "fail_before", "status": 503, "reason": "backendError"},
    "503 after": {"action": "fail_after", "status": 503, "reason": "backendError"},
    "reset before": {"action": "drop_before"},
    "reset after": {"action": "drop_after"},
    "silence before": {"action": "never_answer", "applied": False},
    "silence after": {"action": "never_answer", "applied": True},
}
QUICK = ["503 before", "reset after"]
IMPATIENT = Altered(call_seconds=1, deadline_seconds=30)
BRIEF = Altered(call_seconds=1, deadline_seconds=2)


def _met(bigquery: LocalBigQuery, trouble: Any, made: Pipe, action: str, calls: list[str]) -> None:
    """A run in which each of these calls fails once: every job keeps its name, and is applied once."""
    sent = made.produce([{"n": number} for number in range(10)])
    trouble("slow", kind="load", seconds=0.5)  # or nobody would ask how it is
    for name in calls:
        trouble(**ACTIONS[action], **CALLS[name])
    report = IMPATIENT.run(made)
    assert report.get("outcome") == "end", report
    inserted = [str(call["job_id"]) for call in bigquery.faults.calls("jobs.insert")]
    assert sum(bool(call["faults"]) for call in bigquery.faults.calls()) == len(calls)
    for kind in ("load", "merge"):
        found = [one for one in inserted if one.startswith(f"kafka-bq-{kind}")]
        assert (len(found), len(set(found))) == (3, 2), found  # two batches, one of them sent twice
        assert {one.rsplit("-", 1)[1] for one in found} == {"0"}, found  # no further attempt
    kept(made, sent)


@pytest.mark.fault("Q1")
@pytest.mark.parametrize("action", QUICK)
def test_trouble_at_every_call_of_a_run_changes_nothing(
    pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any, action: str
) -> None:
    """What was not done is sent again; what was done is found under its name."""
    _met(bigquery, trouble, pipe(batch_messages=6), action, list(CALLS))


@pytest.mark.fault("Q1")
def test_a_load_and_a_merge_that_are_never_answered(pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any) -> None:
    """The request times out, and the same job is sent again: BigQuery had done it."""
    _met(bigquery, trouble, pipe(batch_messages=6), "silence after", ["load", "merge"])


@pytest.mark.fault("Q1")
@pytest.mark.slow
@pytest.mark.parametrize("action", sorted(set(ACTIONS) - set(QUICK)))
def test_all_other_trouble_at_every_call(pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any, action: str) -> None:
    """Each of the ways to fail, at each kind of call."""
    _met(bigquery, trouble, pipe(batch_messages=6), action, list(CALLS))


@pytest.mark.fault("Q1")
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_fails_for_good_is_named_and_the_next_run_ends(
    pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any, name: str, record_property: Any
) -> None:
    """At the deadline, with nothing committed to Kafka, whether or not BigQuery did what it was asked."""
    record_property("runs", len(ACTIONS))
    for number, action in enumerate(ACTIONS):
        made = pipe(table=f"target_{number}")
        sent = made.produce([{"n": number} for number in range(4)])
        trouble("slow", kind="load", seconds=0.5)
        trouble(**ACTIONS[action], **CALLS[name], times=0)
        failure = BRIEF.run(made)
        wait_until(lambda: any(call["faults"] for call in bigquery.faults.calls()), f"{action} at {name}", 5)
        if name == "drop":  # what is left expires
            assert failure.get("outcome") == "end", failure
        else:
            _is_named(failure, made)
            assert made.committed() == {}, action
        bigquery.faults.clear()
        bigquery.faults.forget_calls()
        restored(made, sent)


def _is_named(failure: dict[str, Any], made: Pipe) -> None:
    assert failure.get("error") == "WarehouseUnavailableError", failure
    assert (failure["topic"], failure["group_id"]) == (made.topic, made.group_id)
    assert failure["remedy"], failure


@pytest.mark.fault("Q1")
@pytest.mark.parametrize("action", ["drop_after", pytest.param("fail_before", marks=pytest.mark.slow)])
def test_a_large_upload_is_cut_off_at_each_of_its_requests(
    pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any, action: str
) -> None:
    """A file of more than five megabytes goes up in several requests; the last of them makes the job."""
    made = pipe(partitions=1)
    sent = made.produce([{"n": number, "text": os.urandom(300_000).hex()} for number in range(20)])
    trouble(action, call="upload.start")
    trouble(action, call="jobs.insert", kind="load")
    report = IMPATIENT.run(made)
    assert report.get("outcome") == "end", report
    assert len(bigquery.faults.calls("upload.start")) == 3
    kept(made, sent)
