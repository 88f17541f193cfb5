"""One topic, one table, one job file, and what is in all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import Consumer, TopicPartition
from google.api_core.exceptions import NotFound
from google.cloud.bigquery import Client

from airflow_kafka_bq.testing.kafka import Acknowledged, produce
from tests.end_to_end.child import Blow, Child

ROOT = Path(__file__).parents[2]
Row = tuple[Any, ...]


@dataclass
class Pipe:
    """Handles of one pipeline under test."""

    bootstrap: str
    client: Client
    dataset: str
    topic: str
    partitions: int
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    table: str = "target"
    api_endpoint: str = ""

    def __post_init__(self) -> None:
        self.write()

    @property
    def path(self) -> Path:
        """The job file."""
        return self.folder / f"{self.table}.yaml"

    @property
    def group_id(self) -> str:
        """The default group."""
        return f"kafka-bq.{self.topic}.{self.client.project}.{self.dataset}.{self.table}"

    def write(self, **settings: Any) -> None:
        """Write the job file, with more settings."""
        self.settings |= settings
        kafka = {"bootstrap.servers": self.bootstrap, **self.settings.get("kafka", {})}
        job = {
            "topic": self.topic,
            "table": f"{self.dataset}.{self.table}",
            "bigquery": {"project": self.client.project, "api_endpoint": self.api_endpoint},
            **self.settings,
            "kafka": kafka,
        }
        self.path.write_text(yaml.safe_dump(job))

    def produce(self, messages: Any) -> list[Acknowledged]:
        """Acknowledged messages."""
        return list(produce(self.bootstrap, self.topic, messages))

    def produce_ten(self) -> Counter[Row]:
        """Ten messages; their coordinates as a multiset."""
        return Counter((one.partition, one.offset) for one in self.produce([{"n": number} for number in range(10)]))

    def start(
        self, blow: Blow | None = None, settings: tuple[str, ...] = (), patience: float | None = None,
        redrives: bool = False, seeks: str | None = None,
    ) -> Child:  # fmt: skip
        """A run, a redrive or a seek in a child process."""
        return Child.start(self.folder, self.path, settings, blow, patience, redrives, seeks)

    def run(self, *settings: str) -> dict[str, Any]:
        """A whole run in a child process: report, or failure."""
        return self.start(settings=settings).finish()

    def command(self, *arguments: str, timeout: float = 90) -> subprocess.CompletedProcess[str]:
        """``kafka-bq`` as a person calls it."""
        return subprocess.run(
            [sys.executable, "-m", "airflow_kafka_bq", *arguments],
            capture_output=True, text=True, timeout=timeout, cwd=self.folder, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def json(self, *arguments: str) -> Any:
        """A command's ``--json`` document."""
        return json.loads(self.command(*arguments, "--json").stdout)

    def query(self, sql: str) -> list[Row]:
        """Rows as tuples."""
        return [tuple(row.values()) for row in self.client.query_and_wait(sql)]

    def name(self, companion: str = "") -> str:
        """A table's full name, quoted."""
        return f"`{self.client.project}.{self.dataset}.{self.table}{companion}`"

    def rows(self, columns: str = "payload") -> Counter[Row]:
        """The target's rows as a multiset: coordinates and some columns."""
        shown = columns.replace("payload", "TO_JSON_STRING(payload)")
        return Counter(self.query(f"SELECT _kafka_partition, _kafka_offset, {shown} FROM {self.name()}"))

    def coordinates(self) -> Counter[Row]:
        """Coordinates of the target's rows."""
        return Counter(self.query(f"SELECT _kafka_partition, _kafka_offset FROM {self.name()}"))

    def dead_letters(self) -> Counter[Row]:
        """Coordinates, stage and bytes of the dead letters."""
        columns = "_kafka_partition, _kafka_offset, stage, _kafka_value, _kafka_end_offset"
        return Counter(self.query(f"SELECT {columns} FROM {self.name('__dead_letters')}"))

    def ledger(self) -> dict[int, int]:
        """Next offset per partition."""
        rows = self.query(f"SELECT positions FROM {self.name('__ledger')} WHERE pipeline != '*'")
        assert len(rows) == 1, f"{len(rows)} ledger rows"
        return {at["partition"]: at["next_offset"] for at in rows[0][0]}

    def has_begun(self) -> bool:
        """Whether positions are known: rows of a window that came before make ``start: auto`` refuse the table."""
        try:
            return bool(self.ledger())
        except (NotFound, AssertionError):
            return False

    def revision(self) -> int:
        """The ledger's revision."""
        return int(self.query(f"SELECT revision FROM {self.name('__ledger')} WHERE pipeline != '*'")[0][0])

    def history(self) -> list[dict[str, Any]]:
        """Applied batches in order."""
        found = self.client.query_and_wait(f"SELECT * FROM {self.name('__batches')} ORDER BY revision")
        return [dict(row.items()) for row in found]

    def committed(self) -> dict[int, int]:
        """The group's committed offsets."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group_id})
        wanted = [TopicPartition(self.topic, part) for part in range(self.partitions)]
        found = {at.partition: at.offset for at in consumer.committed(wanted, timeout=10) if at.offset >= 0}
        consumer.close()
        return found

    def commit(self, offsets: dict[int, int]) -> None:
        """Somebody sets the group's offsets by hand."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group_id})
        consumer.commit(
            offsets=[TopicPartition(self.topic, part, at) for part, at in offsets.items()], asynchronous=False
        )
        consumer.close()

    def tables(self) -> set[str]:
        """Names of the dataset's tables."""
        try:
            return {table.table_id for table in self.client.list_tables(self.dataset)}
        except NotFound:
            return set()

    def check_history(self) -> None:
        """Live batches cover each partition without hole or overlap, up to the ledger's positions."""
        reached: dict[int, int] = {}
        for batch in self.history():
            if batch["kind"] != "live":
                continue
            for one in batch["ranges"]:
                start = reached.get(one["partition"], one["start_offset"])
                assert one["start_offset"] == start, f"hole or overlap: {one} after {start}"
                reached[one["partition"]] = one["end_offset"]
        assert reached.items() <= self.ledger().items()
