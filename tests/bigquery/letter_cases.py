"""The statements that read dead letters, and mark those that were copied."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from airflow_kafka_bq.batch import UNCOPIED_SCHEMA, LetterPlace, Uncopied
from airflow_kafka_bq.bigquery import copies, letters
from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.schema.target import Target
from tests.bigquery.targets import TOPIC

CHOSEN = LetterSelection.of(
    since="2026-01-01", until="2026-02-01T00:00:00+01:00", reason=["it's", "int_parsing"], stage="validate", limit=500
)
WAITING = Uncopied(2, datetime(2026, 1, 1, 0, 0, 0, 1_000, UTC), datetime(2026, 1, 3, tzinfo=UTC))
ACKNOWLEDGED = pa.Table.from_pylist(
    [{"partition": part, "offset": 17, "timestamp_ms": 1_767_225_600_001 + part} for part in (0, 3)], UNCOPIED_SCHEMA
)


def letter_statements(target: Target) -> dict[str, str]:
    """By the names of their golden files."""
    return {
        "letters": letters.select(target, TOPIC, LetterSelection(), None, 10_000),
        "letters_chosen": letters.select(target, TOPIC, CHOSEN, LetterPlace(1_767_225_600_001, 3, 41), 500),
        "uncopied": copies.count(target, TOPIC),
        "uncopied_letters": copies.select(target, TOPIC, WAITING, 10_000),
        "mark_copied": copies.mark(target, TOPIC, ACKNOWLEDGED),
        "add_copied_at": copies.add_copied_at(target),
    }
