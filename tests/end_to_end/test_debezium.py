"""A table of a database: its change events through a real broker, and what is in BigQuery afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka.serialization import MessageField
from google.protobuf.json_format import ParseDict

from airflow_kafka_bq.formats.structured.protobuf_files import message_class
from airflow_kafka_bq.testing.kafka.producing import NewMessage
from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.producing import Registered
from tests.formats.structured.debezium_events import PROTO, SOURCE, avro_schema_text, event, json_schema_text

PipeFactory = Callable[..., Pipe]
MODEL = (
    "from pydantic import BaseModel\nclass Order(BaseModel):\n"
    "    order_id: int\n    total: float\n    note: str | None = None\n"
)
UPDATE: dict[str, Any] = {
    "envelope": "debezium",
    "envelope_fields": ["op", "source.lsn"],
    "dedup_key": ["order_id"],
    "on_duplicate": "update",
    "version": ["__source_lsn"],
}
SHOWN = "order_id, total, note, __op, __source_lsn, _deleted_at IS NOT NULL"


def change(operation: str, lsn: int, after: Any = None, before: Any = None) -> dict[str, Any]:
    return event(operation, after, before, source=SOURCE | {"lsn": lsn})


def row(number: int, total: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"order_id": number, "total": total, "note": None, **more}


HISTORY: list[tuple[int, dict[str, Any] | None]] = [
    (1, change("r", 10, row(1))),
    (2, change("c", 11, row(2))),
    (3, change("c", 12, row(3))),
    (1, change("u", 13, row(1, 2.0), row(1))),
    (2, change("d", 14, None, row(2))),
    (2, None),  # the tombstone behind a deletion
    (3, change("d", 15, None, row(3))),
    (3, None),
    (3, change("c", 16, row(3, 3.0, note="again"))),
    (1, change("u", 11, row(1, 9.0))),  # older than what is there, although it comes later
]
LEFT = [
    (1, 2.0, None, "u", 13, False),
    (2, 1.0, None, "c", 11, True),
    (3, 3.0, "again", "c", 16, False),
]


def encoded(found: Any, *, with_schema: bool) -> bytes | None:
    if found is None:
        return None
    schema = {"type": "struct", "name": "shop.public.orders.Envelope", "fields": []}
    return json.dumps({"schema": schema, "payload": found} if with_schema else found).encode()


@pytest.mark.parametrize(
    "with_schema", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["bare", "with schema"]
)
def test_a_table_is_what_its_source_became(pipe: PipeFactory, with_schema: bool) -> None:
    made = pipe(1, model="orders:Order", key_format="json", **UPDATE)
    (made.folder / "orders.py").write_text(MODEL)
    keys = [json.dumps({"order_id": number}) for number, _ in HISTORY]
    if with_schema:
        keys = [f'{{"schema": {{"type": "struct"}}, "payload": {key}}}' for key in keys]
    values = [encoded(found, with_schema=with_schema) for _, found in HISTORY]
    made.produce([NewMessage(value, key.encode()) for value, key in zip(values, keys, strict=True)])
    report = made.run()
    assert (report["rows"]["dead_lettered"], report["unknown_fields"]) == (0, 0), report
    assert sorted(made.query(f"SELECT {SHOWN} FROM {made.name()}")) == LEFT
    window = {"from": {0: 0}, "to": {0: len(HISTORY)}}
    made.write(window=window, batch_messages=3)  # all of it again, in other batches
    assert made.run()["outcome"] == "window"
    assert sorted(made.query(f"SELECT {SHOWN} FROM {made.name()}")) == LEFT


def test_deletions_may_remove_rows(pipe: PipeFactory) -> None:
    removed = [(1, 2.0, "u", 13), (3, 3.0, "c", 16)]
    made = pipe(1, model="orders:Order", key_format="json", on_tombstone="delete", **UPDATE)
    (made.folder / "orders.py").write_text(MODEL)
    keys = [json.dumps({"order_id": number}).encode() for number, _ in HISTORY]
    values = [encoded(found, with_schema=False) for _, found in HISTORY]
    made.produce([NewMessage(value, key) for value, key in zip(values, keys, strict=True)])
    report = made.start().finish(300)
    assert report.get("rows", {}).get("dead_lettered") == 0, report
    shown = f"SELECT order_id, total, __op, __source_lsn FROM {made.name()}"
    assert sorted(made.query(shown)) == removed
    made.write(window={"from": {0: 0}, "to": {0: len(HISTORY)}}, batch_messages=6)
    assert made.start().finish(300)["outcome"] == "window"
    assert sorted(made.query(shown)) == removed


@pytest.fixture
def registered(schema_registry: SchemaRegistryServer) -> Registered:
    return Registered(schema_registry.url)


def _avro(registered: Registered, events: list[Any]) -> list[bytes]:
    return registered.avro(avro_schema_text(), events)


def _json_schema(registered: Registered, events: list[Any]) -> list[bytes]:
    return registered.json(json_schema_text(), events)


def _protobuf(registered: Registered, events: list[Any]) -> list[bytes]:
    kind = message_class(PROTO, (), (0,))
    return registered.protobuf(kind, [ParseDict(one, kind()) for one in events])


ENCODERS: dict[str, Callable[[Registered, list[Any]], list[bytes]]] = {
    "avro": _avro,
    "json_schema": _json_schema,
    "protobuf": _protobuf,
}


@pytest.mark.parametrize("form", sorted(ENCODERS))
def test_registered_schemas_of_events_give_the_columns_of_rows(
    pipe: PipeFactory, registered: Registered, form: str
) -> None:
    settings = {"value_format": form, "key_format": "avro", "schema_from": "registry"}
    made = pipe(1, schema_registry={"url": registered.url}, **settings, **UPDATE)
    registered.topic = made.topic
    values = iter(ENCODERS[form](registered, [found for _, found in HISTORY if found is not None]))
    key_schema = '{"type": "record", "name": "Key", "fields": [{"name": "order_id", "type": "long"}]}'
    keys = registered.avro(key_schema, [{"order_id": number} for number, _ in HISTORY], MessageField.KEY)
    made.produce([
        NewMessage(None if found is None else next(values), key) for (_, found), key in zip(HISTORY, keys, strict=True)
    ])  # fmt: skip
    report = made.run()
    assert report["rows"]["dead_lettered"] == 0, report
    assert sorted(made.query(f"SELECT {SHOWN} FROM {made.name()}")) == LEFT


def test_a_row_gets_a_column_while_events_are_read(pipe: PipeFactory, registered: Registered) -> None:
    made = pipe(
        1, value_format="avro", schema_from="registry", schema_registry={"url": registered.url}, envelope="debezium",
        max_bad_ratio=None,
    )  # fmt: skip
    registered.topic = made.topic
    older = registered.avro(avro_schema_text(), [change("c", 1, row(1))])
    channel = {"name": "channel", "type": ["null", "string"], "default": None}
    newer = registered.avro(avro_schema_text(channel), [change("c", 2, row(2, channel="web"))])
    no_events = registered.avro(
        '{"type": "record", "name": "Other", "fields": [{"name": "a", "type": "int"}]}', [{"a": 1}]
    )
    registered.register(avro_schema_text(channel))
    made.write(schema_subject="{topic}-events")
    registered.register(avro_schema_text(channel), subject=f"{made.topic}-events")
    made.produce([*older, *newer, *no_events])
    report = made.run()
    assert (report["rows"]["inserted"], report["rows"]["dead_lettered"]) == (2, 1), report
    assert sorted(made.query(f"SELECT order_id, channel, __op, __source_ts_ms FROM {made.name()}"), key=str) == [
        (1, None, "c", SOURCE["ts_ms"]), (2, "web", "c", SOURCE["ts_ms"]),
    ]  # fmt: skip
    letters = made.query(f"SELECT _kafka_offset, stage, reason FROM {made.name('__dead_letters')}")
    assert letters == [(2, "decode", "no_envelope")]


def test_what_is_no_event_and_a_truncated_table_are_dead_letters(pipe: PipeFactory) -> None:
    made = pipe(1, envelope="debezium", max_bad_ratio=None)
    events = [change("c", 1, row(1)), change("t", 2), {"order_id": 1}, change("m", 3), change("d", 4, None, row(1))]
    made.produce([json.dumps(one).encode() for one in events])
    report = made.run()
    told = report["rows"]
    assert (told["inserted"], told["dead_lettered"], told["ignored"]) == (2, 2, 1), report
    letters = f"SELECT _kafka_offset, stage, reason FROM {made.name('__dead_letters')}"
    assert sorted(made.query(letters)) == [(1, "decode", "truncate"), (2, "decode", "no_envelope")]
    shown = f"SELECT _kafka_offset, JSON_VALUE(payload, '$.order_id'), __op FROM {made.name()}"
    assert sorted(made.query(shown)) == [(0, "1", "c"), (4, None, "d")]


def test_the_commands_show_the_columns_of_the_envelope(pipe: PipeFactory) -> None:
    made = pipe(1, envelope="debezium", envelope_fields=["source.lsn"])
    assert "__source_lsn" in json.dumps(made.json("schema", str(made.path)))
    refused = made.command("run", str(made.path), "--set", "envelope_fields=[source.lns]")
    assert refused.returncode == 2
    assert "source.lsn" in refused.stderr
