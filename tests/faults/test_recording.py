"""The record of fault rows says what happened, from several processes too."""

from __future__ import annotations

import json

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import pytest

@pytest.mark.fault("K1", "K2")
def test_holds(record_property):
    record_property("runs", 20)
    record_property("seed", 7)

@pytest.mark.fault("B1")
@pytest.mark.kafka
def test_breaks():
    assert False

@pytest.mark.fault("Q1")
@pytest.fixture
def not_a_test():
    pass

@pytest.mark.fault("Q2")
def test_is_left_out():
    pytest.skip("no")

@pytest.fixture
def broken():
    yield
    raise ValueError

@pytest.mark.fault("G1")
def test_breaks_when_it_is_over(broken):
    pass

def test_of_no_row():
    pass
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_outcomes_are_written_down(pytester: pytest.Pytester, processes: str) -> None:
    pytester.makepyfile(TESTS.replace('@pytest.mark.fault("Q1")\n', ""))
    pytester.makeini("[pytest]\nmarkers =\n  fault\n  kafka\n")
    pytester.runpytest_subprocess("-p", "tests.faults.recording", "-n", processes, "--faults=found.json")
    found = json.loads((pytester.path / "found.json").read_text())
    told = {one["test"].split("::")[1]: (one["rows"], one["tier"], one["outcome"]) for one in found}
    assert told == {
        "test_holds": (["K1", "K2"], "in memory", "passed"),
        "test_breaks": (["B1"], "real Kafka", "failed"),
        "test_is_left_out": (["Q2"], "in memory", "skipped"),
        "test_breaks_when_it_is_over": (["G1"], "in memory", "failed"),
    }
    assert [(one["runs"], one["seed"]) for one in found if one["test"].endswith("test_holds")] == [(20, 7)]
