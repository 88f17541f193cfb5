"""``make bench``: measure everything in one session and write ``result.json`` and ``docs/benchmarks.md``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import document, machine
from benchmarks.cases import CASES, MEMORY, MODEL, ONE_BAD, QUICK, Run, engine
from benchmarks.crash import CRASHES
from benchmarks.events import PARTITIONS, SEED
from benchmarks.site import Site, site

RESULT = Path(__file__).with_name("result.json")
_PACKAGES = ("confluent-kafka", "google-cloud-bigquery", "pyarrow", "pydantic", "airflow-provider-kafka-bq")


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, measure, write."""
    options = _options(arguments)
    with site() as place:
        result = measure(place, options.cases, options.messages, options.repetitions, options.memory, options.crash)
    if options.output:
        options.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    if options.output == RESULT:
        document.write(result)
    print(document.render(result))
    if any(run.get("lost") or run.get("duplicates") for run in (*result["runs"], *result["memory"])):
        sys.exit("rows were lost or doubled")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--memory", type=int, nargs="+", default=[500_000, 2_000_000])
    parser.add_argument("--crash", type=int, default=100_000, help="messages of the runs that are killed; 0: none")
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES), metavar="CASE")
    parser.add_argument("--quick", action="store_true", help="the main cases, fewer messages; written only if asked")
    parser.add_argument("--try", dest="tried", action="store_true", help="all cases, few messages, once")
    options = parser.parse_args(arguments)
    if options.quick:
        options.messages, options.repetitions, options.memory, options.cases = 200_000, 3, [], list(QUICK)
        options.crash = 0
    if options.tried:
        options.messages, options.repetitions, options.memory = 20_000, 1, [5_000, 20_000]
        options.crash = 0
    if options.output == RESULT and (options.quick or options.tried):
        options.output = None
    return options


def measure(
    place: Site, cases: list[str], messages: int, repetitions: int, memory: list[int], crash: int
) -> dict[str, Any]:
    """All runs. The cases take turns, so that a busy minute of the machine does not fall on one of them alone."""
    topics = {count: f"events_{count}" for count in sorted({messages, *memory})}
    filled = {count: _filled(place, topic, count) for count, topic in topics.items()}
    for count in {min(topics), messages}:
        _filled(place, f"{topics[count]}_bad", count, "--bad-every", str(ONE_BAD))
    for name in cases:  # a warm-up of the servers, of the page cache and of compiled bytecode
        CASES[name](place, topics[min(topics)], min(topics))
    runs: list[Run] = []
    for repetition in range(repetitions):
        for name in cases:
            _say(f"{repetition + 1}/{repetitions} {name}")
            runs += [{"repetition": repetition, **run} for run in CASES[name](place, topics[messages], messages)]
    return {
        "settings": {
            "messages": messages,
            "partitions": PARTITIONS,
            "seed": SEED,
            "mean_value_bytes": filled[messages]["mean_value_bytes"],
            "model": MODEL,
            "repetitions": repetitions,
            "job": "all defaults (the dedup key is the coordinates)",
        },
        "versions": {**{name: version(name) for name in _PACKAGES}, **machine.versions()},
        "machine": machine.description(),
        "runs": runs,
        "memory": list(_memory(place, topics, memory, min(repetitions, 3))),
        "crashes": list(_crashes(place, crash)),
    }


def _memory(place: Site, topics: dict[int, str], counts: list[int], repetitions: int) -> Iterator[Run]:
    """The same bounds of a batch, many times the messages: the peak should not know the difference."""
    for repetition in range(repetitions):
        for settings, bounds in MEMORY.items():
            for count in counts:
                _say(f"memory {repetition + 1}/{repetitions} {settings} {count}")
                run = engine(place, topics[count], count, "engine, model", model=MODEL, **bounds)[0]
                yield {"repetition": repetition, "settings": settings, **run}


def _crashes(place: Site, messages: int) -> Iterator[Run]:
    """Each killed in the middle, and run again."""
    if messages:
        _filled(place, "crashes", messages)
    for name, crash in CRASHES.items() if messages else ():
        _say(f"killed: {name}")
        yield crash(place, "crashes", messages)


def _filled(place: Site, topic: str, messages: int, *options: str) -> dict[str, Any]:
    _say(f"producing {messages} messages")
    line = ("-m", "benchmarks.events", place.bootstrap, topic, str(messages), *options)
    said: dict[str, Any] = place.measured(*line)["said"]
    return said


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
