"""The transaction of a batch and those of others: one is cancelled, whole, and goes through when it is run again."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka.waiting import wait_until
from tests.end_to_end.child import Blow
from tests.end_to_end.frozen import frozen
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.promise import kept, restored

PipeFactory = Callable[..., Pipe]
MODEL = "from pydantic import BaseModel\nclass Order(BaseModel):\n    id: str\n    n: int\n"
UPDATE = {"model": "shop_orders:Order", "dedup_key": ["id"], "on_duplicate": "update"}


def orders(made: Pipe, numbers: range, n: int = 0) -> list[Any]:
    return made.produce([{"id": f"o{number}", "n": n} for number in numbers])


def merges(bigquery: LocalBigQuery) -> list[str]:
    """Ids of the merge jobs that were submitted, in order."""
    ids = [str(call["job_id"]) for call in bigquery.faults.calls("jobs.insert")]
    return list(dict.fromkeys(one for one in ids if one.startswith("kafka-bq-merge")))


@pytest.mark.fault("Q4")
@pytest.mark.parametrize("companion", ["", pytest.param("__ledger", marks=pytest.mark.slow)])
def test_a_transaction_that_another_statement_cancels_is_run_again(
    pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any, companion: str
) -> None:
    """Somebody changes the target, or the ledger, after the batch's transaction has taken its snapshot."""
    made = pipe(**UPDATE)
    (made.folder / "shop_orders.py").write_text(MODEL)
    sent = orders(made, range(4))
    made.run()
    bigquery.faults.forget_calls()
    trouble("hold", kind="script", job_id="kafka-bq-merge", at="start")
    more = orders(made, range(4), n=1)
    child = made.start()
    wait_until(lambda: len(merges(bigquery)) == 1, "a merge", 30)
    column = "n" if not companion else "updated_by"
    made.query(f"UPDATE {made.name(companion)} SET {column} = {column} WHERE TRUE")
    bigquery.faults.release()
    report = child.finish()
    assert report.get("outcome") == "end", report
    first, second = merges(bigquery)
    error = made.client.get_job(first).error_result
    assert error
    assert "aborted due to concurrent update" in error["message"]
    assert made.client.get_job(second).error_result is None
    assert sorted(made.query(f"SELECT id, n FROM {made.name()}")) == [(f"o{number}", 1) for number in range(4)]
    assert len(made.history()) == 2
    assert made.committed() == made.ledger()
    assert sum(made.ledger().values()) == len(sent) + len(more)
    made.check_history()


@pytest.mark.fault("Q4")
@pytest.mark.slow
def test_two_transactions_of_one_target_overlap_and_both_rows_are_there(
    pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any
) -> None:
    """Two pipelines of one table conflict in the table that both change, whichever rows they touch."""
    one = pipe(**UPDATE, start="earliest", table="both")
    other = pipe(**UPDATE, start="earliest", table="both")
    (one.folder / "shop_orders.py").write_text(MODEL)
    for made, first in ((one, 0), (other, 4)):
        made.write()
        orders(made, range(first, first + 4))
        made.run()
    bigquery.faults.forget_calls()
    trouble("hold", kind="script", job_id="kafka-bq-merge")
    one.write()
    orders(one, range(4), n=1)
    child = one.start()
    wait_until(lambda: len(merges(bigquery)) == 1, "a merge", 30)
    other.write()
    orders(other, range(4, 8), n=1)
    second = other.start()
    wait_until(lambda: len(merges(bigquery)) >= 3, "a merge that was cancelled, and its next attempt", 60)
    bigquery.faults.release()
    for report in (child.finish(), second.finish()):
        assert report.get("outcome") == "end", report
    assert sorted(made.query(f"SELECT id, n FROM {made.name()}")) == [(f"o{number}", 1) for number in range(8)]


REASONS = ("backendError", "invalid", "stopped", "accessDenied", "resourcesExceeded")
QUICK = {("load", "invalid"), ("merge", "backendError"), ("merge", "stopped")}
ENDS = [
    pytest.param(*one, marks=() if one in QUICK else pytest.mark.slow)
    for one in itertools.product(("load", "merge"), REASONS)
]


