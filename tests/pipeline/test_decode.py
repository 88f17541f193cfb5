from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from airflow_kafka_bq.batch import DEAD_LETTER_SCHEMA
from airflow_kafka_bq.exceptions import AccountingError
from airflow_kafka_bq.formats.opened import Bare
from airflow_kafka_bq.formats.parser import Parsed
from airflow_kafka_bq.formats.payload import JSON_PAYLOAD
from airflow_kafka_bq.pipeline import decode as station
from airflow_kafka_bq.pipeline.decode import decode, kafka_timestamps
from airflow_kafka_bq.schema.wire import row_schema
from tests.pipeline.decoding import NOON_MS, Message, decoded, job, offsets, raw, reasons

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
END_MS = int(datetime(2160, 1, 1, tzinfo=UTC).timestamp()) * 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Order(BaseModel):
    order_id: int
    note: str | None = None


def test_each_row_carries_its_coordinates() -> None:
    found = decoded([Message(b'{"a":1}', b"k", headers=[("h", b"\xff"), ("h", None)]), Message(b"2")])
    assert found.rows.to_pylist() == [
        {
            "payload": '{"a":1}',
            "_kafka_topic": "orders",
            "_kafka_partition": 0,
            "_kafka_offset": 100,
            "_kafka_timestamp": NOON,
            "_kafka_key": "k",
            "_kafka_headers": [{"key": "h", "value": b"\xff"}, {"key": "h", "value": None}],
            "_tombstone": False,
        },
        {
            "payload": "2",
            "_kafka_topic": "orders",
            "_kafka_partition": 0,
            "_kafka_offset": 101,
            "_kafka_timestamp": NOON,
            "_kafka_key": None,
            "_kafka_headers": [],
            "_tombstone": False,
        },
    ]
    assert found.origins is not None
    assert found.origins.to_pylist() == [0, 1]


@pytest.mark.parametrize(
    "parameters", [{}, {"model": Order}, {"kafka_columns": "none", "dedup_key": ["payload"], "value_format": "string"}]
)
@pytest.mark.parametrize("messages", [[], [Message(b'{"order_id":1}')], [Message(b"\xff")], [Message(None)]])
def test_the_schema_never_varies(parameters: dict[str, Any], messages: list[Message]) -> None:
    settings = dict(parameters)
    model = settings.pop("model", None)
    target, rules = job(model, {}, **settings)
    found = decode(raw(messages), target, rules)
    assert found.rows.schema.equals(row_schema(target))
    assert found.dead_letters.schema.equals(DEAD_LETTER_SCHEMA)


def test_dead_letters_are_whole_and_in_order() -> None:
    messages = [
        Message(b"nope", b"k", headers=[("h", b"v")]),
        Message(b'{"order_id":1}'),
        Message(b'{"order_id":"x"}', timestamp_ms=None),
    ]
    found = decoded(messages, Order)
    assert offsets(found.rows) == [1]
    assert reasons(found) == [(0, "decode", "invalid_json"), (2, "validate", "int_parsing")]
    first, second = found.dead_letters.to_pylist()
    assert (first["_kafka_key"], first["_kafka_value"]) == (b"k", b"nope")
    assert first["_kafka_headers"] == [{"key": "h", "value": b"v"}]
    assert first["_kafka_timestamp"] == NOON
    assert second["_kafka_timestamp"] == EPOCH
    assert second["error"].startswith("order_id: ")


