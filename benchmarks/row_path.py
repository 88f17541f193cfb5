"""What a model with validators of its own costs: ``python -m benchmarks.row_path MESSAGES TURNS`` prints JSON.

Such a model is asked for each message, so the floor is pydantic's ``model_validate_json`` alone. All are measured in
one process by turns: the decode station from messages in memory to rows for the staging file, the floor with the
objects thrown away, and the least that ends in columns: validation, the values taken out of the objects, Arrow's
columns of them, with nothing checked and for this one model only. Processor time.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import accumulate
from operator import itemgetter
from typing import Any

import pyarrow as pa
from pydantic import field_validator, model_validator

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.pipeline.decode import DecodeRules, decode
from airflow_kafka_bq.schema.build import build_target
from benchmarks.encoded import Encoded
from benchmarks.events import Event, values
from benchmarks.formats import raw_of

PORTION = 16_384
"""Messages after which the next of the three has its turn: the machine may be busier a second later."""
MODEL = "benchmarks.row_path:Checked"


class Checked(Event):
    """The event with what people write into models: one field mended, two that must fit each other."""

    @field_validator("event")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if "_" not in value and not value.isalpha():
            raise ValueError("no event's name")
        return value.lower()

    @model_validator(mode="after")
    def _refunds_have_an_amount(self) -> Checked:
        if self.event == "refund" and self.amount < 0:
            raise ValueError("a refund is written without a sign")
        return self


def measure(messages: int, turns: int) -> list[dict[str, Any]]:
    """A turn each: seconds of decoding, and of validation alone. :raises AssertionError: a row is lost."""
    keys, texts = (list(column) for column in zip(*values(messages), strict=True))
    raw = raw_of(Encoded(keys, texts, [None] * messages))
    config = JobConfig.of(topic="events", table="demo-project.bench.events", model=MODEL)
    target = build_target(config, config.table_id(None), Checked)
    rules = DecodeRules.of(config, target, Checked)
    portions = [(raw.slice(first, PORTION), texts[first : first + PORTION]) for first in range(0, messages, PORTION)]
    found = []
    for turn in range(-1, turns):  # the first one is a warm-up
        rows, spent = 0, [0.0, 0.0, 0.0]
        for some, their_texts in portions:
            began = time.process_time()
            rows += decode(some, target, rules).rows.num_rows
            decoded = time.process_time()
            for text in their_texts:
                Checked.model_validate_json(text)
            validated = time.process_time()
            columns = least(their_texts)
            ended = time.process_time()
            assert {len(column) for column in columns} == {len(their_texts)}
            taken = (decoded - began, validated - decoded, ended - validated)
            spent = [so_far + more for so_far, more in zip(spent, taken, strict=True)]
        assert rows == messages, f"{rows} rows of {messages}"
        if turn >= 0:
            names = ("decode_cpu_seconds", "validate_cpu_seconds", "least_cpu_seconds")
            found.append({"repetition": turn, "messages": messages, **dict(zip(names, spent, strict=True))})
    return found


def least(texts: list[bytes]) -> list[Any]:
    """The columns of messages that are all right, unchecked: what no way from this model to columns can be below."""
    outer, inner = itemgetter("event_id", "user_id", "ts", "event", "amount"), itemgetter("page", "ref")
    flat, nested, tags, lengths = list[Any](), list[Any](), list[str](), list[int]()
    for text in texts:
        fields = Checked.model_validate_json(text).__dict__
        flat.extend(outer(fields))
        context = fields["context"].__dict__
        nested.extend(inner(context))
        tags.extend(context["tags"])
        lengths.append(len(context["tags"]))
    kinds = (pa.string(), pa.int64(), pa.timestamp("us", tz="UTC"), pa.string(), pa.float64())
    columns: list[Any] = [pa.array(flat[at::5], kind) for at, kind in enumerate(kinds)]
    offsets = pa.array([*accumulate(lengths, initial=0)], pa.int32())
    lists: Any = pa.ListArray.from_arrays(offsets, pa.array(tags, pa.string()))
    texts_of: list[Any] = [pa.array(nested[at::2], pa.string()) for at in (0, 1)]
    return [*columns, pa.StructArray.from_arrays([*texts_of, lists], ["page", "ref", "tags"])]


if __name__ == "__main__":
    print(json.dumps({"runs": measure(int(sys.argv[1]), int(sys.argv[2]))}))
