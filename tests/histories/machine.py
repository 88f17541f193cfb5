"""Everything that can happen to a pipeline, in any order, call by call.

Up to three processes move in steps of single calls, so that each can be a zombie to the others: held anywhere, and let
go when the world has changed. After every step I1, I2, I3 and I8 hold; at the end one ordinary run restores all.
"""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition

from airflow_kafka_bq.exceptions import (
    MergeRejectedError,
    OffsetGapError,
    PositionConflictError,
    TransientError,
)
from airflow_kafka_bq.testing.memory import Killed
from tests.histories.happenings import SMALL, Happenings
from tests.histories.model import check_coordinates, check_update
from tests.histories.telling import happening
from tests.pipeline.actors import Actor, in_step
from tests.pipeline.world import TABLE, TOPIC, UPDATE


class Histories(Happenings):
    """Coordinates as the key. See :class:`UpdateHistories` for versions and tombstones."""

    job: ClassVar[dict[str, Any]] = {"start": "earliest", "on_gap": "record", "max_bad_ratio": None}

    def __init__(self) -> None:
        super().__init__()
        self.actors: list[Actor] = []
        self.done: dict[int, tuple[int, int]] = {}
        self.stepped = in_step()
        self.stepped.__enter__()

    # Processes

    @precondition(lambda self: len(self.actors) < 3)
    @happening(batch=st.integers(1, 5), most=st.none() | st.integers(1, 6))
    def start_live(self, batch: int, most: int | None) -> None:
        self.actors.append(Actor(self.world, **self.job, batch_messages=batch, max_messages=most))

    @precondition(lambda self: len(self.actors) < 3)
    @happening(batch=st.integers(1, 5), low=SMALL, length=st.integers(1, 6))
    def start_window(self, batch: int, low: int, length: int) -> None:
        window = {"from": {0: low, 1: low}, "to": {0: low + length, 1: low + length}}
        self.actors.append(Actor(self.world, **self.job | {"on_gap": "fail"}, batch_messages=batch, window=window))

    @precondition(lambda self: self.actors)
    @happening(which=SMALL, calls=st.integers(1, 12))
    def step(self, which: int, calls: int) -> None:
        actor = self.actors[which % len(self.actors)]
        for _ in range(calls):
            actor.step()
            self.check_now()
        self._bury()

    @precondition(lambda self: self.actors)
    @happening(
        which=SMALL, call=st.sampled_from(["merge", "merge executes", "merge commits", "commit", "load", "register"])
    )
    def step_until(self, which: int, call: str) -> None:
        self.actors[which % len(self.actors)].until(call)
        self._bury()

    @precondition(lambda self: self.actors)
    @happening(which=SMALL)
    def finish(self, which: int) -> None:
        self.actors[which % len(self.actors)].finish()
        self._bury()

    @precondition(lambda self: self.actors)
    @happening(which=SMALL)
    def kill(self, which: int) -> None:
        self.actors[which % len(self.actors)].kill()
        self._bury()

    @happening(batch=st.integers(1, 5))
    def whole_run(self, batch: int) -> None:
        """Beside all that are held."""
        self.actors.append(Actor(self.world, **self.job, batch_messages=batch).finish())
        self._bury()

    def _bury(self) -> None:
        for actor in [actor for actor in self.actors if actor.ended]:
            self.actors.remove(actor)
            self._judge(actor)

    def _judge(self, actor: Actor) -> None:
        """A process ends well, dies, or fails by a name that something in this history explains."""
        error = actor.error
        explained = (
            error is None
            or isinstance(error, Killed | TransientError)
            or (isinstance(error, MergeRejectedError) and self.refused)
            or (isinstance(error, OffsetGapError) and "window" in actor.settings)
            or (isinstance(error, PositionConflictError) and self.touched)
        )
        if not explained:
            assert error is not None
            raise AssertionError(f"unexplained {type(error).__name__}: {error}") from error

    # What always holds

    @invariant()
    def check_now(self) -> None:
        known = any(row["pipeline"] != "*" for row in self.world.database.rows(TABLE.companion("ledger")))
        positions = self.world.positions() if known else {}
        for part, at in self.reached.items():
            assert positions[part] >= at, "I3: the ledger went back"
        self.reached = positions
        if not self.moved_by_hand:
            for part, at in self.world.committed().items():
                assert at <= positions.get(part, 0) or self._is_start(part, at), f"I3: {part} committed ahead: {at}"
        covered = self.world.covered()
        assert {part: end for part, (_, end) in covered.items()}.items() <= positions.items()
        self.done = {part: (covered.get(part, (at, at))[0], at) for part, at in positions.items()}
        (check_update if self.update else check_coordinates)(self.world, self.model, self.done)

    def _is_start(self, part: int, at: int) -> bool:
        """A new partition's position reaches the ledger with the next batch."""
        return part not in self.reached and at == 0

    def teardown(self) -> None:
        try:
            self._end()
        finally:
            for actor in self.actors:
                actor.kill()
            self.stepped.__exit__(None, None, None)

    def _end(self) -> None:
        """I4: the faults stop, some processes never wake again, and one ordinary run restores everything."""
        for actor in self.actors:
            actor.kill()
        self.actors.clear()
        self.world.database.jobs._planned.clear()
        groups = self.world.cluster.groups
        groups._fates.clear()
        groups.apply_late()
        self.world.clock.advance(100)
        if self.moved_by_hand:
            self.set_group_right()
        for number in list(self.model.undecided):
            self.model.decide(number, commit=True)
        last = Actor(self.world, **self.job, batch_messages=7).finish()
        assert last.error is None, f"I4: {last.error!r}"
        self.check_now()
        ends = {
            part: self.world.cluster.log(TOPIC, part).high_watermark for part in self.world.cluster.partitions(TOPIC)
        }
        seen = {part: self.reached.get(part, 0) for part in ends}
        assert seen == ends, "I4: the end was not reached"
        assert {part: self.world.committed().get(part, 0) for part in ends} == ends
        if self.update:
            check_update(self.world, self.model, self.done, exact=True)


class UpdateHistories(Histories):
    """Versions that come in any order, and tombstones."""

    job: ClassVar[dict[str, Any]] = {**Histories.job, **UPDATE}
    update = True


MACHINES = [Histories, UpdateHistories]
