"""Kafka and BigQuery in memory, on one clock, and jobs between them."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from pydantic import BaseModel

from airflow_kafka_bq.batch import GroupMember, LedgerRow, Position, RunContext
from airflow_kafka_bq.config import JobConfig, TableId
from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.formats.fingerprint import fingerprint
from airflow_kafka_bq.pipeline.decode import DecodeRules
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.pipeline.stopping import Stop
from airflow_kafka_bq.ports import Source, Warehouse
from airflow_kafka_bq.ports.source import MemberSource
from airflow_kafka_bq.schema.build import build_target
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.testing.memory import (
    NOW,
    Killed,
    MemoryBigQuery,
    MemoryCluster,
    MemoryMemberSource,
    MemorySource,
    MemoryWarehouse,
    VirtualClock,
)
from tests.pipeline.watched import EFFECTS, Assassin, Hook, Watched

__all__ = ["EFFECTS", "Assassin", "Hook", "Watched"]

TOPIC, TABLE = "shop.orders", TableId("demo", "analytics", "orders")
GROUP = f"kafka-bq.{TOPIC}.{TABLE}"


class Order(BaseModel):
    """What the messages hold."""

    id: str
    n: int
    updated: int | None = None


UPDATE: Mapping[str, Any] = {"model": Order, "dedup_key": ["id"], "on_duplicate": "update", "version": ["updated"]}
KEEP: Mapping[str, Any] = {"model": Order, "dedup_key": ["id"]}


class VirtualStop(Stop):
    """Waits on the virtual clock."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def pause(self, seconds: float) -> None:
        self.check()
        self._clock.advance(seconds)


