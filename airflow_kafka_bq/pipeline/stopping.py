"""Stop: one flag that a signal handler sets, and that every wait looks at."""

from __future__ import annotations

import threading
import time

from airflow_kafka_bq.exceptions import StopRequested

_SLICE_SECONDS = 0.25


class SignalEvent(threading.Event):
    """An event that a signal handler may set while the thread that it interrupts is inside one of its methods.

    The lock of Python's own is not reentrant: a handler that sets it in the wrong moment would wait for the thread that
    it interrupts, for ever. With a reentrant lock it may come between a waiter's look and its sleep, so a sleep is
    short.
    """

    def __init__(self) -> None:
        super().__init__()
        self._cond = threading.Condition(threading.RLock())

    def wait(self, timeout: float | None = None) -> bool:
        """As Python's."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = _SLICE_SECONDS if end is None else min(_SLICE_SECONDS, end - time.monotonic())
            if left <= 0:
                break
            super().wait(left)
        return self.is_set()


class Stop:
    """Asked from outside (``request``), or from inside to end the work behind a failure (``halt`` and ``resume``).

    ``event`` is what waits wait on; ``requested`` says whether somebody outside asked.
    """

    def __init__(self) -> None:
        self.event = SignalEvent()
        self.requested = False

    def request(self) -> None:
        """Safe in a signal handler: sets two flags, does no work."""
        self.requested = True
        self.event.set()

    def halt(self) -> None:
        """End the reader's waits: what it prepares will not be used."""
        self.event.set()

    def resume(self) -> None:
        """Undo ``halt``; a request from outside, also one that came meanwhile, stays."""
        self.event.clear()
        if self.requested:
            self.event.set()

    def check(self) -> None:
        """:raises StopRequested: somebody asked."""
        if self.event.is_set():
            raise StopRequested

    def pause(self, seconds: float) -> None:
        """Sleep. :raises StopRequested: asked meanwhile."""
        if self.event.wait(seconds):
            raise StopRequested
