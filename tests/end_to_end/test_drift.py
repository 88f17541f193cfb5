"""Tables, models and messages change their shape, between two runs and in the middle of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from tests.end_to_end.frozen import frozen
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.promise import kept, restored

PipeFactory = Callable[..., Pipe]
TYPED: dict[str, Any] = {"model": "drift_orders:Order", "max_bad_ratio": None}
STREAMED = (
    "UPDATE or DELETE statement over table demo.d.t would affect rows in the streaming buffer, which is not supported"
)


def model(made: Pipe, *fields: str) -> None:
    lines = "".join(f"    {field}\n" for field in fields)
    (made.folder / "drift_orders.py").write_text(f"from pydantic import BaseModel\nclass Order(BaseModel):\n{lines}")


def content(made: Pipe, columns: str) -> list[tuple[Any, ...]]:
    return made.query(f"SELECT {columns} FROM {made.name()} ORDER BY _kafka_offset")


@pytest.mark.fault("Q6")
@pytest.mark.parametrize("how", ["job", pytest.param("call", marks=pytest.mark.slow)])
def test_rows_in_a_streaming_buffer_are_named_and_waited_for(
    pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any, how: str
) -> None:
    """BigQuery lets no UPDATE touch them for half an hour: an error that Airflow retries, and what to do about it."""
    made = pipe(partitions=1, **TYPED, dedup_key=["id"], on_duplicate="update")
    model(made, "id: str", "n: int")
    sent = made.produce([{"id": "a", "n": 1}])
    made.run()
    sent += made.produce([{"id": "a", "n": 2}])
    refusal = (
        {"action": "job_error"} if how == "job" else {"action": "fail_before", "call": "jobs.insert", "status": 400}
    )
    trouble(**refusal, job_id="kafka-bq-merge", reason="invalidQuery", message=STREAMED, times=0)
    failure = made.run()
    bigquery.faults.clear()
    assert failure["error"] == "WarehouseUnavailableError", failure
    assert "streaming buffer" in failure["message"]
    assert "streamed in lately" in failure["remedy"]
    assert made.committed() == made.ledger() == {0: 1}
    assert content(made, "id, n") == [("a", 1)]
    assert made.run()["outcome"] == "end"
    assert content(made, "id, n") == [("a", 2)]
    assert made.committed() == made.ledger() == {0: len(sent)}


@pytest.mark.fault("Q7")
def test_messages_that_change_their_shape_meet_the_policy(pipe: PipeFactory) -> None:
    """A new field is counted or refused; another type and a missing field are dead letters, whole: never NULL."""
    made = pipe(partitions=1, **TYPED)
    model(made, "id: str", "n: int")
    sent = made.produce([{"id": "a", "n": 1}, {"id": "b", "n": 2, "new": True}, {"id": "c", "n": "two"}, {"id": "d"}])
    report = made.run()
    assert report["unknown_fields"] == 1, report
    assert content(made, "id, n") == [("a", 1), ("b", 2)]
    kept(made, sent, sent[2:])
    more = made.produce([{"id": "e", "n": 5, "new": True}])
    made.run("unknown_fields=dead_letter")
    kept(made, sent + more, sent[2:] + more)


@pytest.mark.fault("Q7")
@pytest.mark.slow
def test_a_model_that_grows_adds_its_column_and_one_that_changes_a_type_is_refused(pipe: PipeFactory) -> None:
    """By ``schema_update``; what is refused is refused before anything is staged, and goes on when it is mended."""
    made = pipe(partitions=1, **TYPED)
    model(made, "id: str", "n: int")
    sent = made.produce([{"id": "a", "n": 1}])
    made.run()
    model(made, "id: str", "n: int", "more: str | None = None")
    sent += made.produce([{"id": "b", "n": 2, "more": "x"}])
    assert made.run("schema_update=none")["error"] == "SchemaDriftError"
    kept_before = content(made, "id, n")
    assert made.run()["outcome"] == "end"
    assert kept_before == [("a", 1)]
    assert content(made, "id, n, more") == [("a", 1, None), ("b", 2, "x")]
    model(made, "id: str", "n: str", "more: str | None = None")
    sent += made.produce([{"id": "c", "n": "3"}])
    failure = made.run()
    assert (failure["error"], failure["topic"]) == ("SchemaDriftError", made.topic)
    assert "column n" in failure["message"]
    assert {name for name in made.tables() if "__stg_" in name} == set()
    assert made.committed() == made.ledger() == {0: 2}
    model(made, "id: str", "n: int | str", "more: str | None = None")
    assert made.run()["error"] in {"ConfigError", "SchemaDriftError"}
    model(made, "id: str", "n: int", "more: str | None = None")
    restored(made, sent)


@pytest.mark.fault("Q7")
@pytest.mark.slow
def test_a_column_that_the_table_requires_is_not_filled_with_nothing(pipe: PipeFactory) -> None:
    """Somebody else's table: a REQUIRED column that the job does not have."""
    made = pipe(partitions=1, **TYPED, start="earliest")
    model(made, "id: str")
    made.query(f"CREATE TABLE {made.name()} (id STRING, owner STRING NOT NULL)")
    sent = made.produce([{"id": "a"}])
    failure = made.run()
    assert failure["error"] == "SchemaDriftError", failure
    assert "owner" in failure["message"]
    assert made.committed() == {}
    made.query(f"ALTER TABLE {made.name()} ALTER COLUMN owner DROP NOT NULL")
    restored(made, sent)


