"""What each format costs: ``python -m benchmarks.formats`` writes ``formats.json`` and ``docs/benchmarks.md``.

The decode station alone, from messages in memory to rows for the staging file: it is what differs between formats. The
same orders in each of them, in one process, by turns; processor time, which a busy machine changes little.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch import RAW_SCHEMA
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.formats.structured.sides import sides
from airflow_kafka_bq.pipeline.decode import DecodeRules, decode
from airflow_kafka_bq.ports import RegisteredSchema
from airflow_kafka_bq.schema.build import build_target
from benchmarks import document, machine
from benchmarks.encoded import AVRO, AVRO_EVENT, JSON_SCHEMA, PROTO, Encoded, encoded
from benchmarks.orders import SEED, Order
from benchmarks.result import read

RESULT = Path(__file__).with_name("formats.json")
_PACKAGES = ("pyarrow", "pydantic", "msgspec", "fastavro", "protobuf", "jsonschema")
_REGISTERED: Mapping[int, tuple[str, str]] = {
    1: ("AVRO", AVRO), 2: ("PROTOBUF", PROTO), 3: ("JSON", JSON_SCHEMA), 4: ("AVRO", AVRO_EVENT),
}  # fmt: skip


class Shelf:
    """A registry in memory."""

    def __init__(self, latest: int) -> None:
        self._latest = latest

    def schema(self, schema_id: int) -> RegisteredSchema | None:
        """By its id."""
        kind, text = _REGISTERED[schema_id]
        return RegisteredSchema(schema_id, kind, text)

    def latest(self, _: str, /) -> RegisteredSchema:
        """The one of this job, whatever its subject."""
        kind, text = _REGISTERED[self._latest]
        return RegisteredSchema(self._latest, kind, text)

    def close(self) -> None:
        """Nothing is held."""


MODEL: dict[str, Any] = {"model": Order}
DEBEZIUM: dict[str, Any] = {"envelope": "debezium"}
REGISTRY: dict[str, Any] = {"schema_from": "registry"}
CASES: Mapping[str, tuple[str, int, dict[str, Any]]] = {
    "json, model": ("json", 0, MODEL),
    "json, payload": ("json", 0, {}),
    "avro, registry": ("avro", 1, {"value_format": "avro", **REGISTRY}),
    "avro, registry, model": ("avro", 1, {"value_format": "avro", **MODEL}),
    "avro, file": ("avro, bare", 0, {"value_format": "avro", "value_schema": "order.avsc", "schema_from": "schema"}),
    "protobuf, registry": ("protobuf", 2, {"value_format": "protobuf", **REGISTRY}),
    "json_schema, registry": ("json_schema", 3, {"value_format": "json_schema", **REGISTRY}),
    "debezium in json, model": ("debezium", 0, {**DEBEZIUM, **MODEL}),
    "debezium in json with schema, model": ("debezium, wrapped", 0, {**DEBEZIUM, **MODEL}),
    "debezium in avro, registry": ("debezium, avro", 4, {**DEBEZIUM, "value_format": "avro", **REGISTRY}),
    "cloudevents, binary, model": ("cloudevents, binary", 0, {"envelope": "cloudevents", **MODEL}),
    "cloudevents, structured, model": ("cloudevents, structured", 0, {"envelope": "cloudevents", **MODEL}),
}
"""Messages, schema of the columns, and parameters of the job."""


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formats", description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args(arguments)
    result = measure(options.messages, options.repetitions)
    options.output.write_text(json.dumps(result, indent=1) + "\n")
    if options.output == RESULT:
        document.write(read())


def measure(messages: int, repetitions: int) -> dict[str, Any]:
    """All cases by turns. :raises AssertionError: a message is no row."""
    load = os.getloadavg()[0]
    with prepared(messages) as cases:
        runs = []
        for repetition in range(-1, repetitions):  # the first one is a warm-up
            for name, run in cases.items():
                began = time.process_time()
                rows = run()
                spent = time.process_time() - began
                assert rows == messages, f"{name}: {rows} rows of {messages}"
                if repetition >= 0:
                    runs.append({"case": name, "repetition": repetition, "cpu_seconds": spent})
            sys.stderr.write(f"{repetition + 1}/{repetitions}\n")
    return {
        "settings": {"messages": messages, "repetitions": repetitions, "seed": SEED},
        "versions": {"Python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "machine": {**machine.description(), "load_before": load},
        "runs": runs,
    }


@contextmanager
def prepared(messages: int) -> Iterator[dict[str, Callable[[], int]]]:
    """A function for each case that decodes all messages and returns the number of rows."""
    texts = encoded(messages)
    with TemporaryDirectory(prefix="kafka-bq-bench-") as folder:
        Path(folder, "order.avsc").write_text(AVRO)
        yield {name: _case(texts[what], schema, Path(folder), job) for name, (what, schema, job) in CASES.items()}


def _case(messages: Encoded, schema: int, folder: Path, parameters: dict[str, Any]) -> Callable[[], int]:
    config = JobConfig.of(topic="orders", table="demo-project.bench.orders", **parameters)
    both = sides(config, Shelf(schema or 1), [folder])
    target = build_target(config, config.table_id(None), parameters.get("model"), both.columns)
    rules = DecodeRules.of(config, target, parameters.get("model"), sides=both)
    raw = raw_of(messages)
    return lambda: decode(raw, target, rules).rows.num_rows


def raw_of(messages: Encoded) -> pa.Table:
    """As the consume station hands them on."""
    count = len(messages.values)
    columns: list[Any] = [
        [0] * count, list(range(count)), [1_767_225_600_000] * count, messages.keys, messages.values, messages.headers
    ]  # fmt: skip
    arrays = [pa.array(column, field.type) for column, field in zip(columns, RAW_SCHEMA, strict=True)]
    return pa.table(arrays, schema=RAW_SCHEMA)


if __name__ == "__main__":
    main()
