"""Plays a row of the fault matrix: a run is struck at its point, and the next ordinary run leaves nothing of it."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from airflow_kafka_bq.testing.kafka import wait_until
from tests.campaign.book import Book
from tests.campaign.diary import Diary
from tests.campaign.endings import is_named
from tests.campaign.ground import Ground
from tests.campaign.messages import Mix
from tests.campaign.oracle import Oracle
from tests.campaign.points import ACTIONS, POINTS, ROWS, Point
from tests.campaign.seen import look
from tests.campaign.shapes import SHAPES, Shape
from tests.end_to_end.child import Blow, Child
from tests.end_to_end.pipe import Pipe

SIZES = ("small", "large")
_HELD = "campaign"
_LONGEST_SECONDS = 300.0


@dataclass(frozen=True)
class Cell:
    """A row, what strikes, and the size of batches; ``str`` is its name."""

    row: str
    action: str
    size: str

    def __str__(self) -> str:
        return f"{self.row}-{self.action}-{self.size}"


CELLS = tuple(Cell(row, action, size) for row in ROWS for action in ACTIONS for size in SIZES)


def play(ground: Ground, seed: int, cell: Cell) -> Diary:
    """One round."""
    diary = Diary(str(cell), seed)
    try:
        _Round(ground, cell, diary, random.Random(f"{cell} {seed}")).play()
    except Exception as error:
        diary.problem(f"the round broke off: {type(error).__name__}: {error}")
    diary.close()
    return diary


class _Round:
    def __init__(self, ground: Ground, cell: Cell, diary: Diary, draw: random.Random) -> None:
        self.ground, self.cell, self.diary, self.draw = ground, cell, diary, draw
        self.shape: Shape = draw.choice(SHAPES)
        partitions, count = draw.randint(1, 3), draw.randint(8, 12)
        small = cell.size == "small"
        self.batch = draw.randint(2, 4) if small else count // 2
        self.book = Book()
        self.pipe: Pipe = ground.pipe(self.shape, partitions, batch_messages=self.batch)
        self.mix = Mix(draw, self.shape, partitions)
        diary.note(f"{self.shape.name}, {partitions} partitions, batches of {self.batch}")
        self.waiting = ground.writing.fill(draw, self.pipe.topic, self.mix, self.book, count)
        self.late(4)  # also where all transactions were aborted there is something to read
        self.frozen: list[Child] = []

    def play(self) -> None:
        """Strike, run once more, judge."""
        try:
            for row in self._rows():
                self.strike(self.draw.choice(POINTS[row]), row)
                if self.draw.random() < 0.5:
                    self.late(self.draw.randint(1, 3))
            self.thaw()
            self.run()
            self.judge()
        finally:
            self.ground.faults.clear()
            for child in self.frozen:
                child.process.kill()
                child.process.join()

    def _rows(self) -> list[str]:
        if self.cell.row != "K13":
            return [self.cell.row]
        return self.draw.sample(list(POINTS), 2)

    def late(self, count: int) -> None:
        """Messages that come between runs: batches have other ends then."""
        self.ground.writing.fill_good(self.pipe.topic, self.mix, self.book, count)
        self.waiting += count

    def strike(self, point: Point, row: str) -> None:
        """A run is struck at this point. An occurrence that this run did not have is tried again at the first one."""
        blow = point.blow(self.draw, self.cell.action, -(-self.waiting // self.batch))
        if not self._struck(point, blow, row):
            self.diary.note(f"{blow} was not reached")
            self.late(4)
            first = Blow(point.effect, "before" if point.phase == "during" else point.phase, 1, self.cell.action)
            assert self._struck(point, first, row), f"{first} was not reached"

    def _struck(self, point: Point, blow: Blow, row: str) -> bool:
        with self._holding(point, blow):
            self.diary.runs += 1
            child = self.pipe.start(blow)
            struck, ending = await_blow(child, blow)
            if struck:
                self.diary.struck(blow.action, row, str(blow))
            if blow.action == "freeze" and struck:
                self.frozen.append(child)
            if ending is not None:
                self.ended(ending)
            if point.held and struck:
                self._settle_job(point, blow)
        return struck

    @contextmanager
    def _holding(self, point: Point, blow: Blow) -> Iterator[None]:
        if point.held:
            at = self.draw.choice(("start", "commit"))
            self.ground.faults.forget_calls()
            self.ground.faults.add("hold", job_id=f"kafka-bq-{point.held}", nth=blow.nth, at=at, name=_HELD)
        yield

    def _settle_job(self, point: Point, blow: Blow) -> None:
        """The job whose outcome nobody saw succeeds or fails; sometimes only while the next run looks at it."""
        calls = self.ground.faults.calls("jobs.insert")
        ids = [one["job_id"] for one in calls if f"kafka-bq-{point.held}" in str(one["job_id"])]
        job_id = ids[blow.nth - 1]
        if point.fails:
            self.ground.client.cancel_job(job_id)
            self._await_job(job_id)
            assert self._job(job_id).error_result, "the job should have failed"
            self.ground.faults.clear()
        elif self.draw.random() < 0.5:
            self.ground.faults.clear()
            self._await_job(job_id)
            assert not self._job(job_id).error_result, self._job(job_id).error_result
        else:
            threading.Timer(self.draw.uniform(0.1, 0.8), self.ground.faults.clear).start()

    def _job(self, job_id: str) -> Any:
        return self.ground.client.get_job(job_id)

    def _await_job(self, job_id: str) -> None:
        wait_until(lambda: self._job(job_id).state == "DONE", f"job {job_id} done", 30)

    def thaw(self) -> None:
        """While they slept an ordinary run did their work, sometimes that of later messages too."""
        if not self.frozen:
            return
        self.run()
        if self.draw.random() < 0.5:
            self.late(2)
            self.run()
        self.draw.shuffle(self.frozen)
        while self.frozen:
            child = self.frozen.pop()
            child.thaw()
            self.diary.note("thawed")
            self.ended(child.finish(_LONGEST_SECONDS))

    def run(self) -> None:
        """An ordinary run reaches the end."""
        self.diary.runs += 1
        # Batches with other ends than those of the run that was struck: nothing of it can be attached to.
        other = (f"batch_messages={self.draw.randint(1, self.batch + 2)}",) if self.draw.random() < 0.5 else ()
        report = self.pipe.start(settings=other).finish(_LONGEST_SECONDS)
        self.diary.note(f"ordinary run: {report.get('outcome') or report}")
        assert report.get("outcome") == "end", f"I4: an ordinary run ended with {report}"
        self.waiting = 0

    def ended(self, ending: dict[str, Any]) -> None:
        """A run that was struck and lived on ended by itself."""
        word = ending.get("outcome") or ending["error"]
        self.diary.outcomes[word] += 1
        self.diary.note(f"the struck run ended: {word}")
        assert ending.get("outcome") in {"end", "stopped"} or is_named(ending, terminal=()), f"I5: {ending}"

    def judge(self) -> None:
        """Compare."""
        self.diary.messages = len(self.book.entries)
        self.diary.judged(Oracle(self.book, self.shape).judge(look(self.pipe, self.shape)))


def await_blow(child: Child, blow: Blow) -> tuple[bool, dict[str, Any] | None]:
    """(whether it was struck, how the run ended if it did by itself)."""
    if blow.action == "freeze":
        if child.stops(_LONGEST_SECONDS):
            return True, None
        return False, child.finish(_LONGEST_SECONDS)
    child.process.join(_LONGEST_SECONDS)
    if blow.action == "kill" and child.process.exitcode == -signal.SIGKILL:
        return True, None
    return child.was_struck, child.finish(_LONGEST_SECONDS)
