"""``docs/benchmarks.md`` from a result; ``python -m benchmarks.document`` writes it anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import sections, targets
from benchmarks.cases import EMPTY
from benchmarks.layout import Run, by_row, figure, of_case, table, wrapped
from benchmarks.picture import bars
from benchmarks.result import read

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
PICTURE = DOCUMENT.with_suffix("") / "rates.svg"
FORMATS = Path(__file__).with_name("formats.json")
_STATIONS = ("plan", "consume", "decode", "stage", "merge", "commit", "total")


def render(result: dict[str, Any]) -> str:
    """The whole document."""
    runs: list[Run] = result["runs"]
    cases = list(dict.fromkeys(run["case"] for run in runs if not run["case"].endswith(EMPTY)))
    introduction = wrapped(f"{_INTRODUCTION.format(**result['settings'])} {_fewer(result, cases)}".strip(), indent="")
    parts = [
        "# Benchmarks",
        introduction,
        _targets(result),
        sections.LIMITS,
        _throughput(runs, cases),
        _WHAT,
        _missing(result),
    ]
    parts += [_ratios(runs, cases), _stations(runs, cases), _startup(runs, cases), sections.row_path(result)]
    parts += [
        sections.memory(result),
        sections.crashes(result),
        _conditions(result),
        sections.formats(json.loads(FORMATS.read_text())),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


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
    "Written by `make bench` from `benchmarks/result.jsonl`; the rules are in `benchmarks/README.md`. {messages:,} "
    "JSON messages of {mean_value_bytes:.0f} bytes (mean, without keys) on {partitions} partitions of a real Apache "
    "Kafka broker, read by processes of their own that took turns. Figures are the median of {repetitions} runs, in "
    "brackets the smallest and the largest."
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
- **avro, protobuf with registry**: whole runs of the engine, the columns from a schema in a real registry; the orders
  of `benchmarks/orders.py`. The bare loop beside them is that over the JSON events.
- **dlt** with the Kafka source of its verified sources (load jobs), **quix** (Quix Streams with its BigQuery sink,
  streaming inserts), **ingestr** (its command line, load jobs), **kafka connect** (a standalone worker with Aiven's
  BigQuery sink connector, streaming inserts): `benchmarks/peers/` says what *plain* and *tuned* set. Each runs in an
  environment of its own. ingestr and the connector write to Google's fixed address, so their requests come through a
  proxy, and TLS is in their CPU.
- *steady* leaves out the process's start and the plan (of others: from the first read to the last write; ingestr and
  Kafka Connect do not say when they read: from their start). *whole* is the process from start to end, and so is its
  CPU. Quix Streams and a Connect worker never end: they are stopped, five and three seconds after the last message.
  What the imports cost shows in a run without messages, below."""


_BUSY = """
  The machine was busy with other work: its share of the cores is missing in every row/s and second here. CPU seconds,
  memory and rows do not depend on it, or little."""


def _targets(result: dict[str, Any]) -> str:
    text = "Set before anything was built; medians of the turns, and whether they were reached."
    found = table(["", "aimed at", "measured", "reached"], targets.rows(result))
    return f"## What was aimed at\n\n{text}\n\n{found}"


def _throughput(runs: list[Run], cases: list[str]) -> str:
    columns: dict[str, Callable[[list[Run]], str]] = {
        "messages": lambda of: f"{max(run['messages'] for run in of):,}",
        "1,000 rows/s, steady": lambda of: figure(run["messages"] / run["steady_seconds"] / 1e3 for run in of),
        "1,000 rows/s, whole": lambda of: figure(run["messages"] / run["wall_seconds"] / 1e3 for run in of),
        "CPU s per million rows": lambda of: figure((run["cpu_seconds"] / run["messages"] * 1e6 for run in of), 2),
        "peak MiB": lambda of: figure((run["peak_mib"] for run in of), 0),
        "lost": lambda of: f"{max(run['lost'] for run in of):,}",
        "doubled": lambda of: f"{max(run['duplicates'] for run in of):,}",
    }
    rows = [
        [case, *(column([run for run in runs if run["case"] == case]) for column in columns.values())] for case in cases
    ]
    picture = "![Rows per second and processor time](benchmarks/rates.svg)"
    return f"## Throughput\n\n{table(['', *columns], rows)}\n\n{picture}"


