"""Ports whose calls are told to a hook, and the hook that ends a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_kafka_bq.testing.memory import Killed

Hook = Callable[[str, str], None]
EFFECTS = frozenset(
    ("create", "add_columns", "relax", "create_ledger", "create_dead_letters", "register", "place", "load", "merge")
) | {"create_deletes", "create_copied_at", "mark_copied", "send", "widen", "drop", "commit", "delete_group", "join"}


class Watched:
    """A port whose calls are told to a hook, outside of all locks, so that a hook may hold the process there."""

    def __init__(self, port: object, hook: Hook) -> None:
        self._port, self._hook = port, hook

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._hook(name, "before")
            result = found(*arguments, **named)
            self._hook(name, "after")
            return result

        return call


class Assassin:
    """Ends a process at its n-th effect, before or after; from then on it does nothing any more, in no thread.

    Counts only where ``at`` is None.
    """

    def __init__(self, at: int | None = None) -> None:
        self.at, self.count, self.dead = at, 0, False
        self.names: list[str] = []

    def __call__(self, name: str, phase: str) -> None:
        if self.dead:
            raise Killed
        if name not in EFFECTS:
            return
        self.names.append(f"{phase} {name}")
        self.dead = self.count == self.at
        self.count += 1
        if self.dead:
            raise Killed
