"""What is measured: each case is one process, told apart by name, and checked for lost and doubled rows."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from benchmarks.site import Site

Run = dict[str, Any]
MODEL = "benchmarks.orders:Order"


def bare(site: Site, topic: str, messages: int) -> list[Run]:
    """The floor: a ``consume()`` loop that drops the messages."""
    found = site.measured("-m", "benchmarks.child", "bare", site.bootstrap, topic, str(messages))
    return [_checked("bare", found, messages, found["said"]["landed"], found["said"]["run_seconds"])]


def engine(site: Site, topic: str, messages: int, name: str = "engine", **settings: Any) -> list[Run]:
    """A whole run with a Warehouse that answers at once, then one with nothing to do in the same process."""
    path = site.job(topic, f"bench_{uuid.uuid4().hex[:8]}", **settings)  # a group of its own: it remembers positions
    found = site.measured("-m", "benchmarks.child", "engine", str(path))
    said = found["said"]
    whole = _checked(name, found, messages, said["landed"], _steady(said["report"]))
    whole |= {
        "stations": said["report"]["seconds"],
        "batches": said["report"]["batches"],
        "run_cpu_seconds": said["run_cpu_seconds"] - said["counting_cpu_seconds"],
        "file_bytes": said["file_bytes"],
    }
    return [whole, {"case": f"{name}, nothing to read", "wall_seconds": said["empty"]["run_seconds"]}]


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
        return [whole, {"case": f"{name}, nothing to read", **idle}]


CASES: dict[str, Callable[[Site, str, int], list[Run]]] = {
    "bare": bare,
    "engine, payload": lambda site, topic, messages: engine(site, topic, messages, "engine, payload"),
    "engine, model": lambda site, topic, messages: engine(site, topic, messages, "engine, model", model=MODEL),
    "kafka-bq run, payload": lambda site, topic, messages: command(site, topic, messages, "kafka-bq run, payload"),
    "kafka-bq run, model": lambda site, topic, messages: command(
        site, topic, messages, "kafka-bq run, model", model=MODEL
    ),
}


def _steady(report: dict[str, Any]) -> float:
    """Seconds of a run behind its plan: what more messages would multiply."""
    seconds = report["seconds"]
    return float(seconds["total"] - seconds["plan"])


def _checked(name: str, found: Run, messages: int, landed: dict[str, int], steady_seconds: float) -> Run:
    """The run, with what it lost and doubled. Neither ends a benchmark: both are results."""
    cost = {key: found[key] for key in ("wall_seconds", "cpu_seconds", "peak_mib", "load_before")}
    distinct = landed["rows"] - landed["duplicates"]
    return {
        "case": name,
        "messages": messages,
        "steady_seconds": steady_seconds,
        **cost,
        "rows": landed["rows"],
        "lost": messages - distinct,
        "duplicates": landed["duplicates"],
    }
