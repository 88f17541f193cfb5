"""What becomes of runs: each is a process that is held at every call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from airflow_kafka_bq.batch import Failure, JobResult
from tests.histories.explained import Trouble
from tests.histories.ground import SMALL, Ground
from tests.histories.process import Process
from tests.histories.scope import batches
from tests.histories.telling import happening
from tests.pipeline.actors import Actor
from tests.pipeline.world import TOPIC

WHERE = ["merge", "merge executes", "merge commits", "commit", "load", "load runs", "register", "place", "poll", "drop"]
BATCH = st.sampled_from([1, 2, 3, 4, 6, 9])
SOME = st.none() | st.integers(1, 6)
FAILED = {Failure.CONFLICT: "cancelled by another transaction", Failure.LEDGER_MOVED: "fenced out"}


class Processes(Ground):
    """Runs of the job: started, held, killed, stopped, let go; up to three at once."""

    at_once = 3
    last_batch = 7  # a later run of the same batches finds the jobs of an earlier one

    def judge(self, process: Process) -> None:
        """Of a process that is gone; the machine's."""
        raise NotImplementedError

    def check_now(self) -> None:
        """The machine's."""
        raise NotImplementedError

    # Beginnings

    def begin_process(self, window: dict[str, Any] | None = None, **settings: Any) -> Process:
        """A process that has not made a call yet. Where producers are busy, there are new messages."""
        self.make_room()
        if self.busy:
            self.produce_some(self.count % 4)
        self.last_batch = settings.get("batch_messages", self.last_batch)
        settings = {**self.job, **self.settings, **settings, **({"window": window} if window else {})}
        process = Process(
            Actor(self.world, self._hear, **settings), set(self.troubles), set(self.troubles), self.ends(), self.scope,
            window=window, batches_before=len(batches(self.world.database)), redrives="letters" in settings,
        )  # fmt: skip
        if self.processes or self.jobs_run():
            for one in (process, *self.processes):
                one.seen.add(Trouble.OTHERS)
        self.processes.append(process)
        return process

    def make_room(self) -> None:
        """Without a ledger there is one writer at a time, and what it left in BigQuery counts as it."""
        if self.fenced:
            return
        for one in self.processes:
            one.actor.kill()
        self.bury()
        self.end_jobs()

    def end_jobs(self) -> None:
        """Those that run end, in their time or when they are told to."""
        jobs = self.world.database.jobs
        for job in list(jobs.by_id.values()):
            if job.result is None and job.ready_at is None:
                jobs.finish(job.job_id)
        self.world.clock.advance(100)
        jobs.settle()

    def _hear(self, actor: Actor, kind: str, result: JobResult) -> None:
        process = next(one for one in self.processes if one.actor is actor)
        if result.attached:
            self.tell(f"{kind} attached to an earlier job{' that failed' if result.failure else ''}")
        elif result.failure in FAILED and kind == "merge":
            self.tell(f"merge {FAILED[result.failure]}")
        elif result.failure is None and kind == "merge":
            process.applied.append(len(batches(self.world.database)))

    @precondition(lambda self: len(self.processes) < self.at_once)
    @happening(batch=BATCH, most=SOME, gap=st.sampled_from(["record", "record", "fail"]), strict=st.integers(0, 3))
    def start_live(self, batch: int, most: int | None, gap: str, strict: int) -> None:
        self.begin_process(batch_messages=batch, max_messages=most, on_gap=gap, max_bad_messages=None if strict else 0)

    @precondition(lambda self: len(self.processes) < self.at_once and self.fenced and self.topic_there)
    @happening(
        batch=BATCH, low=SMALL, length=st.integers(1, 6), one=st.none() | SMALL, gap=st.sampled_from(["record", "fail"])
    )
    def start_window(self, batch: int, low: int, length: int, one: int | None, gap: str) -> None:
        """Offsets of all partitions, or of one."""
        parts = range(self.parts) if one is None else [one % self.parts]
        logs = self.world.cluster.topic(TOPIC).logs
        low = min(low, max(logs[part].high_watermark for part in parts))  # behind all ends it is refused
        window = {"from": dict.fromkeys(parts, low), "to": dict.fromkeys(parts, low + length)}
        process = self.begin_process(window, batch_messages=batch, on_gap=gap)
        process.owed = [
            message
            for message in self.model.visible
            if message.partition in parts and low <= message.offset < low + length and self._is_there(message, process)
        ]
        self.orderly = False

    @precondition(lambda self: len(self.processes) < self.at_once and self.fenced and self.topic_there)
    @precondition(lambda self: self.times_tell and not self.timeless and self.model.visible)
    @happening(first=st.integers(0, 20), count=st.integers(1, 20), one=st.none() | SMALL)
    def start_window_of_times(self, first: int, count: int, one: int | None) -> None:
        """From one message's time to another's, in all partitions or in one."""
        chosen = sorted(self.model.visible, key=lambda message: message.timestamp_ms)[first % len(self.model.visible) :]
        low, high = chosen[0].timestamp_ms, chosen[min(count, len(chosen)) - 1].timestamp_ms
        parts = range(self.parts) if one is None else [one % self.parts]
        start = self.world.clock() - timedelta(seconds=self.world.clock.monotonic())
        begin_ms = int(start.timestamp() * 1000)
        window = {
            name: (start + timedelta(milliseconds=at - begin_ms)).isoformat()
            for name, at in (("from", low), ("to", high))
        }
        chosen_parts = {} if one is None else {"partitions": list(parts)}
        process = self.begin_process(window, batch_messages=3, on_gap="record", **chosen_parts)
        process.owed = [
            message
            for message in self.model.visible
            if message.partition in parts and low <= message.timestamp_ms < high and self._is_there(message, process)
        ]
        self.orderly = False

    def _is_there(self, message: Any, process: Process) -> bool:
        return (
            message.life == self.model.life
            and message.sure
            and not message.deleted
            and message.offset < process.ends[message.partition]
        )

    # Moves

    def _chosen(self, which: int) -> Process:
        return self.processes[which % len(self.processes)]

    @precondition(lambda self: self.processes)
    @happening(which=SMALL, calls=st.integers(1, 12))
    def step(self, which: int, calls: int) -> None:
        actor = self._chosen(which).actor
        for _ in range(calls):
            actor.step()
            self.check_now()
        self.bury()

    @precondition(lambda self: self.processes)
    @happening(which=SMALL, call=st.sampled_from(WHERE))
    def step_until(self, which: int, call: str) -> None:
        self._chosen(which).actor.until(call)
        self.bury()

    @precondition(lambda self: len(self.processes) > 1)
    @happening(turns=st.lists(SMALL, min_size=5, max_size=40))
    def race(self, turns: list[int]) -> None:
        """Call by call, in any order."""
        processes = list(self.processes)
        for turn in turns:
            processes[turn % len(processes)].actor.step()
            self.check_now()
        self.bury()

    @precondition(lambda self: self.processes)
    @happening(which=SMALL)
    def finish(self, which: int) -> None:
        self._chosen(which).actor.finish()
        self.bury()

    @precondition(lambda self: self.processes)
    @happening(which=SMALL)
    def kill(self, which: int) -> None:
        self.slay(self._chosen(which))
        self.bury()

    @precondition(lambda self: self.processes)
    @happening(which=SMALL)
    def stop(self, which: int) -> None:
        """SIGTERM."""
        process = self._chosen(which)
        process.stopped_at = process.stopped_at if process.stopped_at is not None else len(process.actor.calls)
        process.actor.ask_to_stop()

    @happening(batch=BATCH)
    def whole_run(self, batch: int) -> None:
        """Beside all that are held."""
        self.begin_process(batch_messages=batch).actor.finish()
        self.bury()

    @happening(batch=BATCH, calls=st.integers(0, 30))
    def crash(self, batch: int, calls: int) -> None:
        """A run that dies somewhere."""
        process = self.begin_process(batch_messages=batch)
        process.actor.step(calls)
        self.slay(process)
        self.bury()

    @happening(batch=BATCH, call=st.sampled_from(WHERE))
    def crash_at(self, batch: int, call: str) -> None:
        """A run that dies where it hurts."""
        process = self.begin_process(batch_messages=batch)
        process.actor.until(call)
        self.slay(process)
        self.bury()

    @precondition(lambda self: self.at_once > 1 and len(self.processes) < 2)
    @happening(batch=BATCH, call=st.sampled_from(WHERE), other=BATCH)
    def overtake(self, batch: int, call: str, other: int) -> None:
        """A run is held; another one does its work; the first one wakes."""
        held = self.begin_process(batch_messages=batch)
        held.actor.until(call)
        self.begin_process(batch_messages=other).actor.finish()
        self.check_now()
        held.actor.finish()
        self.bury()

    @precondition(lambda self: self.at_once > 1 and len(self.processes) < 2)
    @happening(batches=st.tuples(BATCH, BATCH), turns=st.integers(0, 2**48))
    def two_writers(self, batches: tuple[int, int], turns: int) -> None:
        """Both from the start, call by call in any order, until both are done."""
        both = [self.begin_process(batch_messages=one) for one in batches]
        while not all(one.actor.ended for one in both):
            turns, turn = (turns >> 1) | ((turns & 1) << 48), turns & 1
            both[turn].actor.step()
            self.check_now()
            if both[turn].actor.ended:
                both[1 - turn].actor.finish()
        self.bury()

    def slay(self, process: Process) -> None:
        """SIGKILL."""
        if process.actor.ended:
            return
        self.tell(f"killed at {process.actor.at}")
        process.actor.kill()

    def bury(self) -> None:
        """Judge those that are gone."""
        for process in [one for one in self.processes if one.actor.ended]:
            self.processes.remove(process)
            self.judge(process)
