"""The numbers of docs/scaling.md, from what was measured and from the simulation."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from airflow_kafka_bq.pipeline.quotas import LOAD_JOBS_A_DAY, STATEMENTS, STATEMENTS_SECONDS
from benchmarks.scaling import (
    CONSTANTS,
    EXAMPLES,
    QUERY_USD_PER_TIB,
    STORAGE_USD_PER_GIB_MONTH,
    TIB,
    Bill,
    Example,
    bill,
    jobs,
)
from benchmarks.simulate import Played
from tools.reference.tables import table

_RESULT = Path(__file__).parents[2] / "benchmarks" / "scale_out.json"
_GIB = 2**30
Run = Mapping[str, Any]


def parts() -> dict[str, str]:
    """By name, as the page has them."""
    result = json.loads(_RESULT.read_text("utf-8"))
    return {
        "constants": _constants(), "workers": _workers(result), "kills": _kills(result), "examples": _examples(),
        "dag": _dag(EXAMPLES[-1]),
    }  # fmt: skip


def _constants() -> str:
    known = CONSTANTS
    rows = [
        ("r", "rows per second of one worker", f"{known.rows_per_second:,.0f}", "`docs/benchmarks.md`, engine, model"),
        ("", "processor seconds of a worker, per million rows", f"{known.cpu_seconds * 1e6:.2f}", "the same"),
        ("", "rows per second of a bare `consume()` loop", f"{known.bare_rows_per_second:,.0f}", "the same, bare"),
        ("", "bytes of a message", f"{known.message_bytes:.0f}", "the same"),
        ("", "bytes of its row in the staging file", f"{known.staged_bytes:.0f}", "the same"),
        (
            "s",
            "seconds of one task that finds nothing to read",
            f"{known.one_task_seconds:.1f}",
            "CeleryExecutor, below",
        ),
        ("s", "seconds of a task group that finds nothing to read", f"{known.group_seconds:.1f}", "the same"),
        ("b", "messages of a batch, all defaults", f"{known.batch_messages():,}", "64 MiB of such messages"),
        ("l", "seconds of a load job", f"{known.load_seconds:g}", "**assumed**"),
        ("m", "seconds of a transaction with its MERGE", f"{known.merge_seconds:g}", "**assumed**"),
    ]
    return table(["", "what", "value", "from"], rows)


def _workers(result: Mapping[str, Any]) -> str:
    rows = []
    for key in dict.fromkeys((run["executor"], run["case"], run["workers"]) for run in result["runs"]):
        runs = [run for run in result["runs"] if (run["executor"], run["case"], run["workers"]) == key]
        staging = [run["messages"] / run.get("staging_seconds", run["seconds"]) / 1e3 for run in runs]
        rows.append([
            *map(str, key),
            _figure(run["messages"] / run["seconds"] / 1e3 for run in runs),
            _figure(staging) if "staging_seconds" in runs[0] else "–",
            _figure(run["nothing_to_read_seconds"] for run in runs),
            f"{sum(run['differ'] for run in runs):,}",
        ])  # fmt: skip
    head = ["executor", "", "workers", "1,000 rows/s", "of the slices alone", "s, nothing to read", "rows that differ"]
    settings, machine = result["settings"], result["machine"]
    text = (
        f"{settings['messages']:,} messages, medians of {settings['repetitions']} turns, in brackets the smallest and "
        f"the largest. {machine['cores']} cores for everything: broker, local BigQuery, Airflow, workers; load average "
        f"before a run {_figure(run['load'] for run in result['runs'])}."
    )
    return f"{table(head, rows)}\n\n{text}"


def _kills(result: Mapping[str, Any]) -> str:
    rows = [
        [
            run["executor"], run["case"], f"{run['started']:.1f}", " and ".join(map(str, run["tries"])),
            str(run["load_jobs_after"]), str(run["differ"]),
        ]
        for run in result["kills"]
    ]  # fmt: skip
    head = [
        "executor",
        "killed",
        "s until the next try",
        "tries of the slices",
        "load jobs after it",
        "rows that differ",
    ]
    return table(head, rows)


def _examples() -> str:
    played = [(one, run, bill(one, run)) for one in EXAMPLES for run in [one.played()]]
    lines: dict[str, Callable[[Example, Played, Bill], str]] = {
        "**Given**": lambda *_: "",
        "messages per second, mean and at the peak": lambda _, run, __: (
            f"{run.arrivals.messages / 86_400:,.0f}, {run.arrivals.peak():,.0f}"
        ),
        "schedule": lambda one, *_: f"every {one.every / 60:g} minutes",
        "settings": lambda one, *_: _settings(one),
        "seconds of a MERGE, assumed": lambda one, *_: f"{one.merge_seconds:g}",
        "**Needed**": lambda *_: "",
        "workers": lambda _, run, __: _slices(run),
        "messages of a batch": lambda _, run, __: f"{run.setup.batch_messages:,}",
        "**A day**": lambda *_: "",
        "longest run": lambda _, run, __: f"{run.figures()['longest_run_seconds']:,.0f} s",
        "oldest message that waits, at worst": lambda _, run, __: f"{run.figures()['worst_age_seconds'] / 60:,.1f} min",
        "messages that wait, at worst": lambda _, run, __: f"{run.figures()['worst_lag']:,}",
        "processor hours of the workers": lambda one, *_: f"{one.messages * CONSTANTS.cpu_seconds / 3_600:,.1f}",
        "BigQuery jobs": lambda _, run, __: ", ".join(f"{count:,} {kind}" for kind, count in jobs(run).items()),
        f"of {LOAD_JOBS_A_DAY:,} load jobs": lambda _, run, __: f"{jobs(run)['load'] / LOAD_JOBS_A_DAY:.1%}",
        f"MERGEs in {STATEMENTS_SECONDS:g} s, of {STATEMENTS} statements": lambda _, run, __: str(_densest(run)),
        "largest MERGE, by its dry run": lambda _, __, paid: f"{paid.largest / _GIB:,.2f} GiB",
        "**Cost**, USD": lambda *_: "",
        "queries a day, from ... to": lambda _, __, paid: (
            f"{paid.least / TIB * QUERY_USD_PER_TIB:,.2f} to {paid.most / TIB * QUERY_USD_PER_TIB:,.2f}"
        ),
        "load jobs": lambda *_: "0",
        "storage a month, for each day that is kept": lambda _, __, paid: f"{paid.storage_usd_month:,.2f}",
    }
    rows = [[name, *(line(*each) for each in played)] for name, line in lines.items()]
    prices = (
        f"List prices in the US: {QUERY_USD_PER_TIB} USD a TiB read, {STORAGE_USD_PER_GIB_MONTH} USD a GiB and month."
    )
    return f"{table(['messages a day', *(one.name for one in EXAMPLES)], rows)}\n\n{prices}"


_DAG = """```python
from datetime import datetime, timedelta

from airflow.sdk import DAG

from airflow_kafka_bq import KafkaToBigQueryTaskGroup

start = datetime(2026, 1, 1)
with DAG("clicks", schedule=timedelta(minutes={minutes}), start_date=start, catchup=False, max_active_runs=1):
    KafkaToBigQueryTaskGroup(
        task_id="clicks",
        topic="shop.clicks",
        table="analytics.clicks",
        slices={slices},
        batch_messages={batch_messages:_},
        batch_bytes="{batch_mib}MiB",
        partition_by="_kafka_timestamp:hour",
        max_bytes_billed="{billed_gib}GiB",
        retries=3,
        retry_delay=timedelta(seconds=30),
        pool="kafka",
    )
```"""


def _dag(one: Example) -> str:
    """With half as much again as its largest MERGE may read."""
    largest = bill(one, one.played()).largest / _GIB * 1.5
    return _DAG.format(
        minutes=round(one.every / 60),
        slices=one.slices(),
        batch_messages=one.settings["batch_messages"],
        batch_mib=one.settings["batch_bytes"] >> 20,
        billed_gib=math.ceil(largest / 10) * 10,
    )


def _settings(one: Example) -> str:
    said = [
        f"`{name}: {f'{value >> 20}MiB' if name == 'batch_bytes' else value}`" for name, value in one.settings.items()
    ]
    if one.partition_seconds < 86_400:
        said.append("`partition_by: _kafka_timestamp:hour`")
    return ", ".join(said) or "defaults"


def _slices(run: Played) -> str:
    return "one task" if run.setup.slices == 1 else f"{run.setup.slices} slices"


def _densest(run: Played) -> int:
    """The most transactions of the day that end within the time of BigQuery's quota."""
    ends = [at for at, _ in run.steps]
    return max(
        sum(at <= other < at + STATEMENTS_SECONDS for other in _near(ends, place)) for place, at in enumerate(ends)
    )


def _near(ends: list[float], place: int) -> Iterator[float]:
    yield from ends[place : place + STATEMENTS]


def _figure(values: Iterable[float]) -> str:
    found = sorted(values)
    low, middle, high = (f"{value:,.1f}" for value in (found[0], median(found), found[-1]))
    return f"{middle} ({low}–{high})"
