"""The tables in docs/formats.md say what the code does: each type has the column that stands beside it."""

from __future__ import annotations

import json
import re

import pytest

from airflow_kafka_bq.formats.structured.avro import avro_schema
from tests.docs.documents import section
from tests.docs.markdown import ROOT
from tests.formats.structured.test_avro import EXACT
from tests.formats.structured.values import column_type, record

PAGE = (ROOT / "docs" / "formats.md").read_text("utf-8")
ROW = re.compile(r"^\| `(.+?)` \| ([A-Z].*?) \| .*\|$", re.MULTILINE)
AVRO = ROW.findall(section(PAGE, "### Avro"))


def test_the_table_of_avro_has_rows() -> None:
    assert len(AVRO) > 25


@pytest.mark.parametrize(("kind", "column"), AVRO)
def test_an_avro_type_has_the_column_of_the_page(kind: str, column: str) -> None:
    assert column_type(avro_schema(record(json.loads(kind)))) == column


def test_every_logical_type_whose_values_are_tested_is_on_the_page() -> None:
    tested = {kind["logicalType"] for kind, *_ in EXACT if isinstance(kind, dict) and "logicalType" in kind}
    written = {json.loads(kind)["logicalType"] for kind, _ in AVRO if "logicalType" in kind}
    assert tested - {"never-heard-of"} == written
