"""``docs/benchmarks.md`` from a result; ``python -m benchmarks.document`` writes it anew."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import targets
from benchmarks.cases import EMPTY
from benchmarks.picture import bars

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
PICTURE = DOCUMENT.with_suffix("") / "rates.svg"
FORMATS = Path(__file__).with_name("formats.json")
_STATIONS = ("plan", "consume", "decode", "stage", "merge", "commit", "total")
Run = dict[str, Any]


def render(result: dict[str, Any]) -> str:
    """The whole document."""
    runs: list[Run] = result["runs"]
    cases = list(dict.fromkeys(run["case"] for run in runs if not run["case"].endswith(EMPTY)))
    introduction = _wrapped(_INTRODUCTION.format(**result["settings"]), indent="")
    parts = ["# Benchmarks", introduction, _targets(result), _throughput(runs, cases), _WHAT, _ratios(runs, cases)]
    parts += [_stations(runs, cases), _startup(runs, cases), _memory(result), _crashes(result), _conditions(result)]
    parts.append(_formats(json.loads(FORMATS.read_text())))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def write(result: dict[str, Any]) -> None:
    """Into the repository."""
    DOCUMENT.write_text(render(result))
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(result))


def drawn(result: dict[str, Any]) -> str:
    """Medians of each case as bars, SVG."""
    cases: dict[str, list[Run]] = {}
    for run in result["runs"]:
        if not run["case"].endswith(EMPTY):
            cases.setdefault(run["case"], []).append(run)
    rates = [(case, median(run["messages"] / run["steady_seconds"] / 1e3 for run in of)) for case, of in cases.items()]
    costs = [(case, median(run["cpu_seconds"] / run["messages"] * 1e6 for run in of)) for case, of in cases.items()]
    titles = ("1,000 rows a second, steady", "CPU µs a row, the whole process")
    return bars(rates, costs, titles) + "\n"


_INTRODUCTION = (
    "Written by `make bench` from `benchmarks/result.json`; the rules are in `benchmarks/README.md`. {messages:,} JSON "
    "messages of {mean_value_bytes:.0f} bytes (mean, without keys) on {partitions} partitions of a real Apache Kafka "
    "broker, read by processes of their own that took turns. Figures are the median of {repetitions} runs, in brackets "
    "the smallest and the largest."
)
_WHAT = """
- **bare**: a `consume(1000)` loop that drops the messages, with the same client settings: the limit of a Python client.
- **engine**: a whole run (positions, decoding, checks, ids made of content, Parquet, ledger, commit) with a Warehouse
  that answers at once; the load jobs are real requests to a sink (`benchmarks/sink.py`), as those of all others here.
- **kafka-bq run**: the command line into the local BigQuery on the same machine. Its CPU and memory are ours; of its
  seconds many are those of the local BigQuery, which say nothing about BigQuery's own.
- **payload**: the message kept whole in one JSON column. **model**: a pydantic model of six columns, one nested.
- **handwritten**: consume, parse, NDJSON, gzip, load jobs of 50,000 rows, commit (`benchmarks/peers/handwritten.py`).
- **official operator**: Airflow's `ConsumeFromTopicOperator` with load jobs, without a scheduler. *plain* is as the
  documentation shows, *tuned* as well as it can be set. Both write the same columns, and validate nothing.
