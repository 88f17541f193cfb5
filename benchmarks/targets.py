"""What was aimed at, and what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.cases import AVRO, BAD, EMPTY, PROTOBUF
from benchmarks.memory import DEFAULT, IDLE, SMALL, SMALLEST

Run = dict[str, Any]
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """One row. ``values``: the measured ones, a figure a turn; ``reached`` judges their median."""

    what: str
    aim: str
    values: Callable[[Result], list[float]]
    limit: float
    is_least: bool = True
    unit: str = " ×"

    def row(self, result: Result) -> list[str]:
        """Cells: what, aim, measured, reached or not."""
        found = sorted(self.values(result))
        if not found:
            return [self.what, self.aim, "not measured in this run", "–"]
        middle = median(found)
        text = f"{_short(middle)}{self.unit} ({_short(found[0])}–{_short(found[-1])})"
        reached = middle >= self.limit if self.is_least else middle <= self.limit
        return [self.what, self.aim, text, "yes" if reached else "**no**"]


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 20 else f"{value:.2f}"


def _by_turn(result: Result, case: str) -> dict[int, Run]:
    return {run["repetition"]: run for run in result["runs"] if run["case"] == case}


def faster(case: str, than: str) -> Callable[[Result], list[float]]:
    """Rows per second of one beside another's of the same turn."""
    return _ratios(than, case, lambda run: run["steady_seconds"] / run["messages"])


def costlier(case: str, than: str) -> Callable[[Result], list[float]]:
    """CPU per row of one beside another's of the same turn, the process's start left out."""
    return _ratios(case, than, lambda run: run["run_cpu_seconds"] / run["messages"])


def _ratios(above: str, below: str, of: Callable[[Run], float]) -> Callable[[Result], list[float]]:
    def found(result: Result) -> list[float]:
        upper, lower = _by_turn(result, above), _by_turn(result, below)
        return [of(upper[turn]) / of(lower[turn]) for turn in upper.keys() & lower.keys()]

    return found


def seconds(case: str) -> Callable[[Result], list[float]]:
    """Of the whole process."""
    return lambda result: [run["wall_seconds"] for run in _by_turn(result, case).values()]


def calls(case: str) -> Callable[[Result], list[float]]:
    """Requests to BigQuery for loads, a batch."""
    return lambda result: [run["calls"] / run["batches"] for run in _by_turn(result, case).values() if "calls" in run]


def _peaks(result: Result, settings: str) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for run in result["memory"]:
        if run["settings"] == settings:
            found.setdefault(run["messages"], []).append(run["peak_mib"])
    return found


def growth(settings: str) -> Callable[[Result], list[float]]:
    """Per cent of the peak of the smallest backlog that the largest needs more."""

    def found(result: Result) -> list[float]:
        peaks = _peaks(result, settings)
        return [100 * (median(peaks[max(peaks)]) / median(peaks[min(peaks)]) - 1)] if peaks else []

    return found


def above_start(settings: str) -> Callable[[Result], list[float]]:
    """MiB of the peak above what the same process needs that finds nothing to read."""

    def found(result: Result) -> list[float]:
        idle, peaks = _peaks(result, IDLE), _peaks(result, settings)
        return [peak - median(idle[0]) for peak in peaks[max(peaks)]] if peaks and idle else []

    return found


def row_path(result: Result) -> list[float]:
    """The decode station beside the validation alone, a turn each."""
    return [run["decode_cpu_seconds"] / run["validate_cpu_seconds"] for run in result.get("row_path", ())]


ENGINE, PAYLOAD = "engine, model", "engine, payload"
TARGETS = (
    Target("rows/s with a model, beside the bare loop", "≥ 0.35 ×", faster(ENGINE, "bare"), 0.35),
    Target("… beside the tuned script by hand", "≥ 2 ×", faster(ENGINE, "handwritten, tuned"), 2),
    Target("… beside the official operator, tuned", "≥ 8 ×", faster(ENGINE, "official operator, tuned"), 8),
    Target("… beside the official operator, plain", "≥ 8 ×", faster(ENGINE, "official operator, plain"), 8),
    Target("CPU per row with a model, beside the bare loop", "≤ 3.5 ×", costlier(ENGINE, "bare"), 3.5, is_least=False),
    Target("rows/s of payloads, beside the bare loop", "≥ 0.45 ×", faster(PAYLOAD, "bare"), 0.45),
    Target("rows/s of Avro with a registry, beside the bare loop", "≥ 0.15 ×", faster(AVRO, "bare"), 0.15),
    Target("… of Protobuf with a registry", "≥ 0.12 ×", faster(PROTOBUF, "bare"), 0.12),
    Target("a model with validators: CPU beside `model_validate_json`", "≤ 1.3 ×", row_path, 1.3, is_least=False),
    Target(
        "one bad message in a thousand: CPU beside none", "≤ 1.1 ×",
        costlier(BAD, ENGINE), 1.1, is_least=False,
    ),
    Target("memory: growth from the smallest backlog to the largest", "< 5 %", growth(DEFAULT), 5, False, " %"),
    Target("memory above start-up, default settings", "< 450 MiB", above_start(DEFAULT), 450, False, " MiB"),
    Target("… with `batch_bytes: 16MiB`: growth", "< 5 %", growth(SMALL), 5, False, " %"),
    Target("… with `batch_bytes: 16MiB`: above start-up", "< 150 MiB", above_start(SMALL), 150, False, " MiB"),
    Target("… with `batch_bytes: 2MiB`: growth to 50 times the backlog", "< 5 %", growth(SMALLEST), 5, False, " %"),
    Target(
        "`kafka-bq run` with nothing to read", "≤ 1.5 s", seconds(f"kafka-bq run, model{EMPTY}"), 1.5, False, " s"
    ),
    Target(
        "… with a thousand partitions", "≤ 3 s", seconds(f"kafka-bq run, 1,000 partitions{EMPTY}"), 3, False, " s"
    ),
    Target("requests of the load jobs of a batch", "≤ 10 with the MERGE's", calls(ENGINE), 7, False, ""),
)  # fmt: skip
_FLAT = "`test_the_estimate_stays_flat_while_other_days_grow_a_hundredfold`"
TESTED = (
    [
        "bytes that a batch is estimated to read, the table 1 × → 100 ×",
        "flat",
        f"[equal]({{}}): {_FLAT}",
        "yes, by test",
    ],
)
"""What is no figure of a run: a test holds it. ``{}``: where the test is, seen from the document."""
ESTIMATE_TEST = "tests/contract/jobs_contract.py"


def rows(result: Result) -> Iterable[list[str]]:
    """Of the table."""
    yield from (target.row(result) for target in TARGETS)
    yield from ([cell.format(f"../{ESTIMATE_TEST}") for cell in row] for row in TESTED)
