"""What a person sees on a terminal of 80 columns, and what a file gets instead."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import pytest

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.end_to_end.pipe import ROOT, Pipe
from tests.end_to_end.terminal import lines_left, on_terminal

PipeFactory = Callable[..., Pipe]
BAR, HIDDEN_CURSOR = "━", "\x1b[?25l"


def shown(made: Pipe, *arguments: str, **environment: str) -> tuple[int, str]:
    """A command of this pipe on a terminal."""
    command = [sys.executable, "-m", "airflow_kafka_bq", *arguments]
    return on_terminal(command, made.folder, {**os.environ, "PYTHONPATH": str(ROOT), **environment})


def produce_old(made: Pipe, count: int) -> None:
    day_ago_ms = int(time.time() * 1000) - 86_400_000
    made.produce([NewMessage({"n": number}, partition=0, timestamp_ms=day_ago_ms) for number in range(count)])


def test_a_run_draws_a_bar_and_leaves_only_its_result(pipe: PipeFactory) -> None:
    made = pipe(batch_messages=4)
    made.produce_ten()
    code, drawn = shown(made, "run", str(made.path))
    assert code == 0
    assert BAR in drawn
    assert HIDDEN_CURSOR in drawn
    assert "10/10" in drawn
    left = lines_left(drawn)
    assert left[0].strip() == f"{made.topic} → demo.{made.dataset}.target"
    assert BAR not in "".join(left)
    assert "10 messages in" in "".join(left)
    assert drawn.rindex("\x1b[?25h") > drawn.rindex(HIDDEN_CURSOR)  # the cursor is back


@pytest.mark.parametrize("environment", [{}, {"FORCE_COLOR": "1"}], ids=["plain", "colours asked for"])
def test_a_file_gets_no_bar(pipe: PipeFactory, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    made = pipe()
    made.produce_ten()
    done = made.command("run", str(made.path))
    assert done.returncode == 0
    assert done.stderr == ""
    assert BAR not in done.stdout


def test_on_a_terminal_a_document_stays_a_document(pipe: PipeFactory) -> None:
    """The bar is drawn on stderr; stdout alone is JSON."""
    made = pipe()
    made.produce_ten()
    command = [sys.executable, "-m", "airflow_kafka_bq", "run", str(made.path), "--json"]
    piped = ["sh", "-c", '"$@" >report.json', "sh", *command]
    code, drawn = on_terminal(piped, made.folder, {**os.environ, "PYTHONPATH": str(ROOT)})
    assert code == 0
    assert BAR in drawn
    report = (made.folder / "report.json").read_text()
    assert report.startswith("{\n")
    assert '"messages": 10' in report


@pytest.mark.parametrize("command", ["plan", "lag", "run"])
def test_tables_fit_into_80_columns(pipe: PipeFactory, command: str) -> None:
    """Twelve partitions, and words that are whole: no cell is cut or wrapped."""
    made = pipe(partitions=12)
    produce_old(made, 2_000)
    code, drawn = shown(made, command, str(made.path))
    assert code == 0
    left = [line.rstrip() for line in lines_left(drawn)]
    (start,) = [number for number, line in enumerate(left) if line.startswith("partition")]
    table = left[start : start + 14]
    assert [line for line in table if len(line) > 80 or "…" in line] == []
    assert [line.split()[0] for line in table[2:]] == [str(number) for number in range(12)]
    assert "2000" in table[2].split()


def test_lag_tells_people_how_long_retention_leaves(pipe: PipeFactory) -> None:
    made = pipe(partitions=2)
    produce_old(made, 3)
    code, drawn = shown(made, "lag", str(made.path))
    text = "\n".join(lines_left(drawn))
    assert code == 0
    assert "1 d 0 h ago" in text
    assert "retention takes the oldest unread message of partition 0 in 5 d 23 h" in text


def test_a_failure_ends_the_bar_before_it_speaks(pipe: PipeFactory) -> None:
    made = pipe(topic="no-such-topic")
    code, drawn = shown(made, "run", str(made.path))
    left = lines_left(drawn)
    assert code == 3
    assert left[0].startswith("NotFoundError: topic 'no-such-topic' is not on the Kafka cluster")
    assert [line for line in left if line.startswith("  remedy: ")]
    assert BAR not in "".join(left)


def test_a_reader_that_goes_away_is_no_failure(pipe: PipeFactory) -> None:
    """``kafka-bq plan job.yaml | head -1``: neither a traceback nor 70, and 1 would mean findings."""
    made = pipe(partitions=12)
    for arguments in (["plan", str(made.path)], ["plan", str(made.path), "--json"]):
        command = [sys.executable, "-m", "airflow_kafka_bq", *arguments]
        script = '{ "$@"; echo "code $?" >&2; } | true'
        code, drawn = on_terminal(
            ["sh", "-c", script, "sh", *command], made.folder, os.environ | {"PYTHONPATH": str(ROOT)}
        )
        assert (code, drawn) == (0, "code 0\r\n")
