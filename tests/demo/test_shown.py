"""What the demo says fits on a terminal, and says which figure is wrong."""

from __future__ import annotations

import re
import shlex

import pytest

from airflow_kafka_bq.demo.measure import Figures
from airflow_kafka_bq.demo.orders import wave
from airflow_kafka_bq.demo.play import judged
from airflow_kafka_bq.demo.shown import Screen, document
from airflow_kafka_bq.demo.story import Step
from tests.docs.test_snippets import TARGETS, parsed

BY_HAND = Step(
    "new consumer group", Figures(100_000, 198_000, 94_000, 104_000), Figures(100_000, 198_000, 94_000, 104_000)
)
GOOD = Figures(None, 103_400, 103_400, 0, 550, 550, 10_000)
OURS = Step("killed after MERGE", GOOD, GOOD)
WRONG = Step("run again", Figures(0, 103_401, 103_400, 1, 550, 550, 0), Figures(0, 103_400, 103_400, 0, 550, 550, 0))


def sections(*ours: Step) -> list[tuple[str, list[Step]]]:
    return [("Written by hand", [BY_HAND]), ("KafkaToBigQueryOperator", list(ours))]


def test_the_table_fits_80_columns_and_cuts_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(as_json=False).show_table(sections(OURS))
    lines = capsys.readouterr().out.splitlines()
    table = [line for line in lines if not line.startswith("read:")]
    assert max(len(line.rstrip()) for line in table) <= 80
    assert "…" not in "".join(table)
    assert any(re.search(r"killed after MERGE +- 103,400 103,400 +0 +550 +550 10,000", line) for line in table)


def test_wrong_figures_are_named_and_are_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(Screen(as_json=False), sections(OURS, WRONG), wave(1_000)) == 1
    said = capsys.readouterr().out
    assert "run again: rows: 103,401 instead of 103,400" in said
    assert "run again: duplicates: 1 instead of 0" in said
    assert "Every figure" not in said
    assert document(sections(OURS, WRONG), 1.0)["holds"] is False


def test_good_figures_are_exit_code_0_and_what_comes_next_can_be_typed(capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(Screen(as_json=False), sections(OURS), wave(1_000)) == 0
    said = capsys.readouterr().out
    assert "Every figure is what it should be." in said
    commands = [re.split(r" {2,}", line.strip())[0] for line in said.partition("What to try next:\n")[2].splitlines()]
    assert len(commands) == 5
    for command in commands:
        words = [word for word in shlex.split(command) if "=" not in word]
        if words[0] == "make":
            assert words[1] in TARGETS
        else:
            assert words[0] == ".venv/bin/kafka-bq"
            parsed(words[1:])
    assert document(sections(OURS), 1.0)["holds"] is True
