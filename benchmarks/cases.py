"""What is measured: each case is one process, told apart by name, and checked for lost and doubled rows."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.site import Site

Run = dict[str, Any]
SLOW_MESSAGES = 100_000  # of those that take ten times as long: rows a second, steady, do not need more
OPAQUE_MESSAGES = 200_000  # of programs that do not say when they read: their start is in their seconds
FORMAT_MESSAGES = 250_000
MODEL = "benchmarks.events:Event"
EMPTY = ", nothing to read"
ONE_BAD = 1_000  # messages, of which one is bad


@dataclass(frozen=True, slots=True)
class Case:
    """What is run, and on what.

    Attributes:
        at_most: Messages, where fewer than the others' do.
        kind: Of messages: the topic's name begins with it.
        peer: The module in ``peers``, of one that others made.
    """

    run: Callable[[Site, str, int], list[Run]]
    at_most: int | None = None
    kind: str = "events"
    peer: str = ""

    def count(self, messages: int) -> int:
        """Of its topic."""
        return min(messages, self.at_most or messages)


def bare(site: Site, topic: str, messages: int) -> list[Run]:
    """The floor: a ``consume()`` loop that drops the messages."""
    found = site.measured("-m", "benchmarks.child", "bare", site.bootstrap, topic, str(messages))
    said = found["said"]
    run = _checked("bare", found, messages, said["landed"], said["run_seconds"])
    return [{**run, "run_cpu_seconds": said["run_cpu_seconds"]}]


def engine(
    site: Site, topic: str, messages: int, name: str = "engine", merge_seconds: float = 0.0, **settings: Any
) -> list[Run]:
    """A whole run into the sink, then one with nothing to do in the same process."""
    dataset = f"bench_{uuid.uuid4().hex[:8]}"  # a group of its own: it remembers positions
    site.empty_sink(dataset)
    path = site.job(topic, dataset, sink=True, **settings)
    found = site.measured("-m", "benchmarks.child", "engine", str(path), "--merge-seconds", str(merge_seconds))
    said = found["said"]
    dead = said["report"]["rows"]["dead_lettered"]
    whole = _checked(name, found, messages, {**said["landed"], "dead_lettered": dead}, _steady(said["report"]))
    whole |= {
        "stations": said["report"]["seconds"],
        "batches": said["report"]["batches"],
        "calls": site.asked("/_landed")["calls"],
        "run_cpu_seconds": said["run_cpu_seconds"] - said["counting_cpu_seconds"],
        "file_bytes": site.asked("/_landed")["bytes"],
    }
    return [whole, {"case": f"{name}{EMPTY}", "wall_seconds": said["empty"]["run_seconds"]}]


def command(site: Site, topic: str, messages: int, name: str = "kafka-bq run", **settings: Any) -> list[Run]:
    """``kafka-bq run`` into the local BigQuery, then once more with nothing to read."""
    with site.dataset() as dataset:
        line = ("-m", "airflow_kafka_bq", "run", str(site.job(topic, dataset, **settings)), "--json")
        found = site.measured(*line)
        report = found["said"]
        whole = _checked(name, found, messages, site.landed(dataset), _steady(report))
        whole |= {"stations": report["seconds"], "batches": report["batches"]}
        empty = site.measured(*line)
        assert empty["said"]["messages"] == 0
        idle = {key: empty[key] for key in ("wall_seconds", "cpu_seconds", "peak_mib", "load_before")}
        return [whole, {"case": f"{name}{EMPTY}", **idle}]


def peer(site: Site, topic: str, messages: int, module: str, mode: str) -> list[Run]:
    """What others use, into the sink; its seconds are those from the first read to the last write."""
    python, *line = site.peer_line(topic, messages, module, mode)
    site.empty_sink("bench")
    found = site.measured(*line, python=python)
    landed = site.asked("/_landed")
    run = _checked(label(module, mode), found, messages, landed, landed["last_write"] - found["said"]["began"])
    return [{**run, "file_bytes": landed["bytes"], "writes": landed["writes"]}]


def many_partitions(site: Site, topic: str, messages: int) -> list[Run]:
    """A thousand partitions, of which a few have messages: what a run without new ones takes."""
    del messages
    wide = f"{topic}_wide"
    site.measured("-m", "benchmarks.events", site.bootstrap, wide, "50", "--partitions", "1000", "--once")
    with site.dataset() as dataset:
        line = ("-m", "airflow_kafka_bq", "run", str(site.job(wide, dataset)), "--json")
        first = site.measured(*line)
        assert first["said"]["messages"] == 50
        empty = site.measured(*line)
        idle = {key: empty[key] for key in ("wall_seconds", "cpu_seconds", "peak_mib", "load_before")}
        return [{"case": f"kafka-bq run, 1,000 partitions{EMPTY}", **idle}]


def label(module: str, mode: str) -> str:
    """Of a peer."""
    return f"{module.replace('_', ' ')}, {mode}"


def _engine(name: str, **settings: Any) -> Callable[[Site, str, int], list[Run]]:
    return lambda site, topic, messages: engine(site, topic, messages, name, **settings)


def _command(name: str, **settings: Any) -> Callable[[Site, str, int], list[Run]]:
    return lambda site, topic, messages: command(site, topic, messages, name, **settings)


def _peer(module: str, mode: str) -> Callable[[Site, str, int], list[Run]]:
    return lambda site, topic, messages: peer(site, topic, messages, module, mode)


def _registered(name: str, value_format: str) -> Callable[[Site, str, int], list[Run]]:
    """A whole run of a format whose schema is in the registry."""

    def run(site: Site, topic: str, messages: int) -> list[Run]:
        told = {"value_format": value_format, "schema_from": "registry", "schema_registry": {"url": site.registry()}}
        return engine(site, topic, messages, name, **told)[:1]

    return run


AT_MOST: Mapping[str, int | None] = {
    "handwritten": None, "official_operator": None, "dlt": SLOW_MESSAGES, "quix": SLOW_MESSAGES,
    "ingestr": OPAQUE_MESSAGES, "kafka_connect": OPAQUE_MESSAGES,
}  # fmt: skip
MODES = tuple((module, mode) for module in AT_MOST for mode in ("tuned", "plain"))
PEERS: dict[str, Case] = {label(*each): Case(_peer(*each), AT_MOST[each[0]], peer=each[0]) for each in MODES}
BAD = "engine, model, one in 1,000 bad"
AVRO, PROTOBUF = "engine, avro with registry", "engine, protobuf with registry"
CASES: dict[str, Case] = {
    "bare": Case(bare),
    "engine, payload": Case(_engine("engine, payload")),
    "engine, model": Case(_engine("engine, model", model=MODEL)),
    "kafka-bq run, payload": Case(_command("kafka-bq run, payload")),
    "kafka-bq run, model": Case(_command("kafka-bq run, model", model=MODEL)),
    BAD: Case(lambda site, topic, messages: engine(site, topic, messages, BAD, model=MODEL)[:1], kind="bad"),
    AVRO: Case(_registered(AVRO, "avro"), FORMAT_MESSAGES, "avro"),
    PROTOBUF: Case(_registered(PROTOBUF, "protobuf"), FORMAT_MESSAGES, "protobuf"),
    "kafka-bq run, 1,000 partitions": Case(many_partitions),
    **PEERS,
}
QUICK = ("bare", "engine, payload", "engine, model", "handwritten, tuned")


def _steady(report: dict[str, Any]) -> float:
    """Seconds of a run behind its plan: what more messages would multiply."""
    seconds = report["seconds"]
    return float(seconds["total"] - seconds["plan"])


def _checked(name: str, found: Run, messages: int, landed: dict[str, int], steady_seconds: float) -> Run:
    """The run, with what it lost and doubled. Neither ends a benchmark: both are results."""
    cost = {key: found[key] for key in ("wall_seconds", "cpu_seconds", "peak_mib", "load_before")}
    distinct = landed["rows"] - landed["duplicates"] + landed.get("dead_lettered", 0)
    return {
        "case": name,
        "messages": messages,
        "steady_seconds": steady_seconds,
        **cost,
        "rows": landed["rows"],
        "lost": messages - distinct,
        "duplicates": landed["duplicates"],
    }
