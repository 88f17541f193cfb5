"""``run --profile``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.commands import Command
from tests.cli.test_running import STATIONS
from tests.pipeline.world import World


def test_a_profile_says_where_the_time_went(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(50, 0)
    found: dict[str, Any] = kafka_bq("run", job, "--profile", "--json").json()["profile"]
    assert set(found["stations"]) | {"total"} == STATIONS
    assert all(found["stations"][name]["seconds"] > 0 for name in ("consume", "decode", "stage", "merge"))
    assert found["bytes"] == sum(len(f'{{"id": "0-{n}", "n": {n}}}') + len(f"0-{n}") for n in range(50))
    decode = found["stations"]["decode"]
    assert decode["rows_per_second"] == pytest.approx(50 / decode["seconds"], rel=0.5)
    assert decode["bytes_per_second"] > decode["rows_per_second"]
    assert set(found["stations"]["plan"]) == {"seconds"}
    assert found["cpu_microseconds_per_message"] == pytest.approx(found["cpu_seconds"] / 50 * 1e6, rel=0.1)
    world.fill(3, 0)
    done = kafka_bq("run", job, "--profile")
    lines = [line.split() for line in done.out.splitlines()]
    assert ["station", "seconds", "rows/s", "bytes/s"] in lines
    assert "µs a message" in done.out
    nothing = kafka_bq("run", job, "--profile", "--json").json()["profile"]
    assert (nothing["bytes"], nothing["cpu_microseconds_per_message"]) == (0, None)
    assert nothing["total"]["rows_per_second"] is None
    assert "profile" not in kafka_bq("run", job, "--json").json()
