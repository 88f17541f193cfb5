"""What a history tells of itself: its steps, and the corners it came to."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, rule
from hypothesis.strategies import SearchStrategy


class Telling(RuleBasedStateMachine):
    """A state machine with a trace."""

    def __init__(self) -> None:
        super().__init__()
        self.trace: list[str] = []
        self.rules_played: Counter[str] = Counter()
        self.events: Counter[str] = Counter()

    def a_step_later(self) -> None:
        """After each rule."""

    def tell(self, event: str, detail: object = "") -> None:
        """A corner was reached."""
        self.events[event] += 1
        self.trace.append(f"    {event} {detail}".rstrip())


def happening(**strategies: SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """A rule that is counted, and told with its arguments."""

    def told(function: Callable[..., None]) -> Any:
        @functools.wraps(function)
        def counted(self: Telling, *given: Any, **drawn: Any) -> None:
            if not given:  # hypothesis gives names; without them another rule is calling
                self.rules_played[function.__name__] += 1
                words = ", ".join(f"{name}={value!r}" for name, value in drawn.items())
                self.trace.append(f"{function.__name__}({words})")
            function(self, *given, **drawn)
            if not given:
                self.a_step_later()

        return rule(**strategies)(counted)  # type: ignore[call-overload]  # one of its overloads fits, mypy cannot tell

    return told
