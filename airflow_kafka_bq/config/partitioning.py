"""How the target is partitioned: by a time column, by the time of writing, or by ranges of whole numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from airflow_kafka_bq.config import names
from airflow_kafka_bq.config.scalars import LARGEST_INT64, whole

Granularity = Literal["hour", "day", "month", "year"]

INGESTION_TIME = "_PARTITIONTIME"
"""BigQuery's own column of a table that is partitioned by the time of writing. No statement of ours sets it."""
MOST_PARTITIONS = 10_000  # of a table: https://cloud.google.com/bigquery/quotas#partitioned_tables
_RANGE = ("start", "end", "interval")
_FORMS = (
    "'none', 'column', 'column:day', '_PARTITIONTIME', '_PARTITIONTIME:hour', {'column': …, 'granularity': …} "
    "nor {'column': …, 'start': …, 'end': …, 'interval': …}"
)


@dataclass(frozen=True, slots=True)
class Partitioning:
    """By the hours, days, months or years of a column; of ``_PARTITIONTIME``, of the time at which a row is written."""

    column: str
    granularity: Granularity = "day"

    @property
    def by_ingestion(self) -> bool:
        """Whether BigQuery alone decides in which partition a row is."""
        return self.column == INGESTION_TIME

    def __str__(self) -> str:
        return f"{self.granularity} of {'ingestion' if self.by_ingestion else self.column}"


@dataclass(frozen=True, slots=True)
class IntegerRange:
    """Whole numbers from ``start`` on and below ``end``, ``interval`` of them in each partition.

    Other numbers are in one partition together, and NULL is in one of its own.
    """

    column: str
    start: int
    end: int
    interval: int

    by_ingestion = False

    @property
    def partitions(self) -> int:
        """How many there are of them; the last may be smaller."""
        return -(-(self.end - self.start) // self.interval)

    def __str__(self) -> str:
        return f"{self.column} from {self.start} to {self.end} by {self.interval}"


Layout = Partitioning | IntegerRange


def partitioning(value: Any) -> Layout | Literal["none"]:
    """``none``, ``column``, ``column:granularity``, or a mapping; ``_PARTITIONTIME`` as column: the time of writing."""
    if value == "none":
        return "none"
    if isinstance(value, Partitioning | IntegerRange):
        value = asdict(value)
    if isinstance(value, str):
        column, colon, granularity = value.partition(":")
        value = {"column": column, "granularity": granularity if colon else "day"}
    fields = set(value) if isinstance(value, dict) else set()
    if fields == {"column", *_RANGE}:
        return _integers(value)
    if not {"column"} <= fields <= {"column", "granularity"}:
        msg = f"{value!r} is neither {_FORMS}"
        raise ValueError(msg)
    granularity = str(value.get("granularity", "day")).lower()
    if granularity not in {"hour", "day", "month", "year"}:
        msg = f"granularity {granularity!r} is none of hour, day, month, year"
        raise ValueError(msg)
    column = names.column_name(value["column"])
    if column.upper() == "_PARTITIONDATE":
        msg = f"{column!r} is the day of {INGESTION_TIME!r}: say {INGESTION_TIME}:day"
        raise ValueError(msg)
    return Partitioning(INGESTION_TIME if column.upper() == INGESTION_TIME else column, granularity)  # type: ignore[arg-type]  # checked above


def _integers(value: dict[str, Any]) -> IntegerRange:
    """Ranges that BigQuery makes.

    https://cloud.google.com/bigquery/docs/partitioned-tables#integer_range
    """
    column = names.column_name(value["column"])
    found: dict[str, int] = {}
    for name in _RANGE:
        try:
            found[name] = whole(value[name])
        except ValueError as error:
            msg = f"{name!r} {error}, not {value[name]!r}"
            raise ValueError(msg) from None
    start, end, interval = (found[name] for name in _RANGE)
    if not -LARGEST_INT64 <= start < end <= LARGEST_INT64 or end - start > LARGEST_INT64:
        msg = f"'start' {start} must lie below 'end' {end}, both within 64 bits, and so their distance"
        raise ValueError(msg)
    made = IntegerRange(column, start, end, interval)
    if interval < 1 or made.partitions > MOST_PARTITIONS:
        most = -(-(end - start) // MOST_PARTITIONS)
        msg = f"'interval' {interval} must be at least {most}: a table has at most {MOST_PARTITIONS:,} partitions"
        raise ValueError(msg)
    return made
