"""The columns in docs/tables.md are those that the code creates."""

from __future__ import annotations

import re

import pytest
import sqlglot
from sqlglot import exp

from airflow_kafka_bq.bigquery import ddl
from airflow_kafka_bq.schema.kafka_columns import DELETED_AT, kafka_columns
from tests.bigquery.targets import payload, update
from tests.docs.documents import section
from tests.docs.markdown import ROOT

PAGE = (ROOT / "docs" / "tables.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| ([A-Z0-9]+(?:<.+>)?) \| (.+) \|$", re.MULTILINE)
CREATED = {
    "## Ledger": ddl.create_ledger(payload()),
    "## History": ddl.create_history(payload()),
    "## Dead letters": ddl.create_dead_letters(payload()),
    "## Deletes": ddl.create_deletes(update("sequence", delete=True)),
}


def written(heading: str) -> list[tuple[str, str]]:
    """Columns and types of a section's table."""
    return [(name, kind) for name, kind, _ in ROW.findall(section(PAGE, heading))]


def created(statement: str) -> list[tuple[str, str]]:
    """Columns and types of a CREATE TABLE, also of one with AS SELECT."""
    parsed = sqlglot.parse_one(statement, read="bigquery")
    if parsed.expression is not None:
        return [(one.alias, _kind(one.this)) for one in parsed.expression.selects]
    return [(one.name, _text(one.args["kind"])) for one in parsed.this.expressions]


def _kind(value: exp.Expression) -> str:
    if isinstance(value, exp.Cast):
        return _text(value.to)
    if isinstance(value, exp.CurrentTimestamp):
        return "TIMESTAMP"
    return "STRING" if value.is_string else "INT64"


def _text(kind: exp.Expression) -> str:
    return kind.sql("bigquery").replace("`", "")


@pytest.mark.parametrize("heading", CREATED)
def test_a_companion_has_these_columns(heading: str) -> None:
    assert written(heading) == created(CREATED[heading])


def test_the_target_has_these_columns() -> None:
    ours = (*kafka_columns("string"), DELETED_AT)
    assert written("## Target") == [(one.name, ddl.type_of(one).replace("`", "")) for one in ours]
    assert kafka_columns("bytes")[4].type == "BYTES"


@pytest.mark.parametrize("column", ["_kafka_topic", "_kafka_partition", "_kafka_offset", "_kafka_timestamp"])
def test_the_coordinates_are_required(column: str) -> None:
    assert {one.name: one.mode for one in kafka_columns("string")}[column] == "REQUIRED"


def test_the_companions_are_named_as_the_page_says() -> None:
    target = payload()
    for table in (target.ledger, target.history, target.dead_letters, target.deletes):
        assert f"`{table.dataset}.{table.table}`" in PAGE