@pytest.mark.fault("Q7")
@pytest.mark.parametrize("again", [None, pytest.param("STRUCT<x INT64>", marks=pytest.mark.slow)])
def test_a_column_that_goes_in_the_middle_of_a_run_is_named(pipe: PipeFactory, again: str | None) -> None:
    """Between the look at the table and the MERGE it is dropped, or dropped and made again with another type."""
    made = pipe(partitions=1, **TYPED)
    model(made, "id: str", "n: int")
    sent = made.produce([{"id": "a", "n": 1}])
    with frozen(made, "warehouse.merge") as child:
        made.query(f"ALTER TABLE {made.name()} DROP COLUMN n")
        if again:
            made.query(f"ALTER TABLE {made.name()} ADD COLUMN n {again}")
    failure = child.finish()
    assert failure["error"] == "MergeRejectedError", failure
    assert failure["remedy"]
    assert made.committed() == {}
    assert made.ledger() == {0: 0}
    assert content(made, "id") == []
    if again:
        assert made.run()["error"] == "SchemaDriftError"
        made.query(f"ALTER TABLE {made.name()} DROP COLUMN n")
    restored(made, sent)
    assert content(made, "id, n") == [("a", 1)]


@pytest.mark.fault("Q7")
@pytest.mark.slow
def test_a_target_that_is_renamed_is_noticed_and_a_job_that_is_renamed_starts_its_own(pipe: PipeFactory) -> None:
    """The ledger knows its table; another table has another ledger."""
    made = pipe(partitions=1)
    sent = made.produce([{"n": 1}])
    made.run()
    made.query(f"CREATE TABLE `{made.client.project}.{made.dataset}.renamed` AS SELECT * FROM {made.name()}")
    made.client.delete_table(f"{made.dataset}.{made.table}")
    sent += made.produce([{"n": 2}])
    failure = made.run()
    assert failure["error"] == "TargetChangedError", failure
    assert made.committed() == made.ledger() == {0: 1}
    other = pipe(partitions=1, topic=made.topic, table="renamed")
    assert other.run()["error"] == "PositionConflictError"  # it has rows, and nobody knows how far they go
    assert other.run("start={0: 1}")["outcome"] == "end"
    assert other.coordinates() == {(one.partition, one.offset): 1 for one in sent}
