"""``python -m tests.histories``: play many generated histories, or one of them again.

Ends with 1 where a history fails. Progress and failures go to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.histories.machine import MACHINES
from tests.histories.many import play_many
from tests.histories.playing import cut_short, named, play


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.histories", description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000, help="histories in all (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed of each machine (%(default)s)")
    parser.add_argument("--processes", type=int, default=1, help="processes that play (%(default)s)")
    parser.add_argument("--machines", nargs="*", default=[], choices=[one.__name__ for one in MACHINES], metavar="NAME")
    parser.add_argument("--result", type=Path, metavar="FILE", help="write what came of it here, as JSON")
    parser.add_argument("--replay", metavar="MACHINE:SEED", help="play this history, and show its steps")
    parser.add_argument("--short", action="store_true", help="with --replay: look for a shorter one that fails alike")
    return parser


def main(arguments: list[str]) -> int:
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.replay:
        try:
            named(asked.replay)
        except ValueError as error:
            parser.error(str(error))
        return _replay(asked.replay, short=asked.short)
    machines = [one for one in MACHINES if not asked.machines or one.__name__ in asked.machines]
    result = play_many(asked.seed, asked.examples, asked.processes, _tell, machines)
    if asked.result:
        text = json.dumps(result, indent=1, sort_keys=True).replace(f"{Path.cwd()}/", "")  # tracebacks name a machine's
        asked.result.write_text(text + "\n", encoding="utf-8")
    _tell(f"{result['histories']:,} histories, {result['steps']:,} steps, {len(result['failures'])} failed")
    return 1 if result["failures"] else 0


def _replay(name: str, *, short: bool) -> int:
    machine, seed = named(name)
    played = play(machine, seed)
    sys.stdout.write("\n".join([*played.told, ""]))
    if played.failure is None:
        sys.stdout.write(f"{name} holds: {played.steps} steps\n")
        return 0
    sys.stdout.write(f"\n{played.failure}\n{name} fails\n")
    if short:
        sys.stdout.write(f"\nThe shortest that fails alike:\n{cut_short(machine, seed)}\n")
    return 1


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
