"""The runs of a round: started, struck, thawed, awaited, and their endings looked at."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
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
    :param reached_the_end: told of each run that says so.
    """

    agenda: Agenda
    diary: Diary
    explained: set[str] = field(default_factory=set)
    reached_the_end: Callable[[Run], None] = lambda _run: None
    going: list[Run] = field(default_factory=list)
    frozen: list[Run] = field(default_factory=list)
    _began: dict[int, float] = field(default_factory=dict)
    _struck: dict[int, str] = field(default_factory=dict)
    _blows: dict[int, tuple[ChildRun, str, Blow]] = field(default_factory=dict)

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

    def will_strike_itself(self, run: ChildRun, row: str, blow: Blow) -> None:
        """A child that comes to a blow, if it comes to that."""
        self._blows[run.pid] = (run, row, blow)

    def await_blow(self, run: ChildRun) -> None:
        """Until it struck itself or is over; of one that freezes the round goes on."""
        self.agenda.until(lambda: run not in self.going or self._rests(run), "a blow", _LONGEST_SECONDS)
        if run in self.going:
            self._settle(run)

    def _rests(self, run: Run) -> bool:
        return run.over() or (run.pid in self._blows and is_stopped(run.pid))

    def _settle(self, run: Run) -> None:
        """It is over, or sleeps by its own blow, or has taken too long."""
        if run.pid in self._blows:
            child, row, blow = self._blows[run.pid]
            if child.child.was_struck and run.pid not in self._struck:
                self._struck[run.pid] = blow.action
                self.diary.struck(blow.action, row, f"{run.pid} {blow}")
        if not run.over() and is_stopped(run.pid):
            self._keep_frozen(run)
        else:
            self.going.remove(run)
            self._ended(run)

    def _keep_frozen(self, run: Run) -> None:
        self.going.remove(run)
        self.frozen.append(run)

    def thaw(self, number: int) -> None:
        """Let a frozen one go on."""
        run = self.frozen.pop(number)
        self._signalled(run, signal.SIGCONT)  # one that was about to end when it was struck is over
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
                self._settle(run)

    def _due(self, run: Run) -> bool:
        return self._rests(run) or time.monotonic() > self._began[run.pid] + _LONGEST_SECONDS

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
        elif word_of(ending) == "end":
            self.reached_the_end(run)
            if action is None:
                typical = 0.7 * typical_seconds[run.kind] + 0.3 * seconds
                typical_seconds[run.kind] = min(typical, _MOST[run.kind])

    def remove(self) -> None:
        """Leave no process."""
        for run in self.going + self.frozen:
            run.remove()
        self.going, self.frozen = [], []
