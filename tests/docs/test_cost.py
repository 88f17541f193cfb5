"""docs/cost.md says which bounds a MERGE has, what it reads, and where the gate is."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from airflow_kafka_bq.bigquery import sql
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.schema.build import build_target
from airflow_kafka_bq.schema.target import Target
from tests.bigquery.targets import TABLE, TOPIC, spec, staged
from tests.docs.documents import section
from tests.docs.markdown import ROOT

PAGE = (ROOT / "docs" / "cost.md").read_text("utf-8")
ROWS = re.findall(r"^\| (none|`\{.+\}`) \| (.+) \| (.+) \|$", section(PAGE, "## What the MERGE reads"), re.MULTILINE)


class Order(BaseModel):
    order_id: str
    created_on: date
    updated_at: datetime
    total: Decimal | None = None


def target(settings: str, **more: Any) -> Target:
    """The target of a job with a row's settings."""
    found = {} if settings == "none" else yaml.safe_load(settings.strip("`"))
    if found.get("model") == "Order":
        found["model"] = Order
    config = JobConfig.of(topic=TOPIC, table=str(TABLE), **found, **more)
    return build_target(config, TABLE, config.model)


def merge(made: Target) -> str:
    """The MERGE of a batch of two days."""
    fields = {"updated_at": datetime(2026, 1, 31, tzinfo=UTC)}
    some = [{"order_id": "a", "created_on": date(2026, 1, 30)}, {"order_id": "b", "created_on": date(2026, 1, 31)}]
    rows = [one | fields for one in some] if made.column("order_id") else [{"payload": "1"}, {"payload": "2"}]
    return sql.merge_rows(spec(made, staged(made, *rows)))


def bounded(statement: str) -> set[str]:
    """Columns of the target that the ON clause compares with literals."""
    on = statement.partition("\nON ")[2].partition("\nWHEN ")[0]
    return set(re.findall(r"T\.`(\w+)` (?:>=|<|BETWEEN|IN \()(?! S\.)", on))


def test_the_table_was_found() -> None:
    assert len(ROWS) == 6


@pytest.mark.parametrize(("settings", "bounds", "reads"), ROWS)
def test_a_merge_has_these_bounds(settings: str, bounds: str, reads: str) -> None:
    made = target(settings)
    assert bounded(merge(made)) == set(re.findall(r"`(\w+)`", bounds))
    assert made.partitioning is not None
    assert (made.partitioning.column in bounded(merge(made))) == ("in the days of the batch" in reads)


@pytest.mark.parametrize("settings", [row[0] for row in ROWS])
def test_keep_only_inserts(settings: str) -> None:
    assert "THEN UPDATE" not in merge(target(settings))
    if settings != "none":
        assert "THEN UPDATE" in merge(target(settings, on_duplicate="update", on_tombstone="ignore"))


def test_tombstones_look_in_all_partitions() -> None:
    made = target(ROWS[4][0], on_duplicate="update", tombstone_key={"order_id": "id", "created_on": "day"},
                  key_format="json")  # fmt: skip
    gone = {"order_id": "a", "created_on": date(2026, 1, 30), "_tombstone": True}
    statement = sql.merge_tombstones(spec(made, staged(made, gone)))
    assert bounded(statement) == {"order_id"}


def test_the_gate_is_where_the_page_says() -> None:
    limit = JobConfig.model_fields["max_bytes_billed"].default
    assert f"`max_bytes_billed` ({limit.human_readable(separator=' ').replace('.0', '')})" in PAGE
