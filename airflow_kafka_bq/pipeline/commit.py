"""Commit: Kafka's committed offsets follow the ledger, so that lag tools keep working. Never ahead, never instead."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import KafkaUnavailableError
from airflow_kafka_bq.pipeline.positions import metadata
from airflow_kafka_bq.ports import Source

log = logging.getLogger(__name__)


def commit(
    source: Source, positions: Mapping[int, Position], table: str, revision: int | None, batch_id: str | None
) -> bool:
    """Commit every partition, also those that did not move: offsets of a group without members expire after seven days
    since their last commit (KIP-211).

    Returns False when no answer came in time: the rows are durable, and the next run repairs the group.

    :raises GroupInUseError: the group has members now; the rows are safe. :raises AccessDeniedError: not allowed.
    """
    if not positions:
        return True
    try:
        source.commit(positions, metadata(table, revision, batch_id))
    except KafkaUnavailableError as error:
        log.warning("the commit to Kafka had no answer; the ledger holds, the next run repairs the group: %s", error)
        return False
    return True
