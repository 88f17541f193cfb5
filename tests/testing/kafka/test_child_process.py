from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from airflow_kafka_bq.testing.kafka.child_process import end, freeze, spawn

SLEEP = ["sleep", "60"]


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    started: list[subprocess.Popen[bytes]] = []
    thread = threading.Thread(target=lambda: started.append(spawn(SLEEP, log=tmp_path / "log")))
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert started[0].poll() is None
    end(started[0])


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux'")
def test_a_child_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    program = (
        "import pathlib, signal, sys\n"
        "from airflow_kafka_bq.testing.kafka.child_process import spawn\n"
        f"print(spawn({SLEEP!r}, log=pathlib.Path(sys.argv[1])).pid, flush=True)\n"
        "signal.pause()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        child.wait(5)
    assert not child.is_running()


def test_end_kills_a_stopped_child_too(tmp_path: Path) -> None:
    child = spawn(SLEEP, log=tmp_path / "log")
    freeze(child)
    end(child)
    assert child.returncode == -signal.SIGKILL
    end(child)


def test_a_frozen_child_is_frozen_when_the_call_returns_and_may_be_so_again(tmp_path: Path) -> None:
    child = spawn([sys.executable, "-c", "while True: pass"], log=tmp_path / "log")
    process = psutil.Process(child.pid)
    for _ in range(20):
        freeze(child)
        assert process.status() == psutil.STATUS_STOPPED
        child.send_signal(signal.SIGCONT)
    end(child)
    with pytest.raises(ProcessLookupError, match="has ended"):
        freeze(child)


def test_a_child_that_ends_as_it_is_frozen_keeps_its_return_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = spawn(SLEEP, log=tmp_path / "log")
    kill = os.kill
    monkeypatch.setattr(os, "kill", lambda pid, _: kill(pid, signal.SIGKILL))
    freeze(child)
    assert child.wait(5) == -signal.SIGKILL


def test_output_goes_to_the_log_and_a_missing_program_is_an_error(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert spawn(["sh", "-c", "echo out; echo err >&2"], log=log).wait(5) == 0
    assert sorted(log.read_text().split()) == ["err", "out"]
    with pytest.raises(FileNotFoundError):
        spawn(["no-such-program-here"], log=log)
