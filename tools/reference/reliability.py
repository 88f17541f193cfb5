"""What came of attacking the product: the figures of the last ``make reliability``, from its result files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from tests.campaign.result import summed
from tests.faults.matrix import sections
from tools.reference.tables import table

RESULTS = Path(__file__).parents[2] / "tests" / "faults" / "results"
CAMPAIGNS = {
    "rows": "rows K1 to K13, each struck in each way",
    "one_broker": "random, one broker",
    "three_brokers": "random, three brokers",
    "airflow": "random, as Airflow tasks",
}
_SIGNALS = {"kill": "SIGKILL", "term": "SIGTERM", "freeze": "SIGSTOP"}


class Results:
    """The result files in a folder.

    :param folder: written by ``make reliability``; what was not played has no file. What was played in several
        pieces has several, ``campaign_rows_1.json`` and so on.
    """

    def __init__(self, folder: Path = RESULTS) -> None:
        self.tests = list(chain.from_iterable(_pieces(folder, "rows")))
        self.histories = _pieces(folder, "histories")
        self.bugs = list(chain.from_iterable(_pieces(folder, "bugs")))
        self.campaigns = [
            (what, one) for name, what in CAMPAIGNS.items() for one in _pieces(folder, f"campaign_{name}")
        ]


def _pieces(folder: Path, name: str) -> list[Any]:
    """Documents of the files whose names begin so."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob(f"{name}*.json"))]


def parts(folder: Path = RESULTS) -> Mapping[str, str]:
    """The generated parts of the page."""
    found = Results(folder)
    return {
        "figures": figures(found),
        "faults": faults(found.tests),
        "histories": histories(found.histories),
        "events": events(found.histories),
        "campaign": campaign(found.campaigns),
        "bugs": bugs(found.bugs),
    }


def figures(found: Results) -> str:
    """All in a few lines; what was not played has none."""
    lines = []
    if found.tests:
        played = {row for test in found.tests for row in test["rows"] if test["outcome"] != "skipped"}
        failed = [test for test in found.tests if test["outcome"] == "failed"]
        lines += [("rows of the fault matrix", f"{len(played)} by {len(found.tests):,} tests, {_failures(failed)}")]
    if found.histories:
        counts = f"{_sum(found.histories, 'histories'):,} with {_sum(found.histories, 'steps'):,} steps"
        lines += [("generated histories", f"{counts}, {_failures(_failed(found.histories))}")]
    if found.campaigns:
        lines += _campaigns([one for _, one in found.campaigns])
    if found.bugs:
        seen = sum(one["seen"] for one in found.bugs)
        lines += [("planted bugs that were seen", f"{seen} of {len(found.bugs)}")]
    return table(("what", "figure"), lines)


