"""The figures of a campaign."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from confluent_kafka import libversion

from airflow_kafka_bq.testing import bigquery
from airflow_kafka_bq.testing.kafka.jars import KAFKA_VERSION
from tests.campaign.diary import Diary

_PACKAGES = ("confluent-kafka", "google-cloud-bigquery", "pyarrow", "apache-airflow")


def replay(diary: Diary, brokers: int) -> str:
    """The command that plays a round again. Processes meet each other at other moments each time."""
    return f"python -m tests.campaign --only {diary.name} --seed {diary.seed} --rounds 1 --brokers {brokers}"


def summary(diaries: Sequence[Diary], seed: int, rounds: int, brokers: int, seconds: float) -> dict[str, Any]:
    """All rounds in figures; the events only of those that failed."""
    failed = [one for one in diaries if one.problems]
    return {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "brokers": brokers,
        "seed": seed,
        "rounds_of_each": rounds,
        "rounds": len(diaries),
        "rounds_by_scenario": _counted(Counter(one.name for one in diaries)),
        "runs": sum(one.runs for one in diaries),
        "kills": sum(sum(one.signals.values()) for one in diaries),
        "kills_by_signal": summed(one.signals for one in diaries),
        "kills_by_point": summed(one.points for one in diaries),
        "faults": summed(one.faults for one in diaries),
        "endings": summed(one.outcomes for one in diaries),
        "messages": sum(one.messages for one in diaries),
        "rows": sum(one.rows for one in diaries),
        "dead_letters": sum(one.dead_letters for one in diaries),
        "lost_by_retention_and_told": sum(one.told_lost for one in diaries),
        "lost": sum(one.lost for one in diaries),
        "duplicated": sum(one.duplicated for one in diaries),
        "slowest_round_seconds": max((one.seconds for one in diaries), default=0),
        "failures": [one.to_json() | {"replay": replay(one, brokers)} for one in failed],
        "versions": _versions(),
    }


def write(path: Path, document: dict[str, Any]) -> None:
    """Readable, and the same for the same figures."""
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def summed(counters: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """All of them added up, in the order of the names."""
    total: Counter[str] = Counter()
    for one in counters:
        total.update(one)
    return _counted(total)


def _counted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))


def _versions() -> dict[str, str]:
    ours = {"python": platform.python_version(), "kafka": KAFKA_VERSION, "librdkafka": str(libversion()[0])}
    pins = (Path(bigquery.__file__).parent / "constraints" / "bqemulator.txt").read_text(encoding="utf-8").split()
    emulator = next(one for one in pins if one.startswith("bqemulator=="))
    return ours | {"bqemulator": emulator.split("==")[1]} | {name: version(name) for name in _PACKAGES}
