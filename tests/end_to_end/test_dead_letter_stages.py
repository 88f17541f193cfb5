"""A message that fails at each stage: whole in the dead-letter table, by the transaction that moves the position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from airflow_kafka_bq.config.letters import LOST, STAGES
from airflow_kafka_bq.exceptions import IngestError
from airflow_kafka_bq.testing.bigquery.front import parquet
from airflow_kafka_bq.testing.kafka import NewMessage, delete_records
from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.producing import Registered
from tests.end_to_end.within import ran

PipeFactory = Callable[..., Pipe]
CODE = """
from typing import Any
from pydantic import BaseModel
from airflow_kafka_bq import per_record

class Order(BaseModel):
    id: str | None = None
    n: int
    text: str | None = None
    more: dict[str, Any] | None = None

@per_record
def spoil(record):
    n = record["n"]
    if n == -1:
        raise ArithmeticError("minus one is no number of ours")
    if n == -2:
        return {**record, "text": "x" * 300_000}
    if n == -3:
        return {**record, "more": "{no json"}
    return record
"""
SCHEMA = '{"type": "record", "name": "Order", "fields": [{"name": "n", "type": "long"}]}'
HEADERS = [("h", b"\x00\xff"), ("h", None), ("", b"")]
KEY = b"\xffkey"
MODEL: dict[str, Any] = {"model": "{code}:Order", "transform": "{code}:spoil", "key_format": "bytes"}


@dataclass(frozen=True)
class Stage:
    """What fails there, and with which words."""

    value: bytes | None
    reason: str
    error: str
    settings: dict[str, Any] = field(default_factory=dict)
    good: bytes = b'{"n": 1, "id": "a"}'


CASES = {
    "decode": Stage(b'{"n": 1', "invalid_json", "JSON", {"key_format": "bytes"}),
    "registry": Stage(
        b"\0\x7f\xff\xff\xff\0\x02", "unknown_schema", "2147483647", {"value_format": "avro", "key_format": "bytes"}
    ),
    "validate": Stage(b'{"n": "two"}', "int_parsing", "n: ", MODEL),
    "transform": Stage(b'{"n": -1}', "transform_failed", "raised ArithmeticError: minus one is no number", MODEL),
    "key": Stage(b'{"n": 2}', "null_dedup_key", "dedup key is NULL", MODEL | {"dedup_key": ["id"]}),
    "tombstone": Stage(None, "tombstone", "", MODEL | {"on_tombstone": "dead_letter"}),
    "load": Stage(b'{"n": -2}', "rejected_by_bigquery", "Row size is larger", MODEL),
    "merge": Stage(b'{"n": -3}', "rejected_by_bigquery", "JSON", MODEL),
}


def test_every_stage_has_a_case() -> None:
    assert set(CASES) == set(STAGES)
    assert LOST not in CASES  # has no message: below


@pytest.fixture
def made(pipe: PipeFactory, request: pytest.FixtureRequest) -> tuple[Pipe, Stage]:
    """A bad message of this stage between two good ones."""
    name: str = request.param
    case, code, good = CASES[name], f"stage_{name}", CASES[name].good
    given = {key: value.format(code=code) if isinstance(value, str) else value for key, value in case.settings.items()}
    if name == "registry":
        server: SchemaRegistryServer = request.getfixturevalue("schema_registry")
        given["schema_registry"] = {"url": server.url}
        registered = Registered(server.url)
        with registered.client:
            (good,) = registered.avro(SCHEMA, [{"n": 1}])
    found = pipe(1, **given, max_bad_ratio=None)
    (found.folder / f"{code}.py").write_text(CODE)
    found.produce([
        NewMessage(good, key=b"a", partition=0),
        NewMessage(case.value, key=KEY, headers=HEADERS, partition=0),
        NewMessage(good.replace(b'"a"', b'"b"'), key=b"b", partition=0),
    ])  # fmt: skip
    return found, case


@pytest.mark.parametrize("made", CASES, indirect=True)
def test_the_message_is_whole_and_comes_with_the_position(
    made: tuple[Pipe, Stage], trouble: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, case = made
    monkeypatch.setattr(parquet, "ROW_BYTES", 200_000)
    trouble("job_error", job_id="kafka-bq-merge", times=1, reason="accessDenied")
    with pytest.raises(IngestError, match="a fault on purpose"):
        ran(here)
    assert sum(here.dead_letters().values()) == 0, "a letter without its position"
    assert here.ledger() == {0: 0}
    report = ran(here)
    assert (report.rows["inserted"], report.rows["dead_lettered"]) == (2, 1)
    assert here.ledger() == here.committed() == {0: 3}
    (letter,) = here.client.query_and_wait(f"SELECT * FROM {here.name('__dead_letters')}")
    (batch,) = here.history()
    assert (letter["stage"], letter["reason"]) == (_stage(case), case.reason)
    assert case.error in (letter["error"] or "")
    coordinates = [letter[f"_kafka_{name}"] for name in ("topic", "partition", "offset", "end_offset")]
    assert coordinates == [here.topic, 0, 1, None]
    assert letter["_kafka_value"] == case.value
    assert letter["_kafka_key"] == KEY
    assert [(one["key"], one["value"]) for one in letter["_kafka_headers"]] == HEADERS
    assert letter["batch_id"] == batch["batch_id"]
    assert (batch["dead_lettered"], batch["messages"]) == (1, 3)
    assert abs((letter["failed_at"] - batch["applied_at"]).total_seconds()) < 5
    assert (letter["redriven_at"], letter["copied_at"]) == (None, None)
    assert here.coordinates() == {(0, 0): 1, (0, 2): 1}


def _stage(case: Stage) -> str:
    return next(name for name, one in CASES.items() if one is case)


def test_a_range_that_is_lost_comes_with_the_position_too(pipe: PipeFactory, trouble: Callable[..., None]) -> None:
    made = pipe(1, on_gap="record", start={0: 0})
    made.produce([NewMessage(b"{}", partition=0) for _ in range(5)])
    delete_records(made.bootstrap, made.topic, {0: 3})
    trouble("job_error", job_id="kafka-bq-merge", times=1, reason="accessDenied")
    with pytest.raises(IngestError, match="a fault on purpose"):
        ran(made)
    assert sum(made.dead_letters().values()) == 0
    ran(made)
    assert list(made.dead_letters()) == [(0, 0, LOST, None, 3)]
    assert made.ledger() == {0: 5}
