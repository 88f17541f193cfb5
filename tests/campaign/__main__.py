"""``python -m tests.campaign --rounds N --seed S``: strike real runs until something is lost or doubled.

Every scenario is played N times, with seeds from S on. ``--only`` takes those whose names begin with these words:
``K`` for the rows of the fault matrix, ``K4-kill-small`` for one of them, ``history`` and ``airflow`` for random ones.
Ends with 1 where a round failed; it prints the command that plays that round again. Processes meet each other at other
moments each time, so a round that failed may pass: its events, with times, are in the result file.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.campaign import result
from tests.campaign.diary import Diary
from tests.campaign.lanes import Round, play
from tests.campaign.scenarios import SCENARIOS

_SHOWN = ("rounds", "runs", "kills", "messages", "rows", "dead_letters", "lost_by_retention_and_told", "lost")


def main(arguments: list[str]) -> int:
    """Play, tell, and write the figures after each round: an interrupted campaign has some too."""
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # lanes are closed: they would play on without us
    chosen = [name for name in SCENARIOS if name.startswith(tuple(asked.only))]
    if not chosen:
        sys.stdout.write(f"no scenario begins with {' or '.join(asked.only)}; there are: {', '.join(SCENARIOS)}\n")
        return 2
    seeds = range(asked.seed, asked.seed + asked.rounds)
    rounds = [Round(name, seed) for seed in seeds for name in chosen]
    began, diaries = time.monotonic(), list[Diary]()
    for diary in play(asked.brokers, rounds, asked.lanes):
        diaries.append(diary)
        _tell(diary, asked.brokers)
        _write(asked, diaries, time.monotonic() - began)
    found = result.summary(diaries, asked.seed, asked.rounds, asked.brokers, time.monotonic() - began)
    for name in (*_SHOWN, "duplicated", "seconds"):
        sys.stdout.write(f"{name.replace('_', ' ')}: {found[name]:,}\n")
    sys.stdout.write(f"failures: {len(found['failures'])}\n")
    return 1 if found["failures"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="of each scenario")
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--brokers", type=int, default=1, choices=(1, 3))
    parser.add_argument("--only", nargs="+", default=[""], metavar="NAME", help="scenarios whose names begin so")
    parser.add_argument("--lanes", type=int, default=1, help="so many rounds side by side, each on its own servers")
    parser.add_argument("--result", type=Path, metavar="FILE", help="write the figures here, as JSON")
    parser.add_argument("--traces", type=Path, metavar="FILE", help="write the events of every round here, a line each")
    return parser


def _tell(diary: Diary, brokers: int) -> None:
    word = "FAILED" if diary.problems else "held"
    sys.stdout.write(f"{word} {diary.name} seed {diary.seed}: {diary.runs} runs, {diary.seconds:.1f} s\n")
    for problem in diary.problems:
        sys.stdout.write(f"  {problem}\n")
    if diary.problems:
        sys.stdout.write(f"  again: {result.replay(diary, brokers)}\n")
    sys.stdout.flush()


def _write(asked: argparse.Namespace, diaries: Sequence[Diary], seconds: float) -> None:
    if asked.result:
        result.write(asked.result, result.summary(diaries, asked.seed, asked.rounds, asked.brokers, seconds))
    if asked.traces:
        with asked.traces.open("w" if len(diaries) == 1 else "a") as file:
            file.write(json.dumps(diaries[-1].to_json(), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
