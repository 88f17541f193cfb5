"""A command as a person or a machine sees it: what it printed where, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from airflow_kafka_bq.testing.memory import MemorySource
from tests.pipeline.world import World

FAILURE = {"error", "message", "topic", "partition", "offset", "group_id", "batch_id", "remedy", "report"}
REPORT = {
    "topic", "table", "group_id", "outcome", "messages", "batches", "rows", "partitions", "gaps", "revision",
    "committed", "unchecked", "jobs", "estimated_bytes", "bytes_billed", "seconds",
}  # fmt: skip
CANARY = "canary-hunter2"


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The document; nothing else may be on stdout."""
        return json.loads(self.out)

    def failure(self) -> dict[str, Any]:
        """The document of a failure, with exactly the keys that it always has."""
        found: dict[str, Any] = self.json()
        assert set(found) == FAILURE
        return found


Command = Callable[..., Done]


def write_job(folder: Path, name: str = "orders.yaml", **settings: Any) -> Path:
    """A job file for the world in memory, with a password in it that nobody may ever see."""
    job = {
        "topic": "shop.orders",
        "table": "demo.analytics.orders",
        "kafka": {"bootstrap.servers": "127.0.0.1:9", "sasl.password": CANARY},
        "bigquery": {"project": "demo", "api_endpoint": "http://127.0.0.1:9"},
        **settings,
    }
    path = folder / name
    path.write_text(yaml.safe_dump(job), encoding="utf-8")
    return path


class SourceInMemory(MemorySource):
    """What a command makes of a job file, on the cluster of a world."""

    world: World

    def __init__(self, _settings: Any, topic: str, group_id: str, **_others: Any) -> None:
        super().__init__(self.world.cluster, topic, group_id)
