"""``run --profile``: where the time of a run went, station by station."""

from __future__ import annotations

from typing import Any

from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.cli.tables import show
from airflow_kafka_bq.pipeline.report import STATIONS, RunReport

_OF_BATCHES = frozenset(STATIONS) - {"plan", "commit"}  # what more messages would multiply


def profile(report: RunReport, cpu_seconds: float) -> dict[str, Any]:
    """Seconds of each station, with rows and bytes per second where messages pass through it.

    Stations overlap: a batch is decoded while it is consumed, and staged and merged while the next one is read. So
    their seconds may add up to more than the run took.

    :param cpu_seconds: of the whole process during the run, all threads.
    """
    total = report.to_json()["seconds"]["total"]
    stations: dict[str, dict[str, Any]] = {}
    for name in STATIONS:
        spent = report.seconds[name]
        stations[name] = {"seconds": round(spent, 3), **(_rates(report, spent) if name in _OF_BATCHES else {})}
    whole = {"seconds": total, **_rates(report, total)}
    each = round(cpu_seconds / report.messages * 1e6, 2) if report.messages else None
    return {
        "stations": stations, "total": whole, "bytes": report.size_bytes, "cpu_seconds": round(cpu_seconds, 3),
        "cpu_microseconds_per_message": each,
    }  # fmt: skip


def _rates(report: RunReport, seconds: float) -> dict[str, int | None]:
    fast = seconds > 0 and report.messages > 0
    return {
        "rows_per_second": round(report.messages / seconds) if fast else None,
        "bytes_per_second": round(report.size_bytes / seconds) if fast else None,
    }


def show_profile(session: Session, report: RunReport, cpu_seconds: float) -> None:
    """The same as a table."""
    found = profile(report, cpu_seconds)
    lines = [*found["stations"].items(), ("total", found["total"])]
    show(
        session,
        ["station", "seconds", "rows/s", "bytes/s"],
        ([name, one["seconds"], one.get("rows_per_second"), one.get("bytes_per_second")] for name, one in lines),
    )
    each = found["cpu_microseconds_per_message"]
    session.say(f"{found['cpu_seconds']} s of CPU" + ("" if each is None else f", {each} µs a message"))
    session.say("stations overlap: a batch is decoded while consumed, and staged and merged while the next one is read")
