"""The report counts as things happen, and adds up."""

from __future__ import annotations

import json
from dataclasses import replace
from unittest import mock

import pytest

from airflow_kafka_bq.batch import JobResult, Kind, Position
from airflow_kafka_bq.exceptions import AccountingError
from airflow_kafka_bq.pipeline.plan import look, plan
from airflow_kafka_bq.pipeline.report import STATIONS, RunReport
from airflow_kafka_bq.testing.memory import MemoryWarehouse
from tests.pipeline.world import GROUP, TOPIC, UPDATE, World


def planned(world: World) -> RunReport:
    job = world.job()
    report = RunReport(TOPIC, "demo.analytics.orders", GROUP)
    report.planned(plan(job.config, job.source, job.target, look(job.config, job.source, job.warehouse, job.target)))
    return report


def test_a_report_is_json() -> None:
    world = World(2)
    world.fill(3, 0)
    document = world.run().to_json()
    assert json.loads(json.dumps(document)) == document
    assert set(document["seconds"]) == {*STATIONS, "total"}
    assert sum(document["rows"].values()) == document["messages"] == 3


def test_a_second_plan_of_a_run_keeps_the_first_start() -> None:
    """Where another writer was faster, the report still tells of the whole run."""
    world = World(1)
    world.fill(3)
    report = planned(world)
    world.run()
    world.fill(2)
    job = world.job()
    report.planned(plan(job.config, job.source, job.target, look(job.config, job.source, job.warehouse, job.target)))
    part = report.to_json()["partitions"]["0"]
    assert (part["start"], part["lag_before"], part["lag_after"]) == (0, 5, 2)


def test_versions_and_deletions_are_counted_by_what_became_of_the_message() -> None:
    world = World(1)
    for version in (1, 3, 2):
        world.send({"id": "a", "n": version, "updated": version}, key="a")
        world.run(**UPDATE)
    world.send(None, key="a")
    world.send(None, key="nobody")
    report = world.run(**UPDATE)
    assert (report.rows["deleted"], report.rows["unchanged"]) == (1, 1)
    world.send({"id": "a", "n": 9, "updated": 9}, key="a")
    world.send({"id": "b", "n": 9, "updated": 9}, key="b")
    rows = world.run(**UPDATE).rows
    assert (rows["inserted"] + rows["updated"], rows["unchanged"]) == (2, 0)


def test_a_message_that_is_not_accounted_for_is_an_error() -> None:
    report = planned(World(1))
    report.messages = 5
    report.rows["inserted"] = 4
    with pytest.raises(AccountingError, match="5 messages were read, and 4 accounted for"):
        report.check()


def test_more_changes_than_messages_are_an_error() -> None:
    """BigQuery counted rows that we did not send."""
    world = World(1)
    world.fill(2)
    merge = MemoryWarehouse.merge

    def more(self: MemoryWarehouse, *arguments: object) -> JobResult:
        return replace(merge(self, *arguments), inserted=3)  # type: ignore[arg-type]

    with mock.patch.object(MemoryWarehouse, "merge", more), pytest.raises(AccountingError):
        world.run()


def test_only_what_kafka_confirmed_is_shown_as_committed() -> None:
    world = World(2)
    world.fill(3, 0)
    report = planned(world)
    report.committed_to({0: Position(3), 1: Position(0)}, confirmed=False)
    assert (report.committed, report.partitions[0]["committed"]) == (False, None)
    report.committed_to({0: Position(3), 9: Position(1)}, confirmed=True)
    assert (report.committed, report.partitions[0]["committed"], report.partitions[1]["committed"]) == (True, 3, None)


def test_a_window_says_nothing_about_commits() -> None:
    world = World(1)
    world.fill(3)
    report = world.run(window={"from": {0: 0}, "to": {0: 2}})
    assert report.to_json()["committed"] is None
    assert [row["kind"] for row in world.history(str(Kind.WINDOW))] == ["window"]


def test_time_is_added_up_also_where_a_station_fails() -> None:
    report = RunReport(TOPIC, "t", GROUP)

    def fails() -> None:
        with report.timed("merge"):
            raise AccountingError("no")

    for _ in range(2):
        before = report.seconds["merge"]
        with pytest.raises(AccountingError):
            fails()
        assert report.seconds["merge"] > before
