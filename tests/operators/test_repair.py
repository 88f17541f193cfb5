"""Duplicates removed and put back, as a task."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_kafka_bq import KafkaToBigQueryOperator, RepairDuplicatesOperator
from airflow_kafka_bq._airflow import AirflowFailException
from airflow_kafka_bq.bigquery.repairs import BigQueryRepairs
from airflow_kafka_bq.exceptions import ConfigError, WarehouseUnavailableError
from airflow_kafka_bq.testing.kafka import NewMessage, produce
from tests.operations.doubling import copy, doubled
from tests.operators.conftest import Wings, task
from tests.pipeline.world import KEEP, TABLE, World

DAY_MS = 86_400_000


def repair(**parameters: Any) -> RepairDuplicatesOperator:
    """An operator with everything that it must have."""
    return RepairDuplicatesOperator(**{"task_id": "repair", "topic": "t", "table": "d.t", **parameters})


def _doubled(wings: Wings, **job: Any) -> dict[str, Any]:
    """Four rows of two days; one of each day is there twice."""
    of: dict[str, Any] = {"topic": wings.topic, "table": wings.table, **job}
    base = 20_000 * DAY_MS
    days = [NewMessage({"n": at}, partition=0, timestamp_ms=base + at // 2 * DAY_MS) for at in range(4)]
    produce(wings.cluster.bootstrap, wings.topic, days)
    assert wings.run(lambda: KafkaToBigQueryOperator(task_id="load", **of)).state == "success"
    return of


def _double(wings: Wings, where: str = "_kafka_offset IN (0, 2)", changed: str = "*") -> None:
    wings.client.query_and_wait(f"INSERT INTO `{wings.table}` SELECT {changed} FROM `{wings.table}` WHERE {where}")


def _backups(wings: Wings) -> list[str]:
    return [one.table_id for one in wings.client.list_tables(wings.dataset) if "__repair_" in one.table_id]


class Told:
    """A task instance that keeps what is pushed."""

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, *, key: str, value: Any) -> None:
        self.pushed[key] = value


def in_memory(world: World, monkeypatch: pytest.MonkeyPatch, **parameters: Any) -> tuple[Any, dict[str, Any]]:
    """A task's result, or its exception; and what it pushed. Nothing of Airflow's or of a server."""
    one, told = repair(**parameters), Told()
    context: Any = {"ti": told}
    settings = {name: parameters[name] for name in ("dedup_key", "kafka_columns", "model") if name in parameters}
    monkeypatch.setattr(one, "_with_job", lambda _context, use: use(world.job(**settings)))
    try:
        return one.execute(context), told.pushed
    except AirflowFailException as error:
        return error, told.pushed


def test_a_look_changes_nothing_and_what_is_left_fails_with_its_report(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {**KEEP, "kafka_columns": "none"}
    world = doubled(**settings)
    rows = world.rows()
    world.database.insert(TABLE, [rows[0], {**rows[1], "n": 77}])
    told, _ = in_memory(world, monkeypatch, **settings, dry_run=True)
    assert (told["dry_run"], told["left"]["by_key"], len(world.rows())) == (True, 2, 6)
    failed, pushed = in_memory(world, monkeypatch, **settings)
    assert isinstance(failed, AirflowFailException)
    assert "is not clean: left: 1 rows too many by key" in str(failed)
    assert (pushed["return_value"]["removed"], len(world.rows())) == (1, 5)
    assert pushed["return_value"]["backup"]
    assert in_memory(world, monkeypatch, **settings, fail_on_findings=False)[0]["removed"] == 1


def test_a_task_that_is_tried_again_goes_on_in_its_backup(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory: the operator asks for that, whatever a person's command asks for."""
    world = doubled()
    names = []
    for at in range(2):
        copy(world, at)
        names.append(in_memory(world, monkeypatch)[0]["backup"])
    assert names[0] == names[1]
    assert (in_memory(world, monkeypatch, undo=names[0])[0]["restored"], len(world.rows())) == (2, 6)


@pytest.mark.slow
def test_what_the_dry_run_tells_is_done_and_put_back(wings: Wings) -> None:
    of = _doubled(wings)
    _double(wings)
    form = {"since": "{{ params.since }}", "until": "{{ params.until }}", "backup_days": "{{ params.days }}"}
    params = {"since": None, "until": "2024-10-05", "days": 3}
    told = wings.run(lambda: repair(**of, **form, dry_run=True), params=params)
    assert (told.state, told.report["dry_run"], wings.rows(), _backups(wings)) == ("success", True, 6, [])
    assert "would remove 1 rows" in wings.told()
    done = wings.run(lambda: repair(**of, **form), params=params)
    assert (done.state, done.report["removed"], wings.rows()) == ("success", 1, 5)
    assert (done.report["parts"], done.report["range"]) == (told.report["parts"], told.report["range"])
    backup = done.report["backup"]
    expires = wings.client.get_table(backup).expires
    created = wings.client.get_table(backup).created
    assert timedelta(days=2.9) < expires - created < timedelta(days=3.1)
    nothing = wings.run(lambda: repair(**of, **form), params=params)
    assert (nothing.state, nothing.report["backup"], nothing.report["removed"]) == ("success", None, 0)
    back = wings.run(lambda: repair(**of, undo="{{ params.undo }}"), params={"undo": backup})
    assert (back.state, back.report["restored"], wings.rows()) == ("success", 1, 6)
    assert (wings.run(lambda: repair(**of, undo=backup)).report["restored"], wings.rows()) == (0, 6)


