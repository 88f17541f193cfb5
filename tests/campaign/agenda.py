"""What is to happen later in a round: done by the thread that waits, between two looks at what it waits for.

Timers would do it in threads of their own; but a server that is started again dies with the thread that started it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from airflow_kafka_bq.testing.kafka import NotVisibleError

_LOOK_SECONDS = 0.01


class Agenda:
    """Things to do, each at its time."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, Callable[[], None]]] = []
        self.always: Callable[[], None] = lambda: None

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        """Do it then, or when the round comes to its end."""
        self._waiting.append((time.monotonic() + seconds, do))

    def tend(self) -> None:
        """Do what is due, and what is always to be looked after."""
        self.always()
        now = time.monotonic()
        due = sorted((one for one in self._waiting if one[0] <= now), key=lambda one: one[0])
        self._waiting = [one for one in self._waiting if one[0] > now]
        for _, do in due:
            do()

    def finish(self) -> None:
        """Do all that is left, in its order, at once."""
        while self._waiting:
            self._waiting.sort(key=lambda one: one[0])
            self._waiting.pop(0)[1]()

    def until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait for it.

        :raises NotVisibleError: it does not come.
        """
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise NotVisibleError(f"{what}: not within {seconds:g} s")
            self.tend()
            time.sleep(_LOOK_SECONDS)

    def rest(self, seconds: float) -> None:
        """Let that time pass."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.tend()
            time.sleep(min(_LOOK_SECONDS, left))
