"""The consumers of one topic, started again and again, in a process of their own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from laboratory.engine import Engine
from laboratory.history import Diary, Life
from laboratory.member import live
from laboratory.setups import Setup, Sizes

# Forks of a process that has imported everything and has no client yet: quick to start, and each client is alone in
# its process. Many members in one process can stop each other for ever: they hold Python's lock while they rebalance.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])
_GRACE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Slot:
    """A topic's schedule. :param topics: of the whole set-up. :param number: of this one among them."""

    setup: Setup
    sizes: Sizes
    bootstrap: str
    topics: Sequence[str]
    number: int
    folder: Path

    def consumer(self, diary: Diary) -> Callable[[], Life]:
        """What is started for the topic each time."""
        topic, setup, sizes = self.topics[self.number], self.setup, self.sizes
        group = setup.group(topic)
        if not setup.joins:
            return Engine(self.bootstrap, topic, group, self.folder, diary, sizes, self.number).live
        settings = {"bootstrap.servers": self.bootstrap, "group.id": group, **setup.settings}
        read = self.topics if setup.kind == "shared" else [topic]
        return lambda: live(diary, sizes, self.number, settings, read)

    def play(self, began: float) -> Diary:
        """One run at a time. First starts are spread over a period, behind the one that has a lead."""
        diary, sizes = Diary(began), self.sizes
        begin = self.consumer(diary)
        due = sizes.lead + self.number * sizes.period / sizes.topics if self.number else 0.0
        while due < sizes.seconds:
            time.sleep(max(0.0, due - diary.now()))
            due = diary.now() + sizes.period
            diary.lives.append(begin())
        return diary


def start(slot: Slot, began: float) -> Callable[[], Diary]:
    """In a process of its own; what is returned waits for its end.

    :raises RuntimeError: by what is returned: the process died, or never ended.
    """
    here, there = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_play, args=(slot, began, there), daemon=True)
    process.start()
    there.close()

    def ended() -> Diary:
        try:
            if not here.poll(max(0.0, began + slot.sizes.seconds + _GRACE_SECONDS - time.monotonic())):
                raise RuntimeError(f"a consumer of {slot.topics[slot.number]} hangs")
            diary: Diary = here.recv()
        except EOFError:
            raise RuntimeError(f"the consumers of {slot.topics[slot.number]} died") from None
        finally:
            process.kill()
            process.join()
            here.close()
        return diary

    return ended


def warm() -> None:
    """Have the process that is forked import everything, before the clock starts."""
    process = _CONTEXT.Process(target=_nothing)
    process.start()
    process.join()


def _play(slot: Slot, began: float, answer: Connection) -> None:
    answer.send(slot.play(began))


def _nothing() -> None:
    """Only a process."""