class World:
    """One topic and one table; every job is a process of its own."""

    def __init__(self, partitions: int = 2, *, topic_ids: bool = True) -> None:
        self.clock = VirtualClock()
        self.cluster = MemoryCluster(self.clock, topic_ids=topic_ids)
        self.database = MemoryBigQuery("demo", ("analytics",), self.clock)
        self.topic_id = self.cluster.create_topic(TOPIC, partitions)

    # What happens in Kafka

    def send(self, value: Any, partition: int = 0, key: str | None = None, timestamp_ms: int | None = NOW) -> int:
        """Produce JSON, raw bytes, or a tombstone."""
        raw = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
        return self.cluster.produce(
            TOPIC, raw, key=None if key is None else key.encode(), partition=partition, timestamp_ms=timestamp_ms
        )

    def fill(self, count: int, partition: int = 0) -> None:
        """Orders, each with an id of its own."""
        for _ in range(count):
            end = self.cluster.log(TOPIC, partition).high_watermark
            self.send({"id": f"{partition}-{end}", "n": end}, partition, key=f"{partition}-{end}")

    def commit(self, offsets: Mapping[int, int], metadata: str = "", topic: str = TOPIC) -> None:
        """Somebody sets the group's offsets by hand."""
        positions = {part: Position(offset) for part, offset in offsets.items()}
        groups = self.cluster.groups
        planted = groups._fates, groups._refusals  # meant for ours
        groups._fates, groups._refusals = deque(), {}
        groups.commit(GROUP, topic, positions, metadata)
        groups._fates, groups._refusals = planted

    def join(self) -> None:
        """A foreign consumer joins the group."""
        self.cluster.groups.join(GROUP, GroupMember("m-1", "stranger", "/10.0.0.1"))

    # Processes

    def config(self, **settings: Any) -> JobConfig:
        return JobConfig.of(topic=TOPIC, table="demo.analytics.orders", **settings)

    def target(self, config: JobConfig) -> Target:
        return build_target(config, TABLE, config.model)

    def source(self, hook: Hook | None = None, group: str = GROUP) -> Source:
        source = MemorySource(self.cluster, TOPIC, group)
        return cast(Source, Watched(source, hook)) if hook else source

    def member(self, hook: Hook | None = None) -> MemberSource:
        """A source that may join the group."""
        source = MemoryMemberSource(self.cluster, TOPIC, GROUP)
        return cast(MemberSource, Watched(source, hook)) if hook else source

    def warehouse(self, hook: Hook | None = None) -> Warehouse:
        warehouse = MemoryWarehouse(self.database)
        return cast(Warehouse, Watched(warehouse, hook)) if hook else warehouse

    def job(
        self, hook: Hook | None = None, *, source: Source | None = None, letters: LetterSelection | None = None,
        **settings: Any,
    ) -> Job:  # fmt: skip
        """A job as a process of its own would put it together."""
        config = self.config(**settings)
        source = source or self.source(hook)
        lasting = {name: value for name, value in settings.items() if name not in _OF_A_RUN}
        target, rules, mark = _made(config) if config.filter else _made_once(self.config(**lasting))
        return Job(
            config, source, self.warehouse(hook), target, rules, mark,
            RunContext("shop", "orders", "manual", 1, "tests"), VirtualStop(self.clock), clock=self.clock.monotonic,
            now=self.clock, letters=letters, source_of=lambda group: self.source(hook, group),
            member=self.member(hook) if config.joins else None,
        )  # fmt: skip

    def run(self, hook: Hook | None = None, **settings: Any) -> RunReport:
        """One ordinary run; one that joined leaves."""
        job = self.job(hook, **settings)
        try:
            return run(job)
        finally:
            if job.member is not None and not (isinstance(hook, Assassin) and hook.dead):
                job.member.close()

    def end_sessions(self) -> None:
        """The group puts out whoever is in it: those that died, and what hangs."""
        for member_id in self.cluster.members.of(GROUP):
            self.cluster.members.put_out(GROUP, member_id)

    def kill(self, at: int, **settings: Any) -> str | None:
        """A run that dies at its n-th effect; where, or None if it had no more effects."""
        assassin = Assassin(at)
        try:
            self.run(assassin, **settings)
        except Killed:
            return assassin.names[-1]
        return None

    # What there is afterwards

    def rows(self) -> list[dict[str, Any]]:
        return self.database.rows(TABLE)

    def table(self) -> Counter[Any]:
        """The target's rows as a multiset, without the time of their arrival."""
        return Counter(_frozen(row, "_ingested_at") for row in self.rows())

    def offsets(self) -> Counter[tuple[int, int]]:
        """Coordinates of the target's rows."""
        return Counter((row["_kafka_partition"], row["_kafka_offset"]) for row in self.rows())

    def letters(self) -> list[dict[str, Any]]:
        return self.database.rows(TABLE.companion("dead_letters"))

    def dead(self) -> Counter[Any]:
        """The dead letters as a multiset, without when and by which batch they came."""
        return Counter(_frozen(row, "failed_at", "batch_id") for row in self.letters())

    def ledger(self) -> LedgerRow:
        target = self.target(self.config())
        row = MemoryWarehouse(self.database).ledger(target, f"memory/{TOPIC}")
        assert row is not None
        return row

    def positions(self) -> dict[int, int]:
        """Next offsets that the ledger has."""
        return {part: at.next_offset for part, at in sorted(self.ledger().positions.items())}

    def committed(self) -> dict[int, int]:
        """Next offsets that the group has."""
        found = self.cluster.groups.committed(GROUP, TOPIC)
        return {part: held.position.next_offset for part, held in sorted(found.items())}

    def history(self, kind: str = "live") -> list[dict[str, Any]]:
        """Applied batches in their order."""
        found = [row for row in self.database.rows(TABLE.companion("batches")) if row["kind"] == kind]
        return sorted(found, key=lambda row: row["revision"])

    def covered(self) -> dict[int, tuple[int, int]]:
        """What the live batches cover per partition, which must be without hole or overlap."""
        found: dict[int, tuple[int, int]] = {}
        for batch in self.history():
            for one in batch["ranges"]:
                start, end = one["start_offset"], one["end_offset"]
                first, reached = found.get(one["partition"], (start, start))
                assert reached == start, f"hole or overlap: {one} after {reached}"
                found[one["partition"]] = (first, end)
        return dict(sorted(found.items()))

    def staging(self) -> list[str]:
        """Staging tables that are left."""
        return [name for name in self.database.table_names() if "__stg_" in name]


_OF_A_RUN = frozenset(("batch_messages", "max_messages", "max_bad_messages", "on_gap", "window", "partitions"))


def _made(config: JobConfig) -> tuple[Target, DecodeRules, str]:
    target = build_target(config, TABLE, config.model)
    keep = config.filter if callable(config.filter) else None
    rules = DecodeRules.of(config, target, config.model, filter=keep)
    return target, rules, fingerprint(config, target, config.model, (keep,))


_made_once = lru_cache(maxsize=256)(_made)  # the most of what a job costs to put together


def _frozen(row: Mapping[str, Any], *without: str) -> str:
    return repr(sorted((name, value) for name, value in row.items() if name not in without))
