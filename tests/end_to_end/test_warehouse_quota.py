"""BigQuery is there and says "not now": rates, quotas, queues of DML, and transactions of others."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka.waiting import wait_until
from tests.end_to_end.altered import Altered
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.promise import kept, restored

PipeFactory = Callable[..., Pipe]
Rule = dict[str, Any]

PLACES: dict[str, Rule] = {
    "load": {"kind": "load"},
    "merge": {"kind": "script", "job_id": "kafka-bq-merge"},
    "create": {"kind": "ddl"},
    "staging": {"call": "tables.insert"},
}
RATE: Rule = {"action": "fail_before", "status": 403, "reason": "rateLimitExceeded"}
REFUSALS: dict[str, Rule] = {
    "403 rate": RATE,
    "429 rate": RATE | {"status": 429},
    "429 quota": RATE | {"status": 429, "reason": "quotaExceeded"},
    "403 quota": RATE | {"reason": "quotaExceeded"},
}
FAILURES: dict[str, Rule] = {
    "job rate": {"action": "job_error", "reason": "jobRateLimitExceeded", "message": "Exceeded rate limits"},
    "job quota": {"action": "job_error", "reason": "quotaExceeded", "message": "Quota exceeded: imports per table"},
}
TOO_MANY = {
    "action": "job_error",
    "reason": "resourcesExceeded",
    "message": "Resources exceeded during query execution: Too many DML statements outstanding against table x, "
    "limit is 20.",
}
BRIEF = Altered(call_seconds=1, deadline_seconds=2)


def rule(place: str, how: str) -> Rule:
    call = {} if how in FAILURES else {"call": "jobs.insert"}
    return {**call, **PLACES[place], **(REFUSALS | FAILURES)[how]}


@pytest.mark.fault("Q2")
@pytest.mark.parametrize(
    "how", ["job rate", *(pytest.param(one, marks=pytest.mark.slow) for one in ("403 rate", "429 rate"))]
)
def test_a_rate_that_is_passed_for_a_moment_is_waited_for(pipe: PipeFactory, trouble: Any, how: str) -> None:
    """At each place where jobs and tables are made."""
    made = pipe()
    sent = made.produce([{"n": number} for number in range(4)])
    for place in PLACES:
        if not (place == "staging" and how in FAILURES):
            trouble(**rule(place, how), times=2)
    report = made.run()
    assert report.get("outcome") == "end", report
    kept(made, sent)


def _is_told(made: Pipe, bigquery: LocalBigQuery, place: str, how: str) -> None:
    """For good: a named error that Airflow retries, nothing committed, and the next run ends."""
    sent = made.produce([{"n": number} for number in range(4)])
    bigquery.faults.add(**rule(place, how), times=0)
    failure = BRIEF.run(made)
    bigquery.faults.clear()
    assert failure.get("error") == "WarehouseUnavailableError", failure
    assert (failure["topic"], failure["group_id"]) == (made.topic, made.group_id)
    assert "again" in failure["remedy"] or "the quota is:" in failure["remedy"], failure
    assert made.committed() == {}
    restored(made, sent)


@pytest.mark.fault("Q2")
@pytest.mark.usefixtures("trouble")
@pytest.mark.parametrize(("place", "how"), [("load", "403 rate"), ("merge", "403 quota"), ("merge", "job quota")])
def test_a_quota_that_is_used_up_is_named(pipe: PipeFactory, bigquery: LocalBigQuery, place: str, how: str) -> None:
    """A rate is waited for until the deadline, a quota of the day is not."""
    _is_told(pipe(), bigquery, place, how)


@pytest.mark.fault("Q2")
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("trouble")
@pytest.mark.parametrize("place", PLACES)
def test_every_refusal_at_every_place_is_named(
    pipe: PipeFactory, bigquery: LocalBigQuery, place: str, record_property: Any
) -> None:
    """Refused calls and failed jobs."""
    found = [how for how in REFUSALS | FAILURES if not (place == "staging" and how in FAILURES)]
    record_property("runs", len(found))
    for number, how in enumerate(found):
        _is_told(pipe(table=f"target_{number}"), bigquery, place, how)


@pytest.mark.fault("Q2")
def test_waits_grow_and_differ(pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any) -> None:
    """Many runs that are refused at one moment must not come back at one moment."""
    made = pipe()
    made.produce_ten()
    trouble(**rule("load", "403 rate"), times=0)
    Altered(call_seconds=1, deadline_seconds=5).run(made)
    times = [call["time"] for call in bigquery.faults.calls("jobs.insert") if call["faults"]]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert 3 <= len(waits) <= 30, waits
    assert max(waits[len(waits) // 2 :]) > 2 * min(waits), waits
    assert len({round(wait, 3) for wait in waits}) > 1


@pytest.mark.fault("Q3")
def test_a_queue_of_dml_that_is_full_is_waited_for(pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any) -> None:
    """The batch's transaction is refused twice, and goes through when others are done."""
    made = pipe()
    sent = made.produce([{"n": number} for number in range(4)])
    trouble(**TOO_MANY, **PLACES["merge"], times=2)
    report = made.run()
    assert report.get("outcome") == "end", report
    assert len(_errors(bigquery, made, "kafka-bq-merge")) == 2
    kept(made, sent)


