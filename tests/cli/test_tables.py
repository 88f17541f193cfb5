"""Tables and numbers for people."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.cli.tables import count, show, size, span

NAMES = ["partition", "position", "end", "lag", "oldest unread", "retention in"]
LARGE = 999_999_999_999  # offsets of a topic that is ten years old


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("COLUMNS", "80")
    return Session(as_json=False)


def test_large_numbers_fit_into_80_columns(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    show(session, NAMES, [[1023, LARGE, LARGE, 99_999_999, "364 d 23 h ago", "364 d 23 h"]])
    out = capsys.readouterr().out
    assert f"{LARGE}  {LARGE}" in out
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 80


def test_no_number_is_cut_where_the_terminal_is_too_narrow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    show(Session(as_json=False), NAMES, [[0, LARGE, LARGE, 0, None, "1 s"], [1, None, 5, 5, None, None]])
    header, line, first, second = capsys.readouterr().out.splitlines()
    assert [header.split("  ")[0], set(line.strip())] == ["partition", {"─"}]
    assert first.split() == ["0", str(LARGE), str(LARGE), "0", "-", "1", "s"]
    assert second.split() == ["1", "-", "5", "5", "-", "-"]


def test_a_table_without_rows_has_its_header(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    show(session, ["partition", "start"], [])
    assert "partition  start" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 batches"), (1, "1 batch"), (2, "2 batches"), (12000, "12,000 batches")]
)
def test_count(number: int, shown: str) -> None:
    assert count(number, "batch", "batches") == shown
    assert count(number, "row") == shown.replace("batches", "rows").replace("batch", "row")


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB (1,024 bytes)"),
        (10 * 1024**3, "10.0 GiB (10,737,418,240 bytes)"),
        (2000 * 1024**4, "2,000.0 TiB (2,199,023,255,552,000 bytes)"),
    ],
)
def test_size(number: int, shown: str) -> None:
    assert size(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 m 0 s"),
        (61, "1 m 1 s"),
        (3600, "1 h 0 m"),
        (86_399, "23 h 59 m"),
        (7 * 86_400 + 1, "7 d 0 h"),
    ],
)
def test_span(seconds: float, shown: str) -> None:
    assert span(seconds) == shown
