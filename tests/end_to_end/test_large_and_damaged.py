"""Messages that are too large for the client or for BigQuery, and record batches that are damaged on the disk."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.testing.bigquery.front import parquet
from airflow_kafka_bq.testing.kafka import KafkaBroker, NewMessage
from tests.end_to_end.oracle import Oracle
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]

SMALL_CLIENT = {"receive.message.max.bytes": "100000", "fetch.max.bytes": "60000", "message.max.bytes": "50000"}


def _with_a_large_one(made: Pipe, size_bytes: int) -> Oracle:
    """Thirty messages in each partition, then the large one in partition 0, then ten more in each."""
    oracle = Oracle(made)
    oracle.produce([NewMessage({"n": at}, partition=at % made.partitions) for at in range(30 * made.partitions)])
    oracle.produce([NewMessage({"n": -1, "text": "x" * size_bytes}, partition=0)])
    oracle.produce([NewMessage({"m": at}, partition=at % made.partitions) for at in range(10 * made.partitions)])
    return oracle


@pytest.mark.fault("D5")
@pytest.mark.parametrize("partitions", [1, 2])
def test_a_message_that_the_client_may_not_receive_is_named_by_its_offset(pipe: PipeFactory, partitions: int) -> None:
    """D5: no stall. The client tells its trouble to a callback alone, and no offset: what came before tells it."""
    made = pipe(partitions=partitions, batch_messages=1_000 if partitions == 1 else 20)
    oracle = _with_a_large_one(made, 900_000)
    made.write(kafka=SMALL_CLIENT)
    failure = made.run()
    assert failure["error"] == "ConfigError", failure
    assert "receive.message.max.bytes" in failure["remedy"]
    assert "offset 30 of partition 0" in failure["message"]
    if partitions == 1 or " of partition 1" not in failure["message"]:  # which of two it is, nobody knows
        assert (failure["partition"], failure["offset"]) == (0, 30)
    oracle.prefix()
    made.write(kafka={})
    oracle.settle()


@pytest.mark.fault("D5")
def test_a_row_that_is_too_large_for_bigquery_is_named_by_its_offset(
    pipe: PipeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D5: neither a row nor a dead letter can hold it; whatever comes after waits until a person has decided."""
    made = pipe(partitions=1, batch_messages=20)
    oracle = _with_a_large_one(made, 300_000)
    monkeypatch.setattr(parquet, "ROW_BYTES", 200_000)
    failure = made.run()
    assert (failure["error"], failure["partition"], failure["offset"]) == ("BadMessagesError", 0, 30), failure
    assert "neither as a row nor as a dead letter" in failure["message"]
    assert made.ledger() == made.committed() == {0: 20}
    oracle.prefix()
    monkeypatch.undo()
    oracle.settle()


@pytest.mark.fault("D5")
def test_a_row_that_only_its_columns_make_too_large_becomes_a_dead_letter(
    pipe: PipeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D5: a row holds the parsed message and its text; the dead letter holds the bytes alone."""
    made = pipe(partitions=1, batch_messages=20, max_bad_ratio=None)
    (made.folder / "twice.py").write_text(TWICE)
    made.write(model="twice:Twice")
    oracle = _with_a_large_one(made, 300_000)
    monkeypatch.setattr(parquet, "ROW_BYTES", 400_000)
    report = made.run()
    assert (report["outcome"], report["rows"]["inserted"], report["rows"]["dead_lettered"]) == ("end", 40, 1)
    assert [letter[:3] for letter in made.dead_letters()] == [(0, 30, "load")]
    assert sum(made.coordinates().values()) == len(oracle.sent) - 1
    assert made.ledger() == made.committed() == {0: 41}


TWICE = """
from pydantic import BaseModel, model_validator

class Twice(BaseModel):
    n: int | None = None
    text: str | None = None
    again: str | None = None

    @model_validator(mode="after")
    def _twice(self):
        self.again = self.text
        return self
"""


@contextmanager
def damaged(segment: Path, batch: int, at: int, value: int | None = None) -> Iterator[int]:
    """One byte of a record batch is another one while the block runs; yields the batch's first offset."""
    raw, place = segment.read_bytes(), 0
    for _ in range(batch):
        place += 12 + struct.unpack_from(">i", raw, place + 8)[0]
    old = raw[place + at]
    _write(segment, place + at, old ^ 1 if value is None else value)
    yield struct.unpack_from(">q", raw, place)[0]
    _write(segment, place + at, old)


def _write(segment: Path, place: int, value: int) -> None:
    with segment.open("r+b") as file:
        file.seek(place)
        file.write(bytes([value]))


# Of a record batch: first offset 0-7 and leader epoch 12-15 lie outside its checksum and are not here.
DAMAGES: dict[str, tuple[int, int | None]] = {
    "payload": (80, None),
    "checksum": (17, None),
    "length": (11, 0),
    "version": (16, 7),
    "attributes": (22, None),
    "last offset": (26, None),
    "number of records": (60, None),
}


@pytest.mark.fault("D6")
@pytest.mark.parametrize(
    "what",
    [pytest.param(name, marks=[pytest.mark.slow] if name not in {"payload", "length"} else []) for name in DAMAGES],
)
def test_nothing_is_read_over_a_damaged_record_batch(pipe: PipeFactory, kafka: KafkaBroker, what: str) -> None:
    """D6: named by its offset, nothing behind it is applied; mended on the broker, all is there."""
    made = pipe(partitions=1, batch_messages=20)
    oracle = Oracle(made)
    oracle.produce([{"n": number} for number in range(100)])
    with damaged(kafka.segment(made.topic), 5, *DAMAGES[what]) as first:
        failure = made.run()
        assert (failure["topic"], failure["partition"], failure["offset"]) == (made.topic, 0, first), failure
        assert failure["error"] == ("ConfigError" if what == "version" else "BadMessagesError")
        assert made.ledger()[0] <= first
        assert made.committed().get(0, 0) <= first
        oracle.prefix()
        again: dict[str, Any] = made.run()
        assert again["offset"] == first
    oracle.settle()
