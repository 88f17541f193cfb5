"""Messages for the columns of a table: in bulk and one by one they become the same rows and the same dead letters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

import pyarrow as pa
from hypothesis import given, note
from hypothesis import strategies as st

from airflow_kafka_bq.formats import bulk_search, json_columnar
from airflow_kafka_bq.formats.columnar_plan import plan
from airflow_kafka_bq.formats.json_columnar import JsonColumnar
from airflow_kafka_bq.formats.json_rows import JsonRows
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.table_columns import table_columns, table_model
from airflow_kafka_bq.schema.target import TableFacts
from tests.formats.json_messages import messages
from tests.formats.test_json_columnar import assert_same, looked_at

LEAF = (Column("x", "INT64", "REQUIRED"), Column("y", "STRING"))
TYPES: dict[str, Column] = {
    "int": Column("", "INT64"),
    "float": Column("", "FLOAT64"),
    "bool": Column("", "BOOL"),
    "str": Column("", "STRING"),
    "short": Column("", "STRING", max_length=3),
    "datetime": Column("", "TIMESTAMP"),
    "naive": Column("", "DATETIME"),
    "date": Column("", "DATE"),
    "time": Column("", "TIME"),
    "money": Column("", "NUMERIC", precision=12, scale=2),
    "numeric": Column("", "NUMERIC"),
    "decimal": Column("", "BIGNUMERIC"),
    "ints": Column("", "INT64", "REPEATED"),
    "texts": Column("", "STRING", "REPEATED"),
    "leaf": Column("", "STRUCT", fields=LEAF),
    "leaves": Column("", "STRUCT", "REPEATED", LEAF),
}
FIELDS = st.lists(
    st.tuples(st.sampled_from(sorted(TYPES)), st.sampled_from(["required", "optional"])), min_size=1, max_size=4
)


def column(number: int, kind: str, option: str) -> Column:
    found = TYPES[kind]
    mode = "REQUIRED" if option == "required" and found.mode != "REPEATED" else found.mode
    name = f"{'F' if number % 2 else 'f'}{number}"
    return replace(found, name=name, mode=mode)


@st.composite
def batches(draw: Any) -> tuple[tuple[Column, ...], list[bytes]]:
    fields = tuple(draw(FIELDS))
    columns = tuple(column(number, *field) for number, field in enumerate(fields))
    return columns, draw(st.lists(messages(fields), min_size=1, max_size=12))


@looked_at(400)
@given(batches(), st.booleans(), st.sampled_from([1, 64]))
def test_bulk_and_row_by_row_agree(batch: tuple[tuple[Column, ...], list[bytes]], refuse: bool, few: int) -> None:
    there, values = batch
    note(str(there))
    columns = table_columns(TableFacts(there, "", 0), "shop.orders")
    model = table_model(columns)
    rows, bulk = JsonRows(model, columns, refuse_unknown=refuse), plan(model, columns)
    assert bulk is not None
    array: pa.Array[Any] = pa.array(values, pa.binary())
    with mock.patch.object(bulk_search, "_FEW", few), mock.patch.object(json_columnar, "SAMPLE", 4):
        assert_same(JsonColumnar(rows, bulk).parse(array), rows.parse(array))
