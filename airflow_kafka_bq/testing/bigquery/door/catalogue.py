"""The emulator's catalogue, one thread at a time.

The emulator serves one job at a time and iterates over plain dictionaries; here jobs overlap, each in a thread of the
door, and the emulator's own API answers in yet another. Without the lock one of them fails with "dictionary changed
size during iteration", or reads the rows that another one asked for: they share one connection.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

#: Held while the emulator's catalogue, or its own connection, is in use. A statement of a job does not need it.
LOCK = threading.RLock()


def guard(context: Any) -> None:
    """Make every method of the catalogue wait for its turn, whoever calls it."""
    for name in dir(type(context.catalog)):
        method = getattr(context.catalog, name)
        if callable(method) and not name.startswith("_"):
            setattr(context.catalog, name, _alone(method))


def _alone(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def locked(*arguments: Any, **named: Any) -> Any:
        with LOCK:
            return method(*arguments, **named)

    return locked
