"""Too little memory: an error that names the settings, and nothing but whole batches applied."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.testing.memory import MemoryWarehouse
from tests.pipeline.world import TOPIC, World


@pytest.mark.fault("K14")
@pytest.mark.parametrize("error", [MemoryError(), pa.ArrowMemoryError("malloc of size 8 failed")])
@pytest.mark.parametrize("nth", [1, 2])
def test_what_needs_less_memory_is_said(error: MemoryError, nth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(1)
    world.fill(4)
    calls = 0
    load = MemoryWarehouse.load

    def scarce(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise error
        return load(*arguments)

    monkeypatch.setattr(MemoryWarehouse, "load", scarce)
    with pytest.raises(ConfigError, match="memory for batch_messages=2 and batch_bytes=") as raised:
        world.run(batch_messages=2)
    assert raised.value.__cause__ is error
    assert "lower batch_bytes" in (raised.value.remedy or "")
    assert raised.value.topic == TOPIC
    applied = sum(row["messages"] for row in world.history())
    assert (raised.value.report or {})["messages"] == applied
    assert world.run(batch_messages=2).messages == 4 - applied
    assert world.offsets() == {(0, offset): 1 for offset in range(4)}
