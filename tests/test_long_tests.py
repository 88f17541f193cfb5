"""The list of tests that take long names tests that are there."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from tests.long_tests import LIST, long_tests

ROOT = LIST.parent.parent
CONTRACTS = "\n".join(path.read_text(encoding="utf-8") for path in (LIST.parent / "contract").glob("*_contract.py"))


def test_each_is_there() -> None:
    lost = []
    for one in long_tests():
        path, *_, name = one.partition("[")[0].split("::")
        file = ROOT / path
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        if "contract" in path:
            text += CONTRACTS
        if not re.search(rf"def {re.escape(name)}\(", text):
            lost.append(one)
    assert lost == []


def test_none_is_told_twice_and_all_are_in_order() -> None:
    lines = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert lines == sorted(set(lines))


def test_what_is_listed_is_marked(request: pytest.FixtureRequest) -> None:
    """Of what this run collected."""
    found: defaultdict[bool, list[str]] = defaultdict(list)
    for item in request.session.items:
        found[item.get_closest_marker("slow") is not None].append(item.nodeid)
    assert [one for one in found[False] if one in long_tests()] == []
