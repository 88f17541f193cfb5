"""A small result, by hand."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from laboratory.migration import KINDS, Amounts
from laboratory.setups import SETUPS, Sizes

SECONDS = 20.0
SIZES = asdict(replace(Sizes(), topics=1, partitions=2, seconds=SECONDS, period=4.0, stage=0.5, merge=0.5))


def life(began: float, first: float | None, committed: bool | None = True, without: float = 1.0) -> dict[str, Any]:
    """A consumer of ten seconds. :param first: seconds from its start."""
    return {
        "slot": 0,
        "began": began,
        "ended": began + 10.0,
        "first": None if first is None else began + first,
        "without": without,
        "messages": 0 if first is None else 10,
        "committed": committed,
        "error": "ILLEGAL_GENERATION" if committed is False else None,
    }


def run(name: str) -> dict[str, Any]:
    """Two partitions with 20 messages each, of which 20 and 10 reach the table in time."""
    lives = [life(0, 1.0), life(2, 4.0, committed=False, without=1.5), life(4, None, committed=None, without=5.0)]
    return {
        "setup": name,
        "load_before": 0.5,
        "produced": 40,
        "rebalances": [[1.0, 1], [2.0, 2], [21.0, 1]],
        "delivered": 33,
        "duplicates": 3,
        "lives": lives,
        "progress": {"t00/0": [[2.0, 10], [9.0, 20]], "t00/1": [[3.0, 4], [15.0, 10], [22.0, 20]]},
    }


def way(name: str, duplicated: int, lost: int = 0) -> dict[str, Any]:
    """A migration: a command, an edit, a statement."""
    steps = [{"kind": kind, "what": f"do a {kind}", "wall": 1.25} for kind in KINDS]
    counted = {"rows": 100 + duplicated, "duplicated": duplicated, "lost": lost}
    return {"way": name, "after": counted, "cleaned": {"rows": 100, "duplicated": 0, "lost": 0}, "steps": steps}


def result() -> dict[str, Any]:
    """All set-ups alike."""
    return {
        "sizes": SIZES,
        "amounts": asdict(Amounts()),
        "kinds": KINDS,
        "versions": {"Apache Kafka": "4"},
        "machine": {"processor": "a processor", "cores": 2, "memory_gib": 8, "system": "Linux"},
        "seconds": 500.0,
        "runs": [run(setup.name) for setup in SETUPS],
        "migration": [way("by hand", 4_000, 7), way("kafka-bq migrate-group", 0)],
    }