@pytest.mark.parametrize(
    ("milliseconds", "kept"),
    [
        (None, EPOCH),
        (-1, datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        (0, EPOCH),
        (-315_619_200_000, datetime(1960, 1, 1, tzinfo=UTC)),
        (-315_619_200_001, EPOCH),
        (END_MS - 1, datetime(2159, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        (END_MS, EPOCH),
        (2**63 - 1, EPOCH),
        (-(2**63), EPOCH),
    ],
)
def test_timestamps_outside_1960_to_2159_are_replaced(milliseconds: int | None, kept: datetime) -> None:
    found = decoded([Message(b"1", timestamp_ms=milliseconds), Message(b"2")])
    assert found.rows.column("_kafka_timestamp").to_pylist() == [kept, NOON]
    assert found.timestamps_replaced == (kept == EPOCH and milliseconds != 0)


def test_replaced_timestamps_are_counted_in_dead_letters_too() -> None:
    assert decoded([Message(b"nope", timestamp_ms=None), Message(b"1", timestamp_ms=None)]).timestamps_replaced == 2
    assert kafka_timestamps(pa.chunked_array([], pa.int64()))[1] == 0


@pytest.mark.parametrize(
    ("key_format", "key", "kept"),
    [
        ("string", "é".encode(), "é"),
        ("string", b"", ""),
        ("json", b'{"id": 1}', '{"id": 1}'),
        ("json", b'{"a":1,"a":2}', '{"a":1,"a":2}'),
        ("bytes", b"\xff", b"\xff"),
        ("bytes", None, None),
        ("json", None, None),
    ],
)
def test_keys_are_kept_exactly(key_format: str, key: bytes | None, kept: Any) -> None:
    found = decoded([Message(b"1", key), Message(b"2")], key_format=key_format)
    assert found.rows.column("_kafka_key").to_pylist() == [kept, None]


@pytest.mark.parametrize(
    ("key_format", "key", "reason"),
    [("string", b"\xff", "invalid_utf8"), ("json", b"nope", "invalid_json"), ("json", b"NaN", "nan")],
)
def test_a_key_that_cannot_be_decoded_is_a_dead_letter(key_format: str, key: bytes, reason: str) -> None:
    found = decoded(
        [Message(b"1", b"1"), Message(b"2", key), Message(b"nope", key), Message(b"4", b"2")], key_format=key_format
    )
    assert reasons(found) == [(1, "key", reason), (2, "decode", "invalid_json")]
    assert found.rows.column("payload").to_pylist() == ["1", "4"]
    assert found.rows.column("_kafka_key").to_pylist() == ["1", "2"]


def test_null_in_the_dedup_key_is_a_dead_letter() -> None:
    messages = [
        Message(b'{"order_id":1,"note":"a"}'),
        Message(b'{"order_id":2}'),
        Message(b'{"order_id":3,"note":"b"}'),
    ]
    found = decoded(messages, Order, dedup_key=["order_id", "note"])
    assert offsets(found.rows) == [0, 2]
    assert reasons(found) == [(1, "key", "null_dedup_key")]
    assert found.origins is not None
    assert found.origins.to_pylist() == [0, 2]


def test_unknown_fields_are_counted_or_refused() -> None:
    messages = [Message(b'{"order_id":1,"zz":1}'), Message(b'{"order_id":2}')]
    assert decoded(messages, Order).unknown_fields == 1
    assert reasons(decoded(messages, Order, unknown_fields="dead_letter")) == [(0, "validate", "unknown_field")]


class Losing:
    """Forgets the last message."""

    schema = JSON_PAYLOAD.schema

    def parse(self, values: pa.Array[Any]) -> Parsed:
        return JSON_PAYLOAD.parse(values[:-1])


def test_a_lost_message_is_found_out() -> None:
    target, rules = job(None, {})
    losing = replace(rules, records=replace(rules.records, opener=Bare(Losing())))
    with pytest.raises(AccountingError, match="3 messages became 1 rows, 1 dead letters, 0 ignored"):
        decode(raw([Message(b"1"), Message(b"nope"), Message(b"3")]), target, losing)


VALUES = st.sampled_from(
    [None, b"nope", b'{"order_id":1}', b'{"order_id":2,"note":"n"}', b'{"order_id":"x"}', b"\xff", b""]
)
KEYS = st.sampled_from([None, b"1", b"x", b"\xff", b'{"order_id":5}'])
MESSAGES = st.lists(st.builds(Message, VALUES, KEYS, st.sampled_from([None, NOON_MS, 2**62])), max_size=15)
JOBS: list[dict[str, Any]] = [
    *({"on_tombstone": choice} for choice in ("insert", "ignore", "dead_letter")),
    {"key_format": "bytes"},
    *({"model": Order, "on_tombstone": choice} for choice in ("ignore", "dead_letter")),
    {"model": Order, "dedup_key": ["order_id"], "on_duplicate": "update"},
    {"model": Order, "dedup_key": ["order_id", "note"]},
]


@given(MESSAGES, st.sampled_from(JOBS), st.integers(1, 4))
def test_every_message_is_accounted_for_wherever_it_is_cut(
    messages: list[Message], settings: dict[str, Any], most: int
) -> None:
    parameters = dict(settings)
    model = parameters.pop("model", None)
    whole = decoded(messages, model, **parameters)
    with mock.patch.object(station, "PIECE_MESSAGES", most):
        cut = decoded(messages, model, **parameters)
    assert cut.rows.equals(whole.rows)
    assert cut.dead_letters.equals(whole.dead_letters)
    assert (cut.ignored, cut.unknown_fields) == (whole.ignored, whole.unknown_fields)
    assert offsets(whole.rows) == sorted(offsets(whole.rows))
    assert whole.origins is not None
    assert offsets(whole.rows) == whole.origins.to_pylist()
    places = sorted(offsets(whole.rows) + [place for place, _, _ in reasons(whole)])
    assert len(set(places)) == len(places) == len(messages) - whole.ignored
