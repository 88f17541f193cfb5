"""Arrow schemas of what travels, against the tables of the contract."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import DEAD_LETTER_SCHEMA, HEADERS, RAW_SCHEMA, row_numbers, whole_numbers
from airflow_kafka_bq.bigquery import ddl
from airflow_kafka_bq.config import TableId
from airflow_kafka_bq.schema.target import Target

# {table}__dead_letters of the contract, in its order; the arrow type of what a batch carries, None of what SQL adds.
DEAD_LETTERS: dict[str, tuple[str, str | None]] = {
    "_kafka_topic": ("STRING", None),  # one topic per job
    "_kafka_partition": ("INT64", "int64"),
    "_kafka_offset": ("INT64", "int64"),
    "_kafka_timestamp": ("TIMESTAMP", "timestamp[us, tz=UTC]"),
    "_kafka_key": ("BYTES", "binary"),
    "_kafka_value": ("BYTES", "binary"),
    "_kafka_headers": ("ARRAY<STRUCT<key STRING, value BYTES>>", str(HEADERS)),
    "_kafka_end_offset": ("INT64", "int64"),
    "stage": ("STRING", "string"),
    "reason": ("STRING", "string"),
    "error": ("STRING", "string"),
    "schema_id": ("INT64", "int64"),
    "batch_id": ("STRING", None),
    "failed_at": ("TIMESTAMP", None),
    "redriven_at": ("TIMESTAMP", None),
    "copied_at": ("TIMESTAMP", None),
}
NEVER_NULL = {"_kafka_partition", "_kafka_offset", "_kafka_timestamp", "stage", "reason"}


def test_dead_letters_carry_what_the_table_of_the_contract_keeps() -> None:
    carried = {name: kind for name, (_, kind) in DEAD_LETTERS.items() if kind is not None}
    assert {field.name: str(field.type) for field in DEAD_LETTER_SCHEMA} == carried
    assert DEAD_LETTER_SCHEMA.names == list(carried)


def test_coordinates_stage_and_reason_of_a_dead_letter_are_never_null() -> None:
    assert {field.name for field in DEAD_LETTER_SCHEMA if not field.nullable} == NEVER_NULL


def test_the_dead_letter_table_is_created_as_the_contract_says() -> None:
    created = ddl.create_dead_letters(Target(table=TableId("demo", "analytics", "orders"), columns=(), key=()))
    written = " ".join(created.split("(\n", 1)[1].split("\n)", 1)[0].split())
    assert written == ", ".join(f"{name} {kind}" for name, (kind, _) in DEAD_LETTERS.items())


def test_messages_as_read() -> None:
    assert {field.name: (str(field.type), field.nullable) for field in RAW_SCHEMA} == {
        "partition": ("int64", False),
        "offset": ("int64", False),
        "timestamp_ms": ("int64", True),
        "key": ("binary", True),
        "value": ("binary", True),
        "headers": (str(HEADERS), True),
    }


def test_headers_keep_order_doubled_keys_and_null_values() -> None:
    headers = [{"key": "b", "value": b"1"}, {"key": "a", "value": None}, {"key": "b", "value": b"\xff"}]
    rows = [{"partition": 0, "offset": 0, "timestamp_ms": None, "key": None, "value": None, "headers": headers}]
    assert pa.Table.from_pylist(rows, RAW_SCHEMA).to_pylist() == rows


def test_a_value_of_any_bytes_travels_whole() -> None:
    row = {
        "_kafka_partition": 0,
        "_kafka_offset": 2**63 - 1,
        "_kafka_timestamp": datetime(1970, 1, 1, tzinfo=UTC),
        "_kafka_value": bytes(range(256)),
        "stage": "decode",
        "reason": "json",
    }
    found = pa.Table.from_pylist([row], DEAD_LETTER_SCHEMA).to_pylist()[0]
    assert {name: value for name, value in found.items() if value is not None} == row


@pytest.mark.parametrize("schema", [RAW_SCHEMA, DEAD_LETTER_SCHEMA])
def test_no_field_has_metadata_that_would_change_a_batchs_identity(schema: pa.Schema) -> None:
    assert schema.metadata is None
    assert [field.name for field in schema if field.metadata] == []


@pytest.mark.parametrize("count", [0, 1, 2, 1000, 1 << 14, (1 << 14) + 1])
@pytest.mark.parametrize("first", [0, 1, 20_000])
def test_row_numbers_count_from_the_first(count: int, first: int) -> None:
    for _ in range(2):
        numbers = row_numbers(count, first)
        assert numbers.type == pa.int64()
        assert numbers.to_pylist() == list(range(first, first + count))


def test_whole_numbers_of_a_slice() -> None:
    array = pa.array([5, -(2**63), 2**63 - 1, 0, 7], pa.int64())
    assert whole_numbers(array) == array.to_pylist()
    assert whole_numbers(array.slice(1, 3)) == array.slice(1, 3).to_pylist()
    assert whole_numbers(array.slice(2, 0)) == whole_numbers(pa.array([], pa.int64())) == []
