"""What a row costs beside a bare loop of the same minutes stays what was published, with room for a busy machine.

Processor time, the best of three: other work on the machine makes single runs dear, and seldom all of them.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import pytest
import yaml

from airflow_kafka_bq.testing.kafka import KafkaBroker
from benchmarks.result import read
from benchmarks.site import measured

MESSAGES = 100_000
ROOM = 2.0
NOBODY = "http://127.0.0.1:9"  # loads are made and thrown away


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_a_row_costs_what_was_published(kafka: KafkaBroker, tmp_path: Path) -> None:
    topic = "ratios"
    measured("-m", "benchmarks.events", kafka.bootstrap, topic, str(MESSAGES))
    floor = min(_cpu("bare", kafka.bootstrap, topic, str(MESSAGES)) for _ in range(3))
    for case, settings in (("engine, model", {"model": "benchmarks.events:Event"}), ("engine, payload", {})):
        found = []
        for turn in range(3):
            job = tmp_path / f"{len(settings)}{turn}.yaml"
            told = {"topic": topic, "table": f"d{len(settings)}{turn}.events", **settings}
            clients = {
                "kafka": {"bootstrap.servers": kafka.bootstrap},
                "bigquery": {"project": "demo", "api_endpoint": NOBODY},
            }
            job.write_text(yaml.safe_dump({**told, **clients}))
            found.append(_cpu("engine", str(job), "--no-sink"))
        assert min(found) / floor < ROOM * _published(case), f"{case}: {min(found) / floor:.1f} times a bare loop"


def _cpu(*arguments: str) -> float:
    said: dict[str, Any] = measured("-m", "benchmarks.child", *arguments)["said"]
    return float(said["run_cpu_seconds"])


def _published(case: str) -> float:
    runs = read()["runs"]
    floor = {run["repetition"]: run["run_cpu_seconds"] for run in runs if run["case"] == "bare"}
    return float(median(run["run_cpu_seconds"] / floor[run["repetition"]] for run in runs if run["case"] == case))
