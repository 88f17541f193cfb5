"""SIGKILL in the middle, then the same again: what is lost, and what is there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from google.api_core.exceptions import NotFound

from benchmarks.cases import MODEL, MODES, Run, label
from benchmarks.site import PROJECT, REPOSITORY, Site

_SECONDS = 180.0
_WRITES = {"plain": 10, "tuned": 2}  # the one that is kept and never answered: about the middle of 100,000 messages


def peer(site: Site, topic: str, messages: int, module: str, mode: str) -> Run:
    """Killed when its write was kept and not yet answered."""
    site.empty_sink("bench")
    line = site.peer_line(topic, messages, module, mode)
    nth = _WRITES["tuned" if module == "handwritten" else mode]
    site.asked(f"/_hold?when=after&write={nth}", "POST")
    _killed(line, lambda: bool(site.asked("/_holding")))
    before = site.asked("/_landed")["rows"]
    _again(line)
    return _told(label(module, mode), messages, before, site.asked("/_landed"))


def ours(site: Site, topic: str, messages: int) -> Run:
    """Killed when the first batches are in the table, and others are on their way."""
    with site.dataset() as dataset:
        job = site.job(topic, dataset, model=MODEL, batch_messages=messages // 10)
        line = ["-m", "airflow_kafka_bq", "run", str(job)]
        _killed(line, lambda: _rows(site, dataset) > 0)
        before = _rows(site, dataset)
        _again(line)
        return _told("kafka-bq run, model", messages, before, site.landed(dataset))


CRASHES: dict[str, Callable[[Site, str, int], Run]] = {
    "kafka-bq run, model": ours,
    **{label(*each): partial(peer, module=each[0], mode=each[1]) for each in MODES},
}


def _killed(line: list[str], now: Callable[[], bool]) -> None:
    with _started(line) as process:
        end = time.monotonic() + _SECONDS
        while process.poll() is None and time.monotonic() < end and not now():
            time.sleep(0.05)
        assert process.poll() is None, f"{line} ended before it was killed"
        os.killpg(process.pid, signal.SIGKILL)


def _again(line: list[str]) -> None:
    with _started(line) as process:
        assert process.wait(_SECONDS) == 0, f"{line} failed when it was run again"


def _started(line: list[str]) -> subprocess.Popen[bytes]:
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, *line], cwd=REPOSITORY, start_new_session=True, **quiet)


def _rows(site: Site, dataset: str) -> int:
    client = site.bigquery.client(PROJECT)
    try:
        return int(client.get_table(f"{PROJECT}.{dataset}.orders").num_rows or 0)
    except NotFound:
        return 0
    finally:
        client.close()


def _told(case: str, messages: int, before: int, landed: dict[str, Any]) -> Run:
    lost = messages - (landed["rows"] - landed["duplicates"])
    told = {"case": case, "messages": messages, "before": before, "lost": lost, "duplicates": landed["duplicates"]}
    return told
