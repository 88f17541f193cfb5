"""Every row of the fault matrix is played by a test, and no test plays a row that is not there."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from tests.faults.matrix import rows, sections

TESTS = Path(__file__).parent.parent


def _marks(path: Path) -> list[tuple[str, str]]:
    """(row, test) of every ``@pytest.mark.fault`` of a file's tests."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for mark in getattr(node, "decorator_list", ()):
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                found += [(ast.literal_eval(row), node.name) for row in mark.args]  # type: ignore[attr-defined]
    return found


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    played: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        if path.name == "test_recording.py":
            continue
        for row, test in _marks(path):
            played[row].append(f"{path.relative_to(TESTS)}::{test}")
    assert {row: tests for row, tests in played.items() if row not in rows()} == {}
    assert [row for row in rows() if row not in played] == []


def test_ids_are_told_once() -> None:
    ids = [row.id for found in sections().values() for row in found]
    assert len(ids) == len(set(ids)) == 63
