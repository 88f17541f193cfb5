"""docs/envelopes.md lists the fields that can be columns, with the types that they have."""

from __future__ import annotations

import re

from airflow_kafka_bq.config.envelopes import DEBEZIUM_FIELDS, DEFAULT_FIELDS, fields
from tests.docs.documents import section
from tests.docs.markdown import ROOT

PAGE = (ROOT / "docs" / "envelopes.md").read_text("utf-8")


def test_the_table_of_fields_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| (STRING|INT64) \| (.+) \|$", section(PAGE, "### Columns"), re.MULTILINE)
    listed = {name: kind for kind, names in rows for name in re.findall(r"`([^`]+)`", names)}
    assert listed == DEBEZIUM_FIELDS


def test_the_order_of_each_source_is_of_columns_that_there_are() -> None:
    known = {one.column for one in fields("debezium", list(DEBEZIUM_FIELDS))}
    versions = re.findall(r"`(__\w+)`", section(PAGE, "### Order"))
    assert len(versions) > 5
    assert set(versions) <= known


def test_the_defaults_are_named() -> None:
    for envelope, heading in (("debezium", "### Columns"), ("cloudevents", "## CloudEvents")):
        (said,) = re.findall(r"Left out: ((?:`[^`]+`(?: and|,)?\s)*`[^`]+`)", section(PAGE, heading))
        assert tuple(re.findall(r"`([^`]+)`", said)) == DEFAULT_FIELDS[envelope]
