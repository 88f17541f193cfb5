"""Repairs that are refused, and backups that are none."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import ConfigError, CostLimitError, IngestError, NotFoundError
from airflow_kafka_bq.operations.repair import rehearse, repair, undo
from airflow_kafka_bq.pipeline.job import Job
from tests.operations.doubling import copy
from tests.operations.test_repair import backups, three_days, whole
from tests.pipeline.world import KEEP, World


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"fence": "none"}, ConfigError, "fence='none'"),
        ({"max_bytes_billed": 300}, CostLimitError, "max_bytes_billed"),
    ],
)
def test_what_is_refused_changes_nothing(settings: dict[str, Any], error: type[IngestError], said: str) -> None:
    world = three_days()
    before = whole(world)
    with pytest.raises(error, match=said):
        repair(world.job(**settings))
    assert (whole(world), backups(world)) == (before, [])


@pytest.mark.parametrize("how", [rehearse, repair, partial(undo, name="orders__repair_20260101t000000_0123abcd")])
def test_a_table_by_ingestion_time_is_refused_as_its_rows_would_move(how: Callable[[Job], Any]) -> None:
    """A row that stays is written again, and BigQuery would put it into the partition of now."""
    by_hour = {**KEEP, "partition_by": "_PARTITIONTIME:hour"}
    world = World(1)
    for number in range(3):
        world.send({"id": f"{number}", "n": number})
    world.run(**by_hour)
    copy(world, 1)
    before = whole(world)
    with pytest.raises(ConfigError, match="partitioned by the time of writing"):
        how(world.job(**by_hour))
    assert (whole(world), backups(world)) == (before, [])


def test_the_gate_is_that_of_each_part_and_not_of_their_sum() -> None:
    """A year that costs too much as one statement is repaired day by day; one day above the limit refuses them all."""
    world = three_days()
    parts = [one["bytes"] for one in rehearse(world.job())["parts"]]
    assert len(parts) == 2
    before = whole(world)
    with pytest.raises(CostLimitError, match=f"would process {max(parts)} bytes"):
        repair(world.job(max_bytes_billed=max(parts) - 1))
    assert (whole(world), backups(world)) == (before, [])
    done = repair(world.job(max_bytes_billed=max(parts)))
    assert (done["estimated_bytes"] > max(parts), done["removed"]) == (True, 6)


def test_names_of_other_tables_are_no_backups() -> None:
    world = three_days()
    for name in ("orders", "orders__ledger", "other.analytics.orders__repair_1", "demo.analytics.others__repair_1"):
        with pytest.raises(ConfigError, match="no backup of table"):
            undo(world.job(), name)
    with pytest.raises(NotFoundError, match="has expired"):
        undo(world.job(), "orders__repair_20200101t000000_00000000")


def test_a_backup_is_kept_as_long_as_was_said() -> None:
    world = three_days()
    name = str(repair(world.job(), backup_days=2)["backup"])
    world.clock.advance(86_400 * 2 + 1)
    with pytest.raises(NotFoundError):
        undo(world.job(), name)
