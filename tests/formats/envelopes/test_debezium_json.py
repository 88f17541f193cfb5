"""Change events in JSON: rows, deletions, and what is neither."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from airflow_kafka_bq.batch import Decoded
from tests.formats.json_messages import FIELDS, messages, model_of
from tests.pipeline.decoding import Message, decoded, offsets, reasons


class Order(BaseModel):
    order_id: int
    total: float = 0.0
    note: str | None = None


SOURCE = {
    "connector": "postgresql",
    "ts_ms": 1_700_000_000_000,
    "snapshot": "false",
    "lsn": 2**40,
    "txId": 7,
    "xmin": None,
}
UPDATE: dict[str, Any] = {"dedup_key": ["order_id"], "on_duplicate": "update", "key_format": "json"}


def event(operation: Any, after: Any = None, before: Any = None, **more: Any) -> bytes:
    """As Connect's JsonConverter writes it without a schema."""
    found = {"before": before, "after": after, "source": SOURCE, "op": operation, "ts_ms": 5, "transaction": None}
    return json.dumps(found | more).encode()


def wrapped(value: bytes) -> bytes:
    """The same with its schema."""
    schema = {
        "type": "struct",
        "fields": [{"field": "op", "type": "string", "optional": False}],
        "name": "shop.Envelope",
    }
    return json.dumps({"schema": schema, "payload": json.loads(value)}).encode()


def opened(*messages: bytes | Message | None, model: type[BaseModel] | None = Order, **job: Any) -> Decoded:
    found = [one if isinstance(one, Message) else Message(one) for one in messages]
    return decoded(found, model, envelope="debezium", **job)


ROW = {"order_id": 1, "total": 2.5}


@pytest.mark.parametrize("operation", ["c", "u", "r"])
@pytest.mark.parametrize("around", [lambda value: value, wrapped])
def test_the_row_is_what_the_event_says_it_became(operation: str, around: Any) -> None:
    found = opened(around(event(operation, ROW, {"order_id": 1, "total": 1.0})))
    assert found.rows.select(["order_id", "total", "note", "__op", "__source_ts_ms"]).to_pylist() == [
        {"order_id": 1, "total": 2.5, "note": None, "__op": operation, "__source_ts_ms": 1_700_000_000_000}
    ]
    assert found.unknown_fields == 0


def test_any_documented_field_can_be_a_column() -> None:
    fields = ["source.lsn", "source.txId", "source.xmin", "source.gtid", "source.snapshot", "ts_ms", "transaction.id"]
    found = opened(event("c", ROW), envelope_fields=fields)
    shown = [f"__{one.replace('.', '_')}" for one in fields]
    assert list(found.rows.select(shown).to_pylist()[0].values()) == [2**40, 7, None, None, "false", 5, None]
    early = opened(event("r", ROW, source={"snapshot": True}), envelope_fields=["source.snapshot"])
    assert early.rows.column("__source_snapshot").to_pylist() == ["true"]
    assert not [name for name in opened(event("c", ROW), envelope_fields=[]).rows.column_names if name[:2] == "__"]


@pytest.mark.parametrize("source", [{"lsn": "7"}, {"lsn": 2**63}, {"lsn": 1.5}, {"lsn": True}, {"lsn": [1]}])
def test_a_field_of_another_type_is_named(source: dict[str, Any]) -> None:
    found = opened(event("c", ROW, source=source), event("c", ROW), envelope_fields=["source.lsn"])
    assert reasons(found) == [(0, "decode", "invalid_envelope")]
    assert "source.lsn" in found.dead_letters.column("error")[0].as_py()
    assert offsets(found.rows) == [1]


KEYED = [
    Message(event("c", ROW), b'{"order_id": 1}'),
    Message(event("d", None, ROW), b'{"order_id": 1}'),
    Message(None, wrapped(b'{"order_id": 1}')),
    Message(event("u", {"order_id": 2}), b'{"order_id": 2}'),
]


@pytest.mark.parametrize("on_tombstone", ["soft_delete", "delete"])
def test_a_deletion_and_the_tombstone_behind_it_say_the_same(on_tombstone: str) -> None:
    found = opened(*KEYED, **UPDATE, on_tombstone=on_tombstone)
    assert found.dead_letters.num_rows == 0
    assert found.rows.select(["order_id", "_tombstone", "__op"]).to_pylist() == [
        {"order_id": 1, "_tombstone": False, "__op": "c"},
        {"order_id": 1, "_tombstone": True, "__op": "d"},
        {"order_id": 1, "_tombstone": True, "__op": None},
        {"order_id": 2, "_tombstone": False, "__op": "u"},
    ]


def test_a_tombstone_may_be_wrapped_too() -> None:
    nothing = b'{"schema": null, "payload": null}'
    found = opened(Message(nothing, b'{"order_id": 1}'), **UPDATE)
    assert found.rows.column("_tombstone").to_pylist() == [True]


def test_deletions_follow_on_tombstone() -> None:
    assert opened(*KEYED).ignored == 2
    letters = opened(*KEYED, on_tombstone="dead_letter")
    assert reasons(letters) == [(1, "tombstone", "tombstone"), (2, "tombstone", "tombstone")]
    whole = opened(*KEYED, model=None)
    payloads = [None if one is None else json.loads(one) for one in whole.rows.column("payload").to_pylist()]
    assert payloads == [ROW, None, None, {"order_id": 2}]
    assert whole.rows.column("__op").to_pylist() == ["c", "d", None, "u"]


