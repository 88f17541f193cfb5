"""The page of figures shows what the result files hold: a failure, a row that nobody plays, a bug that nobody sees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.faults.matrix import rows
from tools.reference.reliability import CAMPAIGNS, RESULTS, parts

TEST = {"rows": ["K1"], "tier": "real Kafka", "test": "tests/a.py::test_holds", "outcome": "passed", "runs": 20}
CAMPAIGN = {
    "rounds": 6, "rounds_by_scenario": {"K1": 3, "K2": 3}, "seed": 7, "seconds": 120.0, "runs": 18, "kills": 5,
    "messages": 900, "kills_by_signal": {"kill": 3, "freeze": 2}, "kills_by_point": {"merge": 5},
    "faults": {"broker: killed": 4},
    "endings": {"end": 13}, "lost": 0, "duplicated": 1, "failures": [{"name": "K2"}],
}  # fmt: skip


def made(folder: Path, **files: Any) -> dict[str, str]:
    for name, document in files.items():
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return dict(parts(folder))


def line(text: str, begin: str) -> str:
    (found,) = [one for one in text.splitlines() if one.startswith(f"| {begin} |")]
    return found


def test_rows_show_their_tests_and_those_that_failed(tmp_path: Path) -> None:
    bad = TEST | {"rows": ["K1", "K2"], "test": "tests/a.py::test_breaks", "outcome": "failed", "seed": 5}
    text = made(tmp_path, rows=[TEST | {"seed": None}, bad])["faults"]
    assert line(text, "K1").endswith("| real Kafka | 2 | 40 | 5 | **failed**: `test_breaks` |")
    assert line(text, "K2").endswith("| real Kafka | 1 | 20 | 5 | **failed**: `test_breaks` |")
    assert line(text, "K3").endswith("|  | 0 | 0 |  | not played |")


def test_a_skipped_test_is_no_outcome_of_its_own(tmp_path: Path) -> None:
    text = made(tmp_path, rows=[TEST | {"seed": None}, TEST | {"seed": None, "outcome": "skipped"}])["faults"]
    assert line(text, "K1").endswith("holds (1 skipped) |")


def test_a_row_that_was_only_skipped_does_not_hold(tmp_path: Path) -> None:
    text = made(tmp_path, rows=[TEST | {"seed": None, "outcome": "skipped"}])["faults"]
    assert line(text, "K1").endswith("not played |")


def test_campaigns_add_up(tmp_path: Path) -> None:
    found = made(tmp_path, campaign_rows_1=CAMPAIGN, campaign_airflow=CAMPAIGN)
    assert line(found["figures"], "lost, duplicated") == "| lost, duplicated | **0, 2** |"
    assert line(found["figures"], "rounds that failed") == "| rounds that failed | 2 |"
    assert line(found["figures"], "runs that were struck") == "| runs that were struck | 10 (4 SIGSTOP, 6 SIGKILL) |"
    assert line(found["campaign"], CAMPAIGNS["airflow"]).endswith(
        "| 6 | 7 to 9 | 18 | 5 (3 SIGKILL, 2 SIGSTOP) | 900 | 0 | 1 | 1 | 2 |"
    )
    assert line(found["campaign"], "broker: killed") == "| broker: killed | 8 |"


def test_histories_of_several_pieces_add_up_and_show_failures(tmp_path: Path) -> None:
    machine = {"histories": 50, "steps": 900, "seeds": [3, 52]}
    document = {"machines": {"Rows": machine}, "histories": 50, "steps": 900, "failures": [{}], "events": {"killed": 8}}
    later = document | {"machines": {"Rows": machine | {"seeds": [100, 149]}}, "failures": []}
    found = made(tmp_path, histories_1=document, histories_2=later)
    assert line(found["histories"], "Rows") == "| Rows | 100 | 1,800 | 3 to 52; 100 to 149 |"
    assert line(found["histories"], "all") == "| all | 100 | 1,800 | 1 failed |"
    assert line(found["events"], "killed") == "| killed | 16 |"
    assert "| 100 with 1,800 steps, 1 failed |" in found["figures"]


def test_a_bug_that_survived_is_shown(tmp_path: Path) -> None:
    bug = {"bug": "forgets", "in": "airflow_kafka_bq/pipeline/plan.py", "by": "test_a"}
    found = made(tmp_path, bugs=[bug | {"seen": True}, bug | {"bug": "sleeps", "seen": False}])
    assert line(found["bugs"], "forgets") == "| forgets | `pipeline/plan.py` | test_a |"
    assert line(found["bugs"], "sleeps").endswith("| **nobody** |")
    assert line(found["figures"], "planted bugs that were seen") == "| planted bugs that were seen | 1 of 2 |"


@pytest.mark.skipif(not list(RESULTS.glob("rows*.json")), reason="nothing was played yet")
def test_the_page_knows_every_row() -> None:
    tests = [one for path in RESULTS.glob("rows*.json") for one in json.loads(path.read_text("utf-8"))]
    assert {row for one in tests for row in one["rows"]} == set(rows())
