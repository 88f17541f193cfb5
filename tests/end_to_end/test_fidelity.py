"""Every type of the tables in docs/formats.md, at its edges: through Kafka, staging and MERGE, and read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from tests.end_to_end.pipe import Pipe
from tests.formats.structured.test_avro import EXACT as AVRO
from tests.formats.structured.test_json_schema import EXACT as JSON_SCHEMA
from tests.formats.structured.values import avro_bytes

PipeFactory = Callable[..., Pipe]
# DuckDB's decimals have 38 digits; these are cut off by the local BigQuery, not by us.
_TOO_WIDE = {'{"type": "bytes", "logicalType": "decimal", "precision": 76, "scale": 38}'}
READ: dict[str, Callable[[Any], Any]] = {
    "BIGNUMERIC": Decimal,
    "TIME": time.fromisoformat,
    "DATETIME": datetime.fromisoformat,
    "JSON": json.loads,
}


def expected(column: str, kept: Any) -> Any:
    """As Google's client gives what the staging file has as text."""
    if isinstance(kept, dict) and "Inner" in kept:  # a word of SQL that the local BigQuery does not quote
        kept = {"Box" if name == "Inner" else name: value for name, value in kept.items()}
    return kept if kept is None else READ.get(column, lambda value: value)(kept)


def arrived(made: Pipe, count: int) -> list[dict[str, Any]]:
    """Rows in the order of their messages."""
    shown = ", ".join(f"f{number}" for number in range(count))
    found = made.client.query_and_wait(f"SELECT {shown} FROM {made.name()} ORDER BY _kafka_offset")
    return [dict(row.items()) for row in found]


def test_avro(pipe: PipeFactory) -> None:
    rows = [one for one in AVRO if json.dumps(one[0]) not in _TOO_WIDE]
    made = pipe(1, value_format="avro", value_schema="all.avsc", schema_from="schema", max_bad_ratio=None)
    fields = [{"name": f"f{at}", "type": _own(kind, at)} for at, (kind, *_) in enumerate(rows)]
    schema = json.dumps({"type": "record", "name": "All", "fields": fields})
    (made.folder / "all.avsc").write_text(schema)
    most = max(len(pairs) for *_, pairs in rows)
    chosen = [[pairs[number % len(pairs)] for *_, pairs in rows] for number in range(most)]
    made.produce([
        avro_bytes(schema, {f"f{at}": given for at, (given, _) in enumerate(message)}) for message in chosen
    ])  # fmt: skip
    report = made.run()
    assert report.get("rows", {}).get("inserted") == most, report
    found = arrived(made, len(rows))
    for number, message in enumerate(chosen):
        for at, ((kind, column, _), (_, kept)) in enumerate(zip(rows, message, strict=True)):
            assert found[number][f"f{at}"] == expected(column, kept), kind


def _own(kind: Any, at: int) -> Any:
    """Named types have names of their own in each field."""
    return _in_space(json.loads(json.dumps(kind).replace('"Inner"', '"Box"')), f"s{at}")


def _in_space(kind: Any, space: str) -> Any:
    if isinstance(kind, list):
        return [_in_space(one, space) for one in kind]
    return {**kind, "namespace": space} if isinstance(kind, dict) and "name" in kind else kind


def _json(values: list[str]) -> bytes:
    return ("{" + ", ".join(f'"f{at}": {value}' for at, value in enumerate(values) if value != "null") + "}").encode()


def test_json_schema(pipe: PipeFactory) -> None:
    made = pipe(1, value_format="json_schema", value_schema="all.json", schema_from="schema", max_bad_ratio=None)
    properties = {f"f{at}": kind for at, (kind, *_) in enumerate(JSON_SCHEMA)}
    (made.folder / "all.json").write_text(json.dumps({"type": "object", "properties": properties}))
    most = max(len(pairs) for *_, pairs in JSON_SCHEMA)
    chosen = [[pairs[number % len(pairs)] for *_, pairs in JSON_SCHEMA] for number in range(most)]
    made.produce([_json([given for given, _ in message]) for message in chosen])
    report = made.run()
    assert report.get("rows", {}).get("inserted") == most, report
    found = arrived(made, len(JSON_SCHEMA))
    for number, message in enumerate(chosen):
        for at, ((kind, column, _), (_, kept)) in enumerate(zip(JSON_SCHEMA, message, strict=True)):
            assert found[number][f"f{at}"] == expected(column, kept), kind
