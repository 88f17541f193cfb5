"""Many histories in several processes, and what came of them."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from tests.histories.machine import MACHINES, Payloads
from tests.histories.playing import named, play

CHUNK = 200
_FAILURES = 5  # more say nothing new


@dataclass(slots=True)
class Tally:
    """Figures of one machine's histories."""

    histories: int = 0
    steps: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.histories, self.steps = self.histories + other.histories, self.steps + other.steps
        self.rules.update(other.rules)
        self.events.update(other.events)

    def to_json(self) -> dict[str, Any]:
        return {
            "histories": self.histories, "steps": self.steps,
            "rules": dict(sorted(self.rules.items())), "events": dict(sorted(self.events.items())),
        }  # fmt: skip


@dataclass(slots=True)
class Chunk:
    """Payloads of one machine with seeds in a row, and what came of them. ``failures`` are (name, replay, why)."""

    machine: str
    first_seed: int
    count: int
    tally: Tally = field(default_factory=Tally)
    failures: list[dict[str, str]] = field(default_factory=list)
    cpu_seconds: float = 0.0


def chunks(machines: Sequence[type[Payloads]], seed: int, examples: int, size: int = CHUNK) -> Iterator[Chunk]:
    """The same number of histories for each machine, with the same seeds, in turns."""
    each, rest = divmod(examples, len(machines))
    for begin in range(0, each + bool(rest), size):
        for number, machine in enumerate(machines):
            count = min(size, each + (number < rest) - begin)
            if count > 0:
                yield Chunk(machine.__name__, seed + begin, count)


def play_chunk(chunk: Chunk) -> Chunk:
    """Play all of them, in this process."""
    began = time.process_time()
    for seed in range(chunk.first_seed, chunk.first_seed + chunk.count):
        played = play(*named(f"{chunk.machine}:{seed}"))
        chunk.tally.add(Tally(1, played.steps, played.rules, played.events))
        if played.failure:
            chunk.failures.append({"history": played.name, "replay": played.replay, "error": played.failure})
        if len(chunk.failures) == _FAILURES:
            break
    chunk.cpu_seconds = time.process_time() - began
    return chunk


def play_many(
    seed: int, examples: int, processes: int, tell: Callable[[str], None], machines: Sequence[type[Payloads]] = ()
) -> dict[str, Any]:
    """As many histories as asked, or until several failed.

    :param tell: hears of progress and of each failure as it is found.
    """
    began = time.monotonic()
    machines = machines or MACHINES
    result: dict[str, Any] = {"seed": seed, "asked": examples, "processes": processes, "failures": []}
    tallies = {machine.__name__: Tally() for machine in machines}
    cpu_seconds, told_at = 0.0, began
    for done in _until_interrupted(_each(list(chunks(machines, seed, examples)), processes), tell):
        tallies[done.machine].add(done.tally)
        cpu_seconds += done.cpu_seconds
        for failure in done.failures:
            tell(f"FAILED {failure['history']}\n{failure['error']}\nplay it again: {failure['replay']}")
        result["failures"] += done.failures
        count, seconds = sum(tally.histories for tally in tallies.values()), time.monotonic() - began
        if time.monotonic() - told_at > 5 or count == examples:
            told_at = time.monotonic()
            tell(f"{count:,} of {examples:,} histories, {len(result['failures'])} failed, {seconds:.0f} s")
        if len(result["failures"]) >= _FAILURES:
            tell(f"{len(result['failures'])} histories failed; no more are played")
            break
    total = Tally()
    for tally in tallies.values():
        total.add(tally)
    played = {name: {**tally.to_json(), "seeds": [seed, seed + tally.histories - 1]} for name, tally in tallies.items()}
    result |= {
        **total.to_json(), "machines": played, "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "histories_per_cpu_second": round(total.histories / (cpu_seconds or 1), 1),
    }  # fmt: skip
    return result


def _until_interrupted(chunks: Iterator[Chunk], tell: Callable[[str], None]) -> Iterator[Chunk]:
    """What was played counts, also where somebody does not wait for the rest."""
    try:
        yield from chunks
    except KeyboardInterrupt:
        tell("interrupted; no more are played")


def _each(waiting: list[Chunk], processes: int) -> Iterator[Chunk]:
    """Chunks as they are done; no more are sent than are played, so that an end is an end."""
    if processes == 1:
        yield from map(play_chunk, waiting)
        return
    waiting.reverse()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        playing: set[Future[Chunk]] = set()
        while waiting or playing:
            while waiting and len(playing) < processes:
                playing.add(pool.submit(play_chunk, waiting.pop()))
            ended, playing = wait(playing, return_when=FIRST_COMPLETED)
            for future in ended:
                yield future.result()
