"""The BigQuery rows of the fault matrix where BigQuery's own behaviour decides."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Literal

import pytest
from google.api_core.exceptions import GoogleAPICallError

from airflow_kafka_bq.exceptions import (
    AccessDeniedError,
    IngestError,
    MergeConflictError,
    SchemaDriftError,
    TargetChangedError,
    WarehouseUnavailableError,
)
from tests.project.broken_wire import Trouble, broken
from tests.project.line import Line

LineFactory = Callable[..., Line]
UPDATE: dict[str, Any] = {"dedup_key": ["id"], "on_duplicate": "update"}
LOST = ("not sent", "unanswered", (500, "internalError"), (502, "badGateway"), (503, "backendError"))


@pytest.fixture
def filled(line: LineFactory) -> Line:
    """A pipeline that has run once, and has more to do."""
    made = line()
    made.send(4)
    made.run()
    made.send(6)
    return made


@pytest.mark.fault("Q1")
@pytest.mark.parametrize("job", ["kafka-bq-load", "kafka-bq-merge"])
@pytest.mark.parametrize("how", LOST, ids=str)
def test_a_request_that_failed_is_sent_again_under_the_same_name(
    filled: Line, job: str, how: Literal["not sent", "unanswered"] | tuple[int, str]
) -> None:
    """Where it was carried out, BigQuery answers 409 to the second, and the run attaches to the first."""
    trouble = Trouble(job, how)
    with broken(filled.client, trouble):
        report = filled.run()
    assert trouble.struck == 1
    assert (report.rows["inserted"], report.committed) == (6, True)
    assert len(report.jobs) == len(set(report.jobs)) == 2
    filled.check_whole()


@pytest.mark.fault("Q2")
@pytest.mark.parametrize(
    "answer", [(429, "rateLimitExceeded"), (403, "rateLimitExceeded"), (403, "quotaExceeded")], ids=str
)
@pytest.mark.parametrize("job", ["kafka-bq-load", "kafka-bq-merge"])
def test_a_quota_that_does_not_end_ends_the_run_by_name(filled: Line, job: str, answer: tuple[int, str]) -> None:
    with (
        broken(filled.client, Trouble(job, answer, times=None)),
        pytest.raises(WarehouseUnavailableError, match=answer[1]),
    ):
        filled.run(deadline_seconds=2.0)
    filled.check_at({0: 2, 1: 2})
    filled.run()
    filled.check_whole()


@pytest.mark.fault("Q3")
def test_a_full_queue_of_statements_is_waited_for(filled: Line) -> None:
    """Two statements that change a table run at a time, twenty wait, the next is refused."""
    statement = "UPDATE {table} SET n = n WHERE TRUE"
    stop = threading.Event()

    def keep_busy() -> int:
        refused = 0
        while not stop.is_set():
            try:
                filled.query(statement)
            except GoogleAPICallError:  # the queue is full: so it should be
                refused += 1
        return refused

    with ThreadPoolExecutor(30) as pool:
        busy = [pool.submit(keep_busy) for _ in range(30)]
        try:
            with suppress(MergeConflictError, WarehouseUnavailableError):  # it may give up by name, and by no other
                filled.run()
        finally:
            stop.set()
        assert sum(one.result(120) for one in busy) > 0, "the queue was never full"
    filled.run()
    filled.check_whole()


@pytest.mark.fault("Q4", "A1")
def test_two_writers_of_one_table_at_once(line: LineFactory) -> None:
    """Their transactions change the same ledger, so BigQuery cancels one, which is run again."""
    lines = [line("shop.orders"), line("shop.returns")]
    for one in lines:
        one.send(2)
        one.run(start="earliest")
        one.send(20)
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(one.run, batch_messages=5) for one in lines]:
            assert future.result(300).messages == 20
    for one in lines:
        one.check_whole()


@pytest.mark.fault("Q7")
def test_a_column_of_another_type_is_named(filled: Line) -> None:
    filled.query("ALTER TABLE {table} DROP COLUMN n")
    filled.query("ALTER TABLE {table} ADD COLUMN n STRING")
    with pytest.raises(SchemaDriftError, match=r"\bn\b"):
        filled.run()
    filled.check_at({0: 2, 1: 2})


@pytest.mark.fault("Q8")
def test_staging_tables_that_are_gone_before_the_merge(filled: Line) -> None:
    def drop_staging() -> None:
        for table in filled.client.list_tables(filled.table.dataset):
            if "__stg_" in table.table_id:
                filled.client.delete_table(table.reference)

    with pytest.raises(WarehouseUnavailableError, match="gone"):
        filled.run(before=("merge", drop_staging))
    filled.check_at({0: 2, 1: 2})
    filled.run()
    filled.check_whole()


@pytest.mark.fault("Q8")
def test_a_target_that_is_gone(filled: Line) -> None:
    filled.client.delete_table(str(filled.table))
    with pytest.raises(TargetChangedError):
        filled.run()


@pytest.mark.fault("Q9")
@pytest.mark.parametrize("answer", [(401, "authError"), (403, "accessDenied")], ids=str)
def test_credentials_that_are_revoked_in_mid_run(filled: Line, answer: tuple[int, str]) -> None:
    with broken(filled.client, Trouble("kafka-bq-merge", answer, times=None)), pytest.raises(AccessDeniedError):
        filled.run()
    filled.check_at({0: 2, 1: 2})
    filled.run()
    filled.check_whole()


@pytest.mark.fault("Q10")
def test_a_history_that_cannot_be_written_takes_the_rows_back(filled: Line) -> None:
    """The last statement of the transaction fails: neither rows nor ledger show."""
    before = filled.ledger(), filled.offsets()
    filled.query("ALTER TABLE {batches} DROP COLUMN merge_job_id")
    with pytest.raises(IngestError, match="merge_job_id"):
        filled.run()
    assert (filled.ledger(), filled.offsets()) == before
    filled.query("ALTER TABLE {batches} ADD COLUMN merge_job_id STRING")
    filled.run()
    filled.check_whole()


@pytest.mark.fault("Q6")
def test_rows_that_were_streamed_in_lately(filled: Line, request: pytest.FixtureRequest) -> None:
    """BigQuery refuses to change them for a while; the front knows no streaming, and is told to answer as BigQuery."""
    streamed = {"id": f"{filled.topic}-4", "n": -1, "_kafka_topic": "x", "_kafka_partition": 9, "_kafka_offset": 9}
    made = Line(filled.client, filled.table.dataset)
    made.table = type(made.table)(made.table.project, made.table.dataset, "streamed")
    made.send(4)
    made.run(**UPDATE)
    made.send(1)
    if request.node.get_closest_marker("project"):
        errors = made.client.insert_rows_json(
            str(made.table), [streamed | {"_kafka_timestamp": "2026-01-01T00:00:00Z"}]
        )
        assert errors == []
        with pytest.raises(WarehouseUnavailableError, match="streaming buffer") as caught:
            made.run(**UPDATE)
    else:
        faults = request.getfixturevalue("bigquery").faults
        words = "MERGE statement over table t would affect rows in the streaming buffer, which is not supported"
        faults.add("job_error", kind="script", reason="invalidQuery", message=words, times=0)
        try:
            with pytest.raises(WarehouseUnavailableError, match="streaming buffer") as caught:
                made.run(**UPDATE)
        finally:
            faults.clear()
    assert caught.value.remedy
    made.check_at({0: 2, 1: 2})
