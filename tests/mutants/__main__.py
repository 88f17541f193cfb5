"""``python -m tests.mutants [word …]``: plant each bug in a copy of the tree, run the tests, and see them fail.

Words choose bugs by their names. Ends with 1 where a bug survives or no longer applies.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from tests.mutants.lane import Verdict, baseline, judge
from tests.mutants.planted import Mutant, all_bugs


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="bugs whose names hold one of these")
    parser.add_argument("-j", "--jobs", type=int, default=min(4, os.cpu_count() or 1), help="so many at a time")
    parser.add_argument("--quick", action="store_true", help="leave out the second look, on the local BigQuery")
    parser.add_argument("--result", type=Path, metavar="FILE", help="write what saw each bug here")
    asked = parser.parse_args(arguments)
    chosen = [one for one in all_bugs() if not asked.words or any(word in one.name for word in asked.words)]
    if asked.quick:
        chosen = [replace(one, running=()) for one in chosen]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        healthy = baseline(chosen, Path(folder))
        if healthy is not None:
            sys.stdout.write(f"the tests fail without any bug:\n{healthy}\n")
            return 1

        def judged(mutant: Mutant) -> Verdict:
            verdict = judge(mutant, Path(folder))
            sys.stdout.write(f"{verdict}\n")
            sys.stdout.flush()
            return verdict

        with ThreadPoolExecutor(asked.jobs) as threads:
            verdicts = list(threads.map(judged, chosen))
    if asked.result:
        lines = ",\n".join(json.dumps(one.told()) for one in verdicts)
        asked.result.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    killed = sum(one.killed for one in verdicts)
    sys.stdout.write(f"{killed} of {len(verdicts)} planted bugs were seen\n")
    return 0 if killed == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
