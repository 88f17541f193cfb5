"""Which messages the ledger says are done, and whether it may say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from airflow_kafka_bq.batch import LedgerRow
from airflow_kafka_bq.testing.memory import MemoryBigQuery
from tests.histories.model import Message, Model
from tests.pipeline.world import TABLE, TOPIC, World

PIPELINE = f"memory/{TOPIC}"


@dataclass
class Scope:
    """Positions since they were first written, or since a person started over.

    :param base: per partition where reading began.
    :param reached: positions as they were seen last.
    :param since: the revision that a person moved the ledger to; batches up to it belong to what was before.
    :param adopted: what a person committed for the first run to begin with.
    """

    base: dict[int, int] = field(default_factory=dict)
    reached: dict[int, int] = field(default_factory=dict)
    since: int = 0
    life: int = 0
    adopted: dict[int, int] = field(default_factory=dict)

    def look(self, world: World, model: Model, row: LedgerRow | None) -> None:
        """I3: the ledger goes forward only, by batches without hole or overlap, and begins where it may."""
        if row is not None and row.topic_id is not None:
            self.life = model.ids[row.topic_id]
        positions = {} if row is None else {part: at.next_offset for part, at in row.positions.items()}
        for part, at in self.reached.items():
            assert positions.get(part, -1) >= at, f"I3: the ledger went back: {self.reached}, now {positions}"
        covered = self._covered(world)
        for part, at in positions.items():
            first, end = covered.get(part, (at, at))
            if part not in self.base:
                self._check_start(model, part, first)
                self.base[part] = first
            assert first == self.base[part], f"I3: partition {part} began at {self.base[part]}, batches at {first}"
            assert end == at, f"I3: partition {part} is at {at}, its batches end at {end}"
        assert covered.keys() <= positions.keys(), f"I3: batches of {covered}, positions of {positions}"
        self.reached = positions

    def _check_start(self, model: Model, part: int, start: int) -> None:
        """``start`` is earliest; a partition that came later starts at 0, which is not behind the log's start."""
        begin = model.log_starts.get((self.life, part), 0)
        legal = start <= begin or start == self.adopted.get(part)
        assert legal, f"I1: partition {part} is read from {start}, the log begins at {begin}"

    def _covered(self, world: World) -> dict[int, tuple[int, int]]:
        found: dict[int, tuple[int, int]] = {}
        for batch in sorted(batches(world.database), key=lambda row: row["revision"]):
            if batch["kind"] != "live" or batch["revision"] <= self.since:
                continue
            for one in batch["ranges"]:
                start, end = one["start_offset"], one["end_offset"]
                first, at = found.get(one["partition"], (start, start))
                assert at == start, f"I3: hole or overlap: {one} after {at}"
                found[one["partition"]] = (first, end)
        return found

    def below(self, model: Model) -> Iterator[Message]:
        """Messages that are owed: between where reading began and the position."""
        for one in model.visible:
            if one.life == self.life and one.sure:
                begin, position = self.base.get(one.partition, 0), self.reached.get(one.partition, 0)
                if begin <= one.offset < position:
                    yield one


def batches(database: MemoryBigQuery) -> list[Any]:
    """The history as it is, not copied."""
    found = database.tables.named(str(TABLE.companion("batches")))
    return list(found.rows.values()) if found else []
