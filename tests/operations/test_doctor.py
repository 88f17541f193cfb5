"""What the doctor finds of one job, one cause after the other, and what it says that it cannot see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_kafka_bq.batch import GroupMember
from airflow_kafka_bq.exceptions import AccessDeniedError
from airflow_kafka_bq.operations.doctor import examine
from airflow_kafka_bq.operations.findings import Visit, report
from tests.pipeline.world import GROUP, KEEP, TOPIC, UPDATE, World

HOUR = timedelta(hours=1)


def visit(world: World, every: timedelta | None = HOUR, kafka: Any = None, **settings: Any) -> Visit:
    """One look."""
    return examine("orders.yaml", world.job(**settings), every, kafka)


def told(found: Visit) -> list[tuple[str, str]]:
    """Severity and text."""
    return [(one.severity, one.what) for one in found.findings]


@pytest.mark.parametrize("fresh", [True, False])
def test_a_healthy_job(fresh: bool) -> None:
    world = World(2)
    world.fill(3)
    if not fresh:
        world.run()
    before = (world.rows(), world.database.table_names())
    found = visit(world)
    assert told(found) == []
    assert report([found], [])["healthy"]
    assert (world.rows(), world.database.table_names()) == before


def test_settings_of_job_and_client_are_looked_at() -> None:
    found = visit(World(1), kafka={"check.crcs": "false"}, isolation_level="read_uncommitted")
    assert told(found) == [("warning", "isolation_level is read_uncommitted"), ("warning", "check.crcs is false")]


def test_permissions_are_looked_at() -> None:
    world = World(1)
    world.cluster.forbidden.add(("group", "READ"))
    ((severity, what),) = told(visit(world))
    assert (severity, what.startswith("the login lacks READ on group ")) == ("error", True)


def test_strangers_in_the_group() -> None:
    world = World(1)
    world.cluster.create_topic("other", 1)
    world.commit({0: 0}, topic="other")
    world.join()
    found = told(visit(world))
    assert ("error", "stranger at /10.0.0.1 is a member of the group") in found
    assert ("error", "the group has positions for topic other") in found
    assert found[0][1].startswith("GroupInUseError: "), "as the next run would say it"


def test_a_group_behind_and_ahead_of_the_ledger() -> None:
    world = World(1)
    world.fill(4)
    world.run()
    world.commit({0: 2})
    assert told(visit(world)) == [("note", "the group is behind the ledger in partitions [0]")]
    world.fill(4)
    world.commit({0: 7})
    ((severity, what),) = told(visit(world))
    assert severity == "error"
    assert what.startswith("PositionConflictError: ")


@pytest.mark.parametrize(
    ("settings", "prunes"),
    [
        (KEEP, False),
        (UPDATE, False),
        ({**KEEP, "dedup_window": "7d"}, True),
        ({**KEEP, "partition_immutable": True}, True),
        ({}, True),
    ],
)
def test_tables_that_a_merge_cannot_prune(settings: dict[str, Any], prunes: bool) -> None:
    world = World(1)
    world.fill(1)
    world.run(**settings)
    assert any("prunes the partitions" in what for _, what in told(visit(world, **settings))) != prunes


def test_leftovers() -> None:
    world = World(1)
    world.fill(2)
    world.run()
    target = world.target(world.config())
    world.database.create_table(target.staging("forgotten"), ())
    ((severity, what),) = told(visit(world))
    assert (severity, what.startswith("1 staging tables never expire")) == ("warning", True)
    world.database.drop_table(target.staging("forgotten"))
    world.database.create_staging(target.staging("old"), world.clock() + timedelta(days=3))
    world.clock.advance(86_400 + 1)
    assert ("note", True) in [(severity, "older than a day" in what) for severity, what in told(visit(world))]


def test_what_is_refused_is_said_and_the_rest_is_looked_at() -> None:
    world = World(1)
    world.cluster.fail_next("retention_ms", AccessDeniedError("DESCRIBE_CONFIGS is missing"))
    found = visit(world, isolation_level="read_uncommitted")
    assert told(found) == [("warning", "isolation_level is read_uncommitted")]
    assert "retention: AccessDeniedError: DESCRIBE_CONFIGS is missing" in found.unchecked


def test_members_are_named_and_are_an_error_where_the_job_does_not_join_or_they_read_another_topic() -> None:
    world = World(1)
    world.cluster.create_topic("other")
    world.cluster.members.join(GROUP, "worker", TOPIC)
    said = "worker at /127.0.0.1 is a member of the group"
    assert ("note", said) in told(visit(world, assignment="subscribe"))
    assert ("error", said) in told(visit(world))
    world.cluster.groups.join(GROUP, GroupMember("m", "stranger", "/10.0.0.1", ("other",)))
    found = told(visit(world, assignment="subscribe"))
    assert ("error", "stranger at /10.0.0.1 is a member of the group and reads other") in found
