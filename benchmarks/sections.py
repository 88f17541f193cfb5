"""Sections of the document that stand beside the throughput: one kind of measurement each."""

from __future__ import annotations

from typing import Any

from benchmarks.layout import Run, by_row, figure, of_case, table, wrapped


def row_path(result: dict[str, Any]) -> str:
    """The decode station of a model with validators, beside the validators alone."""
    if not (runs := result.get("row_path")):
        return ""
    names = {
        "decode_cpu_seconds": "the decode station",
        "validate_cpu_seconds": "`model_validate_json` alone",
        "least_cpu_seconds": "… and Arrow's columns of what it finds, with nothing checked",
    }
    rows = [
        [what, figure((by_row(run, name) * 1e6 for run in runs), 2), figure((_beside(run, name) for run in runs), 2)]
        for name, what in names.items()
        if name in runs[0]
    ]
    text = wrapped(
        f"{runs[0]['messages']:,} events and a model with two validators of its own (`benchmarks/row_path.py`): "
        "pydantic is asked for each message. From messages in memory to rows for the staging file, and pydantic's "
        "part alone, in one process by turns of 16,384 messages. Beside them the least that ends in columns: pydantic, "
        "its values taken out of the objects as they come, Arrow's columns of the lists, for this one model only and "
        "with nothing checked. It is above what was aimed at: a value that is kept until there are enough for a column "
        "costs memory that one thrown away with its object does not, and Arrow asks each time with a zone for its "
        "offset, in Python. What the station adds to it: each text is looked through for numbers that a double would "
        "round, pydantic is told to refuse fields that no column takes, each object's and each value's type is looked "
        "at, Kafka's columns are made. Other ways were tried, beside pydantic alone: a row at a time 12 ×; the objects "
        "of 16,384 messages kept until columns are made of them 3.5 ×, a third of it the garbage collector's, which "
        "follows seven objects of each message; of 128 messages 2.9 ×.",
        indent="",
    )
    return f"## A model with validators\n\n{text}\n\n{table(['', 'CPU µs a row', '÷ validation'], rows)}"


def _beside(run: Run, name: str) -> float:
    return float(run[name] / run["validate_cpu_seconds"])


def memory(result: dict[str, Any]) -> str:
    memory: list[Run] = result["memory"]
    if not memory:
        return ""
    rows = []
    for settings in dict.fromkeys(run["settings"] for run in memory):
        counts = sorted({run["messages"] for run in memory if run["settings"] == settings})
        for count in counts:
            of = [run for run in memory if run["settings"] == settings and run["messages"] == count]
            peaks = figure((run["peak_mib"] for run in of), 0)
            times = f"{count / counts[0]:g} ×" if count else "–"
            rows.append([settings, f"{count:,}", times, str(of[0]["batches"]), peaks])
    text = wrapped(
        "The engine with the model, the same bounds of a batch and ever more messages. Two batches are in memory at "
        "most, one being merged while the next is read, so the first few batches reach what all others need too: the "
        "smallest backlog of each setting is one of four batches or five. A MERGE takes as long as reading a batch "
        "does: with none, what is read behind a batch would never be a whole one while that is still in memory. Fifty "
        "times the backlog is measured with small batches; with larger ones it would be tens of millions of messages. "
        "What the same process takes when it finds nothing to read is its start-up, the packages of the measurement "
        "with it.",
        indent="",
    )
    return f"## Memory\n\n{text}\n\n{table(['', 'messages', 'backlog', 'batches', 'peak MiB'], rows)}"


LIMITS = """\
## What was not reached, and what its limit is made of

- **Rows per second and processor time of JSON.** Two cores do all there is to do: the client, the run and the broker.
  A bare loop leaves the second core to the broker. For 0.35 of its rows per second, taking messages out of the client
  and their parts into columns, reading the JSON, writing the file and sending it may together cost five times what a
  bare loop does, and neither core may ever wait for the other. The client and the columns of its messages take two of
  the five, the file one, the broker another. Where the time is, thread by thread, and what was tried: four parsers
  and five allocators ([37](decisions/37-arrow-reads-the-json.md)), an expression for payloads and texts cut at quotes
  for models ([46](decisions/46-a-known-form-needs-no-parser.md)), the file beside the reading
  ([47](decisions/47-the-file-is-written-while-the-batch-is-read.md)), five ways of taking messages, one in C without
  objects ([48](decisions/48-what-a-row-costs-and-what-is-left.md)), rows dropped early, a second parser thread, six
  ways of compressing ([49](decisions/49-rows-go-once-they-are-written.md)).
- **Beside the script by hand and the official operator, tuned.** The same limit, for what they take of a row's time
  is the client's too. They have no model and check nothing.
- **A model with validators.** pydantic's objects: their values in columns, with nothing checked, are the least, and
  stand below. Tried: a row at a time, objects kept until columns are made of them, 128 at a time, values taken out of
  each ([14](decisions/14-bulk-parsing-leaves-doubt-to-pydantic.md)).
"""


def crashes(result: dict[str, Any]) -> str:
    names = ("before", "lost", "duplicates")
    rows = [[run["case"], *(f"{run[name]:,}" for name in names)] for run in result["crashes"]]
    if not rows:
        return ""
    text = wrapped(
        f"{result['crashes'][0]['messages']:,} messages. SIGKILL in the middle: of others when a write was kept and "
        "not yet answered, of `kafka-bq run` when the first of ten batches was in the table. Then the same again, "
        "to its end, with the same folder: what a peer keeps on disk is there. dlt and ingestr with *tuned* make one "
        "load of all. ingestr *plain* reads the whole topic each time and replaces the table; what it had loaded "
        "into another table is none of the target. Of Quix Streams and Kafka Connect one mode each. One run of each.",
        indent="",
    )
    return f"## Killed, and run again\n\n{text}\n\n{table(['', 'in the table before', 'lost', 'doubled'], rows)}"


def formats(result: dict[str, Any]) -> str:
    """Rows per second of processor time, and each format beside the first one of the same turn."""
    runs, settings, where = result["runs"], result["settings"], result["machine"]
    cases = list(dict.fromkeys(run["case"] for run in runs))
    first = {run["repetition"]: run["cpu_seconds"] for run in runs if run["case"] == cases[0]}
    rows = []
    for case in cases:
        rates = of_case(runs, case, lambda run: settings["messages"] / run["cpu_seconds"] / 1e3)
        ratios = of_case(runs, case, lambda run: run["cpu_seconds"] / first[run["repetition"]])
        rows.append([case, figure(rates), figure(ratios, 2)])
    text = wrapped(
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
    said = wrapped(f"{place} {versions}.", indent="")
    head = ["", "1,000 rows per CPU second", f"CPU ÷ {cases[0]}"]
    return f"## Formats\n\n{text}\n\n{table(head, rows)}\n\n{said}"
