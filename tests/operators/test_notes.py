"""Notes on which DAG file uses which consumer group."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from airflow.sdk import DAG

from airflow_kafka_bq.operators import siblings
from airflow_kafka_bq.operators.notes import Note, exchange
from tests.operators.conftest import task

GROUP = ("kafka_default", "shared")


def note(folder: Path, name: str, topic: str) -> Note:
    """Of a DAG file that is there."""
    file = folder / f"{name}.py"
    file.touch()
    return Note.of(str(file), topic, f"dag_{name}", "load")


def test_a_file_sees_who_uses_the_group_for_another_topic_and_nobody_else(tmp_path: Path) -> None:
    kept = tmp_path / "notes"
    first, second, third = note(tmp_path, "first", "a"), note(tmp_path, "second", "b"), note(tmp_path, "third", "a")
    assert exchange(kept, GROUP, first) == []
    assert exchange(kept, ("kafka_default", "other"), second) == []
    assert exchange(kept, ("another_cluster", "shared"), second) == []
    assert exchange(kept, GROUP, second) == [first]
    assert exchange(kept, GROUP, first) == exchange(kept, GROUP, third) == [second]
    assert exchange(kept, GROUP, second) == [first, third] or exchange(kept, GROUP, second) == [third, first]
    assert kept.stat().st_mode & 0o77 == 0, "a folder of one's own"


def test_what_a_file_no_longer_says_is_not_believed(tmp_path: Path) -> None:
    kept = tmp_path / "notes"
    mine = note(tmp_path, "mine", "b")
    for name in ("gone", "rewritten", "old"):
        exchange(kept, GROUP, note(tmp_path, name, "a"))
    assert len(exchange(kept, GROUP, mine)) == 3
    (tmp_path / "gone.py").unlink()
    os.utime(tmp_path / "rewritten.py", ns=(1, 1))
    assert [Path(one.file).stem for one in exchange(kept, GROUP, mine)] == ["old"]
    for path in kept.rglob("*.json"):
        os.utime(path, (time.time() - 4000,) * 2)
    assert exchange(kept, GROUP, mine) == []
    assert len(list(kept.rglob("*"))) == 2, "what does not hold is cleared away"


def test_what_is_no_note_is_passed_over_and_a_note_is_written_once(tmp_path: Path) -> None:
    kept = tmp_path / "notes"
    mine, other = note(tmp_path, "mine", "b"), note(tmp_path, "other", "a")
    exchange(kept, GROUP, other)
    (path,) = kept.rglob("*.json")
    for at, text in enumerate(("", "{", "[]", '{"file": 1}', "\udc80".encode("utf-8", "surrogatepass").hex())):
        (path.parent / f"0{at}.json").write_text(text, "utf-8")
    (path.parent / "00binary.json").write_bytes(b"\xff\xfe")
    assert exchange(kept, GROUP, mine) == [other]
    before = path.stat().st_ino
    exchange(kept, GROUP, other)
    assert path.stat().st_ino == before
    exchange(kept, GROUP, replace(other, topic="b"))
    assert exchange(kept, GROUP, mine) == []


def _parsed(name: Path, topic: str, **parameters: str) -> None:
    with DAG(f"of_{name.stem}", schedule=None) as dag:
        dag.fileloc = str(name)
        task(topic=topic, **{"group_id": "spans-files", **parameters})


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two DAG files, each in a process that knows nothing, as in the DAG processor."""
    monkeypatch.setattr(siblings, "in_dag_processor", lambda: True)
    monkeypatch.setattr(siblings, "notes_folder", lambda: tmp_path / "notes")
    found = [tmp_path / "first.py", tmp_path / "second.py"]
    for file in found:
        file.touch()
    return found


def test_the_second_file_gets_a_warning_that_names_both(files: list[Path], caplog: pytest.LogCaptureFixture) -> None:
    for file, topic in zip(files, "ab", strict=True):
        siblings._seen.clear()
        _parsed(file, topic)
    (record,) = caplog.records
    told = record.getMessage()
    assert (record.levelname, "consumer group 'spans-files'" in told) == ("WARNING", True)
    for file, topic in zip(files, "ab", strict=True):
        assert f"topic {topic!r} by task 'load' of DAG 'of_{file.stem}' in {file}" in told


def test_a_group_with_its_topics_name_costs_nothing(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _parsed(files[0], "a", group_id="mine.{topic}")
    monkeypatch.setattr(siblings, "in_dag_processor", lambda: False)
    _parsed(files[0], "b")
    assert not (tmp_path / "notes").exists()


def test_notes_that_cannot_be_kept_cost_no_dag(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "notes").write_text("a file")
    _parsed(files[0], "a")
    (tmp_path / "notes").unlink()
    monkeypatch.setattr("os.getuid", lambda: -7)
    _parsed(files[0], "b")
    _parsed(tmp_path / "archive.zip" / "dag.py", "c", group_id="g")
    monkeypatch.undo()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError):
        exchange(tmp_path / "link", GROUP, note(tmp_path, "mine", "a"))
    assert [one for one in caplog.records if " in " in one.getMessage() and "file" in one.getMessage()] == []
