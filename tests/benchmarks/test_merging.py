"""A few cases measured again stand beside the rest, and it is said which."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.merging import merged


def result(*cases: str, messages: int = 10, **parts: Any) -> dict[str, Any]:
    runs = [{"case": case, "repetition": 0} for case in cases]
    settings, machine = {"messages": messages}, {"cores": 2}
    empty: dict[str, Any] = {"memory": [], "row_path": [], "crashes": [], "missing": {}, "versions": {}}
    return {"settings": settings, "machine": machine, "runs": runs, **empty, **parts}


def test_newer_runs_replace_those_of_their_name_and_the_rest_stays() -> None:
    there = result("bare", "ours", "ours, nothing to read", missing={"dlt": "no network"}, memory=[{"peak_mib": 1}])
    newer = result("ours", "dlt", versions={"dlt": "1"}, crashes=[{"case": "dlt"}])
    newer["runs"][0]["repetition"] = 7
    found = merged(there, newer)
    assert [(run["case"], run["repetition"]) for run in found["runs"]] == [("bare", 0), ("ours", 7), ("dlt", 0)]
    assert (found["missing"], found["memory"]) == ({}, [{"peak_mib": 1}])
    assert found["later"] == ["dlt", "dlt, killed", "ours"]
    assert found["versions"] == {"dlt": "1"}


def test_a_part_that_was_measured_again_replaces_the_part() -> None:
    found = merged(result("bare", memory=[{"peak_mib": 1}]), result(memory=[{"peak_mib": 2}], row_path=[{}]))
    assert (found["memory"], found["later"]) == ([{"peak_mib": 2}], ["memory", "row path"])


def test_they_come_in_the_order_of_the_cases() -> None:
    found = merged(result("bare", "dlt, plain"), result("engine, model", "bare"))
    assert [run["case"] for run in found["runs"]] == ["bare", "engine, model", "dlt, plain"]


def test_other_settings_do_not_stand_side_by_side() -> None:
    with pytest.raises(ValueError, match="measure everything anew"):
        merged(result("bare"), result("bare", messages=20))
