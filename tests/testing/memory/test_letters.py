"""The dead-letter table in memory; what it shares with the real one is in ``tests/contract/letters_contract.py``."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.testing.memory.letters import waits


@pytest.mark.parametrize(
    ("letter", "waiting"),
    [
        ({"stage": "decode", "redriven_at": None}, True),
        ({"stage": "decode", "redriven_at": "now"}, False),
        ({"stage": "lost", "redriven_at": None}, False),
    ],
)
def test_which_letters_wait(letter: dict[str, Any], waiting: bool) -> None:
    assert waits(letter) is waiting
