"""I4: the faults stop, and one ordinary run restores everything."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.histories.accidents import Accidents
from tests.histories.explained import Trouble
from tests.histories.groups import OTHER
from tests.histories.hands import FIXED_BY_STARTING_OVER
from tests.histories.redrives import Redrives
from tests.pipeline.world import GROUP, TOPIC


class Ending(Accidents, Redrives):
    """The last things."""

    thaw = again = left_open = False

    def check_end(self) -> None:
        """The machine's."""
        raise NotImplementedError

    def come_to_an_end(self) -> None:
        """Processes die, or sleep until all is over."""
        sleepers = [one.actor for one in self.processes] if self.thaw and self.fenced else []
        for process in self.processes:
            if process.actor not in sleepers:
                process.actor.kill()
        self.heal()
        self.ordinary_run("I4")
        self.check_all_is_read()
        if self.fenced:
            self.redrive_twice()
        if self.again:
            self._read_all_again()
        if sleepers:
            self._wake()
        self.world.clock.advance(80 * 3600)
        assert self.world.staging() == [], "I6: staging tables without an end"

    def heal(self) -> None:
        """Everything works again, and what needs a person is done by one."""
        world, groups = self.world, self.world.cluster.groups
        world.database.heal()
        world.cluster.heal()
        world.database.jobs._planned.clear()
        groups._fates.clear()
        groups._refusals.clear()
        groups.apply_late()
        for number in list(self.model.undecided)[1 if self.left_open else 0 :]:
            self.model.decide(number, commit=True)
        self.healers.clear()
        self.busy = False
        self.create_topic(1)
        self.brokers_are_back()
        self.member_leaves()
        groups.expire(GROUP, OTHER)
        self.end_jobs()
        for trouble in set(self.troubles) - {*FIXED_BY_STARTING_OVER, Trouble.BEYOND_END}:
            self.end(trouble)
        self.check_now()
        if self.wrong(*FIXED_BY_STARTING_OVER, Trouble.BEYOND_END):
            if self.row is not None:
                self.start_over()
            groups.expire(GROUP)
            for trouble in (*FIXED_BY_STARTING_OVER, Trouble.BEYOND_END):
                self.end(trouble)

    def ordinary_run(self, why: str, **settings: Any) -> None:
        """One that must end well."""
        process = self.begin_process(**{"batch_messages": self.last_batch, "on_gap": "record", **settings})
        process.actor.finish()
        error = process.actor.error
        assert error is None, f"{why}: {error!r}"
        self.bury()

    def check_all_is_read(self) -> None:
        """The run of before reached the end, and Kafka knows."""
        ends = {part: max(end, self.scope.base.get(part, 0)) for part, end in self.ends().items()}
        seen = {part: self.position.get(part, 0) for part in ends}
        assert seen == ends, f"I4: {seen} of {ends}"
        committed = self.committed()
        assert {part: committed.get(part, 0) for part in ends} == ends, f"I3: committed {committed}, read {ends}"
        self.check_end()

    def table(self) -> Counter[str]:
        """Rows, and dead letters of messages, without when they came."""
        rows = self.world.table()
        forgotten = self.forgotten()
        if forgotten or (self.keyed == "update" and self._keys_moved()):  # a tombstone before its row marks nothing
            rows = Counter(str((row["id"], row["n"])) for row in self.tables.rows if row["id"] not in forgotten)
        return rows + Counter(
            str((row["_kafka_partition"], row["_kafka_offset"], row["_kafka_timestamp"])) for row in self.tables.letters
        )

    def forgotten(self) -> set[str]:
        """Keys that another reading may leave otherwise, because what removed their rows is forgotten."""
        return set()

    def _keys_moved(self) -> bool:
        places = {(one.key, one.partition) for one in self.model.visible}
        return len(places) > len({key for key, _ in places})

    def _read_all_again(self) -> None:
        """Nothing changes, neither by a run that has nothing to do, nor from the start of the log."""
        before = self.table()
        if not self.fenced:
            self.ordinary_run("I4: the next")
            assert self.table() == before, "I2: a run that had nothing to do changed the table"
            self.world.cluster.groups.delete(GROUP)
            self.ordinary_run("I4: from the start again")
            assert self.table() == before, "I2: reading again changed the table"
            return
        skipped = any(at > self.world.cluster.log(TOPIC, part).log_start for part, at in self.scope.base.items())
        self.start_over()
        self.ordinary_run("I4: from the start again")
        self.check_all_is_read()
        new, gone = self.table() - before, before - self.table()
        assert skipped or (not new and not gone), f"I2: reading again added {new} and took {gone}"
        self.tell("everything was read again")

    def _wake(self) -> None:
        """A2: zombies wake when all is done, and change nothing."""
        before = self.table()
        for process in list(self.processes):
            process.actor.finish()
        self.bury()
        self.check_now()
        after = self.table()
        assert before <= after or self.keyed == "update", f"A2: a zombie took {before - after}"
        self.tell("zombies woke when all was over")
