"""Run the tests against a copy of the tree with one bug in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutants.planted import DoesNotApplyError, Mutant

REPOSITORY = Path(__file__).parent.parent.parent
WITHOUT_SERVERS = "not slow and not (kafka or mock or bigquery or airflow or kill or project)"
_COPIED = ("airflow_kafka_bq", "tests", "pyproject.toml")
_SECONDS = 300.0  # a bug that makes a test hang is seen by the test's own limit, long before
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
        code, output = tests(root, mutant.tests)
    failed = _FAILED.search(output)
    killed = code == 1 and failed is not None
    by = failed[1] if failed else f"pytest ended with {code}: {output[-300:]}"
    return Verdict(
        mutant, killed, by if code in {0, 1} else f"pytest ended with {code}: {output[-300:]}", _since(began)
    )


def baseline(mutants: Iterable[Mutant], folder: Path) -> str | None:
    """The tests' output where they fail without any bug; None where all is well."""
    wanted = dict.fromkeys(path for mutant in mutants for path in mutant.tests)
    with _Copy(folder / "healthy") as root:
        code, output = tests(root, [*wanted])
    return None if code == 0 else output[-3000:]


def tests(root: Path, selection: Sequence[str]) -> tuple[int, str]:
    """Exit code and output of pytest in a copy, up to the first failure. The copy's package comes before any other."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", WITHOUT_SERVERS, *selection]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=_SECONDS, check=False)
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
