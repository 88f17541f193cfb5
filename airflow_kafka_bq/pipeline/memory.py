"""Memory: too little of it is named; it is looked through seldom while messages pass, and what is free goes back."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError

_OBJECTS = 50_000  # Python's own 700 to 2,000 are made and dropped by every poll
_lock = threading.Lock()
_before: list[tuple[int, int, int]] = []  # one for each run that is under way; the first is the process's own
_pages_before: list[bool] = []  # the same
_SET_NO_HUGE_PAGES, _GET_NO_HUGE_PAGES = 41, 42  # of prctl(2)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Search for cycles seldom: each poll would set it off, and it looks through all that the process ever imported.

    Measured: a twelfth of a run's processor time. Nothing of ours hangs in a cycle, and a bound stays.
    """
    with _lock:
        _before.append(gc.get_threshold())
        gc.set_threshold(max(_OBJECTS, _before[0][0]) if _before[0][0] else 0, *_before[0][1:])
    try:
        yield
    finally:
        with _lock:
            last = _before.pop()
            if not _before:
                gc.set_threshold(*last)


@contextmanager
def small_pages() -> Iterator[None]:
    """No huge pages: Arrow's allocator asks for them, and then a block of a few kilobytes takes two megabytes.

    Measured: 18 MiB for the 4.5 of a piece that is being read. Nothing happens where the system has no such switch.
    """
    with _lock:
        _pages_before.append(bool(_no_huge_pages(_GET_NO_HUGE_PAGES, 0)))
        _no_huge_pages(_SET_NO_HUGE_PAGES, 1)
    try:
        yield
    finally:
        with _lock:
            last = _pages_before.pop()
            if not _pages_before:
                _no_huge_pages(_SET_NO_HUGE_PAGES, int(last))


def _no_huge_pages(request: int, value: int) -> int:
    """Ask the kernel, or tell it; a kernel that refuses loses us memory and nothing else."""
    if sys.platform != "linux":
        return 0
    import ctypes

    found = ctypes.CDLL(None).prctl(request, value, 0, 0, 0)
    return max(0, int(found))


def given_back() -> None:
    """What the allocators have free, and keep for the next to ask, goes to the system: Arrow's, and the C library's."""
    for pool in (pa.default_memory_pool(), pa.system_memory_pool()):
        pool.release_unused()


@contextmanager
def memory_named(config: JobConfig) -> Iterator[None]:
    """Turn a MemoryError, Arrow's too, into an error that says which settings decide how much is needed.

    :raises ConfigError: there was not enough; the same settings would fail again.
    """
    try:
        yield
    except MemoryError as error:
        bounds = f"batch_messages={config.batch_messages} and batch_bytes={config.batch_bytes}"
        remedy = "lower batch_bytes or batch_messages (two batches are held at a time), or give the process more memory"
        raise ConfigError(f"there is not enough memory for {bounds}", remedy=remedy) from error
