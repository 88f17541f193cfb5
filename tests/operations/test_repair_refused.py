"""Repairs that are refused, and backups that are none."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.exceptions import ConfigError, CostLimitError, IngestError, NotFoundError
from airflow_kafka_bq.operations.repair import repair, undo
from tests.operations.test_repair import backups, three_days, whole


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
