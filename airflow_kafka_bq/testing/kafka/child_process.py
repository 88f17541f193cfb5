"""Child processes that cannot outlive the process that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def _load_prctl() -> Callable[[int, int], int] | None:
    """Linux' ``prctl``; None where there is none. Loaded before any fork: a child must not load libraries."""
    try:
        prctl: Callable[[int, int], int] = ctypes.CDLL(None).prctl
    except (OSError, AttributeError, TypeError):
        return None
    return prctl


_prctl = _load_prctl()
_spawner: ThreadPoolExecutor | None = None


def _forget_spawner() -> None:
    """A forked copy of this process has the spawner object but not its thread: make a new one on demand."""
    global _spawner
    _spawner = None


os.register_at_fork(after_in_child=_forget_spawner)


def _die_with_parent() -> None:
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _the_spawner() -> ThreadPoolExecutor:
    """One thread that lives as long as this process.

    The kernel kills a child when the *thread* that started it ends, so a child started from a short-lived thread
    of the caller would die in the middle of its work.
    """
    global _spawner
    if _spawner is None:
        _spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="child-spawner")
    return _spawner


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    directory: Path | None = None,
    piped: bool = False,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start ``command`` in a session of its own; on Linux it gets SIGKILL when this process ends, however it ends.

    :param log: file that receives stderr, and stdout unless ``piped``; appended to.
    :param piped: connect stdin and stdout to pipes; otherwise stdin is empty.
    :param environment: all its variables; None: those of this process.
    :raises OSError: the program does not exist or cannot run.
    """

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as out:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else out,
                stderr=out,
                cwd=directory,
                env=environment,
                start_new_session=True,  # Ctrl-C in the terminal must not reach the server before our own clean-up
                preexec_fn=_die_with_parent,
            )

    return _the_spawner().submit(start).result()


def freeze(process: subprocess.Popen[bytes]) -> None:
    """SIGSTOP, and wait until it holds: on a busy machine the child may answer for a while after the signal was sent.

    :raises ProcessLookupError: it has ended.
    """
    if process.poll() is not None:
        raise ProcessLookupError(f"process {process.pid} has ended")
    os.kill(process.pid, signal.SIGSTOP)
    if hasattr(os, "waitid"):  # not on every system
        # One that ends instead stays for its own wait, which wants the return code.
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill ``process`` (also a stopped one) and reap it; no error when it is gone already."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
