"""What a model with validators of its own costs: ``python -m benchmarks.row_path MESSAGES TURNS`` prints JSON.

Such a model is asked for each message, so the floor is pydantic's ``model_validate_json`` alone. Both are measured in
one process by turns: the decode station from messages in memory to rows for the staging file, and the floor with the
objects thrown away. Processor time.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from pydantic import field_validator, model_validator

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.pipeline.decode import DecodeRules, decode
from airflow_kafka_bq.schema.build import build_target
from benchmarks.encoded import Encoded
from benchmarks.events import Event, values
from benchmarks.formats import raw_of

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
    found = []
    for turn in range(-1, turns):  # the first one is a warm-up
        began = time.process_time()
        rows = decode(raw, target, rules).rows.num_rows
        decoded = time.process_time()
        for text in texts:
            Checked.model_validate_json(text)
        validated = time.process_time()
        assert rows == messages, f"{rows} rows of {messages}"
        if turn >= 0:
            spent = {"decode_cpu_seconds": decoded - began, "validate_cpu_seconds": validated - decoded}
            found.append({"repetition": turn, "messages": messages, **spent})
    return found


if __name__ == "__main__":
    print(json.dumps({"runs": measure(int(sys.argv[1]), int(sys.argv[2]))}))
