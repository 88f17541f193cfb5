"""``python -m tests.campaign --rounds N --seed S``: strike real runs until something is lost or doubled.

Every scenario is played N times, with seeds from S on. ``--only`` takes those whose name begins with this word:
``K`` for the rows of the fault matrix, ``K4-kill-small`` for one of them. Ends with 1 where a round failed; it prints
the command that plays that round again. Processes meet each other at other moments each time, so a round that failed
may pass: its events, with times, are in the result file.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.campaign import result
from tests.campaign.diary import Diary
from tests.campaign.ground import Ground, started
from tests.campaign.scenarios import SCENARIOS


def main(arguments: list[str]) -> int:
    asked = _parser().parse_args(arguments)
    chosen = {name: play for name, play in SCENARIOS.items() if name.startswith(asked.only)}
    if not chosen:
        sys.stdout.write(f"no scenario begins with {asked.only!r}; there are: {', '.join(SCENARIOS)}\n")
        return 2
    began, diaries = time.monotonic(), list[Diary]()
    with started(asked.brokers) as ground:
        for seed in range(asked.seed, asked.seed + asked.rounds):
            for name, play in chosen.items():
                diaries.append(_played(ground, name, play, seed, asked.brokers))
    seconds = time.monotonic() - began
    found = result.summary(diaries, seed=asked.seed, rounds=asked.rounds, brokers=asked.brokers, seconds=seconds)
    if asked.result:
        result.write(asked.result, found)
    for name in ("rounds", "runs", "kills", "messages", "rows", "dead_letters", "lost", "duplicated", "seconds"):
        sys.stdout.write(f"{name.replace('_', ' ')}: {found[name]:,}\n")
    sys.stdout.write(f"failures: {len(found['failures'])}\n")
    return 1 if found["failures"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="of each scenario")
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--brokers", type=int, default=1, choices=(1, 3))
    parser.add_argument("--only", default="", metavar="NAME", help="scenarios whose names begin so")
    parser.add_argument("--result", type=Path, metavar="FILE", help="write the figures here, as JSON")
    return parser


def _played(ground: Ground, name: str, play: Callable[[Ground, int], Diary], seed: int, brokers: int) -> Diary:
    diary = play(ground, seed)
    word = "FAILED" if diary.problems else "held"
    sys.stdout.write(f"{word} {name} seed {seed}: {diary.runs} runs, {diary.seconds:.1f} s\n")
    for problem in diary.problems:
        sys.stdout.write(f"  {problem}\n")
    if diary.problems:
        sys.stdout.write(f"  again: {result.replay(diary, brokers)}\n")
    sys.stdout.flush()
    return diary


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