def test_keys_of_several_columns_are_found_by_their_names() -> None:
    class Line(BaseModel):
        shop: str
        line: int

    found = opened(
        Message(event("d"), b'{"shop": "a", "line": 7, "more": 1}'), Message(event("d"), b'{"shop": "a"}'),
        model=Line, **UPDATE | {"dedup_key": ["line", "shop"]},
    )  # fmt: skip
    assert found.rows.select(["shop", "line"]).to_pylist() == [{"shop": "a", "line": 7}]
    assert reasons(found) == [(1, "key", "missing")]
    other = opened(
        Message(event("d"), b'{"s": "a", "l": 7}'), model=Line,
        **UPDATE | {"dedup_key": ["line", "shop"], "tombstone_key": {"line": "l", "shop": "s"}},
    )  # fmt: skip
    assert other.rows.select(["shop", "line"]).to_pylist() == [{"shop": "a", "line": 7}]


def test_a_logical_message_is_for_no_table() -> None:
    found = opened(event("m", message={"prefix": "x", "content": "eA=="}), event("c", ROW))
    assert (found.ignored, found.rows.num_rows, found.dead_letters.num_rows) == (1, 1, 0)


def test_the_document_of_mongodb_is_text() -> None:
    found = opened(event("c", '{"order_id": 1, "total": 0.5}'), b'{"op": "c", "after": "\xff"}', event("u", "nope"))
    assert found.rows.select(["order_id", "total"]).to_pylist() == [{"order_id": 1, "total": 0.5}]
    assert reasons(found) == [(1, "decode", "invalid_utf8"), (2, "decode", "invalid_json")]


BAD: list[tuple[bytes, str]] = [
    (event("t"), "truncate"),
    (event("x", ROW), "unknown_op"),
    (event(None, ROW), "no_envelope"),
    (event(5, ROW), "no_envelope"),
    (b'{"order_id": 1}', "no_envelope"),
    (b"[]", "no_envelope"),
    (b"null", "no_envelope"),
    (b'{"payload": 5}', "no_envelope"),
    (b'{"payload": {"order_id": 1}}', "no_envelope"),
    (event("c", ROW, source=5), "no_envelope"),
    (event("c"), "no_after"),
    (b'{"op": "c"}', "no_after"),
    (b"", "invalid_json"),
    (b"nope", "invalid_json"),
    (event("c", ROW) + b"{}", "invalid_json"),
    (event("c", ROW, extra=float("nan")), "invalid_json"),
    (event("c", ROW)[:-1], "invalid_json"),
    (b'{"op": "\xff"}', "invalid_utf8"),
    (b'{"op": "c", "before": ' + b"[" * 100_000, "too_deep"),
]


@pytest.mark.parametrize(("value", "reason"), BAD, ids=lambda one: str(one)[:40])
def test_what_is_no_event_of_a_row_is_a_dead_letter(value: bytes, reason: str) -> None:
    found = opened(event("r", ROW), value, event("u", ROW))
    assert reasons(found) == [(1, "decode", reason)]
    assert offsets(found.rows) == [0, 2]
    assert found.rows.column("__op").to_pylist() == ["r", "u"]
    assert found.dead_letters.column("_kafka_value")[0].as_py() == value


def test_the_rows_own_faults_are_those_of_any_message() -> None:
    found = opened(event("c", {"order_id": "x"}), event("d"), event("c", ROW), b"[]", event("c", [1]))
    assert reasons(found) == [
        (0, "validate", "int_parsing"),
        (3, "decode", "no_envelope"),
        (4, "validate", "model_type"),
    ]
    assert "order_id" in found.dead_letters.column("error")[0].as_py()
    assert (offsets(found.rows), found.ignored) == ([2], 1)


def test_only_fields_of_the_row_are_unknown() -> None:
    messages = [event("c", ROW | {"zz": 1}), event("c", ROW, before={"zz": 1}, zz=1)]
    assert opened(*messages).unknown_fields == 1
    assert reasons(opened(*messages, unknown_fields="dead_letter")) == [(0, "validate", "unknown_field")]


@st.composite
def batches(draw: Any) -> tuple[type[BaseModel], list[bytes]]:
    fields = tuple(draw(FIELDS))
    rows = draw(st.lists(messages(fields), min_size=1, max_size=6))
    return model_of(fields, "ignore"), [row for row in rows if row.strip()[:1] != b'"']  # text is a document of MongoDB


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(batches())
def test_a_row_is_what_it_would_be_without_the_envelope(drawn: tuple[type[BaseModel], list[bytes]]) -> None:
    model, rows = drawn
    bare = decoded([Message(row) for row in rows], model)
    found = opened(*(b'{"before":null,"op":"c","after":%s}' % row for row in rows), model=model, envelope_fields=[])
    broken = {index for index, stage, _ in reasons(bare) if stage == "decode"}  # then the envelope is no JSON either
    empty = {index for index, row in enumerate(rows) if row.strip() == b"null"}
    assert found.rows.to_pylist() == bare.rows.to_pylist()
    assert {index for index, *_ in reasons(found)} == {index for index, *_ in reasons(bare)}
    own = [one for one in reasons(found) if one[0] not in broken | empty]
    assert own == [one for one in reasons(bare) if one[0] not in broken | empty]
    assert found.unknown_fields == bare.unknown_fields


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**28), max_value=10**28))
def test_numbers_are_cut_out_as_they_are(number: Any) -> None:
    row = f'{{"n": {number:f}}}'
    found = opened(b'{"op": "c", "after": %s}' % row.encode(), model=None)
    assert found.rows.column("payload").to_pylist() == [row]
