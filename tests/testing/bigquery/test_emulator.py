"""Children that serve: found by the port they print, stopped whatever they do, gone with their parent."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from airflow_kafka_bq.testing.bigquery import emulator
from airflow_kafka_bq.testing.bigquery.emulator import Emulator, die_with_parent, stop_process, wait_for_port
from airflow_kafka_bq.testing.bigquery.environment import Environment


def child(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return wait_for_port(process, process.stdout, "the server")


def test_the_port_is_found_among_other_lines_and_later_output_is_read_away() -> None:
    said = "print('warming up'); print('port 4711', flush=True)"
    process = child(f"{said}\nfor _ in range(20_000): print('x' * 100, flush=True)\nprint('done', flush=True)")
    assert port_of(process) == 4711
    assert process.wait(20) == 0  # it would wait in a print if nobody read
    stop_process(process)


def test_a_server_that_ends_before_it_is_ready_is_an_error() -> None:
    process = child("print('no')")
    with pytest.raises(RuntimeError, match="the server did not start"):
        port_of(process)
    stop_process(process)


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "_START_TIMEOUT_SECONDS", 0.5)
    process = child("import time; time.sleep(60)")
    started = time.monotonic()
    with pytest.raises(RuntimeError):
        port_of(process)
    assert process.wait(5) == -signal.SIGKILL
    assert time.monotonic() - started < 10
    stop_process(process)


def test_a_child_that_ignores_the_request_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "_STOP_TIMEOUT_SECONDS", 0.3)
    process = child(
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('port 1', flush=True); time.sleep(60)"
    )
    port_of(process)
    stop_process(process)
    assert process.returncode == -signal.SIGKILL
    stop_process(process)  # twice is once


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux'")
def test_a_child_dies_with_its_parent() -> None:
    program = (
        "import subprocess, sys\n"
        "from airflow_kafka_bq.testing.bigquery.emulator import die_with_parent\n"
        "left = subprocess.Popen(['sleep', '60'], preexec_fn=die_with_parent())\n"
        "print(f'port {left.pid}', flush=True)\n"
        "import time; time.sleep(60)\n"
    )
    parent = child(program)
    left = psutil.Process(port_of(parent))
    parent.kill()
    parent.wait()
    stop_process(parent)
    assert psutil.wait_procs([left], timeout=5)[1] == []
    assert die_with_parent() is not None


def test_an_emulator_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no module named bqemulator' >&2\nexit 1\n")
    broken.chmod(0o755)
    started = Emulator(Environment(broken, tmp_path))
    with pytest.raises(RuntimeError, match="the emulator did not start: no module named bqemulator"):
        started.start()
    started.stop()
