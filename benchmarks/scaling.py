"""What a number of messages a day needs: the generated parts of docs/scaling.md, and docs/scaling.svg.

``python -m benchmarks.scaling`` writes the picture; the page is written by ``make docs``, which calls this too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from airflow_kafka_bq.config import JobConfig
from benchmarks.arrivals import DAY, curve
from benchmarks.lag_picture import picture
from benchmarks.result import read
from benchmarks.simulate import Played, Setup, play

PICTURE = Path(__file__).parent.parent / "docs" / "scaling.svg"
_SCALED = Path(__file__).with_name("scale_out.json")
_CASE = "engine, model"
TIB, _GIB, _MIB, _MINIMUM = 2**40, 2**30, 2**20, 10 * 10**6
# https://cloud.google.com/bigquery/pricing, on demand, region US, list prices.
QUERY_USD_PER_TIB = 6.25
STORAGE_USD_PER_GIB_MONTH = 0.02
# Tables that the statements of a transaction name, each billed as 10 MB at least (tests count them in the SQL).
TABLES_OF_A_TRANSACTION = 5
# Bytes of the columns that the ON clause compares: topic, partition, offset, timestamp.
KEY_BYTES = (2 + 11) + 8 + 8 + 8
# All that a row has besides the fields of its message: these, its key, the time of writing.
KAFKA_BYTES = KEY_BYTES + (2 + 7) + 8
BUSIEST = 0.7  # of the interval that a run may take at the peak
MOST_SLICES = 64


@dataclass(frozen=True, slots=True)
class Constants:
    """Measured on the machine of docs/benchmarks.md, or assumed where only a project can tell.

    :ivar rows_per_second: of one worker, whole run, against a BigQuery that answers at once.
    :ivar cpu_seconds: of a worker, per row. :ivar message_bytes: mean value. :ivar staged_bytes: of a row in Parquet.
    :ivar one_task_seconds: of a task with nothing to read, on CeleryExecutor. :ivar group_seconds: of a task group.
    """

    rows_per_second: float
    bare_rows_per_second: float
    cpu_seconds: float
    message_bytes: float
    staged_bytes: float
    one_task_seconds: float
    group_seconds: float
    jobs: Mapping[str, Mapping[str, int]]
    load_seconds: float = 5.0
    merge_seconds: float = 15.0

    def start_seconds(self, slices: int) -> float:
        """Of a run, until its first message is read, and of Airflow between its tasks."""
        return self.one_task_seconds if slices == 1 else self.group_seconds

    def batch_messages(self, **settings: Any) -> int:
        """Of a batch: by number or by bytes, whichever comes first."""
        job = JobConfig.of(topic="t", table="d.t", **settings)
        return min(job.batch_messages, int(job.batch_bytes / self.message_bytes))


def _constants() -> Constants:
    measured, scaled = read(), json.loads(_SCALED.read_text("utf-8"))
    runs = [run for run in measured["runs"] if run["case"] == _CASE]
    bare = [run for run in measured["runs"] if run["case"] == "bare"]
    empty = {
        case: median(run["nothing_to_read_seconds"] for run in scaled["runs"] if _is(run, case, workers))
        for case, workers in (("one task", 1), ("two slices", 2))
    }
    return Constants(
        rows_per_second=median(run["messages"] / run["steady_seconds"] for run in runs),
        bare_rows_per_second=median(run["messages"] / run["steady_seconds"] for run in bare),
        cpu_seconds=median(run["run_cpu_seconds"] / run["messages"] for run in runs),
        message_bytes=measured["settings"]["mean_value_bytes"],
        staged_bytes=median(run["file_bytes"] / run["messages"] for run in runs),
        one_task_seconds=round(empty["one task"], 1),
        group_seconds=round(empty["two slices"], 1),
        jobs=scaled["jobs"],
    )


def _is(run: Mapping[str, Any], case: str, workers: int) -> bool:
    return (run["executor"], run["case"], run["workers"]) == ("CeleryExecutor", case, workers)


CONSTANTS = _constants()


@dataclass(frozen=True, slots=True)
class Example:
    """A number of messages a day, and settings for it."""

    name: str
    messages: int
    every: float
    settings: Mapping[str, Any]
    partition_seconds: int = DAY
    merge_seconds: float = CONSTANTS.merge_seconds

    def slices(self) -> int:
        """The fewest that keep a run of the busiest interval within its share of it.

        :raises ValueError: not even ``MOST_SLICES`` do.
        """
        arrivals = curve("shop", self.messages)
        for slices in range(1, MOST_SLICES + 1):
            setup = self.setup(slices)
            landings = list(setup.landings(math.ceil(arrivals.peak() * self.every)))
            if landings[-1][0] <= BUSIEST * self.every:
                return slices
        raise ValueError(f"{self.name}: {MOST_SLICES} slices are too few: choose a longer interval")

    def setup(self, slices: int) -> Setup:
        return Setup(
            self.every, slices, CONSTANTS.batch_messages(**self.settings), CONSTANTS.rows_per_second,
            CONSTANTS.start_seconds(slices), CONSTANTS.load_seconds, self.merge_seconds,
        )  # fmt: skip

    def played(self) -> Played:
        return play(curve("shop", self.messages), self.setup(self.slices()))


_LARGE = {"batch_messages": 2_000_000, "batch_bytes": 256 * _MIB}
EXAMPLES = (
    Example("1 million", 10**6, 900, {}),
    Example("100 million", 10**8, 900, {}),
    Example("10 billion", 10**10, 900, _LARGE, partition_seconds=3_600, merge_seconds=60.0),
)


@dataclass(frozen=True, slots=True)
class Bill:
    """A day, coordinates as the key, on demand, nothing of the free tier taken off.

    :ivar least: bytes billed if clustering prunes the target to nothing. :ivar most: if it prunes nothing.
    :ivar largest: bytes of the largest MERGE, which ``max_bytes_billed`` has to let pass.
    """

    least: float
    most: float
    largest: float
    storage_usd_month: float


def bill(example: Example, played: Played) -> Bill:
    """From each MERGE of the played day: its staging tables, and the key columns of the partitions it touches."""
    start = (played.days - 1) * DAY
    row = CONSTANTS.message_bytes + KAFKA_BYTES
    least = most = float(jobs(played).get("query", 0) * _MINIMUM)  # each reads the ledger, or some other small table
    largest = 0.0
    before = 0
    for at, landed in played.steps:
        size, first = landed - before, before
        before = landed
        if at <= start or not size:
            continue
        staged = size * row
        since = math.floor(played.arrivals.at(first) / example.partition_seconds) * example.partition_seconds
        target = max(0, first - played.arrivals.by(since)) * KEY_BYTES
        minimum = (TABLES_OF_A_TRANSACTION - 2) * _MINIMUM
        least += minimum + max(staged, _MINIMUM) + _MINIMUM
        most += minimum + max(staged, _MINIMUM) + max(target, _MINIMUM)
        largest = max(largest, staged + target)
    kept = played.arrivals.messages * row / _GIB * STORAGE_USD_PER_GIB_MONTH
    return Bill(least, most, largest, kept)


def jobs(played: Played) -> dict[str, int]:
    """BigQuery jobs of the day, by kind, as counted for a run, a slice and a batch."""
    figures, per, slices = played.figures(), CONSTANTS.jobs, played.setup.slices
    runs, batches = figures["runs"], figures["batches"]
    if slices == 1:
        parts = [(per["run"], runs), (per["batch"], batches)]
    else:
        further = {kind: per["batch"].get(kind, 0) for kind in ("merge", "script")}
        parts = [
            (per["sliced_run"], runs), (per["slice"], runs * slices), (per["batch_in_a_slice"], batches),
            (further, max(0, figures["merges"] - runs)),
        ]  # fmt: skip
    kinds = sorted({kind for counts, _ in parts for kind in counts})
    return {kind: sum(counts.get(kind, 0) * times for counts, times in parts) for kind in kinds}


def write() -> None:
    """The picture."""
    PICTURE.write_text(picture({f"{one.name} messages a day": one.played() for one in EXAMPLES}), "utf-8")


if __name__ == "__main__":
    write()
