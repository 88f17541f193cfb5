"""Memory: too little of it is named, with what would need less; and it is looked through seldom while messages pass."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError

_OBJECTS = 50_000  # Python's own 700 to 2,000 are made and dropped by every poll
_lock = threading.Lock()
_before: list[tuple[int, int, int]] = []  # one for each run that is under way; the first is the process's own


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