@pytest.mark.fault("Q3")
@pytest.mark.slow
def test_a_statement_of_ours_waits_outside_of_a_real_queue(
    pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any
) -> None:
    """Two statements of others run, twenty wait, and the one that places the position is refused for now."""
    made = pipe(partitions=1, start="earliest")
    sent = made.produce([{"n": 1}])
    made.run()
    made.query(f"UPDATE {made.name('__ledger')} SET positions = [] WHERE pipeline != '*'")
    trouble("hold", kind="dml", job_id="queue", at="start", times=0)
    statement = f"UPDATE {made.name('__ledger')} SET updated_by = updated_by WHERE FALSE"
    names = [f"{made.dataset}_queue_{number}" for number in range(22)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: made.client.query(statement, job_id=name, job_retry=None), names))
    bigquery.faults.forget_calls()
    child = made.start()
    wait_until(lambda: bool(_errors(bigquery, made, "kafka-bq-[0-9a-f]{32}$")), "a statement that was refused", 30)
    assert "Too many DML statements outstanding" in _errors(bigquery, made, "kafka-bq-[0-9a-f]{32}$")[0]
    bigquery.faults.clear()
    report = child.finish()
    assert report.get("outcome") == "end", report
    wait_until(lambda: {made.client.get_job(one).state for one in names} == {"DONE"}, "a queue that is empty", 30)
    made.run()
    assert made.coordinates() == Counter((one.partition, one.offset) for one in sent)
    assert made.ledger() == made.committed() == {0: 1}


def _errors(bigquery: LocalBigQuery, made: Pipe, name: str) -> list[str]:
    """Errors of jobs of such a name that the run submitted."""
    called = (str(call["job_id"]) for call in bigquery.faults.calls("jobs.insert") if call["kind"] != "merge")
    jobs = [made.client.get_job(job_id) for job_id in dict.fromkeys(called) if re.match(name, job_id)]
    return [str(job.error_result["message"]) for job in jobs if job.error_result]


@pytest.mark.fault("Q3")
@pytest.mark.slow
def test_a_queue_that_stays_full_is_named(pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any) -> None:
    """After five refusals: transient, nothing committed."""
    made = pipe()
    sent = made.produce([{"n": number} for number in range(4)])
    trouble(**TOO_MANY, **PLACES["merge"], times=0)
    failure = made.run()
    assert failure["error"] == "MergeConflictError", failure
    assert made.committed() == {}
    bigquery.faults.clear()
    restored(made, sent)
