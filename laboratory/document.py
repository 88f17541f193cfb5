"""``docs/story.md``, its pictures and a part of ``README.md`` from a result; ``python -m laboratory.document``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from laboratory import pictures, words
from laboratory.expectations import TROUBLES, Verdict, reachable, surprises
from laboratory.measures import Figures, figures
from laboratory.setups import SETUPS, Setup
from laboratory.words import item, wrapped
from tools.reference.pages import written
from tools.reference.tables import table

REPOSITORY = Path(__file__).parent.parent
RESULT = Path(__file__).with_name("result.json")
PAGE = REPOSITORY / "docs" / "story.md"
README = REPOSITORY / "README.md"
Result = dict[str, Any]
_SURPRISES: tuple[tuple[Verdict, str], ...] = (
    ("better", "Better than expected, for it did not come about that"),
    ("worse", "Worse than expected, for it came about that"),
)


def files(result: Result) -> dict[Path, str]:
    """All that a result makes, by place."""
    runs, seconds = result["runs"], result["sizes"]["seconds"]
    return {
        PAGE: render(result),
        PAGE.parent / "story" / "progress.svg": pictures.progress(runs, seconds),
        PAGE.parent / "story" / "rebalances.svg": pictures.rebalances(runs, seconds),
        README: written(README.read_text("utf-8"), {"story": summary(result)}),
    }


def write(result: Result) -> None:
    """Into the repository."""
    for path, text in files(result).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


def render(result: Result) -> str:
    """The page."""
    found = measured(result)
    progress = "![Progress of each partition, a panel for each set-up](story/progress.svg)"
    rebalances = "![Rebalances over time, a strip for each set-up](story/rebalances.svg)"
    parts = ["# The story, measured", wrapped(words.INTRODUCTION)]
    parts += ["## What is compared", *_compared(result["sizes"])]
    parts += ["## What came out", _figures(found), "\n".join(map(item, words.COLUMNS))]
    parts += ["## Progress", wrapped(words.PROGRESS), progress]
    parts += ["## Rebalances", wrapped(words.REBALANCES), rebalances]
    parts += ["## Expected and found", *_expected(found, result["sizes"])]
    parts += ["## From one group to a group for each topic", *_migration(result)]
    parts += ["## Conditions", _conditions(result)]
    return "\n\n".join(parts) + "\n"


def summary(result: Result) -> str:
    """For the first page: the second half, and a figure of the first."""
    found = measured(result)
    waits = [one.without for setup, one in found.items() if setup.shares]
    ours = [one.without for setup, one in found.items() if not setup.joins]
    text = wrapped(words.SUMMARY, least=min(waits), most=max(waits), ours=max(ours))
    return f"{text}\n\n{_ways(result)}"


def measured(result: Result) -> dict[Setup, Figures]:
    """Figures by set-up, in the order of the page."""
    runs = {run["setup"]: run for run in result["runs"]}
    seconds = result["sizes"]["seconds"]
    return {setup: figures(runs[setup.name], seconds) for setup in SETUPS if setup.name in runs}


def _compared(sizes: dict[str, Any]) -> list[str]:
    rules = "\n".join(map(item, words.RULES))
    return [wrapped(words.COMPARED, **sizes), rules, wrapped(words.MEMBERS, **sizes)]


def _figures(found: Mapping[Setup, Figures]) -> str:
    head = [
        "",
        "rebalances/min",
        "each",
        "without",
        "slowest",
        "still",
        "again",
        "failed commits",
        "first",
        "none",
        "rows/min",
    ]
    return table(head, ([f"**{setup.name}**", *_row(one)] for setup, one in found.items()))


def _row(one: Figures) -> list[str]:
    why = f" ({', '.join(one.errors)})" if one.errors else ""
    return [
        f"{one.rebalances_per_minute:.0f}",
        f"{one.each:.1f}",
        f"{one.without:.0%}",
        f"{one.slowest:.0%}",
        f"{one.standstill:.0f} s",
        f"{one.duplicates:,} of {one.delivered:,}",
        f"{one.failed} of {one.commits}{why}",
        f"{_seconds(one.first)} ({_seconds(one.latest_first)})",
        f"{one.none} of {one.consumers}",
        f"{one.rows:,.0f} ({one.rows / one.produced:.0%})",
    ]


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def _expected(found: Mapping[Setup, Figures], sizes: dict[str, Any]) -> list[str]:
    troubles = "; ".join(f"{one.name} ({one.limit})" for one in TROUBLES)
    parts = [wrapped(words.EXPECTED, troubles=troubles, reachable=reachable(sizes))]
    for kind, title in _SURPRISES:
        lines = list(_surprising(found, sizes, kind))
        parts += [f"{title}:", "\n".join(lines)] if lines else [f"{title}: nothing."]
    return parts


def _surprising(found: Mapping[Setup, Figures], sizes: dict[str, Any], kind: Verdict) -> list[str]:
    told = ((setup, ", ".join(surprises(setup, one, sizes, kind))) for setup, one in found.items())
    return [item(f"**{setup.name}**: {text}.") for setup, text in told if text]


def _migration(result: Result) -> list[str]:
    amounts, ways = result["amounts"], result["migration"]
    loaded = amounts["committed"] + amounts["uncommitted"]
    messages = amounts["topics"] * (loaded + amounts["waiting"])
    steps = [item(f"**{way['way']}**: {_steps(way)}.") for way in ways]
    text = wrapped(words.MIGRATION, messages=messages, loaded=loaded, **amounts)
    return [text, _ways(result), wrapped(words.STEPS, **result["kinds"]), "\n".join(steps)]


def _ways(result: Result) -> str:
    head = [
        "",
        "rows duplicated",
        "after the clean-up",
        "rows lost",
        "steps",
        "a person, estimated",
        "commands, measured",
    ]
    rows = []
    for way in result["migration"]:
        after, cleaned, steps = way["after"], way["cleaned"], way["steps"]
        rows.append([
            f"**{way['way']}**",
            f"{after['duplicated']:,}",
            f"{cleaned['duplicated']:,}",
            f"{max(after['lost'], cleaned['lost']):,}",
            str(len(steps)),
            f"{sum(result['kinds'][step['kind']] for step in steps):,} s",
            f"{sum(step['wall'] for step in steps):.0f} s",
        ])  # fmt: skip
    return table(head, rows)


def _steps(way: dict[str, Any]) -> str:
    counted = Counter(step["what"] for step in way["steps"])
    return ", ".join(f"{what} ({count}×)" for what, count in counted.items())


def _conditions(result: Result) -> str:
    machine, loads = result["machine"], [run["load_before"] for run in result["runs"]]
    busy = " Other work shared the machine." if max(loads) > machine["cores"] else ""
    versions = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    where = item(words.MACHINE, least=min(loads), most=max(loads), busy=busy, **machine)
    return "\n".join((where, item(f"{versions}."), item(words.ONCE, seconds=result["seconds"])))


if __name__ == "__main__":
    write(json.loads(RESULT.read_text("utf-8")))
