"""Closing a client within a time limit; not at all in a child of the process that built it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)
_of_parents: list[object] = []


def close_within(close: Callable[[], object], what: str, seconds: float) -> bool:
    """Run ``close`` in a thread of its own and wait for it ``seconds`` at most. Never raises.

    A client that hangs in its close, for which there are several known causes, must not hold up the task. The thread
    is a daemon: it does not keep the process alive.

    :returns: whether it ended in time, with or without an error.
    """

    def closing() -> None:
        try:
            close()
        except Exception:
            _log.warning("closing %s failed", what, exc_info=True)

    thread = threading.Thread(target=closing, name=f"kafka-bq close {what}", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        _log.error("%s did not close within %g s; it is left behind until the process ends", what, seconds)
    return not thread.is_alive()


def leave_to_parent(*clients: object) -> None:
    """Keep clients for as long as this process lives, which was forked from the one that built them.

    A child of a fork has none of a client's threads: closing or freeing it there waits for them for ever.
    """
    _of_parents.extend(clients)
