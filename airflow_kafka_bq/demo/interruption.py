"""Ctrl-C at any moment: the story ends where it is, and what was started is taken down before the process ends."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal; no handler of ordinary errors on the way may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Signals:
    """Raises :class:`Interrupted` in the main thread at each signal that ends a program, until :meth:`ignore`."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._ignored = False

    def ignore(self) -> None:
        """From now on: an impatient second Ctrl-C must not interrupt the clean-up."""
        self._ignored = True

    def check(self) -> None:
        """Between two steps: Python drops what a handler raises inside a destructor or a callback of a C library.

        :raises Interrupted: a signal came.
        """
        if self._number is not None:
            raise Interrupted(self._number)

    def handle(self, number: int, frame: FrameType | None) -> None:
        """A signal handler."""
        del frame
        self._number = number
        if not self._ignored:
            raise Interrupted(number)


@contextmanager
def interruptible() -> Iterator[Signals]:
    """Handle the signals in the body; from the main thread only."""
    signals = Signals()
    before = {number: signal.signal(number, signals.handle) for number in _ENDING}
    try:
        yield signals
    finally:
        signals.ignore()
        for number, handler in before.items():
            signal.signal(number, handler)
