"""What becomes of a job when the network or BigQuery fails: never two jobs, never a wrong end."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from google.api_core import exceptions as google

from airflow_kafka_bq.batch import Failure, JobResult
from airflow_kafka_bq.bigquery import jobs
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import (
    AccessDeniedError,
    IngestError,
    NotFoundError,
    StopRequested,
    WarehouseUnavailableError,
)
from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from tests.bigquery.conftest import Opened
from tests.contract.warehouse_world import LocalWorld, at_once, soon
from tests.contract.workbench import PIPELINE, Workbench, keep_target, row


@pytest.fixture
def bench(world: LocalWorld, opened: Opened) -> Workbench:
    found = Workbench(world, keep_target(world))
    found.warehouse = opened(20.0)
    return found


@pytest.fixture
def trouble(bigquery: LocalBigQuery) -> Iterator[Any]:
    yield bigquery.faults.add
    bigquery.faults.clear()


def load(bench: Workbench, name: str) -> JobResult:
    rows = bench.file([row("a", 0), row("b", 1)])
    return bench.warehouse.load(f"{name}-job", bench.target.staging(name), rows, bench.target, soon(bench.world))


ONCE = [
    pytest.param({"action": action, **how}, id=f"{action}-{how.get('reason') or how.get('status', '')}")
    for action, how in (
        ("drop_before", {}),
        ("drop_after", {}),
        ("fail_before", {"status": 503}),
        ("fail_after", {"status": 503}),
        ("fail_after", {"status": 500, "reason": "internalError"}),
        ("fail_before", {"status": 403, "reason": "rateLimitExceeded"}),
        ("fail_before", {"status": 429, "reason": "rateLimitExceeded"}),
    )
]  # fmt: skip


@pytest.mark.parametrize("fault", ONCE)
def test_trouble_around_a_load_leaves_one_job(
    bench: Workbench, bigquery: LocalBigQuery, trouble: Any, fault: dict[str, Any]
) -> None:
    name = f"once-{uuid.uuid4().hex[:8]}"
    trouble(call="jobs.insert", kind="load", **fault)
    result = load(bench, name)
    assert (result.failure, result.output_rows) == (None, 2)
    assert result.attached is fault["action"].endswith("_after")
    assert bench.warehouse.row_count(bench.target.staging(name)) == 2
    sent = [one["job_id"] for one in bigquery.faults.calls("jobs.insert") if one["kind"] == "load"]
    assert sent == [f"{name}-job"] * 2


def test_a_staging_table_that_another_run_drops_at_that_moment_is_made_again(
    bench: Workbench, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client finds it taken, and looks at it; the other run has applied the same batch meanwhile."""
    name = f"twice-{uuid.uuid4().hex[:8]}"
    staging = bench.target.staging(name)
    load(bench, name)
    other, warehouse = opened(), opened()
    client, look = warehouse._client, warehouse._client.get_table

    def dropped_first(*arguments: Any, **named: Any) -> Any:
        other.drop(staging)
        return look(*arguments, **named)

    monkeypatch.setattr(client, "get_table", dropped_first)
    rows = bench.file([row("a", 0), row("b", 1)])
    result = warehouse.load(f"{name}-second", staging, rows, bench.target, soon(bench.world))
    assert (result.failure, result.output_rows) == (None, 2)


@pytest.mark.parametrize("action", ["drop_before", "drop_after", "fail_after"])
def test_trouble_around_a_merge_applies_it_once(bench: Workbench, trouble: Any, action: str) -> None:
    staged = bench.stage(row("a", 0), row("b", 1))
    trouble(action, call="jobs.insert", kind="script")
    done = bench.merge(bench.spec(staged))
    assert (done.failure, done.inserted, done.attached) == (None, 2, action != "drop_before")
    assert (bench.revision(), len(bench.rows())) == (1, 2)
    assert len(bench.world.rows(bench.target.history)) == 1


def test_a_job_that_is_not_visible_yet_is_waited_for(bench: Workbench, trouble: Any) -> None:
    trouble("fail_after", call="jobs.insert", kind="load")
    trouble("404_after_409", call="jobs.insert", kind="load", times=0)
    result = load(bench, "hidden")
    assert (result.failure, result.attached, result.output_rows) == (None, True, 2)


def test_the_id_of_a_failed_job_is_burnt(bench: Workbench, trouble: Any) -> None:
    trouble("job_error", kind="load", reason="backendError", message="try again")
    first, second = load(bench, "burnt"), load(bench, "burnt")
    assert (first.failure, first.attached) == (Failure.AGAIN, False)
    assert (second.failure, second.attached) == (Failure.AGAIN, True)
    assert bench.warehouse.row_count(bench.target.staging("burnt")) == 0


@pytest.mark.parametrize(
    ("reason", "failure"),
    [
        ("jobBackendError", Failure.AGAIN), ("quotaExceeded", Failure.TERMINAL), ("accessDenied", Failure.TERMINAL),
        ("invalid", Failure.BAD_ROWS), ("invalidQuery", Failure.BAD_ROWS), ("stopped", Failure.TERMINAL),
    ],
)  # fmt: skip
def test_a_merge_that_fails_applies_nothing(bench: Workbench, trouble: Any, reason: str, failure: Failure) -> None:
    staged = bench.stage(row("a", 0))
    trouble("job_error", kind="script", reason=reason)
    result = bench.merge(bench.spec(staged))
    assert result.failure is failure
    assert isinstance(result.error, IngestError)
    assert (bench.revision(), bench.rows()) == (0, [])


