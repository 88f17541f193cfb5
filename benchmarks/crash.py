"""SIGKILL in the middle, then the same again: what is lost, and what is there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from google.api_core.exceptions import NotFound

from benchmarks.cases import MODEL, MODES, Run, label
from benchmarks.site import PROJECT, REPOSITORY, Site

_SECONDS = 300.0
_WRITES = {
    ("handwritten", "tuned"): 2, ("handwritten", "plain"): 2, ("official_operator", "tuned"): 2,
    ("official_operator", "plain"): 10, ("dlt", "tuned"): 1, ("dlt", "plain"): 1, ("quix", "tuned"): 2,
    ("quix", "plain"): 2, ("ingestr", "tuned"): 1, ("ingestr", "plain"): 2, ("kafka_connect", "plain"): 100,
    ("kafka_connect", "tuned"): 10,
}  # fmt: skip
"""The write that is kept and never answered: about the middle of 100,000 messages, the only one of those with one."""


_LONG = {("quix", "plain"), ("kafka_connect", "tuned")}  # a minute each, and killed they are like their other mode


def peer(site: Site, topic: str, messages: int, module: str, mode: str) -> Run:
    """Killed when its write was kept and not yet answered."""
    site.empty_sink("bench")
    line = site.peer_line(topic, messages, module, mode)
    site.asked(f"/_hold?when=after&write={_WRITES[module, mode]}", "POST")
    _killed(site, line, lambda: bool(site.asked("/_holding")))
    before = site.asked("/_landed")["rows"]
    _again(site, line)
    return _told(label(module, mode), messages, before, site.asked("/_landed"))


def ours(site: Site, topic: str, messages: int) -> Run:
    """Killed when the first batches are in the table, and others are on their way."""
    with site.dataset() as dataset:
        job = site.job(topic, dataset, model=MODEL, batch_messages=messages // 10)
        line = [sys.executable, "-m", "airflow_kafka_bq", "run", str(job)]
        _killed(site, line, lambda: _rows(site, dataset) > 0)
        before = _rows(site, dataset)
        _again(site, line)
        return _told("kafka-bq run, model", messages, before, site.landed(dataset))


CRASHES: dict[str, Callable[[Site, str, int], Run]] = {
    "kafka-bq run, model": ours,
    **{label(*each): partial(peer, module=each[0], mode=each[1]) for each in MODES if each not in _LONG},
}


def _killed(site: Site, line: list[str], now: Callable[[], bool]) -> None:
    with _started(site, line) as process:
        end = time.monotonic() + _SECONDS
        try:
            while process.poll() is None and time.monotonic() < end and not now():
                time.sleep(0.05)
            assert process.poll() is None, f"ended before it was killed: {_words(site)}"
        finally:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """And all that it started; one of them may be left when it has ended."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _again(site: Site, line: list[str]) -> None:
    with _started(site, line) as process:
        try:
            assert process.wait(_SECONDS) == 0, f"failed when it was run again: {_words(site)}"
        finally:
            _kill(process)


def _started(site: Site, line: list[str]) -> subprocess.Popen[bytes]:
    with _log(site).open("wb") as log:
        return subprocess.Popen(line, cwd=REPOSITORY, start_new_session=True, stdout=subprocess.DEVNULL, stderr=log)


def _log(site: Site) -> Path:
    return site.folder / "killed.log"


def _words(site: Site) -> str:
    """Its last ones."""
    return _log(site).read_text("utf-8", "replace").strip()[-500:]


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
