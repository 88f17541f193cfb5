"""Values that parameters are made of: table ids, windows, starts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from pydantic import BaseModel

from airflow_kafka_bq.config import names
from airflow_kafka_bq.config.frozen import FrozenMapping
from airflow_kafka_bq.config.messages import Refusal
from airflow_kafka_bq.config.scalars import LARGEST_INT64, whole

USUAL_BATCH_BYTES = 64 * 1024 * 1024
"""Default of ``batch_bytes``: who asks for less wants to spare memory."""
Offsets = dict[int, int]
_LARGEST_PARTITION = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TableId:
    """Full name of a BigQuery table."""

    project: str
    dataset: str
    table: str

    @classmethod
    def parse(cls, full_id: str) -> TableId:
        """Of ``project.dataset.table`` (a legacy project may hold dots)."""
        return cls(*full_id.rsplit(".", 2))

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"

    @property
    def quoted(self) -> str:
        """As it stands in SQL."""
        return f"`{self.project}`.`{self.dataset}`.`{self.table}`"

    def companion(self, name: str, dataset: str | None = None) -> TableId:
        """``{table}__{name}``, in the companion dataset (``dataset`` or ``project.dataset``) if there is one."""
        own = (self.project, self.dataset)
        project, dataset_name = names.dataset_parts(dataset, self.project) if dataset else own
        return TableId(project, dataset_name, f"{self.table}__{name}")


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open window of an isolated run, by time (UTC) or by offsets per partition."""

    start: datetime | Offsets
    end: datetime | Offsets

    @property
    def by_offsets(self) -> bool:
        """Whether both ends are offsets per partition."""
        return isinstance(self.start, dict)


def moment(value: Any) -> datetime:
    """An ISO time as aware UTC datetime; a time without zone is UTC. ValueError otherwise."""
    if isinstance(value, date) and not isinstance(value, datetime):  # YAML turns 2026-01-31 into a date
        value = value.isoformat()
    try:
        found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
        if not isinstance(found, datetime):
            msg = f"{value!r} is neither an ISO time nor a mapping of partition to offset"
            raise ValueError(msg)
        utc = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        msg = f"{value!r} is no time that UTC can express"
        raise ValueError(msg) from None
    except ValueError:
        if not isinstance(value, str):
            raise
        msg = f"{value!r} is not an ISO time such as 2026-01-31T06:00:00+00:00"
        raise ValueError(msg) from None
    return datetime.combine(utc.date(), utc.time(), UTC)  # plain, whatever subclass the caller's library has


def offsets(value: dict[Any, Any]) -> Offsets:
    """``{partition: offset}`` with whole, non-negative numbers (JSON and forms give the keys as text)."""
    result: Offsets = {}
    for partition, offset in value.items():
        try:
            number, found = whole(partition), whole(offset)
        except ValueError:
            number, found = -1, -1
        if not (0 <= number <= _LARGEST_PARTITION and 0 <= found <= LARGEST_INT64):
            msg = f"{partition!r}: {offset!r} is not partition: offset (whole numbers from 0)"
            raise ValueError(msg)
        if number in result:
            msg = f"partition {number} is there twice"
            raise ValueError(msg)
        result[number] = found
    if not result:
        msg = "a mapping of partition to offset names at least one partition"
        raise ValueError(msg)
    return FrozenMapping(result)


def mapping(value: Any) -> Any:
    """A mapping written as JSON, as rendered templates are; anything else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return value
    try:
        return json.loads(value, object_pairs_hook=once)
    except json.JSONDecodeError:
        msg = f"{value!r} is not JSON"
        raise ValueError(msg) from None


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that is there twice JSON would keep the last one, and nobody would be told. ValueError then."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names_given = [name for name, _ in pairs]
        msg = f"{next(name for name in names_given if names_given.count(name) > 1)} is there twice"
        raise ValueError(msg)
    return found


def window(value: Any) -> Window:
    """``{"from": …, "to": …}``, both times or both offset mappings; ValueError otherwise."""
    if isinstance(value, Window):
        value = {"from": value.start, "to": value.end}
    value = mapping(value)
    if not isinstance(value, dict) or set(value) != {"from", "to"}:
        msg = "a window has exactly two fields, 'from' and 'to'"
        raise ValueError(msg)
    start, end = (_window_end(name, mapping(value[name])) for name in ("from", "to"))
    if isinstance(start, dict) and isinstance(end, dict):
        if set(start) != set(end):
            msg = f"'from' and 'to' name different partitions: {sorted(start)} and {sorted(end)}"
            raise Refusal(msg, "give both ends of each partition")
        backwards = [f" of partition {part}" for part in sorted(start) if start[part] > end[part]]
    elif isinstance(start, datetime) and isinstance(end, datetime):
        backwards = [""] if start > end else []
    else:
        msg = "'from' and 'to' are both times or both mappings of partition to offset"
        raise Refusal(msg, "give two times, or two mappings such as {0: 100} and {0: 200}")
    if backwards:
        msg = f"'from'{backwards[0]} lies after 'to'"
        raise Refusal(msg, "exchange the two: 'from' is the first that is read, 'to' the first that is not")
    return Window(start, end)


def _window_end(name: str, value: Any) -> datetime | Offsets:
    try:
        return offsets(value) if isinstance(value, dict) else moment(value)
    except ValueError as error:
        msg = f"{name!r}: {error}"
        raise ValueError(msg) from None


def start(value: Any) -> str | datetime | Offsets:
    """``auto``, ``earliest``, ``latest``, ``fail``, an ISO time, or ``{partition: offset}``."""
    value = mapping(value)
    if isinstance(value, dict):
        return offsets(value)
    if isinstance(value, str) and value in {"auto", "earliest", "latest", "fail"}:
        return value
    try:
        return moment(value)
    except ValueError:
        msg = f"{value!r} is none of auto, earliest, latest, fail, an ISO time, {{partition: offset}}"
        raise ValueError(msg) from None


def partition_list(value: Any) -> Any:
    """Numbers of partitions; one number, or ``0,3`` as on the command line, is a list too."""
    if isinstance(value, str):
        return [one.strip() for one in value.split(",")]
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    if isinstance(value, list | tuple):
        return value
    msg = "must be a number of a partition or a list of them"
    raise ValueError(msg)


def model(value: Any) -> Any:
    """A pydantic model, or its name as ``package.module:Name``."""
    if isinstance(value, str):
        return names.reference(value)
    if isinstance(value, type) and issubclass(value, BaseModel):
        return value
    msg = "must be a pydantic model or package.module:Name"
    raise ValueError(msg)


def function(value: Any) -> Any:
    """A function, or its name as ``package.module:name``."""
    if isinstance(value, str):
        return names.reference(value)
    if callable(value):
        return value
    msg = "must be a function or package.module:name"
    raise ValueError(msg)


def chain(value: Any) -> str | tuple[str, ...]:
    """One service account, or those between the caller and it, in order."""
    accounts = (value,) if isinstance(value, str) else value
    fits = isinstance(accounts, Sequence) and accounts and all(isinstance(one, str) and one.strip() for one in accounts)
    if not fits:
        msg = "must be a service account or a list of them"
        raise ValueError(msg)
    return value if isinstance(value, str) else tuple(accounts)
