"""Faults that a test plants: errors per call, and kill points before and after every effect."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

Phase = Literal["before", "after"]
Hook = Callable[[str, Phase], None]


class Killed(BaseException):
    """The process dies here. Not an ``Exception``: no ``except Exception`` of ours may survive a SIGKILL."""


def _nothing(name: str, phase: Phase) -> None:  # noqa: ARG001 - the shape of a hook
    return


class Faults:
    """Scripted errors and the hook of one cluster or project."""

    def __init__(self) -> None:
        self.on_effect: Hook = _nothing
        self._errors: defaultdict[str, deque[Exception]] = defaultdict(deque)
        self._unanswered: defaultdict[str, deque[Exception]] = defaultdict(deque)

    def fail_next(self, call: str, error: Exception, times: int = 1) -> None:
        """The next ``times`` calls of this name raise ``error``, before they have any effect."""
        self._errors[call].extend([error] * times)

    def lose_answer(self, call: str, error: Exception) -> None:
        """The next call of this name has its effect, and its caller gets ``error``. For calls that have an effect."""
        self._unanswered[call].append(error)

    def heal(self) -> None:
        """Nothing that was planted stays."""
        self._errors.clear()
        self._unanswered.clear()

    def check(self, call: str) -> None:
        """Raise what is planted for this call."""
        if self._errors[call]:
            raise self._errors[call].popleft()

    @contextmanager
    def effect(self, name: str) -> Iterator[None]:
        """Around an effect: the hook hears of it before, and after if it took place."""
        self.on_effect(name, "before")
        yield
        self.on_effect(name, "after")
        if self._unanswered[name]:
            raise self._unanswered[name].popleft()
