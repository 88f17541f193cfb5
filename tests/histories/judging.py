"""What a run may end like: well, dead, or by an error that something in its time explains."""

from __future__ import annotations

from airflow_kafka_bq.batch import Outcome
from airflow_kafka_bq.exceptions import IngestError
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.testing.memory import Killed
from tests.histories.checks import place_of
from tests.histories.explained import NEVER_GREEN, NEVER_GREEN_WINDOW, Trouble, is_explained
from tests.histories.process import Process
from tests.histories.redrives import Redrives
from tests.histories.scope import batches

MOVED = (Trouble.TOPIC_ANOTHER, Trouble.TOPIC_GONE, Trouble.TRUNCATED, Trouble.TARGET_GONE, Trouble.FORWARD)
BIGQUERY = (Trouble.BIGQUERY_ERRORS, Trouble.BIGQUERY_DENIED)


class Judging(Redrives):
    """I5: no green run that should be none, no error without a reason."""

    def judge(self, process: Process) -> None:
        """Of a process that is gone."""
        actor = process.actor
        self.check_now()
        self._check_stop(process)
        if actor.calls.count("create_dead_letters") > 1:
            self.tell("planned anew")
        if isinstance(actor.error, Killed):
            return
        if actor.error is not None:
            self._judge_error(process, actor.error)
        elif actor.report is not None:
            self._judge_report(process, actor.report)
        self._note_zombies(process)

    def _judge_error(self, process: Process, error: BaseException) -> None:
        if not is_explained(error, process.seen):
            seen = sorted(process.seen)
            raise AssertionError(f"unexplained {type(error).__name__}: {error}; it saw {seen}") from error
        self.tell(f"ended by {type(error).__name__}", error)
        assert isinstance(error, IngestError)
        missing = [name for name in ("topic", "group_id") if not getattr(error, name)]
        assert not missing, f"I5: {error!r} does not name {missing}"

    def _judge_report(self, process: Process, report: RunReport) -> None:
        self.tell(f"ended well: {report.outcome}")
        if report.outcome is Outcome.STOPPED:
            assert process.stopped_at is not None, "stopped, and nobody asked"
            return
        never = NEVER_GREEN if process.live else NEVER_GREEN_WINDOW
        if not (self.world.cluster.tells_identities or report.committed):
            never -= {Trouble.MEMBER}  # the commit alone would have shown it, and had no answer
        assert not never & process.throughout, f"I5: green in spite of {never & process.throughout}"
        self._note(report)
        self._check_staging(process, report)
        if process.redrives:
            self.judge_redrive(report)
        elif not process.live:
            self._judge_window(process, report)
        elif report.outcome is Outcome.END and self._is_followed(process) and (self.fenced or report.committed):
            behind = {part: end for part, end in process.ends.items() if self.position.get(part, 0) < end}
            assert not behind, f"I4: a run that reached its end is at {self.position}, it ended at {process.ends}"
        assert report.committed is not False or Trouble.COMMIT_UNANSWERED in process.seen or process.seen & {
            Trouble.BROKER_ERRORS, Trouble.BROKERS_DOWN
        }, "the commit is said to have had no answer"  # fmt: skip

    def _is_followed(self, process: Process) -> bool:
        """Whether the ledger was about the same topic and table in all of its life."""
        return process.scope is self.scope and process.seen.isdisjoint(MOVED)

    def _check_staging(self, process: Process, report: RunReport) -> None:
        """I6: what a run staged, and applied, is dropped. Others may stage it again, and of lost batches the expiry
        takes what is left.
        """
        if (
            process.seen.isdisjoint({Trouble.OTHERS, *BIGQUERY})
            and process.actor.calls.count("create_dead_letters") == 1
        ):
            loads = [job.removeprefix("kafka-bq-load-") for job in report.jobs if "-load-" in job]
            left = [name for name in self.world.staging() if any(job.replace("-", "_") in name for job in loads)]
            assert not left, f"I6: {left} are left of {report.jobs}"

    def _judge_window(self, process: Process, report: RunReport) -> None:
        """All of its messages are in the tables, and its batches hold no others."""
        if self._is_followed(process):
            keys = {row["id"] for row in self.tables.rows} if self.keyed != "coordinates" else set()
            places = set(map(place_of, self.tables.rows)) if self.keyed == "coordinates" else set()
            letters = set(map(place_of, self.tables.letters))
            for one in process.owed:
                if one.deleted or not one.sure or one.becomes in {"nothing", "tombstone"}:
                    continue
                if one.gone or self.removes:  # perhaps before the window came to it; or a tombstone removed its row
                    continue
                held = one.place in letters if one.becomes == "dead letter" else one.key in keys or one.place in places
                assert held, f"I1: {one} of the window is missing"
        if isinstance(process.window, dict) and isinstance(process.window["to"], dict):
            for part, found in report.partitions.items():
                low, high = process.window["from"][part], process.window["to"][part]
                assert low <= found["start"], f"read before the window: {found}, {process.window}"
                assert found["end"] <= max(high, found["start"]), f"read past the window: {found}, {process.window}"
            self.tell("a window of offsets was read")
        else:
            self.tell("a window of times was read")

    def _check_stop(self, process: Process) -> None:
        """A4: nothing is merged or committed on the way out but what was under way."""
        if process.stopped_at is not None:
            late = {"merge", "commit"} & set(process.actor.calls[process.stopped_at + 1 :])
            assert not late, f"after it was asked to stop: {process.actor.calls[process.stopped_at :]}"

    def _note(self, report: RunReport) -> None:
        rows = report.rows
        for name, event in (
            ("unchanged", "read again without effect"), ("updated", "rows replaced"), ("deleted", "rows marked"),
            ("dead_lettered", "dead letters written"), ("ignored", "tombstones ignored"),
        ):  # fmt: skip
            if rows[name]:
                self.tell(event)
        if report.gaps:
            self.tell("a gap was recorded")
        if report.committed is False:
            self.tell("a commit had no answer")

    def _note_zombies(self, process: Process) -> None:
        now = len(batches(self.world.database))
        others = now - process.batches_before - len(process.applied)
        if others > 0:
            self.tell("a run ended after another's batch")
            if any(number > process.batches_before + 1 + index for index, number in enumerate(process.applied)):
                self.tell("a run applied a batch after another's")
