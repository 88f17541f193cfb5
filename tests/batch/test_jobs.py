from __future__ import annotations

import json

from airflow_kafka_bq.batch.jobs import ColumnBounds, Failure, JobResult, RunContext


def test_a_finished_job_without_failure_is_a_success() -> None:
    done = JobResult("id")
    assert (done.failure, done.error, done.attached) == (None, None, False)
    assert (done.inserted, done.updated, done.deleted, done.bytes_billed) == (0, 0, 0, 0)


def test_an_unknown_row_count_is_not_zero() -> None:
    """A load job that tells no count must not pass for one that loaded nothing."""
    assert JobResult("id").output_rows is None


def test_failures_are_words_in_logs_and_json() -> None:
    assert [str(one) for one in Failure] == [
        "again", "conflict", "ledger_moved", "letters_moved", "bad_rows", "terminal",
    ]  # fmt: skip
    assert json.dumps({"failure": Failure.LEDGER_MOVED}) == '{"failure": "ledger_moved"}'
    assert Failure("again") is Failure.AGAIN


def test_outside_airflow_the_command_line_did_it() -> None:
    assert RunContext() == RunContext(dag_id=None, task_id=None, run_id=None, try_number=None, who="kafka-bq")


def test_bounds_say_whether_null_is_among_them() -> None:
    assert ColumnBounds("day", ((1, 2),)) != ColumnBounds("day", ((1, 2),), has_null=True)
