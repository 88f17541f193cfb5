"""What is in the tables, the group and the topic after a round: read from them, and from nothing that a run says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.api_core.exceptions import NotFound

from airflow_kafka_bq.testing.kafka import offset_bounds
from tests.campaign.book import Place
from tests.campaign.shapes import Shape
from tests.end_to_end.pipe import Pipe

_PLACE = "_kafka_partition, _kafka_offset, UNIX_MILLIS(_kafka_timestamp)"


@dataclass(frozen=True)
class Row:
    """A row of the target.

    :param content: what the message held; None for a tombstone of a payload job.
    """

    place: Place
    content: Any
    deleted: bool = False


@dataclass(frozen=True)
class Lost:
    """A range that the dead-letter table says Kafka no longer had."""

    partition: int
    start: int
    end: int
    told_at: datetime

    def holds(self, place: Place) -> bool:
        """Whether a message lay there."""
        return place.partition == self.partition and self.start <= place.offset < self.end


@dataclass(frozen=True)
class Seen:
    """Everything that the promise speaks about."""

    rows: list[Row]
    dead_letters: list[tuple[Place, bytes | None]]
    lost: list[Lost]
    ledger: dict[int, int]
    committed: dict[int, int]
    ends: dict[int, int]
    history: list[dict[str, Any]]
    unexpiring: list[str]


def look(pipe: Pipe, shape: Shape) -> Seen:
    """Read everything."""
    letters = _letters(pipe)
    bounds = offset_bounds(pipe.bootstrap, pipe.topic, range(pipe.partitions))
    return Seen(
        rows=_rows(pipe, shape),
        dead_letters=[(Place(*one[:3]), one[3]) for one in letters if one[4] != "lost"],
        lost=[Lost(one[0], one[1], one[5], one[6]) for one in letters if one[4] == "lost"],
        ledger=pipe.ledger(),
        committed=pipe.committed(),
        ends={part: end for part, (_, end) in bounds.items()},
        history=pipe.history(),
        unexpiring=_unexpiring(pipe),
    )


def _rows(pipe: Pipe, shape: Shape) -> list[Row]:
    if not shape.is_keyed:
        found = pipe.query(f"SELECT {_PLACE}, TO_JSON_STRING(payload) FROM {pipe.name()}")
        return [Row(Place(*one[:3]), json.loads(one[3] or "null")) for one in found]
    deleted = "_deleted_at IS NOT NULL" if shape.name == "update" else "FALSE"
    found = pipe.query(f"SELECT {_PLACE}, id, version, n, text, {deleted} FROM {pipe.name()}")
    names = ("id", "version", "n", "text")
    return [Row(Place(*one[:3]), dict(zip(names, one[3:7], strict=True)), one[7]) for one in found]


def _letters(pipe: Pipe) -> list[tuple[Any, ...]]:
    columns = f"{_PLACE}, _kafka_value, stage, _kafka_end_offset, failed_at"
    try:
        return pipe.query(f"SELECT {columns} FROM {pipe.name('__dead_letters')}")
    except NotFound:  # made when the first one comes
        return []


def _unexpiring(pipe: Pipe) -> list[str]:
    """Staging tables that nobody would ever remove."""
    staged = (one for one in pipe.client.list_tables(pipe.dataset) if one.table_id.startswith(f"{pipe.table}__stg_"))
    return [one.table_id for one in staged if pipe.client.get_table(one.reference).expires is None]
