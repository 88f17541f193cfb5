from __future__ import annotations

import pyarrow as pa

from benchmarks.events import Event, values
from benchmarks.row_path import Checked, least, measure


def test_both_are_measured_with_all_messages_in_each_turn() -> None:
    runs = measure(50, 2)
    assert [(run["repetition"], run["messages"]) for run in runs] == [(0, 50), (1, 50)]
    assert all(run["decode_cpu_seconds"] > 0 and run["validate_cpu_seconds"] > 0 for run in runs)
    assert all(run["least_cpu_seconds"] > 0 for run in runs)


def test_the_least_ends_in_the_columns_of_the_messages() -> None:
    texts = [text for _, text in values(20)]
    found = pa.table(least(texts), names=list(Event.model_fields)).to_pylist()
    assert found == [Checked.model_validate_json(text).model_dump() for text in texts]


def test_the_validators_are_asked() -> None:
    context = {"page": "/", "ref": "", "tags": []}
    told = {
        "event_id": "1",
        "user_id": 1,
        "ts": "2026-01-01T00:00:00Z",
        "event": "VIEW",
        "amount": 1,
        "context": context,
    }
    assert Checked.model_validate(told).event == "view"
