"""Stop: one flag that a signal handler sets, and that every wait looks at."""

from __future__ import annotations

import threading

from airflow_kafka_bq.exceptions import StopRequested


class Stop:
    """Asked from outside (``request``), or from inside to end the work behind a failure (``halt`` and ``resume``).

    ``event`` is what waits wait on; ``requested`` says whether somebody outside asked.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
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
