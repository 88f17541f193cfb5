"""How often something runs, as far as its schedule says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

_SPAN = re.compile(r"([0-9]+) *(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LOOKED_AT = 200  # runs ahead: a schedule of working hours has its longest pause among them
_START = datetime(2024, 1, 1, tzinfo=UTC)


def longest_pause(schedule: Any) -> timedelta | None:
    """The longest time between two runs: that of a span, or of a cron text or preset where ``croniter`` is installed.

    None: nobody can say, as of assets, or of what runs by hand only.
    """
    if isinstance(schedule, timedelta):
        return schedule if schedule > timedelta() else None
    if not isinstance(schedule, str):
        return None
    if found := _SPAN.fullmatch(schedule.strip()):
        return timedelta(**{_UNITS[found[2]]: int(found[1])}) or None
    return _of_cron(schedule.strip())


def _of_cron(text: str) -> timedelta | None:
    try:
        from croniter import croniter  # type: ignore[import-untyped]  # Airflow brings it; nothing else here needs it
    except ImportError:
        return None
    try:
        runs = croniter(text, _START)
        times: list[datetime] = [runs.get_next(datetime) for _ in range(_LOOKED_AT)]
    except (ValueError, KeyError):  # no cron text, such as @once
        return None
    return max(after - before for before, after in pairwise(times))
