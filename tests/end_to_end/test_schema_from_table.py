"""A table of somebody else's, whose columns say what messages must be."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.end_to_end.pipe import Pipe
from tests.end_to_end.promise import kept
from tests.formats.structured.values import avro_bytes

PipeFactory = Callable[..., Pipe]
COLUMNS = (
    "id STRING NOT NULL, amount NUMERIC(10, 2), code STRING(3), tags ARRAY<STRING>, "
    "place STRUCT<city STRING, zip INT64>, at TIMESTAMP, raw BYTES, note JSON"
)
WHOLE = {
    "id": "a", "amount": 9.95, "code": "ab", "tags": ["x"], "place": {"city": "Ulm", "zip": 89073},
    "at": "2026-01-31T06:00:00Z", "raw": "/wA=", "note": {"k": [1]},
}  # fmt: skip
SHOWN = (
    "id, amount, code, ARRAY_TO_STRING(tags, ','), place.city, place.zip, UNIX_MICROS(at), raw, TO_JSON_STRING(note)"
)
KEPT = ("a", Decimal("9.95"), "ab", "x", "Ulm", 89073, 1_769_839_200_000_000, b"\xff\x00", '{"k":[1]}')


def made_by_others(made: Pipe) -> None:
    made.query(f"CREATE TABLE {made.name()} ({COLUMNS})")


def test_values_that_fit_are_rows_and_the_others_dead_letters(pipe: PipeFactory) -> None:
    made = pipe(1, schema_from="table", max_bad_ratio=None)
    made_by_others(made)
    bad = [{"amount": 1}, {"id": "b", "amount": 1.234}, {"id": "c", "code": "long"}, {"id": "d", "place": {"zip": "x"}}]
    sent = made.produce([WHOLE, *bad, {"id": "e", "more": 1, "place": {"street": "x"}}])
    report = made.run()
    assert (report["rows"]["inserted"], report["rows"]["dead_lettered"], report["unknown_fields"]) == (2, 4, 1), report
    assert made.query(f"SELECT {SHOWN} FROM {made.name()} WHERE id = 'a'") == [KEPT]
    kept(made, sent, sent[1:5])
    letters = made.query(f"SELECT reason FROM {made.name('__dead_letters')} ORDER BY _kafka_offset")
    assert [reason for (reason,) in letters] == ["missing", "decimal_max_places", "string_too_long", "int_parsing"]


def test_a_table_that_stays_as_it_is(pipe: PipeFactory) -> None:
    """Without columns of ours, by a key of its own; a column that was added since the last run is filled."""
    made = pipe(1, schema_from="table", kafka_columns="none", dedup_key=["id"], start="earliest", schema_update="none")
    made_by_others(made)
    made.produce([WHOLE, {"id": "b", "more": 5}])
    assert made.run()["rows"]["inserted"] == 2
    made.query(f"ALTER TABLE {made.name()} ADD COLUMN more INT64")
    made.produce([{"id": "c", "more": 6}, WHOLE])
    assert made.run()["rows"] | {"ignored": 0} == {
        "inserted": 1, "updated": 0, "deleted": 0, "unchanged": 1, "dead_lettered": 0, "ignored": 0,
    }  # fmt: skip
    assert made.query(f"SELECT id, more FROM {made.name()} ORDER BY id") == [("a", None), ("b", None), ("c", 6)]


def test_avro_fills_the_columns_of_a_table(pipe: PipeFactory) -> None:
    made = pipe(1, schema_from="table", value_format="avro", value_schema="order.avsc")
    made_by_others(made)
    fields = [
        {"name": "id", "type": "string"},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "raw", "type": "bytes"},
        {"name": "note", "type": {"type": "map", "values": "int"}},
    ]
    schema = json.dumps({"type": "record", "name": "Order", "fields": fields})
    (made.folder / "order.avsc").write_text(schema)
    message = {"id": "a", "amount": Decimal("9.95"), "raw": b"\xff\x00", "note": {"k": 1}}
    made.produce([avro_bytes(schema, message)])
    assert made.run()["rows"]["inserted"] == 1
    assert made.query(f"SELECT id, amount, raw, TO_JSON_STRING(note) FROM {made.name()}") == [
        ("a", Decimal("9.95"), b"\xff\x00", '{"k":1}')
    ]


@pytest.mark.parametrize("command", [("run",), ("plan",), ("schema", "--diff")])
def test_a_table_that_is_not_there_is_named(pipe: PipeFactory, command: tuple[str, ...]) -> None:
    made = pipe(1, schema_from="table")
    failure = made.json(command[0], str(made.path), *command[1:])
    assert failure["error"] == "NotFoundError", failure
    assert f"{made.dataset}.target does not exist" in failure["message"]
    assert made.tables() == set()
