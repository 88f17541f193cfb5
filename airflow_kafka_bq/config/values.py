"""Values that parameters are made of: table names, windows, starts, partitioning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

# https://cloud.google.com/bigquery/docs/tables#table_naming : at most 1,024 bytes; quoting takes care of the rest,
# so only what would leave the backquotes or the three-part name is refused.
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{1,61}[a-z0-9]")
_DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}")
_TABLE = re.compile(r"[^`\\.\x00-\x1f/:;$@*?\[\]{}'\"]{1,1000}")
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")  # Kafka: org.apache.kafka.common.internals.Topic

Offsets = dict[int, int]
Granularity = Literal["hour", "day", "month", "year"]


@dataclass(frozen=True, slots=True)
class TableId:
    """Full name of a BigQuery table."""

    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"

    @property
    def quoted(self) -> str:
        """As it stands in SQL."""
        return f"`{self.project}`.`{self.dataset}`.`{self.table}`"

    def companion(self, name: str, dataset: str | None = None) -> TableId:
        """``{table}__{name}``, in the companion dataset (``dataset`` or ``project.dataset``) if there is one."""
        project, dataset_name = dataset_parts(dataset, self.project) if dataset else (self.project, self.dataset)
        return TableId(project, dataset_name, f"{self.table}__{name}")


@dataclass(frozen=True, slots=True)
class Partitioning:
    """Time partitioning of the target by one column."""

    column: str
    granularity: Granularity = "day"


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open window of an isolated run, by time (UTC) or by offsets per partition."""

    start: datetime | Offsets
    end: datetime | Offsets

    @property
    def by_offsets(self) -> bool:
        """Whether both ends are offsets per partition."""
        return isinstance(self.start, dict)


def topic_name(value: str) -> str:
    """A legal Kafka topic name, or ValueError."""
    if not _TOPIC.fullmatch(value) or value in {".", ".."}:
        msg = f"{value!r} is not a Kafka topic name (letters, digits, '.', '_', '-'; at most 249)"
        raise ValueError(msg)
    return value


def dataset_parts(value: str, project: str) -> tuple[str, str]:
    """``dataset`` or ``project.dataset`` as (project, dataset), or ValueError."""
    head, _, dataset = value.rpartition(".")
    if (head and not _PROJECT.fullmatch(head)) or not _DATASET.fullmatch(dataset):
        msg = f"{value!r} is not a dataset name (dataset or project.dataset)"
        raise ValueError(msg)
    return head or project, dataset


def table_parts(value: str) -> tuple[str | None, str, str]:
    """``dataset.table`` or ``project.dataset.table`` as (project or None, dataset, table), or ValueError."""
    head, _, table = value.rpartition(".")
    project, _, dataset = head.rpartition(".")
    fits = _DATASET.fullmatch(dataset) and _TABLE.fullmatch(table) and (not project or _PROJECT.fullmatch(project))
    if not fits:
        msg = f"{value!r} is not a table name (dataset.table or project.dataset.table)"
        raise ValueError(msg)
    if len(table.encode()) > 1000:  # 24 bytes are left for the names of the companion tables
        msg = f"the table name is {len(table.encode())} bytes long; at most 1000"
        raise ValueError(msg)
    return project or None, dataset, table


def moment(value: Any) -> datetime:
    """An ISO time as aware UTC datetime; a time without zone is UTC. ValueError otherwise."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            msg = f"{value!r} is not an ISO time such as 2026-01-31T06:00:00+00:00"
            raise ValueError(msg) from None
    if not isinstance(value, datetime):
        if hasattr(value, "isoformat"):  # YAML turns 2026-01-31 into a date
            return moment(value.isoformat())
        msg = f"{value!r} is neither an ISO time nor a mapping of partition to offset"
        raise ValueError(msg)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def offsets(value: dict[Any, Any]) -> Offsets:
    """``{partition: offset}`` with whole, non-negative numbers (JSON and forms give the keys as text)."""
    result: Offsets = {}
    for partition, offset in value.items():
        if isinstance(offset, bool) or not str(partition).isdecimal() or not str(offset).isdecimal():
            msg = f"{partition!r}: {offset!r} is not partition: offset (whole numbers from 0)"
            raise ValueError(msg)
        result[int(partition)] = int(offset)
    return result


def window(value: Any) -> Window:
    """``{"from": …, "to": …}``, both times or both offset mappings; ValueError otherwise."""
    if isinstance(value, Window):
        return value
    if not isinstance(value, dict) or set(value) != {"from", "to"}:
        msg = "a window has exactly two fields, 'from' and 'to'"
        raise ValueError(msg)
    ends = [offsets(end) if isinstance(end, dict) else moment(end) for end in (value["from"], value["to"])]
    start, end = ends
    if isinstance(start, dict) and isinstance(end, dict):
        if set(start) != set(end):
            msg = "'from' and 'to' name different partitions"
            raise ValueError(msg)
        backwards = any(start[partition] > end[partition] for partition in start)
    elif isinstance(start, datetime) and isinstance(end, datetime):
        backwards = start > end
    else:
        msg = "'from' and 'to' are both times or both mappings of partition to offset"
        raise ValueError(msg)
    if backwards:
        msg = "'from' lies after 'to'"
        raise ValueError(msg)
    return Window(start, end)


def start(value: Any) -> str | datetime | Offsets:
    """``auto``, ``earliest``, ``latest``, ``fail``, an ISO time, or ``{partition: offset}``."""
    if isinstance(value, dict):
        return offsets(value)
    if value in {"auto", "earliest", "latest", "fail"}:
        return str(value)
    try:
        return moment(value)
    except ValueError:
        msg = f"{value!r} is none of auto, earliest, latest, fail, an ISO time, {{partition: offset}}"
        raise ValueError(msg) from None


def partitioning(value: Any) -> Partitioning | Literal["none"]:
    """``none``, ``column``, ``column:granularity``, or ``{"column": …, "granularity": …}``."""
    if isinstance(value, Partitioning) or value == "none":
        return value  # type: ignore[no-any-return]  # a literal or our own type
    if isinstance(value, str):
        column, _, granularity = value.partition(":")
        value = {"column": column, "granularity": granularity or "day"}
    if not isinstance(value, dict) or not {"column"} <= set(value) <= {"column", "granularity"}:
        msg = f"{value!r} is neither 'none', 'column', 'column:day' nor {{'column': …, 'granularity': …}}"
        raise ValueError(msg)
    granularity = str(value.get("granularity", "day")).lower()
    if granularity not in {"hour", "day", "month", "year"}:
        msg = f"granularity {granularity!r} is none of hour, day, month, year"
        raise ValueError(msg)
    return Partitioning(str(value["column"]), granularity)  # type: ignore[arg-type]  # checked above