@pytest.mark.slow
def test_a_try_that_failed_behind_the_first_part_is_finished_and_the_report_is_of_both(
    wings: Wings, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = _doubled(wings)
    _double(wings)
    remove, calls = BigQueryRepairs.remove, list[str]()

    def dies_behind_it(self: BigQueryRepairs, *arguments: Any, **named: Any) -> Any:
        done = remove(self, *arguments, **named)
        calls.append("remove")
        if len(calls) == 1:
            raise WarehouseUnavailableError("the worker was lost")
        return done

    monkeypatch.setattr(BigQueryRepairs, "remove", dies_behind_it)
    found = wings.run(lambda: repair(**of, retries=2, retry_delay=timedelta(0)))
    assert (found.state, found.tries, len(calls)) == ("success", 2, 2)
    assert (found.report["removed"], wings.rows()) == (2, 4)
    assert [found.report["backup"].rpartition(".")[2]] == _backups(wings)
    back = wings.run(lambda: repair(**of, undo=found.report["backup"]))
    assert (back.report["restored"], wings.rows()) == (2, 6)


@pytest.mark.slow
def test_what_the_rule_cannot_decide_fails_the_task_and_the_report_is_an_xcom_all_the_same(wings: Wings) -> None:
    of = _doubled(wings, model="tests.operators.rows:Numbered", dedup_key=["n"], kafka_columns="none")
    _double(wings, "n = 0")
    _double(wings, "n = 3", "* REPLACE ('other' AS note)")
    told = wings.run(lambda: repair(**of, dry_run=True, retries=2))
    assert (told.state, told.report["left"]["by_key"]) == ("success", 2)
    failed = wings.run(lambda: repair(**of, retries=2, retry_delay=timedelta(0)))
    assert (failed.state, failed.tries, failed.report["removed"], failed.report["left"]["by_key"]) == (
        "failed",
        1,
        1,
        1,
    )
    assert "is not clean: left: 1 rows too many by key" in wings.told()
    assert wings.run(lambda: repair(**of, fail_on_findings=False)).state == "success"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"since": "yesterday"}, "since: must be an ISO time"),
        ({"since": "2026-01-02", "until": "2026-01-01"}, "does not lie before until"),
        ({"backup_days": 0}, "backup_days: 0 is no number of days greater than 0"),
        ({"backup_days": "a month"}, "backup_days: a month is no number"),
        ({"backup_days": float("nan")}, "backup_days: nan is no number"),
        ({"undo": "b", "dry_run": True}, "undo takes a whole backup"),
        ({"undo": "b", "since": "2026-01-01"}, "undo takes a whole backup"),
        ({"batch_messages": 0}, "batch_messages"),
    ],
)
def test_a_literal_that_is_wrong_is_refused_at_parse(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        repair(**parameters)


REFUSED: tuple[tuple[dict[str, Any], dict[str, Any], str], ...] = (
    ({"since": "yesterday"}, {}, "since: must be an ISO time"),
    ({"days": "-1"}, {}, "backup_days: -1 is no number of days greater than 0"),
    ({"undo": "another_table"}, {}, "'another_table' is no backup of table"),
    ({"undo": "target__repair_gone"}, {}, "does not exist: it has expired, or was dropped"),
    ({"undo": "target__repair_gone", "since": "2026-01-01"}, {}, "undo takes a whole backup"),
    ({}, {"fence": "none"}, "fence='none' cannot keep a repair apart from the live task"),
    ({}, {"max_bytes_billed": 1}, "CostLimitError"),
    ({}, {"topic": "no-such-topic"}, "check the topic's name and the cluster"),
)


def test_what_is_refused_when_the_task_runs_is_so_without_a_retry(wings: Wings) -> None:
    of = _doubled(wings)
    given = {"since": "{{ params.since }}", "backup_days": "{{ params.days }}", "undo": "{{ params.undo }}"}
    for form, job, said in REFUSED:
        build = partial(repair, **{**of, **job, **given}, retries=2, retry_delay=timedelta(0))
        found = wings.run(build, params={"since": None, "days": None, "undo": None, **form})
        assert (found.state, found.tries) == ("failed", 1), said
        assert said in wings.told()
        wings.log.clear()


def test_it_stands_beside_the_live_task_in_one_dag() -> None:
    with DAG("repair_beside", schedule=None):
        task(task_id="live")
        assert repair(since="{{ ds }}", undo=None).since == "{{ ds }}"
