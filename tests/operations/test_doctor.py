"""What the doctor finds, one cause after the other, and what it says that it cannot see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import AccessDeniedError
from airflow_kafka_bq.operations.doctor import Visit, examine, report, side_by_side
from tests.pipeline.world import KEEP, TABLE, UPDATE, World

HOUR = timedelta(hours=1)


def visit(world: World, every: timedelta | None = HOUR, **settings: Any) -> Visit:
    """One look."""
    return examine("orders.yaml", world.job(**settings), every)


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
    assert any("READ on the group" in one for one in found.unchecked)
    assert (world.rows(), world.database.table_names()) == before


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"isolation_level": "read_uncommitted"}, "isolation_level is read_uncommitted"),
        ({"fence": "none"}, "fence is none"),
        ({"on_gap": "record"}, "on_gap is record"),
        ({"max_bytes_billed": None}, "max_bytes_billed has no limit"),
        ({"max_bad_ratio": None}, "bad messages have no limit"),
        ({"stall_timeout_seconds": 5}, "stall_timeout_seconds is 5"),
        ({"staging_expiration_hours": 2}, "staging_expiration_hours is 2"),
    ],
)
def test_settings_that_weaken_the_promise(settings: dict[str, Any], what: str) -> None:
    assert told(visit(World(1), **settings)) == [("warning", what)]


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


def test_retention_against_the_schedule() -> None:
    world = World(1)
    assert told(visit(world, timedelta(days=2))) == []
    (finding,) = visit(world, timedelta(days=3)).findings
    assert (finding.severity, finding.why) == ("warning", "two runs that fail in a row lose messages")
    assert any("--every" in one for one in visit(world, None).unchecked)


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


def test_leftovers_and_many_batches(monkeypatch: pytest.MonkeyPatch) -> None:
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
    world.fill(1)
    world.run()
    monkeypatch.setattr("airflow_kafka_bq.operations.doctor._MANY_BATCHES_A_DAY", 0)
    assert any("batches were applied" in what for _, what in told(visit(world)))


def test_what_is_refused_is_said_and_the_rest_is_looked_at() -> None:
    world = World(1)
    world.cluster.fail_next("retention_ms", AccessDeniedError("DESCRIBE_CONFIGS is missing"))
    found = visit(world, isolation_level="read_uncommitted")
    assert told(found) == [("warning", "isolation_level is read_uncommitted")]
    assert "retention: AccessDeniedError: DESCRIBE_CONFIGS is missing" in found.unchecked


def test_jobs_side_by_side() -> None:
    def job(topic: str, table: str, **settings: Any) -> JobConfig:
        return JobConfig.of(topic=topic, table=table, **settings)

    jobs = [
        ("a.yaml", job("a", "project-1.d.t"), "kafka:9092\nshared"),
        ("b.yaml", job("b", "project-1.d.t"), "kafka:9092\nshared"),
        ("c.yaml", job("a", "project-1.d.u"), "kafka:9092\nshared"),
        ("w.yaml", job("a", "project-1.d.t", window={"from": {0: 0}, "to": {0: 1}}), "kafka:9092\nshared"),
        ("other.yaml", job("a", "project-1.d.t"), "elsewhere:9092\nshared"),
    ]
    found = [(one.job, one.what) for one in side_by_side(jobs)]
    assert found == [
        ("a.yaml, b.yaml", "group shared is used for the topics a and b"),
        ("a.yaml, c.yaml", "group shared is committed to by two live jobs"),
        ("b.yaml, c.yaml", "group shared is used for the topics b and a"),
    ]


def test_the_worst_comes_first_and_notes_are_no_illness() -> None:
    found = Visit("x", World(1).job())
    found.say("note", "n", "", "")
    assert report([found], [])["healthy"]
    found.say("error", "e", "", "")
    document = report([found, found], side_by_side([]))
    assert [one["what"] for one in document["findings"]] == ["e", "e", "n", "n"]
    assert not document["healthy"]
    assert TABLE.table == "orders"
