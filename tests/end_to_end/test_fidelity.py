"""Every type of the tables in docs/formats.md: through Kafka, staging and MERGE, and read back.

First its edges, then values by a seed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, time
from decimal import Decimal
from random import Random
from typing import Any

from google.protobuf.json_format import ParseDict

from airflow_kafka_bq.formats.structured.protobuf_files import message_class
from tests.end_to_end.pipe import Pipe
from tests.formats.structured import drawn
from tests.formats.structured.draw import Draw
from tests.formats.structured.test_avro import EXACT as AVRO
from tests.formats.structured.test_json_schema import EXACT as JSON_SCHEMA
from tests.formats.structured.test_protobuf import EXACT as PROTOBUF
from tests.formats.structured.test_protobuf import IMPORTS, INNER
from tests.formats.structured.values import avro_bytes

PipeFactory = Callable[..., Pipe]
SEED, DRAWN = 7, 40
# DuckDB's decimals have 38 digits; these are cut off by the local BigQuery, not by us.
TOO_WIDE = '{"type": "bytes", "logicalType": "decimal", "precision": 76, "scale": 38}'
READ: dict[str, Callable[[Any], Any]] = {
    "BIGNUMERIC": Decimal,
    "TIME": time.fromisoformat,
    "DATETIME": datetime.fromisoformat,
    "JSON": json.loads,
}
Pair = tuple[Any, Any]


def expected(column: str, kept: Any) -> Any:
    """As Google's client gives what the staging file has as text."""
    if isinstance(kept, dict) and "Inner" in kept:  # a word of SQL that the local BigQuery does not quote
        kept = {"Box" if name == "Inner" else name: value for name, value in kept.items()}
    return kept if kept is None else READ.get(column, lambda value: value)(kept)


def edges(rows: Sequence[tuple[Any, str, list[Pair]]]) -> list[tuple[Any, list[Pair]]]:
    """Type, and its edges as written and as they must arrive."""
    return [(kind, [(given, expected(column, kept)) for given, kept in pairs]) for kind, column, pairs in rows]


def seeded(table: Mapping[str, Callable[[Draw], Pair]], read: Callable[[str], Any]) -> list[tuple[Any, list[Pair]]]:
    """The same for each row of a table, by the seed."""
    draw = Draw(Random(SEED))
    return [(read(kind), [make(draw) for _ in range(DRAWN)]) for kind, make in table.items()]


def messages(columns: Sequence[tuple[Any, list[Pair]]]) -> Iterator[list[Pair]]:
    """A pair for each column; those that have fewer begin anew."""
    for number in range(max(len(pairs) for _, pairs in columns)):
        yield [pairs[number % len(pairs)] for _, pairs in columns]


def check(made: Pipe, columns: Sequence[tuple[Any, list[Pair]]], write: Callable[[list[Any]], bytes]) -> None:
    """Each column has what was written."""
    rows = list(messages(columns))
    made.produce([write([given for given, _ in row]) for row in rows])
    report = made.run()
    assert report.get("rows", {}).get("inserted") == len(rows), report
    shown = ", ".join(f"f{at}" for at in range(len(columns)))
    found = made.client.query_and_wait(f"SELECT {shown} FROM {made.name()} ORDER BY _kafka_offset")
    for number, (row, there) in enumerate(zip(rows, found, strict=True)):
        for at, (_, kept) in enumerate(row):
            assert there[f"f{at}"] == kept, (columns[at][0], f"message {number}, seed {SEED}")


def _own(kind: Any, at: int) -> Any:
    """Named types have names of their own in each field."""
    return _in_space(json.loads(json.dumps(kind).replace('"Inner"', '"Box"')), f"s{at}")


def _in_space(kind: Any, space: str) -> Any:
    if isinstance(kind, list):
        return [_in_space(one, space) for one in kind]
    return {**kind, "namespace": space} if isinstance(kind, dict) and "name" in kind else kind


def test_avro(pipe: PipeFactory) -> None:
    made = pipe(1, value_format="avro", value_schema="all.avsc", schema_from="schema", max_bad_ratio=None)
    table = {kind: make for kind, make in drawn.AVRO.items() if kind != TOO_WIDE}
    rows = [one for one in AVRO if json.dumps(one[0]) != TOO_WIDE]
    columns = [*edges(rows), *seeded(table, json.loads)]
    fields = [{"name": f"f{at}", "type": _own(kind, at)} for at, (kind, _) in enumerate(columns)]
    schema = json.dumps({"type": "record", "name": "All", "fields": fields})
    (made.folder / "all.avsc").write_text(schema)
    check(made, columns, lambda row: avro_bytes(schema, {f"f{at}": given for at, given in enumerate(row)}))


def test_protobuf(pipe: PipeFactory) -> None:
    made = pipe(1, value_format="protobuf", value_schema="all.proto", schema_from="schema", max_bad_ratio=None)
    # Beside others it contains itself one level further in; Google's client leaves JSON in a STRUCT text.
    inside: tuple[Any, list[Pair]] = ("Row v = 1;", [({"v": {}}, {"v": '{"v":null}'})])
    columns = [inside if one[0] == inside[0] else one for one in edges(PROTOBUF)]
    columns += seeded(drawn.PROTOBUF, str)
    fields = " ".join(_numbered(field, at) for at, (field, _) in enumerate(columns))
    text = f'syntax = "proto3"; package p; {IMPORTS} message All {{ {fields} }} message Row {{ Row v = 1; }} {INNER}'
    (made.folder / "all.proto").write_text(text)
    kind = message_class(text, (), (0,))

    def write(row: list[Any]) -> bytes:
        given = {f"f{at}": value for at, value in enumerate(row) if value is not None}
        return bytes(ParseDict(given, kind()).SerializeToString())

    check(made, columns, write)


def _numbered(field: str, at: int) -> str:
    """The field in a message with many."""
    field = re.sub(r"\bv = 1;", f"f{at} = {2 * at + 1};", field)
    return re.sub(r"\bw = 2;", f"w{at} = {2 * at + 2};", field).replace("oneof x", f"oneof x{at}")


def test_json_schema(pipe: PipeFactory) -> None:
    made = pipe(1, value_format="json_schema", value_schema="all.json", schema_from="schema", max_bad_ratio=None)
    written = [
        (kind, [(json.dumps(given, ensure_ascii=False), kept) for given, kept in pairs])
        for kind, pairs in seeded(drawn.JSON_SCHEMA, json.loads)
    ]
    columns = [*edges(JSON_SCHEMA), *written]
    properties = {f"f{at}": kind for at, (kind, _) in enumerate(columns)}
    (made.folder / "all.json").write_text(json.dumps({"type": "object", "properties": properties}))
    check(made, columns, _object)


def _object(values: list[str]) -> bytes:
    return ("{" + ", ".join(f'"f{at}": {value}' for at, value in enumerate(values) if value != "null") + "}").encode()
