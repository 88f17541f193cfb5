"""CloudEvents of both modes through a real broker into the table."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from airflow_kafka_bq.testing.kafka.producing import NewMessage
from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.producing import Registered
from tests.formats.envelopes.test_cloudevents import STRUCTURED, binary, structured

PipeFactory = Callable[..., Pipe]
MODEL = "from pydantic import BaseModel\nclass Order(BaseModel):\n    order_id: int\n"
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def sent(*messages: Any) -> list[NewMessage]:
    return [NewMessage(one.value, one.key, headers=list(one.headers or ())) for one in messages]


def test_both_modes_are_rows_and_the_identity_of_an_event_is_a_key(pipe: PipeFactory) -> None:
    made = pipe(
        1, envelope="cloudevents", model="orders:Order", dedup_key=["ce_source", "ce_id"], partition_by="ce_time",
        partition_immutable=True, max_bad_ratio=None,
    )  # fmt: skip
    (made.folder / "orders.py").write_text(MODEL)
    at = "2024-01-01T13:00:00+01:00"
    one = binary(b'{"order_id": 1}', id="e-1", time=at)
    made.produce(sent(
        one, one, structured(id="e-2", data={"order_id": 2}, subject="ü", time=at), binary(b"{}", id=None),
        structured(id="e-3"), binary(b"nope", id="e-4"), binary(None, id="e-5"),
    ))  # fmt: skip
    report = made.run()
    told = report["rows"]
    assert (told["inserted"], told["unchanged"], told["dead_lettered"], told["ignored"]) == (2, 1, 3, 1), report
    shown = "order_id, ce_id, ce_source, ce_type, ce_subject, ce_time"
    assert sorted(made.query(f"SELECT {shown} FROM {made.name()}")) == [
        (1, "e-1", "/shop", "order.placed", None, NOON), (2, "e-2", "/shop", "order.placed", "ü", NOON),
    ]  # fmt: skip
    letters = f"SELECT _kafka_offset, stage, reason FROM {made.name('__dead_letters')}"
    assert sorted(made.query(letters)) == [
        (3, "decode", "no_event"), (4, "decode", "no_data"), (5, "decode", "invalid_json"),
    ]  # fmt: skip


def test_the_payload_keeps_events_without_data(pipe: PipeFactory) -> None:
    made = pipe(1, envelope="cloudevents", envelope_fields=["id", "partitionkey"])
    made.produce(sent(structured(data={"a": 1.50}), structured(partitionkey="p"), binary(b'{"b": 2}')))
    assert made.run()["rows"]["inserted"] == 3
    shown = f"SELECT _kafka_offset, TO_JSON_STRING(payload), ce_id, ce_partitionkey FROM {made.name()}"
    assert [(at, text and json.loads(text), *rest) for at, text, *rest in sorted(made.query(shown))] == [
        (0, {"a": 1.5}, "a-1", None), (1, None, "a-1", "p"), (2, {"b": 2}, "a-1", None),
    ]  # fmt: skip


def test_data_may_have_a_registered_schema(pipe: PipeFactory, schema_registry: SchemaRegistryServer) -> None:
    registered = Registered(schema_registry.url)
    settings = {"value_format": "avro", "schema_from": "registry", "schema_registry": {"url": registered.url}}
    made = pipe(1, envelope="cloudevents", **settings)
    registered.topic = made.topic
    schema = '{"type": "record", "name": "Order", "fields": [{"name": "order_id", "type": "long"}]}'
    first, second = registered.avro(schema, [{"order_id": 2**63 - 1}, {"order_id": 2}])
    event = structured(id="e-2", data_base64=base64.b64encode(second).decode())
    made.produce(sent(binary(first, id="e-1"), event))
    report = made.run()
    assert report["rows"]["inserted"] == 2, report
    assert sorted(made.query(f"SELECT ce_id, order_id FROM {made.name()}")) == [("e-1", 2**63 - 1), ("e-2", 2)]


def test_the_header_says_how_an_event_is_written(pipe: PipeFactory) -> None:
    made = pipe(1, envelope="cloudevents", max_bad_ratio=None)
    batch = [("content-type", b"application/cloudevents-batch+json")]
    value = structured(data=1).value
    made.produce([NewMessage(value, None, headers=found) for found in (STRUCTURED, batch)])
    report = made.run()
    assert (report["rows"]["inserted"], report["rows"]["dead_lettered"]) == (1, 1), report
