"""The parameter table of the contract as data: default, what is taken and as what, what is refused, with which words.

Values are given as Python, YAML, ``--set`` and the JSON forms of Airflow give them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from pydantic import BaseModel

from airflow_kafka_bq.config import Window

MIB, GIB = 1024**2, 1024**3


class Order(BaseModel):
    order_id: str
    created_on: datetime


def keep_all(table: Any) -> Any:
    return table


@dataclass(frozen=True)
class Parameter:
    """``good``: pairs of given and stored. ``takes``: part of what every refusal of a ``bad`` value says."""

    default: Any
    good: tuple[tuple[Any, Any], ...]
    bad: tuple[Any, ...]
    takes: str
    beside: Mapping[str, Any] = field(default_factory=dict)


def choice(default: str | None, *others: str, beside: Mapping[str, Any] | None = None) -> Parameter:
    """One word of a few. YAML makes booleans of on, off, yes and no."""
    good = tuple((word, word) for word in (default, *others) if word is not None)
    return Parameter(
        default, good, ("", "Keep", "nope", 1, True, False, [good[0][0]], {}, math.nan), "must be", beside or {}
    )


NO_NUMBERS: tuple[Any, ...] = (True, False, "true", "", " ", "ten", "½", "１", [1], {}, {"value": 1}, date(2026, 1, 1))
NO_FINITE: tuple[Any, ...] = (math.nan, math.inf, -math.inf, "NaN", ".nan", "Infinity", "-inf", "1e999", 10**400)
NO_WHOLE: tuple[Any, ...] = (*NO_NUMBERS, 1.0, 1.5, "1.0", "1e3", "1,000", "0x10", math.nan, math.inf, "NaN")
NO_TEXT: tuple[Any, ...] = (5, True, 1.5, ["a"], {"a": "b"}, b"a", "")


def whole(default: int | None, least: int) -> Parameter:
    good = ((least, least), ("3", 3), (" 3 ", 3), ("500_000", 500_000), (2**63 - 1, 2**63 - 1))
    return Parameter(default, good, (*NO_WHOLE, least - 1, str(least - 1), 2**63), "must be")


def size(default: int | None) -> Parameter:
    good = (
        (1, 1),
        ("3", 3),
        ("64MiB", 64 * MIB),
        ("64 mib", 64 * MIB),
        ("1.5GiB", 3 * GIB // 2),
        ("1kb", 1000),
        ("2K", 2000),
    )
    bad = (*NO_WHOLE, 0, -1, "-1MiB", "64,000", "64MiB!", "64 MiB and more", "5 apples", "0.5", "0.1b", 2**63, "9EiB")
    return Parameter(default, good, bad, "must be")


def seconds(default: float | None) -> Parameter:
    good = ((1, 1.0), (0.5, 0.5), ("30", 30.0), ("2.5", 2.5), ("1e2", 100.0))
    return Parameter(default, good, (*NO_NUMBERS, *NO_FINITE, 0, -1, "-0.5", 1e12), "must be")


def columns(*, empty: bool, **beside: Any) -> Parameter:
    good = ((["a"], ("a",)), ("a", ("a",)), (("a", "_b1"), ("a", "_b1")), *((([], ()),) if empty else ()))
    nothing: tuple[Any, ...] = () if empty else ([], ())
    hostile = ("a,b", "a b", "a`b", "a;--", "a.b", "ä", "1a", "a" * 301, "")
    bad = (*nothing, *hostile, *([one] for one in hostile), 5, True, [5], [None], {"a"}, {"a": 1}, [["a"]])
    return Parameter(None, good, bad, "", beside)


NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
DAY = datetime(2026, 1, 31, tzinfo=UTC)
TIMES: tuple[tuple[Any, Any], ...] = (
    ("2026-01-31T12:00:00Z", NOON),
    ("2026-01-31 12:00", NOON),
    ("2026-01-31T14:00:00+02:00", NOON),
    (NOON.astimezone(timezone(timedelta(hours=5))), NOON),
    (NOON.replace(tzinfo=None), NOON),
    (date(2026, 1, 31), DAY),
    ("2026-01-31", DAY),
)
NO_TIMES: tuple[Any, ...] = (5, 5.5, "now", "", "2026-02-31", "0001-01-01T00:00:00+05:00", True, None, ["2026-01-31"])
NO_OFFSETS: tuple[Any, ...] = (
    {},
    {"a": 1},
    {0: -1},
    {-1: 0},
    {0: True},
    {True: 0},
    {0: 1.0},
    {0: None},
    {0: 1, "0": 2},
    {2**31: 0},
    {0: 2**63},
)
WINDOWS: tuple[tuple[Any, Any], ...] = (
    *(({"from": given, "to": "2026-02-01"}, Window(at, datetime(2026, 2, 1, tzinfo=UTC))) for given, at in TIMES),
    ({"from": {"0": 5, 1: "6"}, "to": {"0": "5", "1": 7}}, Window({0: 5, 1: 6}, {0: 5, 1: 7})),
    ('{"from": {"0": 5}, "to": {"0": 9}}', Window({0: 5}, {0: 9})),
    ({"from": '{"0": 5}', "to": '{"0": 9}'}, Window({0: 5}, {0: 9})),
    (Window({0: 5}, {0: 9}), Window({0: 5}, {0: 9})),
)
NO_WINDOWS: tuple[Any, ...] = (
    *(value for value in NO_TIMES if value is not None),
    {},
    [],
    "{",
    {"from": "2026-01-01"},
    {"start": "2026-01-01", "end": "2026-01-02"},
    {"from": "2026-01-01", "to": "2026-01-02", "partitions": [0]},
    {"from": "2026-01-02", "to": "2026-01-01"},
    {"from": "2026-01-01", "to": {0: 5}},
    {"from": {0: 5}, "to": "2026-01-01"},
    {"from": {0: 5}, "to": {1: 5}},
    {"from": {0: 5}, "to": {0: 4}},
    Window({0: 5}, {0: 4}),
    *({"from": value, "to": "2026-02-01"} for value in NO_TIMES),
    *({"from": value, "to": value} for value in NO_OFFSETS),
)
TABLES = (
    *("analytics.orders", "demo.analytics.orders", "example.com:demo.analytics.orders"),
    *("analytics.bestellung-ö 1", "d." + "x" * 984),
)
HOSTILE_TABLES: tuple[Any, ...] = (
    "orders",
    "a.b.c.d",
    ".orders",
    "analytics.",
    ".analytics.orders",
    "Demo.analytics.orders",
    "demo.ana-lytics.orders",
    "analytics.or`ders",
    "analytics.orders; DROP TABLE x",
    "analytics.orders$20260101",
    "analytics.orders@1",
    "analytics.orders*",
    "analytics.or\nders",
    "analytics.or\x7fders",
    "analytics.or\u2028ders",
    "analytics.or'ders",
    "analytics.or/ders",
    "analytics." + "x" * 985,
    "analytics." + "ü" * 500,
)

_WEEK = timedelta(days=7)
SPAN = Parameter(
    None,
    (("7d", _WEEK), ("168 H", _WEEK), (7, _WEEK), ("7", _WEEK), (_WEEK, _WEEK), (0.5, timedelta(hours=12))),
    (*NO_FINITE, True, "", " ", "7w", "-1d", 0, -1, "0h", 4_000, "1e9d", {}, [7], timedelta()),
    "must be a number of days, or a time such as 7d or 12h",
    {"dedup_key": "_kafka_key"},
)
