"""``transform`` on one record, in the decode station: rows, dead letters, and what is ignored."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute
import pytest
from pydantic import BaseModel

from airflow_kafka_bq import per_record
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.fingerprint import fingerprint
from tests.pipeline.decoding import Message, decoded, job, offsets, reasons
from tests.pipeline.world import World

pc: Any = pyarrow.compute


class Order(BaseModel):
    order_id: int
    note: str | None = None


MESSAGES = [Message(b'{"order_id":%d,"note":"n%d"}' % (number, number), b"%d" % number) for number in range(5)]
UPDATE: dict[str, Any] = {"dedup_key": ["order_id"], "on_duplicate": "update"}


@per_record
def shout(record: dict[str, Any]) -> dict[str, Any] | None:
    if record["order_id"] == 2:
        raise LookupError(f"nobody knows {record['note']}")
    return None if record["order_id"] == 3 else {**record, "note": record["note"].upper()}


def test_each_message_has_its_fate() -> None:
    found = decoded(MESSAGES, Order, transform=shout)
    assert found.rows.column("note").to_pylist() == ["N0", "N1", "N4"]
    assert offsets(found.rows) == [0, 1, 4]
    assert found.ignored == 1
    assert reasons(found) == [(2, "transform", "transform_failed")]
    (letter,) = found.dead_letters.to_pylist()
    assert letter["error"] == f"transform {__name__}:shout raised LookupError: nobody knows n2"
    assert (letter["_kafka_value"], letter["_kafka_key"]) == (MESSAGES[2].value, b"2")
    assert found.origins is not None
    assert found.origins.to_pylist() == [0, 1, 4]


def test_more_than_a_hundred_failures_are_no_reason_to_fail_the_batch() -> None:
    def fail(record: dict[str, Any]) -> dict[str, Any]:
        return {**record, "note": {}[record["order_id"]]}

    messages = [Message(b'{"order_id":%d}' % number) for number in range(300)]
    found = decoded(messages, Order, transform=per_record(fail))
    assert (found.rows.num_rows, found.dead_letters.num_rows) == (0, 300)


def test_null_in_a_required_column_is_that_messages_fault() -> None:
    def blank(record: dict[str, Any]) -> dict[str, Any]:
        return {**record, "order_id": None if record["order_id"] == 1 else record["order_id"]}

    found = decoded(MESSAGES, Order, transform=per_record(blank))
    assert reasons(found) == [(1, "transform", "null_in_required")]
    assert (offsets(found.rows), found.ignored) == ([0, 2, 3, 4], 0)


def test_beside_a_filter_and_deletions() -> None:
    messages = [*MESSAGES, Message(None, b"1"), Message(b"{", b"9")]
    found = decoded(
        messages, Order, transform=shout, filter=lambda rows: pc.not_equal(rows.column("order_id"), 4), **UPDATE
    )
    assert offsets(found.rows) == [0, 1, 5]
    assert found.ignored == 2
    assert [where for where, _, _ in reasons(found)] == [2, 6]


def test_what_is_wrong_with_a_function_is_said_before_the_first_message() -> None:
    def unmarked(record: dict[str, Any]) -> dict[str, Any]:
        return record

    with pytest.raises(ConfigError, match="takes a mapping"):
        job(Order, {"transform": unmarked})
    with pytest.raises(ConfigError, match="marked @per_record: it is called with a batch"):
        job(Order, {"filter": shout})


def test_a_function_that_is_marked_is_another_one() -> None:
    def plain(rows: Any) -> Any:
        return rows

    world = World(1)
    config = world.config(model=Order)
    before = fingerprint(config, world.target(config), Order, (plain, None))
    assert fingerprint(config, world.target(config), Order, (per_record(plain), None)) != before


def test_one_record_and_a_table_give_the_same() -> None:
    def table(rows: pa.Table) -> pa.Table:
        at = rows.schema.get_field_index("note")
        return rows.set_column(at, "note", pc.utf8_upper(rows.column("note")))

    @per_record
    def record(one: dict[str, Any]) -> dict[str, Any]:
        return {**one, "note": one["note"].upper()}

    assert decoded(MESSAGES, Order, transform=table).rows.equals(decoded(MESSAGES, Order, transform=record).rows)