@pytest.mark.fault("Q5")
@pytest.mark.parametrize(("kind", "reason"), ENDS)
def test_a_job_that_is_done_with_an_error_counts_for_nothing(
    pipe: PipeFactory, bigquery: LocalBigQuery, trouble: Any, kind: str, reason: str
) -> None:
    """It is tried again under another name, or the run ends by name; nothing is committed that is not in the table."""
    made = pipe(partitions=1, batch_messages=4)
    sent = made.produce([{"n": number} for number in range(8)])
    trouble("job_error", job_id=f"kafka-bq-{kind}", nth=2, reason=reason, message="no")
    report = made.run()
    bigquery.faults.clear()
    if reason == "backendError":
        assert report.get("outcome") == "end", report
        kept(made, sent)
        return
    assert report["error"] in {"MergeRejectedError", "AccessDeniedError", "WarehouseUnavailableError"}, report
    assert "no" in report["message"]
    assert report["remedy"]
    assert made.committed() == made.ledger() == {0: 4}
    assert sum(made.coordinates().values()) == 4
    restored(made, sent)


@pytest.mark.fault("Q5")
def test_a_load_that_wrote_a_part_is_not_merged(pipe: PipeFactory) -> None:
    """The run dies behind its load job; the next finds the job done and the table short of a row, and loads anew."""
    made = pipe(partitions=1)
    sent = made.produce([{"n": number} for number in range(6)])
    made.start(Blow("warehouse.load", "after")).dies()
    _shorten(made)
    restored(made, sent)


@pytest.mark.fault("Q5")
def test_a_staging_table_that_lost_a_row_is_not_merged(pipe: PipeFactory) -> None:
    """Between load and MERGE: the transaction counts, and the error says that it may be run again."""
    made = pipe(partitions=1)
    sent = made.produce([{"n": number} for number in range(6)])
    with frozen(made, "warehouse.merge") as child:
        _shorten(made)
    failure = child.finish()
    assert failure["error"] == "WarehouseUnavailableError", failure
    assert made.committed() == {}
    assert made.ledger() == {0: 0}
    restored(made, sent)


def _shorten(made: Pipe) -> None:
    (staging,) = (name for name in made.tables() if "__stg_" in name)
    made.query(f"DELETE FROM `{made.client.project}.{made.dataset}.{staging}` WHERE _kafka_offset = 3")


@pytest.mark.fault("Q10")
@pytest.mark.parametrize(
    ("companion", "column", "kind"),
    [
        ("__batches", "messages", "INT64"),
        pytest.param("__ledger", "updated_by", "STRING", marks=pytest.mark.slow),
        pytest.param("__dead_letters", "reason", "STRING", marks=pytest.mark.slow),
    ],
)
def test_a_transaction_that_fails_in_its_middle_leaves_nothing(
    pipe: PipeFactory, companion: str, column: str, kind: str
) -> None:
    """History or ledger do not take their row: the target's rows, dead letters and position are not there either."""
    made = pipe(partitions=1, max_bad_ratio=None)
    sent = made.produce([{"n": 1}, b"{poison"])
    made.run()
    sent += made.produce([{"n": 2}, b"{poison", {"n": 3}])
    with frozen(made, "warehouse.merge") as child:
        made.query(f"ALTER TABLE {made.name(companion)} DROP COLUMN {column}")
        before = _seen(made)
    failure = child.finish()
    assert failure["error"] == "MergeRejectedError", failure
    assert column in failure["message"]
    assert failure["remedy"]
    assert _seen(made) == before
    assert made.committed() == {0: 2}
    made.query(f"ALTER TABLE {made.name(companion)} ADD COLUMN {column} {kind}")
    restored(made, sent, [sent[1], sent[3]])


def _seen(made: Pipe) -> tuple[Any, ...]:
    """Everything that one transaction changes."""
    return made.coordinates(), made.dead_letters(), len(made.history()), made.ledger(), made.revision()
