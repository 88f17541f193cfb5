"""Which permissions a job needs, and which of them its logins lack."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.exceptions import KafkaUnavailableError, WarehouseUnavailableError
from airflow_kafka_bq.operations.access import bigquery_needs, kafka_needs, look_at_access
from airflow_kafka_bq.operations.findings import Visit
from tests.pipeline.world import GROUP, TABLE, TOPIC, UPDATE, World


def look(world: World, **settings: Any) -> Visit:
    found = Visit("orders.yaml", world.job(**settings))
    look_at_access(found)
    return found


def states(found: Visit, service: str) -> dict[str, set[str]]:
    """Each state with what has it."""
    by_state: dict[str, set[str]] = {}
    for one in found.rights:
        if one.service == service:
            by_state.setdefault(one.state, set()).add(f"{one.resource}: {one.right}")
    return by_state


def test_all_is_allowed_where_all_is_told() -> None:
    world = World(1)
    world.fill(1)
    world.run()
    found = look(world)
    assert found.findings == []
    assert set(states(found, "kafka")) == {"allowed"}
    bigquery = states(found, "bigquery")
    assert f"table {TABLE}: bigquery.tables.updateData" in bigquery["allowed"]
    assert f"table {TABLE}__ledger: bigquery.tables.getData" in bigquery["allowed"]
    assert {one.split(": ")[0] for one in bigquery["unchecked"]} == {"dataset demo.analytics", "project demo"}


def test_a_table_that_is_not_there_tells_nothing() -> None:
    assert set(states(look(World(1)), "bigquery")) == {"unchecked"}


@pytest.mark.parametrize(
    ("resource", "right", "severity", "what"),
    [
        (TOPIC, "READ", "error", f"the login lacks READ on topic {TOPIC}"),
        (TOPIC, "DESCRIBE_CONFIGS", "note", f"the login lacks DESCRIBE_CONFIGS on topic {TOPIC}"),
        ("group", "READ", "error", f"the login lacks READ on group {GROUP}"),
    ],
)
def test_what_kafka_refuses_is_named_with_the_rule_that_allows_it(
    resource: str, right: str, severity: str, what: str
) -> None:
    world = World(1)
    world.cluster.forbidden.add((resource, right))
    (finding,) = look(world).findings
    assert (finding.severity, finding.what) == (severity, what)
    option = {"READ": "--operation Read ", "DESCRIBE_CONFIGS": "--operation DescribeConfigs "}[right]
    assert option in finding.remedy
    assert finding.remedy.endswith(f"--{'group' if resource == 'group' else 'topic'} {what.split()[-1]}")


def test_one_finding_names_all_that_one_resource_lacks() -> None:
    world = World(1)
    world.fill(1)
    world.run()
    name = f"{TABLE}__dead_letters"
    world.database.forbidden |= {(name, f"bigquery.tables.{one}") for one in ("getData", "updateData")}
    (finding,) = look(world).findings
    assert finding.what == f"the login lacks bigquery.tables.getData, bigquery.tables.updateData on table {name}"
    assert finding.why == "needed for every run"
    assert "roles/bigquery.dataEditor" in finding.remedy


@pytest.mark.parametrize(
    ("right", "severity"), [("bigquery.tables.update", "warning"), ("bigquery.tables.createSnapshot", "note")]
)
def test_what_only_some_runs_need_is_no_error(right: str, severity: str) -> None:
    world = World(1)
    world.fill(1)
    world.run()
    world.database.forbidden.add((str(TABLE), right))
    assert [one.severity for one in look(world).findings] == [severity]
    if right == "bigquery.tables.update":
        assert look(world, schema_update="none").findings == []


def test_a_topic_for_copies_is_written() -> None:
    world = World(1)
    world.cluster.create_topic("shop.dead", 1)
    world.cluster.forbidden.add(("shop.dead", "WRITE"))
    (finding,) = look(world, dead_letter_topic="shop.dead").findings
    assert (finding.what, finding.why) == (
        "the login lacks WRITE on topic shop.dead", "needed for copies of dead letters"
    )  # fmt: skip


def test_tables_that_a_job_does_not_have_need_no_permission() -> None:
    world = World(1)

    def tables(**settings: Any) -> set[str]:
        needs = bigquery_needs(world.job(**settings))
        return {str(table).removeprefix(str(TABLE)) for table, _ in needs if table is not None}

    assert tables() == {"", "__ledger", "__batches", "__dead_letters"}
    assert tables(fence="none") == {"", "__dead_letters"}
    assert "__deletes" in tables(**UPDATE, on_tombstone="delete")


def test_the_group_needs_no_more_than_reading() -> None:
    needs = kafka_needs(World(1).job())
    assert [one.right for one in needs if one.resource.startswith("group")] == ["DESCRIBE", "READ"]
    assert not any("ALTER" in one.right for one in needs)


def test_what_gives_no_answer_is_said_and_not_taken_for_a_refusal() -> None:
    world = World(1, topic_ids=False)
    found = look(world)
    assert (found.findings, set(states(found, "kafka"))) == ([], {"unchecked"})
    world.cluster.fail_next("permitted", KafkaUnavailableError("no answer"))
    world.database.fail_next("permitted", WarehouseUnavailableError("no answer"))
    found = look(world)
    assert found.findings == []
    assert "permissions in Kafka: KafkaUnavailableError: no answer" in found.unchecked
    assert any(one.startswith("permissions on table") for one in found.unchecked)