def _campaigns(figures: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    strikes = summed(one["kills_by_signal"] for one in figures)
    return [
        ("rounds on real processes", f"{_sum(figures, 'rounds'):,} with {_sum(figures, 'runs'):,} runs"),
        ("runs that were struck", f"{sum(strikes.values()):,} ({_signals(strikes)})"),
        ("faults of brokers, network, BigQuery and topics in them", f"{sum(_of_faults(figures).values()):,}"),
        ("messages in them", f"{_sum(figures, 'messages'):,}"),
        ("lost, duplicated", f"**{_sum(figures, 'lost'):,}, {_sum(figures, 'duplicated'):,}**"),
        ("rounds that failed", f"{sum(len(one['failures']) for one in figures)}"),
    ]


def faults(tests: Sequence[Mapping[str, Any]]) -> str:
    """The matrix, a table for each section."""
    head = ("row", "fault", "must come of it", "played on", "tests", "runs", "seeds", "outcome")
    texts = []
    for title, rows in sections().items():
        lines = [
            (row.id, row.fault, row.expected, *_played([one for one in tests if row.id in one["rows"]])) for row in rows
        ]
        texts.append(f"### {title}\n\n{table(head, lines)}")
    return "\n\n".join(texts)


def _played(tests: Sequence[Mapping[str, Any]]) -> tuple[str, str, str, str, str]:
    """Where, by how many tests, in how many runs, with which seeds, and how it ended."""
    played = [one for one in tests if one["outcome"] != "skipped"]
    if not played:
        return "", "0", "0", "", "not played"
    seeds = ", ".join(sorted({str(one["seed"]) for one in played if one["seed"] is not None}))
    skipped = len(tests) - len(played)
    return (
        "; ".join(sorted({one["tier"] for one in played})),
        str(len(played)),
        str(sum(one["runs"] for one in played)),
        seeds or "none drawn",
        _outcome(played) + (f" ({skipped} skipped)" if skipped else ""),
    )


def _outcome(played: Sequence[Mapping[str, Any]]) -> str:
    failed = [one["test"].split("::")[-1] for one in played if one["outcome"] == "failed"]
    return "**failed**: " + ", ".join(f"`{name}`" for name in failed) if failed else "holds"


def histories(pieces: Sequence[Mapping[str, Any]]) -> str:
    """A line for each machine."""
    if not pieces:
        return "Not played."
    names = sorted({name for one in pieces for name in one["machines"]})
    lines = [
        _machine_line(name, [one["machines"][name] for one in pieces if name in one["machines"]]) for name in names
    ]
    total = ("all", f"{_sum(pieces, 'histories'):,}", f"{_sum(pieces, 'steps'):,}", _failures(_failed(pieces)))
    return table(("machine", "histories", "steps", "seeds"), [*lines, total])


def _machine_line(name: str, pieces: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    seeds = "; ".join("{:,} to {:,}".format(*one["seeds"]) for one in pieces)
    return name, f"{_sum(pieces, 'histories'):,}", f"{_sum(pieces, 'steps'):,}", seeds


def events(pieces: Sequence[Mapping[str, Any]]) -> str:
    """What happened in them, and how often: a fault that never came was not survived."""
    if not pieces:
        return "Not played."
    return table(("event", "times"), _counts(summed(one["events"] for one in pieces)))


def campaign(campaigns: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Figures of each campaign, and what happened in all."""
    if not campaigns:
        return "Not played."
    head = ("campaign", "rounds", "seeds", "runs", "struck", "messages", "lost", "duplicated", "failed", "minutes")
    lines = [_campaign_line(what, one) for what, one in campaigns]
    figures = [one for _, one in campaigns]
    return "\n\n".join(
        [
            table(head, lines),
            table(("struck at", "times"), _counts(summed(one["kills_by_point"] for one in figures))),
            table(("fault", "times"), _counts(_of_faults(figures))),
            table(("run ended with", "times"), _counts(summed(one["endings"] for one in figures))),
        ]
    )


def _campaign_line(what: str, one: Mapping[str, Any]) -> tuple[str, ...]:
    seeds = max(one["rounds_by_scenario"].values())
    return (
        what,
        f"{one['rounds']:,}",
        f"{one['seed']} to {one['seed'] + seeds - 1}",
        f"{one['runs']:,}",
        f"{one['kills']:,} ({_signals(one['kills_by_signal'])})",
        f"{one['messages']:,}",
        f"{one['lost']:,}",
        f"{one['duplicated']:,}",
        str(len(one["failures"])),
        f"{one['seconds'] / 60:.0f}",
    )


def bugs(found: Sequence[Mapping[str, Any]]) -> str:
    """The kill table."""
    if not found:
        return "Not planted for this page: `make mutants` does it, and tells of each."
    lines = [
        (one["bug"], f"`{one['in'].removeprefix('airflow_kafka_bq/')}`", one["by"] if one["seen"] else "**nobody**")
        for one in found
    ]
    return table(("the product …", "in", "seen by"), lines)


def _failed(pieces: Iterable[Mapping[str, Any]]) -> list[object]:
    return [failure for one in pieces for failure in one["failures"]]


def _failures(failed: Sequence[object]) -> str:
    return f"{len(failed)} failed"


def _signals(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {_SIGNALS[name]}" for name, count in counts.items())


def _of_faults(campaigns: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    return summed(one["faults"] for one in campaigns)


def _sum(figures: Iterable[Mapping[str, Any]], name: str) -> int:
    return sum(one[name] for one in figures)


def _counts(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(name, f"{count:,}") for name, count in counts.items()]
