"""Undo files: whole or not there, of one command, and never over another one's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.batch import Committed, Position
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operations.placing import Standing
from airflow_kafka_bq.operations.undo import Stood, Undo, file_name, kept, read, write


def stood(topic: str = "t", **positions: int) -> Stood:
    before = Standing({int(part[1:]): Position(at, 3) for part, at in positions.items()}, "id", "2026-01-01")
    return Stood.of(topic, "p.d.t", "group", before, {0: 7})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    undo = Undo(command="seek", jobs=(stood(p0=4),)).holding("old", "t", {1: Committed(Position(5, 2), "text")})
    write(tmp_path / "undo.json", undo)
    found = read(tmp_path / "undo.json")
    assert found == undo
    assert found.job("seek", "t", "p.d.t").standing == Standing({0: Position(4, 3)}, "id", "2026-01-01")
    assert found.held("t") == {1: Committed(Position(5, 2), "text")}
    assert [path.name for path in tmp_path.iterdir()] == ["undo.json"]


def test_others_stay_and_the_same_job_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "undo.json"
    write(path, kept(path, stood("a", p0=1), Undo(command="seek")))
    write(path, kept(path, stood("b", p0=2), Undo(command="seek")))
    write(path, kept(path, stood("a", p0=3), Undo(command="seek")))
    assert [(one.topic, one.positions[0].next_offset) for one in read(path).jobs] == [("b", 2), ("a", 3)]
    with pytest.raises(ConfigError, match="takes back seek and is kept"):
        kept(path, stood("a"), Undo(command="migrate-group"))


@pytest.mark.parametrize("text", ["", "{}", '{"command": "seek", "jobs": [{"topic": "t"}]}', "[]"])
def test_what_is_no_undo_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "undo.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="is no undo file"):
        read(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "missing.json")


def test_a_file_is_of_one_command_and_its_jobs() -> None:
    undo = Undo(command="seek", jobs=(stood(),))
    with pytest.raises(ConfigError, match="takes back seek, not migrate-group"):
        undo.job("migrate-group", "t", "p.d.t")
    with pytest.raises(ConfigError, match=r"is not of u → p\.d\.t, but of t → p\.d\.t"):
        undo.job("seek", "u", "p.d.t")


def test_where_it_cannot_be_written_nothing_is_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="nothing was moved"):
        write(tmp_path / "missing" / "undo.json", Undo(command="seek"))

    def full(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ConfigError, match="no space left"):
        write(tmp_path / "undo.json", Undo(command="seek"))
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_one_of_a_file() -> None:
    assert str(file_name("a/b", "t", "seek-4")) == "a_b.t.seek-4.undo.json"
