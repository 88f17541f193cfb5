"""All formats are measured with the same rows, and what is published was measured."""

from __future__ import annotations

import json

import pytest

from benchmarks import formats, sections


def test_every_case_makes_a_row_of_every_message() -> None:
    with formats.prepared(40) as cases:
        assert list(cases) == list(formats.CASES)
        assert {name: run() for name, run in cases.items()} == dict.fromkeys(cases, 40)


def test_a_message_that_is_lost_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {"json, model": ("avro", 0, formats.MODEL)}
    monkeypatch.setattr(formats, "CASES", broken)
    with pytest.raises(AssertionError, match="json, model: 0 rows of 5"):
        formats.measure(5, 1)


def test_what_is_published_was_measured_as_the_rules_say() -> None:
    result = json.loads(formats.RESULT.read_text())
    counted = [run["case"] for run in result["runs"]]
    assert list(dict.fromkeys(counted)) == list(formats.CASES)
    assert {counted.count(case) for case in counted} == {result["settings"]["repetitions"]}
    assert result["settings"]["repetitions"] >= 3
    assert result["settings"]["messages"] >= 20_000


def test_each_format_stands_beside_the_first_one_of_its_turn() -> None:
    result = json.loads(formats.RESULT.read_text())
    runs = [
        {"case": case, "repetition": turn, "cpu_seconds": cpu}
        for case, found in (("plain", (1.0, 2.0, 4.0)), ("slow", (3.0, 4.0, 20.0)))
        for turn, cpu in enumerate(found)
    ]
    text = sections.formats({**result, "runs": runs, "settings": {**result["settings"], "messages": 20_000}})
    assert "| slow | 5.0 (1.0–6.7) | 3.00 (2.00–5.00) |" in text


@pytest.mark.parametrize(("load", "said"), [(0.5, False), (64.0, True)])
def test_a_machine_that_was_shared_is_named(load: float, said: bool) -> None:
    result = json.loads(formats.RESULT.read_text())
    text = sections.formats({**result, "machine": {**result["machine"], "load_before": load, "cores": 2}})
    assert ("Other work shared the machine" in text) is said
