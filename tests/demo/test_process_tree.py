"""A process is taken down with what it started."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil

from airflow_kafka_bq.demo.process_tree import take_down
from airflow_kafka_bq.testing.kafka.child_process import spawn

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"])
print("ready", flush=True)
time.sleep(600)
"""


def test_children_that_ignore_sigterm_go_too(tmp_path: Path) -> None:
    process = spawn([sys.executable, "-c", STUBBORN], log=tmp_path / "log", piped=True)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    (child,) = psutil.Process(process.pid).children()
    began = time.monotonic()
    take_down(process, 0.5)
    assert process.poll() is not None
    assert not child.is_running()
    assert time.monotonic() - began < 10


def test_a_process_that_has_gone_is_no_error(tmp_path: Path) -> None:
    process = spawn([sys.executable, "-c", ""], log=tmp_path / "log")
    process.wait()
    take_down(process)
