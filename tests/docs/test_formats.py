"""The tables in docs/formats.md say what the code does: each type has the column that stands beside it."""

from __future__ import annotations

import json
import re

import pytest

from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.json_schema import json_schema
from airflow_kafka_bq.formats.structured.protobuf import protobuf_schema
from tests.docs.documents import section
from tests.docs.markdown import ROOT
from tests.formats.structured import drawn
from tests.formats.structured.test_avro import EXACT
from tests.formats.structured.test_json_schema import text
from tests.formats.structured.test_protobuf import EXACT as PROTOBUF_EXACT
from tests.formats.structured.test_protobuf import kind
from tests.formats.structured.values import column_type, record

PAGE = (ROOT / "docs" / "formats.md").read_text("utf-8")
ROW = re.compile(r"^\| `(.+?)` \| ([A-Z].*?) \| .*\|$", re.MULTILINE)
JSON_SCHEMA = ROW.findall(section(PAGE, "### JSON Schema"))
PROTOBUF = ROW.findall(section(PAGE, "### Protobuf"))
AVRO = ROW.findall(section(PAGE, "### Avro"))


def test_the_table_of_avro_has_rows() -> None:
    assert len(AVRO) > 25


@pytest.mark.parametrize(("written", "column"), AVRO)
def test_an_avro_type_has_the_column_of_the_page(written: str, column: str) -> None:
    assert column_type(avro_schema(record(json.loads(written)))) == column


@pytest.mark.parametrize(("field", "column"), PROTOBUF)
def test_a_protobuf_type_has_the_column_of_the_page(field: str, column: str) -> None:
    assert column_type(protobuf_schema(kind(field))) == column
    assert (field, column) in {(one, column) for one, column, _ in PROTOBUF_EXACT}


@pytest.mark.parametrize(("written", "column"), JSON_SCHEMA)
def test_a_json_schema_has_the_column_of_the_page(written: str, column: str) -> None:
    assert column_type(json_schema(text(json.loads(written)))) == column


def test_every_logical_type_whose_values_are_tested_is_on_the_page() -> None:
    tested = {one["logicalType"] for one, *_ in EXACT if isinstance(one, dict) and "logicalType" in one}
    on_page = {json.loads(one)["logicalType"] for one, _ in AVRO if "logicalType" in one}
    assert tested - {"never-heard-of"} == on_page


def test_values_are_drawn_for_every_row_of_the_tables() -> None:
    for table, listed in ((drawn.AVRO, AVRO), (drawn.PROTOBUF, PROTOBUF), (drawn.JSON_SCHEMA, JSON_SCHEMA)):
        assert set(table) == {written for written, _ in listed}
