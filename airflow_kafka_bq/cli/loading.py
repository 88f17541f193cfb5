"""Imports of a command without the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Around imports. What they make stays until the process ends, and is hidden from the collector.

    Else it looks through hundreds of thousands of objects a dozen times while they come, and twice more when the
    process ends, which takes a quarter of the processor time of a run with nothing to read.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()
