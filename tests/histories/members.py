"""Members of one group in any order of calls: they join, freeze, wake, die, are put out; strangers come and go.

After every step I1, I2, I3 and I8 hold; at the end one ordinary member reads the rest (I4).
"""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from airflow_kafka_bq.batch import Outcome, Position
from airflow_kafka_bq.exceptions import (
    KafkaUnavailableError,
    MergeConflictError,
    PartitionsLostError,
    StalledError,
    WarehouseUnavailableError,
)
from airflow_kafka_bq.testing.memory import CommitFate, Killed
from tests.histories.ground import ledger_of
from tests.pipeline.actors import Actor, in_step
from tests.pipeline.world import GROUP, TABLE, TOPIC, UPDATE, Order, World

STRANGER = "stranger"
WAYS_TO_END = (
    Killed, PartitionsLostError, StalledError, MergeConflictError, KafkaUnavailableError, WarehouseUnavailableError,
)  # fmt: skip
WHICH, CALLS = st.integers(0, 2), st.integers(1, 40)
PLACES = st.sampled_from(["holding", "commit", "merge", "merge executes", "merge commits", "load", "poll", "share"])


class Members(RuleBasedStateMachine):
    """Coordinates as the key."""

    job: ClassVar[dict[str, Any]] = {"assignment": "subscribe", "start": "earliest", "model": Order}
    at_once = 3

    def __init__(self) -> None:
        super().__init__()
        self.stepped = in_step()
        self.stepped.__enter__()
        self.world = World(2)
        self.actors: list[Actor] = []
        self.sent: list[tuple[int, int, dict[str, Any]]] = []
        self.reached: dict[int, int] = {}
        self.versions: dict[str, int] = {}
        self.events: Counter[str] = Counter()

    @initialize(partitions=st.integers(1, 4), messages=st.integers(2, 12))
    def begin(self, partitions: int, messages: int) -> None:
        self.world = World(partitions)
        self.world.run(**self.job)  # from now on the ledger decides; a first run would take over what a stranger left
        for number in range(messages):
            self.produce(number, number)

    @rule(part=st.integers(0, 3), version=st.integers(0, 9))
    def produce(self, part: int, version: int) -> None:
        part %= len(self.world.cluster.partitions(TOPIC))
        number = len(self.sent)
        self.world.clock.advance(0.01)
        message = {"id": f"k{number % 5}", "n": number, "updated": version}
        self.sent.append((part, self.world.send(message, part, key=str(message["id"])), message))

    @precondition(lambda self: len(self.actors) < self.at_once)
    @rule(batch=st.sampled_from([1, 2, 3, 5]), calls=CALLS)
    def join(self, batch: int, calls: int) -> None:
        actor = Actor(self.world, **{**self.job, "batch_messages": batch})
        self.actors.append(actor)
        actor.step(calls)
        self._bury()

    @precondition(lambda self: self.actors)
    @rule(which=WHICH, calls=CALLS)
    def step(self, which: int, calls: int) -> None:
        self.actors[which % len(self.actors)].step(calls)
        self._bury()

    @precondition(lambda self: self.actors)
    @rule(which=WHICH, place=PLACES)
    def go_to(self, which: int, place: str) -> None:
        """On, to the next call of this name: there it is frozen, until it is let go."""
        self.actors[which % len(self.actors)].until(place)
        self._bury()

    @precondition(lambda self: self.actors)
    @rule(which=WHICH)
    def kill(self, which: int) -> None:
        """It stays in the group until its session ends."""
        actor = self.actors[which % len(self.actors)]
        self.events[f"killed at {actor.at}"] += 1
        actor.kill()
        self._bury()

    @rule(which=WHICH)
    def put_out(self, which: int) -> None:
        """A session ends, of a live member or a dead one; or max.poll.interval.ms is over."""
        ids = self.world.cluster.members.of(GROUP)
        if ids:
            self.world.cluster.members.put_out(GROUP, ids[which % len(ids)])
            self.events["put out"] += 1

    @rule(ahead=st.booleans())
    def stranger(self, ahead: bool) -> None:
        """It joins, or it commits what it was handed, or it leaves."""
        cluster = self.world.cluster
        there = STRANGER in cluster.members.of(GROUP)
        if not there:
            cluster.members.join(GROUP, STRANGER, TOPIC)
        elif ahead:
            share = cluster.members.share(GROUP, STRANGER) or frozenset()
            ends = {part: Position(cluster.log(TOPIC, part).high_watermark) for part in share}
            cluster.groups._fates.clear()
            cluster.groups.commit(GROUP, TOPIC, ends, "", STRANGER)
        else:
            cluster.members.leave(GROUP, STRANGER)

    @rule(what=st.sampled_from(["grows", "late", "lost", "arrives", "expires", "nothing", "nothing"]))
    def elsewhere(self, what: str) -> None:
        """The topic grows, a commit has no answer in time, a late one arrives, offsets are forgotten."""
        cluster = self.world.cluster
        have = len(cluster.partitions(TOPIC))
        if what == "grows" and have < 4:
            cluster.add_partitions(TOPIC, have + 1)
        elif what in {"late", "lost"}:
            cluster.groups.fate_of_next(CommitFate(what))
        elif what == "arrives":
            cluster.groups.apply_late()
        elif what == "expires":
            cluster.groups.expire(GROUP)

    def _bury(self) -> None:
        for actor in [one for one in self.actors if one.ended]:
            self.actors.remove(actor)
            assert actor.error is None or isinstance(actor.error, WAYS_TO_END), repr(actor.error)
            self.events[type(actor.error).__name__ if actor.error else "ended"] += 1

    # What always holds

    @invariant()
    def check_now(self) -> None:
        """I1, I2, I3 and, by versions, I8."""
        self.world.database.jobs.settle()
        row = ledger_of(self.world.database)
        positions = {part: at.next_offset for part, at in row.positions.items()} if row else {}
        assert all(at <= positions.get(part, 0) for part, at in self.reached.items()), "I3: the ledger went back"
        self.reached = positions
        for part, held in self.world.cluster.groups.committed(GROUP, TOPIC).items():
            if held.metadata:  # of ours
                assert held.position.next_offset <= positions.get(part, 0), "I3: a commit ahead of the ledger"
        there = self.world.database.tables.named(str(TABLE))
        self.check_rows(list(there.rows.values()) if there else [], positions)
        if row:
            self.world.covered()

    def check_rows(self, rows: list[Any], positions: dict[int, int]) -> None:
        """Of the target."""
        found = Counter((one["_kafka_partition"], one["_kafka_offset"]) for one in rows)
        assert max(found.values(), default=1) == 1, f"I2: {found.most_common(2)}"
        for part, offset, _ in self.sent:
            if offset < positions.get(part, 0):
                assert (part, offset) in found, f"I1: {part}, {offset} is missing"

    def teardown(self) -> None:
        try:
            for actor in self.actors:
                actor.kill()
            cluster = self.world.cluster
            for member_id in cluster.members.of(GROUP):
                cluster.members.put_out(GROUP, member_id)
            cluster.groups.apply_late()
            cluster.groups._fates.clear()
            self.world.clock.advance(100)
            self.world.database.jobs.settle()
            report = self.world.run(**self.job)
            assert report.outcome is Outcome.END
            ends = {part: cluster.log(TOPIC, part).high_watermark for part in cluster.partitions(TOPIC)}
            self.check_now()
            there = {part: self.reached.get(part, 0) for part in ends}  # an empty one that was added is not in it yet
            assert there == ends, "I4: not at the end"
            assert self.world.committed() == ends
            assert cluster.groups.members(GROUP) == ()
        finally:
            self.stepped.__exit__(None, None, None)


class UpdatingMembers(Members):
    """A key of the business, the newest version wins."""

    job: ClassVar[dict[str, Any]] = {**Members.job, **UPDATE}

    def check_rows(self, rows: list[Any], positions: dict[int, int]) -> None:
        found = {one["id"]: one["updated"] for one in rows}
        assert len(found) == len(rows), "I2: a key twice"
        newest: dict[str, int] = {}
        for part, offset, message in self.sent:
            if offset < positions.get(part, 0):
                newest[message["id"]] = max(newest.get(message["id"], 0), message["updated"])
        for key, version in newest.items():
            assert found.get(key, -1) >= version, f"I8: {key} is at {found.get(key)}, {version} was read"
        for key, version in self.versions.items():
            assert found.get(key, -1) >= version, f"I8: {key} went back"
        self.versions = found
