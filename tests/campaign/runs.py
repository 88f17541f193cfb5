"""The runs of a round: started, struck, thawed, awaited, and their endings looked at."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass, field

from tests.campaign.agenda import Agenda
from tests.campaign.diary import Diary
from tests.campaign.endings import trouble_with, word_of
from tests.campaign.processes import SIGNALS, ChildRun, Run, is_stopped
from tests.end_to_end.child import Blow

_LONGEST_SECONDS = 300.0  # a hang is longer; a machine that others use too takes its time
# What a whole run takes, at first; and which part of it passes before anything is asked of a server.
_TYPICAL = {"child": 1.0, "command": 2.5, "task": 6.0}
_MOST = {"child": 2.0, "command": 4.0, "task": 12.0}
_QUIET = {"child": 0.1, "command": 0.3, "task": 0.5}
typical_seconds = dict(_TYPICAL)


@dataclass
class Runs:
    """All processes of one round.

    :param explained: names of terminal errors that the round's faults explain.
    """

    agenda: Agenda
    diary: Diary
    explained: set[str] = field(default_factory=set)
    going: list[Run] = field(default_factory=list)
    frozen: list[Run] = field(default_factory=list)
    _began: dict[int, float] = field(default_factory=dict)
    _struck: dict[int, str] = field(default_factory=dict)

    def started(self, run: Run) -> None:
        """A run is under way."""
        self.going.append(run)
        self._began[run.pid] = time.monotonic()
        self.diary.runs += 1
        self.diary.note(f"{run.kind} {run.pid} starts")

    def some_time(self, run: Run, draw: random.Random) -> float:
        """Seconds after which it is probably in the middle of its work."""
        whole = typical_seconds[run.kind]
        return draw.uniform(_QUIET[run.kind] * whole, whole)

    def strike(self, run: Run, action: str, point: str) -> None:
        """A signal now, unless it is over."""
        if not self._signalled(run, SIGNALS[action]):
            self.diary.note(f"{run.kind} {run.pid} was faster than {action}")
            return
        self._struck[run.pid] = action
        age = time.monotonic() - self._began[run.pid]
        self.diary.struck(action, f"{point}: {run.kind}", f"{run.pid} after {age:.2f} s")
        if action == "freeze":
            self._keep_frozen(run)

    def _signalled(self, run: Run, number: signal.Signals) -> bool:
        if run.over():
            return False
        try:
            os.kill(run.pid, number)
        except ProcessLookupError:  # a child of the fork server is not ours to bury
            return False
        return True

    def struck_by_itself(self, run: ChildRun, row: str, blow: Blow) -> None:
        """A child strikes itself, if it comes to that; of one that freezes the round goes on."""
        self.agenda.until(lambda: run.over() or is_stopped(run.pid), f"{blow}", _LONGEST_SECONDS)
        if run.child.was_struck:
            self._struck[run.pid] = blow.action
            self.diary.struck(blow.action, row, f"{run.pid} {blow}")
            if blow.action == "freeze" and not run.over():
                self._keep_frozen(run)

    def _keep_frozen(self, run: Run) -> None:
        self.going.remove(run)
        self.frozen.append(run)

    def thaw(self, number: int) -> None:
        """Let a frozen one go on."""
        run = self.frozen.pop(number)
        os.kill(run.pid, signal.SIGCONT)
        self._began[run.pid] = time.monotonic()
        self.going.append(run)
        self.diary.note(f"{run.kind} {run.pid} thaws")

    def thaw_all(self) -> None:
        """No one sleeps any more."""
        while self.frozen:
            self.thaw(0)

    def wait(self) -> None:
        """Until all that are going have ended; each within its time, and as a run may end."""
        while self.going:
            self.agenda.until(lambda: any(map(self._due, self.going)), "a run", _LONGEST_SECONDS + 10)
            for run in [one for one in self.going if self._due(one)]:
                self.going.remove(run)
                self._ended(run)

    def _due(self, run: Run) -> bool:
        return run.over() or time.monotonic() > self._began[run.pid] + _LONGEST_SECONDS

    def _ended(self, run: Run) -> None:
        seconds = time.monotonic() - self._began[run.pid]
        if not run.over():
            self.diary.problem(f"I6: {run.kind} {run.pid} did not end within {_LONGEST_SECONDS:g} s")
            run.remove()
            return
        ending, action = run.ending(), self._struck.get(run.pid)
        self.diary.outcomes[word_of(ending)] += 1
        said = (ending.document or {}).get("message", "")
        self.diary.note(f"{run.kind} {run.pid} ended after {seconds:.2f} s: {word_of(ending)}, {ending.code} {said}")
        if trouble := trouble_with(run, ending, action, self.explained):
            self.diary.problem(f"{run.kind} {run.pid}: {trouble}")
        elif action is None and (ending.document or {}).get("outcome") == "end":
            typical = 0.7 * typical_seconds[run.kind] + 0.3 * seconds
            typical_seconds[run.kind] = min(typical, _MOST[run.kind])

    def remove(self) -> None:
        """Leave no process."""
        for run in self.going + self.frozen:
            run.remove()
        self.going, self.frozen = [], []
