"""A position that is moved on purpose, as a task; on the mock cluster, which cannot tell members."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_kafka_bq import KafkaToBigQueryOperator, SeekConsumerGroupOperator
from airflow_kafka_bq.bigquery.warehouse import BigQueryWarehouse
from airflow_kafka_bq.exceptions import ConfigError, KafkaUnavailableError
from tests.operators.conftest import Wings, task
from tests.pipeline.world import World


def seek(**parameters: Any) -> SeekConsumerGroupOperator:
    """An operator with everything that it must have, but for what it is asked."""
    return SeekConsumerGroupOperator(**{"task_id": "seek", "topic": "t", "table": "d.t", **parameters})


def _load(wings: Wings) -> Any:
    return wings.run(lambda: KafkaToBigQueryOperator(task_id="load", topic=wings.topic, table=wings.table))


def _moves(found: Any) -> dict[str, tuple[Any, Any]]:
    return {part: (line["before"], line["after"]) for part, line in found.report["partitions"].items()}


def test_a_task_that_is_tried_again_moves_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory: the operator asks for that, whatever a person's command asks for."""
    world = World(2)
    world.fill(4, 0)
    world.run()
    found: list[dict[str, Any]] = []
    look = seek(to="earliest", dry_run=True)
    monkeypatch.setattr(look, "_with_job", lambda _context, use: use(world.job()))
    assert (look.execute({})["re_read"], world.positions()) == (4, {0: 4, 1: 0})
    for _ in range(2):
        one = seek(to="{{ params.to }}", undo_file=str(tmp_path / "undo.json"))
        one.to = "earliest"  # rendered
        monkeypatch.setattr(one, "_with_job", lambda _context, use: use(world.job()))
        found.append(one.execute({}))
        world.run()
    assert [one["changed"] for one in found] == [True, False]
    assert [one["undo"] and one["undo"]["command"] for one in found] == ["seek", None]
    assert world.positions() == {0: 4, 1: 0}


@pytest.mark.slow
def test_what_the_dry_run_tells_is_done_and_taken_back_from_the_xcom(wings: Wings, tmp_path: Path) -> None:
    wings.fill(10)
    _load(wings)
    of: dict[str, Any] = {"topic": wings.topic, "table": wings.table, "undo_file": str(tmp_path / "undo.json")}
    form = {"to": "{{ params.to }}", "partitions": "{{ params.partitions }}"}
    params = {"to": "earliest", "partitions": [1]}
    told = wings.run(lambda: seek(**of, **form, dry_run=True), params=params)
    assert (told.state, told.report["dry_run"], told.report["undo"]) == ("success", True, None)
    assert not (tmp_path / "undo.json").exists()
    done = wings.run(lambda: seek(**of, **form), params=params)
    assert (done.state, _moves(done)) == ("success", {"0": (5, 5), "1": (5, 0)})
    of_the_act = {"dry_run", "revision", "committed", "undo_file", "undo"}
    assert {name: done.report[name] for name in done.report.keys() - of_the_act} == {
        name: told.report[name] for name in told.report.keys() - of_the_act
    }
    assert "5 → 0" in (said := wings.told())
    assert "read again: 5 messages; skipped: 0 at most" in said
    assert (_load(wings).report["messages"], wings.rows()) == (5, 10)
    (tmp_path / "undo.json").unlink()  # the worker is gone, and its disk
    back = wings.run(
        lambda: seek(topic=wings.topic, table=wings.table, undo="{{ params.undo }}"),
        params={"undo": done.report["undo"]},
    )
    assert (back.state, back.report["changed"], _moves(back)) == ("success", False, {"0": (5, 5), "1": (5, 5)})


def test_a_try_that_failed_behind_the_move_is_finished_and_skips_nothing_more(
    wings: Wings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wings.fill(4)
    _load(wings)
    wings.fill(4, first=4)
    place, calls = BigQueryWarehouse.place, list[str]()

    def dies_behind_it(self: BigQueryWarehouse, *arguments: Any) -> bool:
        assert place(self, *arguments)
        calls.append("place")
        wings.fill(2, first=8)  # before the next try
        raise KafkaUnavailableError("the worker was lost")

    monkeypatch.setattr(BigQueryWarehouse, "place", dies_behind_it)
    of: dict[str, Any] = {"topic": wings.topic, "table": wings.table, "undo_file": str(tmp_path / "undo.json")}
    found = wings.run(lambda: seek(**of, to="latest", retries=2, retry_delay=timedelta(0)))
    assert (found.state, found.tries, calls) == ("success", 2, ["place"])
    assert (found.report["changed"], found.report["committed"], found.report["skipped"]) == (False, True, 0)
    assert "has moved the position already in run" in wings.told()
    monkeypatch.undo()
    assert (_load(wings).report["messages"], wings.rows()) == (2, 6)
    mended = wings.run(lambda: seek(topic=wings.topic, table=wings.table, undo=of["undo_file"]))
    assert (mended.state, _load(wings).report["messages"], wings.rows()) == ("success", 6, 10)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "nothing is asked for"),
        ({"to": "yesterday"}, "--to: 'yesterday'"),
        ({"to": "0:1,0:2"}, "names a partition twice"),
        ({"to": "earliest", "partitions": "x"}, "no list of numbers"),
        ({"to": {0: 1}, "partitions": [0]}, "offsets name their partitions"),
        ({"partitions": [0], "accept_target": True}, "--to is missing"),
        ({"accept_topic": True}, "--accept-topic needs --to"),
        ({"to": "latest", "undo": "undo.json"}, "--undo takes back what its file tells of"),
        (
            {"to": "latest", "window": {"from": "2026-01-01", "to": "2026-01-02"}},
            "reads a window, which has no position",
        ),
        ({"accept_target": True, "fence": "none"}, "fence='none'"),
        ({"to": "latest", "batch_messages": 0}, "batch_messages"),
    ],
)
def test_a_literal_that_is_wrong_is_refused_at_parse(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        seek(**parameters)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"to": "yesterday"}, "--to: 'yesterday'"),
        ({"to": "0:900"}, "offset 900 of partition 0 is not in the log, which has 0 to 2"),
        ({"to": "earliest", "partitions": [7]}, "has no partitions [7]; it has 2"),
        ({}, "nothing is asked for"),
        ({"undo": "no-such-file.json"}, "no-such-file.json cannot be read"),
        ({"undo": {"command": "migrate-group"}}, "takes back migrate-group, not seek"),
        ({"undo": {"commando": "seek"}}, "is no undo file"),
    ],
)
def test_what_a_form_gives_is_refused_without_a_retry(wings: Wings, form: dict[str, Any], said: str) -> None:
    wings.fill(4)
    given = {name: f"{{{{ params.{name} }}}}" for name in ("to", "partitions", "undo")}
    found = wings.run(
        lambda: seek(topic=wings.topic, table=wings.table, **given, retries=2, retry_delay=timedelta(0)),
        params={"to": None, "partitions": None, "undo": None, **form},
    )
    assert (found.state, found.tries) == ("failed", 1)
    assert said in wings.told()


def test_it_stands_beside_the_live_task_in_one_dag() -> None:
    with DAG("seek_beside", schedule=None):
        task(task_id="live")
        found = seek(to=datetime(2026, 1, 1, tzinfo=UTC), partitions="0,1")
    assert found.job_parameters()["partitions"] is None, "those of a window are others"
    assert found.wish().to is not None
    assert found.only_tell is False
