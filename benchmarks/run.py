"""``make bench``: measure everything in one session and write ``result.jsonl`` and ``docs/benchmarks.md``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import document, machine, memory
from benchmarks.cases import CASES, MODEL, ONE_BAD, PEERS, QUICK, Case, Run
from benchmarks.crash import CRASHES
from benchmarks.events import PARTITIONS, SEED
from benchmarks.merging import merged
from benchmarks.peers.environments import UnavailableError, python_of
from benchmarks.result import RESULT, read, write
from benchmarks.site import Site, site

_PACKAGES = ("confluent-kafka", "google-cloud-bigquery", "pyarrow", "pydantic", "airflow-provider-kafka-bq")
_MEMORY_TURNS = 3
PARTS = ("memory", "row path", "killed")
_FIRST_MESSAGES = 20_000  # of the warm-up


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, measure, write."""
    options = _options(arguments)
    with site() as place:
        result = measure(place, options)
    if options.merge:
        result = merged(read(), result)
    if options.output:
        write(result, options.output)
    if options.output == RESULT:
        document.write(result)
    print(document.render(result))
    if any(run.get("lost") or run.get("duplicates") for run in (*result["runs"], *result["memory"])):
        sys.exit("rows were lost or doubled")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--crash", type=int, default=100_000, help="messages of the runs that are killed")
    parser.add_argument("--rows", type=int, default=100_000, help="messages of the row path")
    parser.add_argument("--output", type=Path, default=RESULT)
    named = f"words of the names of cases, and of {', '.join(PARTS)} (killed: all, and those of the cases)"
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help=named)
    parser.add_argument("--merge", action="store_true", help="keep the rest of the result that is there")
    parser.add_argument("--quick", action="store_true", help="the main cases, fewer messages; written only if asked")
    parser.add_argument("--try", dest="tried", action="store_true", help="all cases, few messages, once")
    options = parser.parse_args(arguments)
    options.cases = [name for name in CASES if _named(name, options.only)]
    options.parts = [name for name in PARTS if _named(name, options.only)]
    options.killed = [name for name in CRASHES if "killed" in options.parts or name in options.cases]
    options.counts = memory.COUNTS if "memory" in options.parts else {}
    if options.quick:
        options.messages, options.repetitions, options.cases = 200_000, 3, list(QUICK)
    if options.tried:
        options.messages, options.repetitions, options.rows = 20_000, 1, 2_000
        options.counts = memory.TRIED if options.counts else {}
    if options.quick or options.tried:
        options.killed = []
    if options.quick:
        options.counts, options.parts = {}, []
    if options.output == RESULT and (options.quick or options.tried or (options.only and not options.merge)):
        options.output = None
    if not (options.cases or options.parts):
        parser.error(f"--only {' '.join(options.only)}: no case and no part has such a word in its name")
    return options


def _named(name: str, words: list[str]) -> bool:
    return not words or any(word in name for word in words)


def measure(place: Site, options: argparse.Namespace) -> dict[str, Any]:
    """All runs. The cases take turns, so that a busy minute of the machine does not fall on one of them alone."""
    topics = Topics(place)
    missing: dict[str, str] = {}
    cases = {name: CASES[name] for name in options.cases}
    _warm_up(place, topics, options, missing)
    runs: list[Run] = []
    for repetition in range(options.repetitions):
        for name in (name for name in cases if name not in missing):
            _say(f"{repetition + 1}/{options.repetitions} {name}")
            found = _measured(place, topics, name, options.messages, missing)
            runs += [{"repetition": repetition, **run} for run in found]
    bytes_ = topics.mean_value_bytes(options.messages) if cases else 0.0
    return {
        "settings": {
            "messages": options.messages,
            "partitions": PARTITIONS,
            "seed": SEED,
            "mean_value_bytes": bytes_,
            "model": MODEL,
            "repetitions": options.repetitions,
            "job": "all defaults (the dedup key is the coordinates)",
        },
        "versions": {**{name: version(name) for name in _PACKAGES}, **machine.versions()},
        "machine": machine.description(),
        "runs": [run for run in runs if run["case"] not in missing],
        "memory": list(_memory(place, topics, options)),
        "row_path": _row_path(place, options),
        "crashes": list(_crashes(place, topics, options, missing)),
        "missing": missing,
    }


def _warm_up(place: Site, topics: Topics, options: argparse.Namespace, missing: dict[str, str]) -> None:
    """The peers' environments, the servers, the page cache and compiled bytecode."""
    for name in options.cases:
        case = CASES[name]
        if case.peer:
            try:
                python_of(case.peer)
            except UnavailableError as why:
                missing[name] = str(why)
                _say(f"not measured: {name}: {why}")
        elif not options.tried:
            _say(f"warm-up {name}")
            _measured(place, topics, name, min(_FIRST_MESSAGES, options.messages), missing)


class Topics:
    """Filled when they are first asked for."""

    def __init__(self, place: Site) -> None:
        self._place = place
        self._filled: dict[str, dict[str, Any]] = {}

    def named(self, kind: str, messages: int) -> str:
        """A topic with so many messages of a kind."""
        name = f"{kind}_{messages}"
        if name not in self._filled:
            _say(f"producing {messages} messages: {kind}")
            place = self._place
            line = ["-m", "benchmarks.events", place.bootstrap, name, str(messages)]
            if kind == "bad":
                line += ["--bad-every", str(ONE_BAD)]
            elif kind != "events":
                line = ["-m", "benchmarks.registered", place.bootstrap, name, str(messages), kind, place.registry()]
            self._filled[name] = place.measured(*line)["said"]
        return name

    def mean_value_bytes(self, messages: int) -> float:
        """Of the events."""
        found: float = self._filled[self.named("events", messages)]["mean_value_bytes"]
        return found


def _measured(place: Site, topics: Topics, name: str, messages: int, missing: dict[str, str]) -> list[Run]:
    """A run of a case. What others' cannot do is said by name, and ends nothing."""
    case: Case = CASES[name]
    count = case.count(messages)
    try:
        return case.run(place, topics.named(case.kind, count), count)
    except (UnavailableError, RuntimeError) as why:
        if name not in PEERS:
            raise
        missing[name] = str(why)
        _say(f"not measured: {name}: {why}")
        return []


def _memory(place: Site, topics: Topics, options: argparse.Namespace) -> Iterator[Run]:
    """The same bounds of a batch, many times the messages: the peak should not know the difference."""
    turns = min(options.repetitions, _MEMORY_TURNS)
    for repetition in range(turns):
        for settings, count in memory.plan(options.counts):
            _say(f"memory {repetition + 1}/{turns} {settings} {count}")
            yield {"repetition": repetition, **memory.run(place, settings, topics.named("events", count), count)}


def _row_path(place: Site, options: argparse.Namespace) -> list[Run]:
    if "row path" not in options.parts:
        return []
    _say("row path")
    line = ("-m", "benchmarks.row_path", str(options.rows), str(options.repetitions))
    found: list[Run] = place.measured(*line)["said"]["runs"]
    return found


def _crashes(place: Site, topics: Topics, options: argparse.Namespace, missing: dict[str, str]) -> Iterator[Run]:
    """Each killed in the middle, and run again."""
    for name in options.killed:
        if name in missing:
            continue
        _say(f"killed: {name}")
        try:
            yield CRASHES[name](place, topics.named("events", options.crash), options.crash)
        except (AssertionError, RuntimeError) as why:
            if name not in PEERS:
                raise
            missing[f"{name}, killed"] = str(why)
            _say(f"not measured: {name}, killed: {why}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
