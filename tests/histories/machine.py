"""Everything that can happen to a pipeline, in any order, call by call.

Up to three processes move in steps of single calls, so that each can be a zombie to the others: held anywhere, and let
go when the world has changed. After every step I1, I2, I3 and I8 hold; at the end one ordinary run restores all.
"""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant

from tests.histories.alive import Removes
from tests.histories.checks import (
    check_coordinates,
    check_first,
    check_keep,
    check_letters,
    check_newest,
    check_redriven,
    check_update,
)
from tests.histories.ending import Ending
from tests.histories.explained import Trouble
from tests.histories.ground import Keyed, ledger_of
from tests.histories.judging import Judging
from tests.histories.others_tables import create_before
from tests.histories.producers import Producers
from tests.pipeline.actors import in_step
from tests.pipeline.world import GROUP, KEEP, TABLE, TOPIC, UPDATE, Order, World

_WATCHED = (TABLE, *map(TABLE.companion, ("ledger", "batches", "dead_letters", "deletes")))
ALWAYS: dict[str, Any] = {"start": "earliest", "max_bad_ratio": None, "stall_timeout_seconds": 2}


class Payloads(Ending, Judging, Producers):
    """Coordinates as the key, the payload whole: a tombstone is a row too."""

    job: ClassVar[dict[str, Any]] = ALWAYS
    tombstone_policies: ClassVar[list[str | None]] = [None, "dead_letter", "ignore"]

    def __init__(self) -> None:
        super().__init__()
        self.stepped = in_step()
        self.stepped.__enter__()
        self.last_look: Any = None
        self.kept_alive: list[Any] = []  # so that no new object has the identity of an old one

    @initialize(
        partitions=st.integers(1, 3), messages=st.integers(0, 8), busy=st.booleans(), ids=st.integers(0, 3),
        picky=st.sampled_from([None, None, "load", "merge"]),
        policy=st.integers(0, 2), times=st.sampled_from(["now", "now", "scattered", "missing"]),
        wandering=st.booleans(), narrow=st.integers(0, 3), nearby=st.booleans(), thaw=st.booleans(),
        left_open=st.booleans(), again=st.integers(0, 3), together=st.booleans(),
    )  # fmt: skip
    def begin_history(
        self, partitions: int, messages: int, ids: int, picky: Any, policy: int, times: str, **chances: int
    ) -> None:
        """What a history is about."""
        self.world, self.first_parts = World(partitions, topic_ids=ids > 0), partitions
        self.model.ids[self.world.topic_id] = 0
        self.times_tell, self.timeless, self.orderly = times == "now", times == "missing", True
        self.wandering = bool(chances["wandering"]) and self.times_tell
        if self.removes:  # a message without timestamp, or a hole where a window begins, does not tell how old it is
            self.begin(Trouble.FORGOTTEN)
        self.thaw, self.again, self.left_open = bool(chances["thaw"]), not chances["again"], bool(chances["left_open"])
        self.settings = {"on_tombstone": self.tombstone_policies[policy]} if self.tombstone_policies[policy] else {}
        if chances["together"]:
            self.settings["merge_per"] = "run"
        if picky and "model" in self.job:
            self.picky = True
            self.world.database.reject_rows(_fifth, at=picky)
        if chances["nearby"] and self.keyed != "coordinates" and not self.timeless:
            self.settings["dedup_window"] = "3650d"  # bounds every MERGE, and hides nothing of a history
            self.tell("duplicates looked for nearby")
        if "model" in self.job:
            self.settings |= create_before(self.world, {**self.job, **self.settings}, chances["narrow"])
        if "schema_update" in self.settings:
            self.tell("a table of an older model")
        self.busy = bool(chances["busy"])
        self.trace.append(
            f"begin({partitions} partitions, topic ids {ids > 0}, rows rejected at {picky if self.picky else None}, "
            f"timestamps {times}, {self.settings}, {messages} messages, {chances})"
        )
        self.produce_some(messages)

    def _note_topics(self, topics: tuple[str, ...]) -> None:
        """Offsets of a group without members are forgotten after a week, those of other topics too."""
        (self.begin if set(topics) - {TOPIC} else self.end)(Trouble.OTHER_TOPIC)

    # What always holds

    @invariant()
    def check_now(self) -> None:
        database = self.world.database
        database.jobs.settle()
        topics = self.world.cluster.groups.topics(GROUP)
        ends = [self._end_of(part) for part in range(self.parts)]
        look = (self._versions(), self.committed(), topics, len(self.model.visible), self.topic_id(), ends)
        if look == self.last_look:
            return
        self.last_look = look
        self.row = ledger_of(database)
        self._note_identities()
        self._note_topics(topics)
        self._look()
        self.tables.look(self.world)
        self._check_commits()
        owed = [] if self.hole else list(self.scope.below(self.model))
        check_letters(self.tables, self.model, owed)
        self.check_rows(owed)

    def _versions(self) -> list[int]:
        """Every change of a table makes another object, and these are kept."""
        found = [self.world.database.tables.named(str(name)) for name in _WATCHED]
        self.kept_alive += found
        return [id(one) for one in found]

    def _look(self) -> None:
        self.scope.look(self.world, self.model, self.row)

    def _note_identities(self) -> None:
        """Whether topic and table are those that the ledger was written for."""
        row, tables = self.row, self.world.database.tables
        if row is not None and row.topic_id is not None and row.topic_id != self.topic_id():
            assert self.model.life > 0, "the ledger has the id of a topic that never was"
            self.begin(Trouble.TOPIC_ANOTHER)
        else:
            self.end(Trouble.TOPIC_ANOTHER)
        found = tables.named(str(TABLE))
        there = found.facts.created_at if found else None
        if row is not None and row.target_created_at not in (None, there):
            assert self.targets > 0, "the ledger has the creation time of a table that never was"
            self.begin(Trouble.TARGET_GONE)
        else:
            self.end(Trouble.TARGET_GONE)

    def _end_of(self, part: int) -> int:
        return self.world.cluster.log(TOPIC, part).high_watermark

    def topic_id(self) -> str | None:
        """Of the topic that is there."""
        return self.world.cluster.topic(TOPIC).topic_id if self.topic_there else None

    def check_rows(self, owed: Any) -> None:
        """Of the target."""
        check_coordinates(self.tables, self.model, owed)
        check_redriven(self.tables, rows=self.redrive_policy == "insert")

    def check_end(self) -> None:
        """What holds when everything was read."""

    def _check_commits(self) -> None:
        """I3: a commit of ours never leads the ledger, unless it is of before a person started over."""
        held = self.world.cluster.groups.committed(GROUP, TOPIC)
        by_hand = {part: one.position.next_offset for part, one in held.items() if not one.metadata}
        ours = {part: one.position.next_offset for part, one in held.items() if one.metadata}
        past = [part for part, at in by_hand.items() if part < self.parts and at > self._end_of(part)]
        (self.begin if past and not self.position and self.fenced else self.end)(Trouble.BEYOND_END)
        if not any(at > self.position.get(part, at) for part, at in by_hand.items()):
            self.end(Trouble.FORWARD)
        for part, at in ours.items():
            if at > self.position.get(part, 0):
                assert self.scope.since, f"I3: partition {part} is committed at {at}, the ledger is at {self.position}"
                self.tell("a commit of before arrived")

    def teardown(self) -> None:
        try:
            if self.rules_played:
                self.come_to_an_end()
        finally:
            for process in self.processes:
                process.actor.kill()
            self.stepped.__exit__(None, None, None)


