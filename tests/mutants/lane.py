"""Run the tests against a copy of the tree with one bug in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutants.planted import DoesNotApplyError, Mutant

REPOSITORY = Path(__file__).parent.parent.parent
WITHOUT_SERVERS = "not slow and not (kafka or mock or bigquery or airflow or kill or project)"
ON_BIGQUERY = "bigquery and not slow and not project"
_COPIED = ("airflow_kafka_bq", "benchmarks", "tests", "pyproject.toml")
_SECONDS = 300.0  # a bug that makes a test hang is seen by the test's own limit, long before
_ALL_SECONDS = 1_200.0
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+::\S+)", re.MULTILINE)  # not a file that cannot be imported


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one planted bug."""

    mutant: Mutant
    killed: bool
    by: str
    seconds: float

    def told(self) -> dict[str, Any]:
        """For a file."""
        return {"bug": self.mutant.name, "in": self.mutant.file, "seen": self.killed, "by": self.by}

    def __str__(self) -> str:
        word = "seen    " if self.killed else "SURVIVED"
        return f"{word} {self.seconds:5.1f} s  {self.mutant.name}  <- {self.by}"


def judge(mutant: Mutant, folder: Path) -> Verdict:
    """Plant a bug and run its tests; it is seen where a test fails, not where the tests do not start."""
    began = time.monotonic()
    with _Copy(folder / re.sub(r"\W+", "-", mutant.name)) as root:
        try:
            mutant.apply(root)
        except DoesNotApplyError as error:
            return Verdict(mutant, False, str(error), 0.0)
        killed, by = _seen(*pytest(root, mutant.tests))
        if killed and mutant.running:
            killed, by = _seen(*pytest(root, mutant.running, ON_BIGQUERY))
    return Verdict(mutant, killed, by, _since(began))


def _seen(code: int, output: str) -> tuple[bool, str]:
    """Whether a test failed, and which; or how pytest ended otherwise."""
    failed = _FAILED.search(output)
    if code == 1 and failed is not None:
        return True, failed[1]
    return False, f"pytest ended with {code}: {output[-300:]}"


def baseline(mutants: Sequence[Mutant], folder: Path) -> str | None:
    """The tests' output where they fail without any bug; None where all is well."""
    wanted = dict.fromkeys(path for mutant in mutants for path in mutant.tests)
    running = dict.fromkeys(path for mutant in mutants for path in mutant.running)
    with _Copy(folder / "healthy") as root:
        code, output = pytest(root, [*wanted], seconds=_ALL_SECONDS)
        if code == 0 and running:
            code, output = pytest(root, [*running], ON_BIGQUERY, seconds=_ALL_SECONDS)
    return None if code == 0 else output[-3000:]


def pytest(
    root: Path, selection: Sequence[str], marked: str = WITHOUT_SERVERS, seconds: float = _SECONDS
) -> tuple[int, str]:
    """Exit code and output of pytest in a copy, up to the first failure. The copy's package comes before any other."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", marked, *selection]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return -1, "the tests did not end"
    return done.returncode, done.stdout + done.stderr


class _Copy:
    """A copy of what the tests need; gone afterwards."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __enter__(self) -> Path:
        self._root.mkdir(parents=True)
        for name in _COPIED:
            source = REPOSITORY / name
            if source.is_dir():
                shutil.copytree(source, self._root / name)  # with what is compiled, which saves a second each time
            else:
                shutil.copy2(source, self._root / name)
        return self._root

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._root)


def _since(began: float) -> float:
    return time.monotonic() - began
