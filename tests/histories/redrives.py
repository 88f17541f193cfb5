"""Dead letters that are redriven, beside everything else, by a job that takes some of them now."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.pipeline.report import RunReport
from tests.histories.ground import SMALL
from tests.histories.process import Process
from tests.histories.processes import BATCH, Processes
from tests.histories.telling import happening

WHERE = ["letters", "load", "merge", "merge executes", "merge commits", "drop"]
CHOICES: list[dict[str, Any]] = [{}, {}, {"stage": "tombstone"}, {"reason": "rejected_by_bigquery"}, {"limit": 2}]


class Redrives(Processes):
    """Of tombstones that are dead letters by policy, the job of a redrive makes something else."""

    @property
    def redrive_policy(self) -> str:
        """What it does with a tombstone; a payload may be NULL, so that a row is made of it."""
        return "ignore" if "model" in self.job else "insert"

    def begin_redrive(self, batch: int, **chosen: Any) -> Process:
        """A process that redrives."""
        policy: dict[str, Any] = {"on_tombstone": self.redrive_policy} if self.settings else {}
        return self.begin_process(batch_messages=batch, letters=LetterSelection.of(**chosen), **policy)

    @precondition(lambda self: len(self.processes) < self.at_once and self.fenced)
    @happening(batch=BATCH, chosen=st.sampled_from(CHOICES))
    def start_redrive(self, batch: int, chosen: dict[str, Any]) -> None:
        self.begin_redrive(batch, **chosen)

    @precondition(lambda self: self.fenced and len(self.processes) < self.at_once)
    @happening(batch=BATCH, call=st.sampled_from(WHERE))
    def crash_redrive(self, batch: int, call: str) -> None:
        """A redrive that dies where it hurts, and another one after it."""
        process = self.begin_redrive(batch)
        process.actor.until(call)
        self.slay(process)
        self.bury()
        self.begin_redrive(batch).actor.finish()
        self.bury()

    @precondition(lambda self: self.fenced and len(self.processes) < 2)
    @happening(batch=BATCH, call=st.sampled_from(WHERE), other=BATCH, live=st.booleans(), which=SMALL)
    def overtake_redrive(self, batch: int, call: str, other: int, live: bool, which: int) -> None:
        """A redrive is held; another one, or a live run, does its work; the first one wakes."""
        held = self.begin_redrive(batch, **CHOICES[which % len(CHOICES)])
        held.actor.until(call)
        self.check_now()  # a live run that reads a letter's message again takes the mark back
        (self.begin_process(batch_messages=other) if live else self.begin_redrive(other)).actor.finish()
        self.check_now()
        held.actor.finish()
        self.bury()

    def judge_redrive(self, report: RunReport) -> None:
        """Of one that ended well."""
        failed = report.rows["dead_lettered"]
        self.tell("a redrive found nothing" if not report.messages else "dead letters were redriven")
        if failed:
            self.tell("dead letters failed again")
        if report.rows["inserted"]:
            self.tell("dead letters became rows")
        assert (report.committed, report.partitions) == (None, {}), "I3: a redrive moved a position"

    def redrive_twice(self) -> None:
        """I4: all that can be redriven is, by one ordinary redrive; the next one changes nothing."""
        self._ordinary_redrive()
        before = self._table()
        report = self._ordinary_redrive()
        assert report.messages == report.rows["dead_lettered"], f"I4: what could be redriven was not: {report.rows}"
        assert self._table() == before, "I2: the second redrive changed the table"

    def _ordinary_redrive(self) -> RunReport:
        """One that must end well, and leave positions alone."""
        before = self.position, self.committed()
        process = self.begin_redrive(self.last_batch)
        process.actor.finish()
        error, report = process.actor.error, process.actor.report
        assert error is None, f"I4: a redrive: {error!r}"
        assert report is not None
        self.bury()
        assert before == (self.position, self.committed()), "I3: a redrive moved a position"
        return report

    def _table(self) -> Counter[str]:
        return Counter(map(repr, self.world.rows()))
