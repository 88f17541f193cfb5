"""Waiting for a state that a broker reaches a moment after it has answered."""

from __future__ import annotations

import time
from collections.abc import Callable

_POLL_SECONDS = 0.02


class NotVisibleError(TimeoutError):
    """The broker did not show the expected state in time."""


def wait_until(condition: Callable[[], bool], what: str, timeout_seconds: float) -> None:
    """Ask ``condition`` again and again until it is true.

    :param what: the expected state, for the error's message.
    :raises NotVisibleError: not within ``timeout_seconds``.
    """
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NotVisibleError(f"{what}: not within {timeout_seconds} s")
        time.sleep(_POLL_SECONDS)
