"""Copies of dead letters in a Kafka topic: made behind the last commit, from the table, at least once.

The table is the truth: a letter is written in the transaction that moves the position, and waits for its copy with a
``copied_at`` that is NULL. It is set once the cluster acknowledged the copy. A run that dies in between leaves letters
that wait, and the next run copies them; one that dies between the acknowledgement and the mark copies them twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch import COPY_SCHEMA, Delivered, Delivery
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError, TerminalError, TransientError
from airflow_kafka_bq.pipeline.copied import LetterCopies
from airflow_kafka_bq.ports import DeadLetterTopic, Warehouse
from airflow_kafka_bq.schema.target import Target

log = logging.getLogger(__name__)

MAX_COPIES = 10_000
"""Letters that one run copies: what waited for long is caught up with over several runs."""
PREFIX = "kafka-bq."
"""Of the names of headers that say where a copy comes from."""


def copy_letters(
    config: JobConfig,
    topic: DeadLetterTopic,
    warehouse: Warehouse,
    target: Target,
    copies: LetterCopies,
    check: Callable[[], None],
) -> None:
    """Copy the letters that wait for it, the oldest messages first. Rows and position are safe whatever comes of it.

    What may be over at the next run is a warning, and stands in the report. What a person must see to is an error.

    :param copies: counts what is done, also where it ends in an error.
    :param check: raises ``StopRequested`` when the run is to stop.
    :raises TerminalError: there is no such topic, or it may not be written to; the rows are safe.
    """
    try:
        _copy(config, topic, warehouse, target, copies, check)
    except TransientError as error:
        copies.error = str(error)
        log.warning("%s dead letters wait for their copy, the next run makes it: %s", copies.waiting, error)
    except TerminalError as error:
        copies.error = str(error)
        waiting = f"{copies.waiting} dead letters wait in {target.dead_letters} for their copy"
        error.message += f"; rows and position are safe, {waiting}"
        raise


def _copy(
    config: JobConfig,
    topic: DeadLetterTopic,
    warehouse: Warehouse,
    target: Target,
    copies: LetterCopies,
    check: Callable[[], None],
) -> None:
    warehouse.create_copied_at(target)
    found = warehouse.uncopied(target, config.topic)
    copies.waiting = found.letters
    if not found.letters:
        return
    limit = config.max_bytes_billed
    for letters in warehouse.uncopied_letters(target, config.topic, found, MAX_COPIES, limit):
        check()
        sent = _sent(topic, copies_of(letters, config.topic, str(target.table)))
        mine = letters.filter(pa.array([one is Delivery.ACKNOWLEDGED for one in sent.outcomes]))
        if mine.num_rows:
            warehouse.mark_copied(target, config.topic, mine)
            copies.copied += mine.num_rows
            copies.waiting -= mine.num_rows
        if sent.error is not None:
            raise sent.error


def _sent(topic: DeadLetterTopic, copies: pa.Table) -> Delivered:
    """Send; what is too large for the topic goes without its content, so that it holds up no other."""
    whole = topic.send(copies)
    large = [index for index, one in enumerate(whole.outcomes) if one is Delivery.TOO_LARGE]
    if not large:
        return whole
    rest = topic.send(_without_content(copies.take(pa.array(large, pa.int64()))))
    error = whole.error or rest.error
    if error is None and Delivery.TOO_LARGE in rest.outcomes:
        remedy = "raise max.message.bytes of the topic to 16 KiB at least"
        error = ConfigError("the topic of dead letters takes not even a copy without its content", remedy=remedy)
    again = dict(zip(large, rest.outcomes, strict=True))
    return Delivered(tuple(again.get(index, one) for index, one in enumerate(whole.outcomes)), error)


def copies_of(letters: pa.Table, topic: str, table: str) -> pa.Table:
    """Messages as they were, with headers that say where each comes from. COPY_SCHEMA.

    :param letters: UNCOPIED_SCHEMA. :param topic: that they were read from. :param table: full name of the target.
    """
    rows = [
        {"key": one["key"], "value": one["value"], "headers": [*(one["headers"] or []), *_context(one, topic, table)]}
        for one in letters.to_pylist()
    ]
    return pa.Table.from_pylist(rows, COPY_SCHEMA)


def _context(letter: dict[str, Any], topic: str, table: str) -> list[dict[str, Any]]:
    moment = datetime.fromtimestamp(letter["timestamp_ms"] // 1000, UTC)
    stamp = moment.replace(microsecond=letter["timestamp_ms"] % 1000 * 1000)
    told = {
        "topic": topic,
        "partition": letter["partition"],
        "offset": letter["offset"],
        "timestamp": stamp.isoformat(timespec="milliseconds"),
        **{name: letter[name] for name in ("stage", "reason", "error", "batch_id")},
        "table": table,
    }
    return [{"key": PREFIX + name, "value": _bytes(value)} for name, value in told.items()]


def _bytes(value: Any) -> bytes | None:
    return None if value is None else str(value).encode()


def _without_content(copies: pa.Table) -> pa.Table:
    """Where the message is and why it failed; the table has the rest."""
    rows = [
        {"key": None, "value": None, "headers": [*_ours(one["headers"]), {"key": f"{PREFIX}content", "value": b"left"}]}
        for one in copies.to_pylist()
    ]
    return pa.Table.from_pylist(rows, COPY_SCHEMA)


def _ours(headers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The context alone: it stands behind the message's own headers, which may have names like ours."""
    return headers[-_CONTEXT:]


_CONTEXT = 9
