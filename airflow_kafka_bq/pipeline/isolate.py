"""Find the rows that BigQuery alone rejects, by bisection, and make dead letters of them.

Otherwise one row that our own checks let through would block its topic for ever.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.batch import DEAD_LETTER_SCHEMA, Decoded, RawBatch
from airflow_kafka_bq.exceptions import AccountingError, BadMessagesError
from airflow_kafka_bq.formats.coordinates import headers, kafka_timestamps

MAX_FOUND = 100


def find_bad(rows: int, rejected: Callable[[int, int], str | None]) -> dict[int, str]:
    """Rows that are rejected on their own, with BigQuery's message.

    :param rejected: BigQuery's message for rows ``[first, last]``, None if it takes them.
    :raises BadMessagesError: more than a hundred: then the batch, not a row, is wrong.
    """
    found: dict[int, str] = {}
    waiting = [(0, rows - 1)] if rows else []
    while waiting:
        first, last = waiting.pop()
        message = rejected(first, last)
        if message is None:
            continue
        if first == last:
            found[first] = message
            if len(found) > MAX_FOUND:
                text = f"BigQuery rejects more than {MAX_FOUND} rows of one batch; the last message: {message}"
                raise BadMessagesError(
                    text, remedy="the model and the table's types disagree; see kafka-bq schema --diff"
                )
        else:
            middle = (first + last) // 2
            waiting += [(middle + 1, last), (first, middle)]
    return found


def without(raw: RawBatch, decoded: Decoded, bad: dict[int, str], stage: str) -> Decoded:
    """The batch with these rows as dead letters.

    :param stage: ``load`` or ``merge``.
    """
    if decoded.origins is None:
        raise AccountingError("rows cannot be traced to their messages")
    keep = pa.array([index not in bad for index in range(decoded.rows.num_rows)])
    origins = pc.take(decoded.origins, pa.array(sorted(bad), pa.int64()))
    messages = raw.messages.take(origins)
    errors = [bad[index][:1024] for index in sorted(bad)]
    letters = pa.table(
        [
            messages.column("partition"),
            messages.column("offset"),
            kafka_timestamps(messages.column("timestamp_ms"))[0],
            messages.column("key"),
            messages.column("value"),
            headers(messages.column("headers")),
            pa.nulls(len(bad), pa.int64()),
            pa.array([stage] * len(bad)),
            pa.array(["rejected_by_bigquery"] * len(bad)),
            pa.array(errors),
            pa.nulls(len(bad), pa.int64()),
        ],
        schema=DEAD_LETTER_SCHEMA,
    )
    return Decoded(
        rows=decoded.rows.filter(keep),
        dead_letters=pa.concat_tables([decoded.dead_letters, letters]),
        origins=decoded.origins.filter(keep),
        ignored=decoded.ignored,
        unknown_fields=decoded.unknown_fields,
        timestamps_replaced=decoded.timestamps_replaced,
    )
