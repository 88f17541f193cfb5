"""One value at a time: what Python, YAML, ``--set`` and the JSON forms of Airflow write for a number, a size, a flag.

pydantic alone takes True for 1, 1.0 for 1 and the first half of ``64,000`` for a size. Each function returns the value
or raises ValueError with what the parameter takes; the caller adds parameter and value.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field

LARGEST_INT64 = 2**63 - 1
LONGEST_SECONDS = 366 * 24 * 3600.0
LONGEST_SPAN = timedelta(days=3_660)
_AGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]+)?)\s*([dhms])", re.IGNORECASE)
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([dh])", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]+(_[0-9]+)*")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SIZE = re.compile(r"[0-9]+\s*b?|[0-9]+(\.[0-9]+)?\s*[kmgtpe]i?b?", re.IGNORECASE)


def whole(value: Any) -> int:
    """A whole number; as text too. No bool, no float."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    msg = "must be a whole number such as 500000"
    raise ValueError(msg)


def number(value: Any) -> float:
    """A finite number; as text too. No bool."""
    written = value if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else None
    if written is not None or (isinstance(value, int | float) and not isinstance(value, bool)):
        try:
            found = float(value)
        except OverflowError:
            found = math.inf
        if math.isfinite(found):
            return found
    msg = "must be a finite number such as 30 or 0.5"
    raise ValueError(msg)


def size(value: Any) -> int | str:
    """Bytes, as a whole number or with a unit; the unit is left to ``ByteSize``."""
    if isinstance(value, str) and _SIZE.fullmatch(value.strip()):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    msg = "must be a number of bytes such as 67108864 or 64MiB"
    raise ValueError(msg)


def flag(value: Any) -> bool:
    """True or false; as text too. No number: 1 may be a slip for something else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true"
    msg = "must be true or false"
    raise ValueError(msg)


def text(value: str) -> str:
    """A text that says something."""
    if not value.strip():
        msg = "must not be empty"
        raise ValueError(msg)
    return value


def names_list(value: Any) -> Any:
    """A list of names; one name is a list of one. A set has no order, and the order of columns matters."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list | tuple):
        return value
    msg = "must be a name or a list of names"
    raise ValueError(msg)


def span(value: Any) -> timedelta:
    """A time, as a timedelta, days, or text with a unit."""
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if isinstance(value, timedelta):
            time = value
        elif found:
            time = timedelta(hours=float(found[1]) * (24 if found[2].lower() == "d" else 1))
        else:
            time = timedelta(days=number(value))
    except (ValueError, OverflowError):
        time = timedelta()
    if not timedelta() < time <= LONGEST_SPAN:
        msg = f"must be a number of days, or a time such as 7d or 12h, above 0 and at most {LONGEST_SPAN.days}d"
        raise ValueError(msg)
    return time


def age(text: str) -> timedelta:
    """How old something may be. :raises ValueError: the text is no such time."""
    found = _AGE.fullmatch(text.strip())
    time = timedelta(**{_UNITS[found[2].lower()]: float(found[1])}) if found else timedelta()
    if not timedelta() < time <= LONGEST_SPAN:
        msg = f"is no time such as 90s, 15m, 4h or 2d, above 0 and at most {LONGEST_SPAN.days}d"
        raise ValueError(msg)
    return time


Whole = Annotated[int, BeforeValidator(whole), Field(ge=0, le=LARGEST_INT64)]
Positive = Annotated[int, BeforeValidator(whole), Field(ge=1, le=LARGEST_INT64)]
Partition = Annotated[int, BeforeValidator(whole), Field(ge=0, le=2**31 - 1)]
Seconds = Annotated[float, BeforeValidator(number), Field(gt=0, le=LONGEST_SECONDS)]
Ratio = Annotated[float, BeforeValidator(number), Field(ge=0, le=1)]
Hours = Annotated[float, BeforeValidator(number), Field(ge=1, le=366 * 24)]
Days = Annotated[float, BeforeValidator(number), Field(ge=1, le=3_660)]
Size = Annotated[ByteSize, BeforeValidator(size), Field(ge=1, le=LARGEST_INT64)]
Span = Annotated[timedelta, BeforeValidator(span)]
Flag = Annotated[bool, BeforeValidator(flag)]
String = Annotated[str, Field(strict=True)]  # pydantic alone takes bytes for text
Text = Annotated[String, AfterValidator(text)]
