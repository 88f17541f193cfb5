r"""Planted bugs: a few lines of the package changed as somebody might change them in good faith.

They stand in the ``*.diff`` files beside this one::

    == commits before it merges
    in airflow_kafka_bq/pipeline/runner.py
    seen by tests/pipeline/test_crashes.py tests/pipeline
    and running by tests/contract/test_warehouse_bigquery.py
    @@
     a line that stays
    -a line as it is
    +the same line with the bug

"and running by" is for SQL: that its text differs is seen without running it, which would say little. These tests need
the local BigQuery, and must see the bug as well.

A change has no line numbers: its lines with a space or a minus must stand in the file exactly once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


class DoesNotApplyError(Exception):
    """The code that a bug is planted in has changed: plant it anew."""


@dataclass(frozen=True, slots=True)
class Change:
    """Whole lines, each with its line end."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug.

    :param name: what the code does wrong, a sentence without its subject.
    :param file: which it is planted in.
    :param tests: where it must be seen, without servers.
    :param running: where it must be seen too, on the local BigQuery.
    """

    name: str
    file: str
    tests: tuple[str, ...]
    changes: tuple[Change, ...]
    running: tuple[str, ...] = ()

    def apply(self, root: Path) -> None:
        """Change the file below ``root``. :raises DoesNotApplyError: lines are not there, or more than once."""
        path = root / self.file
        text = "\n" + path.read_text(encoding="utf-8")
        for change in self.changes:
            if (times := text.count("\n" + change.old)) != 1:
                message = f"{self.name}: {self.file} has {times} times:\n{change.old}"
                raise DoesNotApplyError(message)
            text = text.replace("\n" + change.old, "\n" + change.new)
        path.write_text(text[1:], encoding="utf-8")


def all_bugs() -> list[Mutant]:
    """Of every file, in its order."""
    return [mutant for path in sorted(FOLDER.glob("*.diff")) for mutant in _bugs(path)]


def _bugs(path: Path) -> Iterator[Mutant]:
    _title, *sections = ("\n" + path.read_text(encoding="utf-8")).split("\n== ")
    for section in sections:
        head, *changes = section.rstrip("\n").split("\n@@\n")
        name, file, tests, *running = head.split("\n")
        yield Mutant(
            name,
            file.removeprefix("in "),
            tuple(tests.removeprefix("seen by ").split()),
            tuple(_change(change.split("\n")) for change in changes),
            tuple(path for line in running for path in line.removeprefix("and running by ").split()),
        )


def _change(lines: list[str]) -> Change:
    old = [line[1:] for line in lines if line[0] in " -"]
    new = [line[1:] for line in lines if line[0] in " +"]
    return Change("".join(f"{line}\n" for line in old), "".join(f"{line}\n" for line in new))
