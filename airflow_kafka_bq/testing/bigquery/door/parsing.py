"""Each text is parsed once: the emulator parses a statement anew in each of its nine passes, and again after a dry run.

That was half of its processor time. A copy of a parsed statement costs a seventh of parsing it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from sqlglot.dialects.dialect import Dialect

_KEPT = 256
_LONGEST = 64 * 1024
_parse = Dialect.parse


class Parsed:
    """Statements by the dialect and the text that they were parsed of; the least used one goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, list[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def parse(self, dialect: Any, sql: str, **options: Any) -> list[Any]:
        """What ``Dialect.parse`` gives, the caller's own to change; its errors too, each time."""
        if options or len(sql) > _LONGEST:
            parsed: list[Any] = _parse(dialect, sql, **options)
            return parsed
        name = (type(dialect), repr(sorted(dialect.settings.items())), sql)
        with self._lock:
            found = self._kept.get(name)
            if found is not None:
                self._kept.move_to_end(name)
        if found is None:
            found = _parse(dialect, sql)
            with self._lock:
                self._kept[name] = found
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        # Passes change what they are given; the kept one is never handed out.
        return [None if one is None else one.copy() for one in found]


def set_up() -> None:
    """Have the emulator's own calls go through here."""
    kept = Parsed()

    def parse(dialect: Any, sql: str, **options: Any) -> list[Any]:
        return kept.parse(dialect, sql, **options)

    setattr(Dialect, "parse", parse)  # noqa: B010 - to a type checker, a method is not assigned
