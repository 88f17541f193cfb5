"""Processes that have children of their own, taken down with all of them."""

from __future__ import annotations

import subprocess

_TO_END_SECONDS = 5.0


def take_down(process: subprocess.Popen[bytes], seconds: float = _TO_END_SECONDS) -> None:
    """SIGTERM, then SIGKILL to what is left of the tree: Airflow's components leave workers behind."""
    import psutil

    try:
        tree = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        tree = []
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for each in tree:
        try:
            each.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(tree, _TO_END_SECONDS)
