"""Rounds side by side: each lane is a process with servers of its own, and plays one round after the other."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Iterator, Sequence
from itertools import islice
from multiprocessing import get_context
from typing import Any, NamedTuple

from tests.campaign.diary import Diary
from tests.campaign.ground import started
from tests.campaign.scenarios import SCENARIOS

_context = get_context("spawn")
_LOOK_SECONDS = 1.0
_ROUNDS_ON_SERVERS = 20  # the emulator grows slower with each table that it has seen


class Round(NamedTuple):
    """What to play."""

    scenario: str
    seed: int


def _play(brokers: int, rounds: Sequence[Round], played: Any) -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(1))  # servers die with this process, whatever it is doing
    waiting = iter(rounds)
    while few := list(islice(waiting, _ROUNDS_ON_SERVERS)):
        with started(brokers) as ground:
            for one in few:
                played.put(SCENARIOS[one.scenario](ground, one.seed))


class _Lane:
    """A process and the rounds that it has not told of yet; a new process where one died."""

    def __init__(self, brokers: int, rounds: Sequence[Round]) -> None:
        self._brokers, self.waiting = brokers, list(rounds)
        self._start()

    def _start(self) -> None:
        self._played = _context.Queue()
        self._process = _context.Process(target=_play, args=(self._brokers, self.waiting, self._played))
        self._process.start()

    def look(self) -> Diary | None:
        """The next round that was played, if there is one by now."""
        try:
            diary: Diary = self._played.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            if self._process.is_alive() or not self.waiting:
                return None
            died = self.waiting.pop(0)
            diary = Diary(died.scenario, died.seed)
            diary.problem(f"the campaign's own process ended with {self._process.exitcode}: see its stderr")
            if self.waiting:
                self._start()
            return diary
        self.waiting.pop(0)
        return diary

    def close(self) -> None:
        """End it, whatever it does."""
        if self.waiting:
            self._process.terminate()
        self._process.join()


def play(brokers: int, rounds: Sequence[Round], lanes: int) -> Iterator[Diary]:
    """Diaries, as rounds come to their end."""
    running = [_Lane(brokers, share) for number in range(lanes) if (share := rounds[number::lanes])]
    try:
        while any(lane.waiting for lane in running):
            for lane in running:
                if lane.waiting and (diary := lane.look()):
                    yield diary
    finally:
        for lane in running:
            lane.close()