class Rows(Payloads):
    """Coordinates as the key, columns from a model."""

    job: ClassVar[dict[str, Any]] = {**ALWAYS, "model": Order}
    tombstone_policies: ClassVar[list[str | None]] = [None, "dead_letter", "ignore"]


class Keeps(Payloads):
    """A key of the business; the first row stays."""

    job: ClassVar[dict[str, Any]] = {**ALWAYS, **KEEP}
    keyed: ClassVar[Keyed] = "keep"

    def check_rows(self, owed: Any) -> None:
        check_keep(self.tables, self.model, owed)

    def check_end(self) -> None:
        if self.orderly and not self.wandering:
            check_first(self.tables, self.scope, self.model)


class Updates(Payloads):
    """A key of the business; versions in any order, and tombstones."""

    job: ClassVar[dict[str, Any]] = {**ALWAYS, **UPDATE}
    keyed: ClassVar[Keyed] = "update"

    def check_rows(self, owed: Any) -> None:
        check_update(self.tables, owed)

    def check_end(self) -> None:
        check_newest(self.tables, self.scope, self.model)


class Deletes(Removes, Updates):
    """Tombstones remove rows; their markers expire."""

    job: ClassVar[dict[str, Any]] = {**Updates.job, "delete_expiration_days": 12}


class Unfenced(Rows):
    """Without a ledger: the position is the group's, and one run at a time."""

    job: ClassVar[dict[str, Any]] = {**Rows.job, "fence": "none"}
    fenced: ClassVar[bool] = False
    at_once = 1

    def _look(self) -> None:
        """The group's position may go back, and be gone; nothing is owed behind it that was not owed before."""
        self.scope.reached = {part: max(at, 0) for part, at in self.committed().items()}
        self.scope.base = dict.fromkeys(self.scope.reached, 0)
        self.excuse_unknown()

    def _check_commits(self) -> None:
        """I3 is I1 here: what lies below the commit is in the table."""


class UnfencedUpdates(Unfenced):
    """The same with versions."""

    job: ClassVar[dict[str, Any]] = {**ALWAYS, **UPDATE, "fence": "none"}
    keyed: ClassVar[Keyed] = "update"

    def check_rows(self, owed: Any) -> None:
        check_update(self.tables, owed)

    def check_end(self) -> None:
        check_newest(self.tables, self.scope, self.model)


def _fifth(row: Any) -> str | None:
    return f"Could not convert {row['n']}" if row.get("n") and row["n"] % 5 == 0 else None


class UnfencedDeletes(Removes, UnfencedUpdates):
    """The same where tombstones remove rows."""

    job: ClassVar[dict[str, Any]] = {**Deletes.job, "fence": "none"}


MACHINES: list[type[Payloads]] = [
    Payloads, Rows, Keeps, Updates, Deletes, Unfenced, UnfencedUpdates, UnfencedDeletes,
]  # fmt: skip
