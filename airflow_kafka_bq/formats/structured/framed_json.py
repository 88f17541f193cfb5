"""JSON behind a schema id, through the same parsers as JSON without one: what they do with it is the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.formats.parser import Bad, Parsed, Rejected, ValueParser, bytes_of
from airflow_kafka_bq.formats.structured.writers import Writers


@dataclass(frozen=True, slots=True)
class FramedJson:
    """Judges each message by the schema of its writer, and leaves the rest to ``parser``."""

    writers: Writers
    parser: ValueParser

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return self.parser.schema

    def parse(self, values: pa.Array[Any]) -> Parsed:
        """Bare JSON to the parser, its indices back to those of the messages."""
        bare: list[bytes] = []
        origins: list[int] = []
        ids: list[int | None] = []
        bad: list[Bad] = []
        for index, value in enumerate(bytes_of(values)):
            schema_id = None
            try:
                writer, data = self.writers.of(value)
                schema_id = writer.schema_id
                writer.schema.decode(data)
            except Rejected as why:
                bad.append(replace(Bad.of(index, why), schema_id=why.schema_id or schema_id))
            else:
                bare.append(data)
                origins.append(index)
                ids.append(schema_id)
        found = self.parser.parse(pa.array(bare, pa.binary()))
        good = pa.array(origins, pa.int64()).take(found.good)
        moved = [replace(one.at(origins[one.index]), schema_id=ids[one.index]) for one in found.bad]
        return Parsed(found.rows, good, tuple(sorted([*bad, *moved], key=lambda one: one.index)), found.unknown_fields)
