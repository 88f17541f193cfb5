"""Our engine, run as a batch consumer of one topic, with the writer's time that all others have too."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from airflow_kafka_bq import assembly, jobfile
from airflow_kafka_bq.batch import JobResult, Polled, Position, Written
from airflow_kafka_bq.config import TableId
from airflow_kafka_bq.kafka.source import KafkaSource
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.pipeline.stopping import Stop
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.testing.memory import MemoryBigQuery
from benchmarks.warehouse import InstantWarehouse
from laboratory.history import Diary, Life, Place
from laboratory.setups import Sizes

_PROJECT, _DATASET = "laboratory", "story"
_NOWHERE = "http://127.0.0.1:9"  # a BigQuery that is never asked: the warehouse in memory stands in for it


class SlowWarehouse(InstantWarehouse):
    """Takes as long as the writer of the other set-ups, and tells the diary what is in the table."""

    def __init__(self, topic: str, diary: Diary, sizes: Sizes, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__(MemoryBigQuery(_PROJECT, [_DATASET]))
        self._topic, self._diary, self._sizes, self._sleep = topic, diary, sizes, sleep
        self._staged: list[dict[Place, list[int]]] = []

    def load(self, job_id: str, table: TableId, written: Written, target: Target, expires_at: datetime) -> JobResult:
        """Stage."""
        offsets: defaultdict[Place, list[int]] = defaultdict(list)
        content = BytesIO(written.file.finished().getvalue())
        for row in pq.read_table(content, columns=["_kafka_partition", "_kafka_offset"]).to_pylist():
            offsets[self._topic, row["_kafka_partition"]].append(row["_kafka_offset"])
        self._diary.delivered(offsets)
        self._sleep(self._sizes.stage)
        done = super().load(job_id, table, written, target, expires_at)
        self._staged.append(offsets)
        return done

    def merge(self, job_id: str, spec: MergeSpec, max_bytes_billed: int | None) -> JobResult:
        """MERGE."""
        self._sleep(self._sizes.merge)
        done = super().merge(job_id, spec, max_bytes_billed)
        if done.failure is None:
            self._diary.merged(self._staged.pop(0))
        return done


class TimedSource(KafkaSource):
    """Says when partitions were assigned, and when the first message came."""

    def __init__(self, settings: Mapping[str, str], topic: str, group_id: str, now: Callable[[], float]) -> None:
        super().__init__(settings, topic, group_id)
        self._now = now
        self.opened: float | None = None
        self.first: float | None = None

    def open(self, positions: Mapping[int, Position]) -> None:
        """Assign."""
        super().open(positions)
        self.opened = self._now()

    def poll(self, max_messages: int, timeout_seconds: float) -> Polled:
        """Read."""
        found = super().poll(max_messages, timeout_seconds)
        if self.first is None and found.messages.num_rows:
            self.first = self._now()
        return found


class Engine:
    """One topic's table, kept from run to run.

    :param group: the consumer group, which is committed to and never joined.
    """

    def __init__(
        self, bootstrap: str, topic: str, group: str, folder: Path, diary: Diary, sizes: Sizes, slot: int
    ) -> None:
        self._diary, self._kafka, self._topic, self._group = diary, {"bootstrap.servers": bootstrap}, topic, group
        self._slot = slot
        self._warehouse = SlowWarehouse(topic, diary, sizes)
        self._job = folder / f"{topic}.yaml"
        table = f"{_PROJECT}.{_DATASET}.{topic.replace('.', '_').replace('-', '_')}"
        bigquery = {"project": _PROJECT, "api_endpoint": _NOWHERE}
        given = {"topic": topic, "table": table, "group_id": group, "kafka": self._kafka, "bigquery": bigquery}
        self._job.write_text(yaml.safe_dump(given))

    def live(self) -> Life:
        """One run."""
        life = Life(self._slot, self._diary.now())
        assembled = jobfile.assemble(jobfile.read(self._job), Stop())
        assembled.warehouse.close()
        source = TimedSource(self._kafka, self._topic, self._group, self._diary.now)
        job = replace(assembled, warehouse=self._warehouse, source=source)
        try:
            report = run(job)
        finally:
            assembly.close(replace(job, warehouse=assembled.warehouse))
        life.ended, life.first, life.messages = self._diary.now(), source.first, report.messages
        life.without = (life.ended if source.opened is None else source.opened) - life.began
        life.committed = report.committed if report.messages else None
        life.error = "not committed" if life.committed is False else None
        return life
