"""What all rules stand on: the world, the model of it, and what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from hypothesis import strategies as st

from airflow_kafka_bq.batch import LedgerRow
from airflow_kafka_bq.testing.memory import MemoryBigQuery
from airflow_kafka_bq.testing.memory.ledger import ledger_row, rows_of
from tests.histories.checks import Tables
from tests.histories.explained import Trouble
from tests.histories.model import Model
from tests.histories.process import Process
from tests.histories.scope import PIPELINE, Scope
from tests.histories.telling import Telling
from tests.pipeline.world import GROUP, TABLE, TOPIC, World

SMALL = st.integers(0, 4)
WHILE = st.integers(1, 4)
Keyed = Literal["coordinates", "keep", "update"]


class Ground(Telling):
    """State that rules share."""

    job: ClassVar[dict[str, Any]] = {}
    keyed: ClassVar[Keyed] = "coordinates"
    fenced: ClassVar[bool] = True
    removes: ClassVar[bool] = False  # a tombstone removes its row, and a marker is left

    def __init__(self) -> None:
        super().__init__()
        self.world, self.model, self.scope, self.tables = World(1), Model(), Scope(), Tables()
        self.processes: list[Process] = []
        self.troubles: set[Trouble] = set()
        self.count = 0
        self.healers: list[tuple[int, Callable[[], None]]] = []
        self.row: LedgerRow | None = None  # the ledger's row as it was seen last
        self.settings: dict[str, Any] = {}  # of this history's jobs, beside those of the machine
        self.busy = self.picky = self.wandering = self.timeless = self.orderly = False
        self.times_tell = True
        self.hole = False  # the target was dropped, and nobody has started over
        self.first_parts = 1  # how many partitions the topic had at first
        self.targets = 0  # how many tables of that name there were before

    # Troubles

    def begin(self, trouble: Trouble) -> None:
        """From now on."""
        self.troubles.add(trouble)
        for one in self.processes:
            one.seen.add(trouble)

    def end(self, trouble: Trouble) -> None:
        """No more."""
        self.troubles.discard(trouble)
        for one in self.processes:
            one.throughout.discard(trouble)

    def wrong(self, *troubles: Trouble) -> bool:
        """Whether one of these lasts."""
        return not self.troubles.isdisjoint(troubles)

    def lasts(self, steps: int, heal: Callable[[], None]) -> None:
        """Somebody heals it after so many steps, or when all is over."""
        self.healers.append((steps + 1, heal))

    def a_step_later(self) -> None:
        """Time for what heals."""
        due = [heal for steps, heal in self.healers if steps <= 1]
        self.healers = [(steps - 1, heal) for steps, heal in self.healers if steps > 1]
        for heal in due:
            heal()

    def produce_some(self, count: int) -> None:
        """The producers'."""
        raise NotImplementedError

    # What there is

    @property
    def topic_there(self) -> bool:
        """Whether there is a topic."""
        return bool(self.world.cluster.partitions(TOPIC))

    @property
    def target_there(self) -> bool:
        """Whether there is a target."""
        return self.world.database.tables.named(str(TABLE)) is not None

    @property
    def parts(self) -> int:
        """Partitions of the topic."""
        return len(self.world.cluster.partitions(TOPIC))

    @property
    def position(self) -> dict[int, int]:
        """Next offsets: the ledger's; without one, those of the group."""
        return self.scope.reached

    def jobs_run(self) -> bool:
        """Whether BigQuery works for somebody, dead or alive."""
        return any(job.result is None for job in self.world.database.jobs.by_id.values())

    def ends(self) -> dict[int, int]:
        """Where a reader of committed messages meets the end."""
        return {part: self.world.cluster.log(TOPIC, part).last_stable for part in range(self.parts)}

    def excuse_unknown(self) -> None:
        """Without a ledger, what is deleted while the group has no position lies in front of the next start."""
        known = self.committed()
        for one in self.model.living():
            if not self.fenced and one.deleted and one.partition not in known:
                one.sure = False

    def committed(self) -> dict[int, int]:
        """Next offsets that the group has."""
        held = self.world.cluster.groups.committed(GROUP, TOPIC)
        return {part: one.position.next_offset for part, one in held.items()}


def ledger_of(database: MemoryBigQuery) -> LedgerRow | None:
    """The pipeline's row."""
    found = database.tables.named(str(TABLE.companion("ledger")))
    return ledger_row(list(rows_of(found.rows, PIPELINE).values()), PIPELINE) if found else None
