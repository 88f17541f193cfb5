"""All that a plan rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_kafka_bq.batch import Bounds, Committed, GroupFacts, LedgerRow, TopicFacts
from airflow_kafka_bq.schema.target import TableFacts


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a plan rests on, read in the order of the protocol."""

    topic: TopicFacts
    committed: Mapping[int, Committed]
    ledger: LedgerRow | None
    group: GroupFacts
    bounds: Mapping[int, Bounds]
    table: TableFacts | None