def _fewer(result: dict[str, Any], cases: list[str]) -> str:
    """Whose figures come from fewer messages."""
    whole = result["settings"]["messages"]
    counts = {run["case"]: run["messages"] for run in result["runs"] if run["case"] in cases}
    if not (fewer := {case: count for case, count in counts.items() if count != whole}):
        return ""
    told = ", ".join(f"{case.replace(', ', ' ')} {count:,}" for case, count in fewer.items())
    return f"Slow ones got fewer of them, for rows a second do not need more: {told}."


def _missing(result: dict[str, Any]) -> str:
    """By name, with the reason."""
    if not (found := result.get("missing")):
        return ""
    rows = [[name, " ".join(why.split()).replace("|", "/")[:300]] for name, why in found.items()]
    return f"## Not measured\n\n{table(['', 'why'], rows)}"


def _ratios(runs: list[Run], cases: list[str]) -> str:
    """Of each run to the bare loop of the same turn: what slows the machine down slows both down."""
    floors = {run["repetition"]: run for run in runs if run["case"] == "bare"}

    def ratios(case: str, name: str) -> str:
        beside = [run for run in runs if run["case"] == case and run["repetition"] in floors]
        return figure(by_row(run, name) / by_row(floors[run["repetition"]], name) for run in beside)

    rows = [[case, ratios(case, "cpu_seconds"), ratios(case, "steady_seconds")] for case in cases if case != "bare"]
    found = table(["", "CPU ÷ bare", "steady seconds ÷ bare"], rows)
    return f"## How far from the floor\n\nA row's, each beside the bare loop of its turn.\n\n{found}"


def _stations(runs: list[Run], cases: list[str]) -> str:
    timed = [case for case in cases if any("stations" in run for run in runs if run["case"] == case)]
    rows = [[case, *(f"{median(of_case(runs, case, _station(name))):.2f}" for name in _STATIONS)] for case in timed]
    text = "Medians, from the run report. Stations overlap: the next batch is read while this one is staged and merged."
    return f"## Seconds per station\n\n{text}\n\n{table(['', *_STATIONS], rows)}"


def _station(name: str) -> Callable[[Run], float]:
    return lambda run: run["stations"][name]


def _startup(runs: list[Run], cases: list[str]) -> str:
    rows = []
    for case in cases:
        found = [run for run in runs if run["case"] == f"{case}{EMPTY}"]
        if found:
            cpu = figure((run["cpu_seconds"] for run in found if "cpu_seconds" in run), 2)
            rows.append([case, figure((run["wall_seconds"] for run in found), 2), cpu])
    text = "A run that finds no new message: for the engine without the start of the process, for the command with it."
    return f"## Nothing to read\n\n{text}\n\n{table(['', 'seconds', 'CPU seconds'], rows)}"


def _conditions(result: dict[str, Any]) -> str:
    settings, machine = result["settings"], result["machine"]
    versions = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    loads = [run["load_before"] for run in result["runs"] if "load_before" in run]
    busy = _BUSY if loads and median(loads) > machine["cores"] else ""
    later = ", ".join(result.get("later", ()))
    apart = "\n" + wrapped(f"- Measured in another session than the rest: {later}.") if later else ""
    return f"""## Conditions

- {machine["processor"]}, {machine["cores"]} cores shared by broker, local BigQuery and the measured process,
  {machine["memory_gib"]} GiB, {machine["system"]}. Load average before the runs: {figure(loads)}.{busy}
- {wrapped(versions)}.
- Messages from seed {settings["seed"]}, keyed, uncompressed, without headers. Job: {settings["job"]}.
- Absolute figures belong to this machine; ratios to the bare loop travel better.{apart}"""


if __name__ == "__main__":
    write(read())