- *steady* leaves out the process's start and the plan (of others: from the first read to the last write). *whole* is
  the process from start to end, and so is its CPU. What the imports cost shows in a run without messages, below."""


_BUSY = """
  The machine was busy with other work: its share of the cores is missing in every row/s and second here. CPU seconds,
  memory and rows do not depend on it, or little."""


def _figure(values: Iterable[float], digits: int = 1) -> str:
    found = sorted(values)
    if not found:
        return "–"
    low, middle, high = (f"{value:,.{digits}f}" for value in (found[0], median(found), found[-1]))
    return f"{middle} ({low}–{high})"


def _of(runs: list[Run], case: str, measure: Callable[[Run], float]) -> list[float]:
    return [measure(run) for run in runs if run["case"] == case]


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _targets(result: dict[str, Any]) -> str:
    text = "Set before anything was built; medians of the turns, and whether they were reached."
    table = _table(["", "aimed at", "measured", "reached"], targets.rows(result))
    return f"## What was aimed at\n\n{text}\n\n{table}"


def _throughput(runs: list[Run], cases: list[str]) -> str:
    columns: dict[str, Callable[[list[Run]], str]] = {
        "1,000 rows/s, steady": lambda of: _figure(run["messages"] / run["steady_seconds"] / 1e3 for run in of),
        "1,000 rows/s, whole": lambda of: _figure(run["messages"] / run["wall_seconds"] / 1e3 for run in of),
        "CPU s per million rows": lambda of: _figure((run["cpu_seconds"] / run["messages"] * 1e6 for run in of), 2),
        "peak MiB": lambda of: _figure((run["peak_mib"] for run in of), 0),
        "lost": lambda of: f"{max(run['lost'] for run in of):,}",
        "doubled": lambda of: f"{max(run['duplicates'] for run in of):,}",
    }
    rows = [
        [case, *(column([run for run in runs if run["case"] == case]) for column in columns.values())] for case in cases
    ]
    picture = "![Rows per second and processor time](benchmarks/rates.svg)"
    return f"## Throughput\n\n{_table(['', *columns], rows)}\n\n{picture}"


def _ratios(runs: list[Run], cases: list[str]) -> str:
    """Of each run to the bare loop of the same turn: what slows the machine down slows both down."""
    floors = {run["repetition"]: run for run in runs if run["case"] == "bare"}

    def ratios(case: str, name: str) -> str:
        return _figure(_of(runs, case, lambda run: run[name] / floors[run["repetition"]][name]))

    rows = [[case, ratios(case, "cpu_seconds"), ratios(case, "steady_seconds")] for case in cases if case != "bare"]
    return "\n\n".join(("## How far from the floor", _table(["", "CPU ÷ bare", "steady seconds ÷ bare"], rows)))


def _stations(runs: list[Run], cases: list[str]) -> str:
    timed = [case for case in cases if any("stations" in run for run in runs if run["case"] == case)]
    rows = [[case, *(f"{median(_of(runs, case, _station(name))):.2f}" for name in _STATIONS)] for case in timed]
    text = "Medians, from the run report. Stations overlap: the next batch is read while this one is merged."
    return f"## Seconds per station\n\n{text}\n\n{_table(['', *_STATIONS], rows)}"


def _station(name: str) -> Callable[[Run], float]:
    return lambda run: run["stations"][name]


def _startup(runs: list[Run], cases: list[str]) -> str:
    rows = []
    for case in cases:
        found = [run for run in runs if run["case"] == f"{case}{EMPTY}"]
        if found:
            cpu = _figure((run["cpu_seconds"] for run in found if "cpu_seconds" in run), 2)
            rows.append([case, _figure((run["wall_seconds"] for run in found), 2), cpu])
    text = "A run that finds no new message: for the engine without the start of the process, for the command with it."
    return f"## Nothing to read\n\n{text}\n\n{_table(['', 'seconds', 'CPU seconds'], rows)}"


def _memory(result: dict[str, Any]) -> str:
    memory: list[Run] = result["memory"]
    rows = []
    for settings in dict.fromkeys(run["settings"] for run in memory):
        for count in sorted({run["messages"] for run in memory}):
            of = [run for run in memory if run["settings"] == settings and run["messages"] == count]
            peaks = _figure((run["peak_mib"] for run in of), 0)
            rows.append([settings, f"{count:,}", str(of[0]["batches"]), peaks])
    text = _wrapped(
        "The engine with the model, the same bounds of a batch and ever more messages. Two batches are in memory at "
        "most, one being merged while the next is read, so the first few batches reach what all others need too.",
        indent="",
    )
    return f"## Memory\n\n{text}\n\n{_table(['', 'messages', 'batches', 'peak MiB'], rows)}"


def _crashes(result: dict[str, Any]) -> str:
    names = ("before", "lost", "duplicates")
    rows = [[run["case"], *(f"{run[name]:,}" for name in names)] for run in result["crashes"]]
    if not rows:
        return ""
    text = _wrapped(
        f"{result['crashes'][0]['messages']:,} messages. SIGKILL in the middle: of others when a write was kept and "
        "not yet answered, of `kafka-bq run` when the first of ten batches was in the table. Then the same again, "
        "to its end. One run of each.",
        indent="",
    )
    return f"## Killed, and run again\n\n{text}\n\n{_table(['', 'in the table before', 'lost', 'doubled'], rows)}"


def _conditions(result: dict[str, Any]) -> str:
    settings, machine = result["settings"], result["machine"]
    versions = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    loads = [run["load_before"] for run in result["runs"] if "load_before" in run]
    busy = _BUSY if loads and median(loads) > machine["cores"] else ""
    return f"""## Conditions

- {machine["processor"]}, {machine["cores"]} cores shared by broker, local BigQuery and the measured process,
  {machine["memory_gib"]} GiB, {machine["system"]}. Load average before the runs: {_figure(loads)}.{busy}
- {_wrapped(versions)}.
- Messages from seed {settings["seed"]}, keyed, uncompressed, without headers. Job: {settings["job"]}.
- Absolute figures belong to this machine; ratios to the bare loop travel better."""


def _formats(result: dict[str, Any]) -> str:
    """Rows per second of processor time, and each format beside the first one of the same turn."""
    runs, settings, where = result["runs"], result["settings"], result["machine"]
    cases = list(dict.fromkeys(run["case"] for run in runs))
    first = {run["repetition"]: run["cpu_seconds"] for run in runs if run["case"] == cases[0]}
    rows = []
    for case in cases:
        rates = _of(runs, case, lambda run: settings["messages"] / run["cpu_seconds"] / 1e3)
        ratios = _of(runs, case, lambda run: run["cpu_seconds"] / first[run["repetition"]])
        rows.append([case, _figure(rates), _figure(ratios, 2)])
    text = _wrapped(
        "Written by `python -m benchmarks.formats`: the decode station alone, from "
        f"{settings['messages']:,} messages in memory to rows for the staging file, in one process by turns. The "
        f"orders are those above, in each format; figures are the median of {settings['repetitions']} turns, in "
        "brackets the smallest and the largest. "
        "Processor time leaves out what other work took of the machine, but not what sharing its caches costs.",
        indent="",
    )
    busy = " Other work shared the machine." if where["load_before"] > where["cores"] else ""
    versions = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    place = f"{where['processor']}, {where['cores']} cores, load average {where['load_before']:.1f}.{busy}"
    said = _wrapped(f"{place} {versions}.", indent="")
    head = ["", "1,000 rows per CPU second", f"CPU ÷ {cases[0]}"]
    return f"## Formats\n\n{text}\n\n{_table(head, rows)}\n\n{said}"


def _wrapped(text: str, indent: str = "  ") -> str:
    return f"\n{indent}".join(textwrap.wrap(text, 118))


if __name__ == "__main__":
    write(json.loads(Path(__file__).with_name("result.json").read_text()))
