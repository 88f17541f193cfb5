"""What is in the tables, by SQL. ``client`` is always a ``google.cloud.bigquery.Client``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from airflow_kafka_bq.demo.site import BY_HAND, PROJECT, TABLE


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts after a step; None: not asked."""

    read: int | None  # messages that the run read; None: it was killed and told nobody
    rows: int
    orders: int
    duplicates: int
    deleted: int | None = None
    dead_letters: int | None = None
    unread: int | None = None  # as Kafka's committed offsets have it

    def differences(self, wanted: Figures) -> list[str]:
        """Every figure that is not as wanted, in words."""
        found = []
        for each in fields(self):
            name = each.name
            here, there = getattr(self, name), getattr(wanted, name)
            if here != there:
                found.append(f"{name.replace('_', ' ')}: {_count(here)} instead of {_count(there)}")
        return found


def by_hand(client: Any, read: int) -> Figures:
    """Of the plain consumer's table."""
    row = _one(client, f"SELECT COUNT(*), COUNT(DISTINCT order_id) FROM `{BY_HAND}`")  # noqa: S608 - names of ours
    return Figures(read, row[0], row[1], row[0] - row[1])


def ours(client: Any, read: int | None, unread: int) -> Figures:
    """Of the operator's table and its dead letters."""
    table = f"{PROJECT}.{TABLE}"
    row = _one(
        client,
        f"SELECT COUNT(*), COUNT(DISTINCT order_id), COUNTIF(_deleted_at IS NOT NULL) FROM `{table}`",  # noqa: S608
    )
    letters = _one(client, f"SELECT COUNT(*) FROM `{table}__dead_letters`")[0]  # noqa: S608
    return Figures(read, row[0], row[1], row[0] - row[1], row[2], letters, unread)


def batches(client: Any) -> int:
    """Batches that were applied so far."""
    return int(_one(client, f"SELECT COUNT(*) FROM `{PROJECT}.{TABLE}__batches`")[0])  # noqa: S608


def _one(client: Any, sql: str) -> Any:
    return next(iter(client.query_and_wait(sql)))


def _count(number: int | None) -> str:
    return "none" if number is None else f"{number:,}"
