"""One group in two places."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_kafka_bq.config import JobConfig, TableId
from airflow_kafka_bq.operations.sharing import User, cluster_of, side_by_side

ONE = User("a.yaml", "file", "a", "project-1.d.t", "kafka:9092", "shared")


def test_jobs_side_by_side() -> None:
    users = [
        ONE,
        replace(ONE, name="b.yaml", topic="b"),
        replace(ONE, name="c.yaml", table="project-1.d.u"),
        replace(ONE, name="w.yaml", live=False),
        replace(ONE, name="other.yaml", cluster="elsewhere:9092"),
        replace(ONE, name="dag.load", kind="task"),
    ]
    found = [(one.severity, one.job, one.what) for one in side_by_side(users)]
    assert found == [
        ("error", "a.yaml, b.yaml", "group shared is used for the topics a and b"),
        ("error", "a.yaml, c.yaml", "group shared is committed to by two live jobs"),
        ("error", "b.yaml, c.yaml", "group shared is used for the topics b and a"),
        ("note", "a.yaml, dag.load", "a is moved into project-1.d.t by a job file and by a task"),
        ("error", "b.yaml, dag.load", "group shared is used for the topics b and a"),
        ("error", "c.yaml, dag.load", "group shared is committed to by two live jobs"),
    ]


def test_two_tasks_of_one_topic_and_table_are_no_note() -> None:
    (found,) = side_by_side([replace(ONE, kind="task"), replace(ONE, kind="task", name="other.load")])
    assert found.severity == "error"


def test_a_job_uses_the_group_that_its_settings_name() -> None:
    config = JobConfig.of(topic="a", table="d.t", window={"from": {0: 0}, "to": {0: 1}})
    found = User.of("w.yaml", "file", config, TableId("p", "d", "t"), "kafka:9092")
    assert (found.group_id, found.table, found.live) == ("kafka-bq.a.p.d.t", "p.d.t", False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"bootstrap.servers": "b:1,a:1"}, {"bootstrap.servers": "A:1, b:1"}),
        ({"metadata.broker.list": "a:1"}, {"bootstrap.servers": "a:1"}),
    ],
)
def test_a_cluster_is_known_by_its_brokers(one: dict[str, str], other: dict[str, str]) -> None:
    assert cluster_of(one) == cluster_of(other) != cluster_of({"bootstrap.servers": "c:1"})


def test_members_of_one_group_share_it_on_purpose() -> None:
    member = replace(ONE, joins=True)
    assert side_by_side([member, replace(member, name="b.yaml")]) == []
    assert len(side_by_side([member, replace(ONE, name="b.yaml")])) == 1
    assert len(side_by_side([member, replace(member, name="b.yaml", table="project-1.d.u")])) == 1