@pytest.mark.parametrize("applied", [True, False])
def test_silence_ends_at_the_deadline(bench: Workbench, opened: Opened, trouble: Any, applied: bool) -> None:
    staged = bench.stage(row("a", 0))
    bench.warehouse = opened(2.0)
    bench.revision()  # the location is known now
    trouble("never_answer", call="jobs.insert", kind="script", times=0, applied=applied)
    begun = time.monotonic()
    with pytest.raises(WarehouseUnavailableError, match="contract-"):
        bench.merge(bench.spec(staged))
    assert time.monotonic() - begun < 8


def test_what_is_refused_for_good_is_not_repeated(bench: Workbench, bigquery: LocalBigQuery, trouble: Any) -> None:
    bench.warehouse.table(bench.target.table)
    for reason, expected in (("accessDenied", AccessDeniedError), ("quotaExceeded", WarehouseUnavailableError)):
        bigquery.faults.forget_calls()
        trouble("fail_before", call="tables.get", status=403, reason=reason)
        with pytest.raises(expected):
            bench.warehouse.table(bench.target.table)
        assert len(bigquery.faults.calls("tables.get")) == 1


def test_a_missing_dataset_is_named(world: LocalWorld, opened: Opened) -> None:
    missing = TableId(world.project, "tables_and_datasets", "orders")
    with pytest.raises(NotFoundError, match="tables_and_datasets"):
        opened().table(missing)
    with pytest.raises(NotFoundError, match="tables_and_datasets"):
        opened().create(replace(keep_target(world), table=missing))
    with pytest.raises(NotFoundError, match="tables_and_datasets"):
        opened().ledger(replace(keep_target(world), table=missing), PIPELINE)
    assert opened().table(replace(missing, dataset=world.dataset)) is None


def test_a_dataset_is_missed_even_where_the_location_is_configured(world: LocalWorld, opened: Opened) -> None:
    warehouse = opened()
    warehouse._statements._configured = "US"
    with pytest.raises(NotFoundError, match="tables_and_datasets"):
        warehouse.table(TableId(world.project, "tables_and_datasets", "orders"))


def test_a_target_dropped_during_the_merge(bench: Workbench) -> None:
    staged = bench.stage(row("a", 0))
    bench.world.drop(bench.target.table)
    result = bench.merge(bench.spec(staged))
    assert result.failure is Failure.TERMINAL
    assert isinstance(result.error, NotFoundError)
    assert bench.target.table.table in str(result.error)
    assert bench.revision() == 0


def test_a_stop_ends_the_wait_and_leaves_the_job(
    bench: Workbench, bigquery: LocalBigQuery, opened: Opened, trouble: Any
) -> None:
    staged, stop, ended = bench.stage(row("a", 0)), threading.Event(), []
    bench.warehouse = opened(20.0, stop)
    trouble("hold", kind="script", at="commit")

    def merge() -> None:
        with pytest.raises(StopRequested):
            bench.merge(bench.spec(staged), "left-alone")
        ended.append(time.monotonic())

    waiting = threading.Thread(target=merge, name="kafka-bq-test-merge")
    waiting.start()
    time.sleep(1.0)
    begun = time.monotonic()
    stop.set()
    waiting.join(5)
    assert ended[0] - begun < 0.5
    bigquery.faults.release()
    bench.warehouse = opened(20.0)
    again = bench.merge(bench.spec(staged), "left-alone")
    assert (again.failure, again.attached, again.inserted) == (None, True, 1)
    assert (bench.revision(), len(bench.rows())) == (1, 1)


def test_two_threads_share_a_warehouse(bench: Workbench) -> None:
    staged = [bench.stage(row("a", 0)), bench.stage(row("b", 1))]
    results = at_once(
        lambda: [bench.merge(bench.spec(one, number)) for number, one in enumerate(staged)],
        lambda: [load(bench, f"beside-{number}") for number in range(3)],
    )
    assert [one.failure for found in results for one in found] == [None] * 5
    assert (bench.revision(), len(bench.rows())) == (2, 2)


def test_eight_register_one_row(bench: Workbench, opened: Opened) -> None:
    fresh = bench.ledger_row(pipeline="cluster/new")
    at_once(*[partial(opened(90.0).register, bench.target, fresh) for _ in range(8)])
    rows = bench.world.rows(bench.target.ledger)
    assert [one["pipeline"] for one in rows].count("cluster/new") == 1
    assert len(rows) == 3


def test_one_of_many_places(bench: Workbench, opened: Opened) -> None:
    placed = [bench.ledger_row(group_id=f"group-{number}") for number in range(4)]
    done = at_once(*[partial(opened(90.0).place, bench.target, row) for row in placed])
    assert sorted(done) == [False, False, False, True]
    found = bench.warehouse.ledger(bench.target, PIPELINE)
    assert found is not None
    assert (found.revision, found.group_id) == (1, f"group-{done.index(True)}")


def test_who_waits_is_told_for_what_and_not_at_each_attempt(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "QUIET_SECONDS", 0.0)
    answers = iter([google.ServiceUnavailable("gone fishing"), google.ServiceUnavailable("and again"), None])

    def request(_seconds: float) -> str:
        if (error := next(answers)) is not None:
            raise error
        return "there"

    made = jobs.Jobs(None, threading.Event(), 60.0)  # type: ignore[arg-type]
    assert made.call("a look", request) == "there"
    (said,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert said == "BigQuery has not answered for 0 s; it is asked for 60 s more: ServiceUnavailable: 503 gone fishing"
