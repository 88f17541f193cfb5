"""Several staged batches as one: what ``merge_per="run"`` merges, and what the slices of a task group staged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from airflow_kafka_bq.batch import OffsetRange, Staged
from airflow_kafka_bq.pipeline import identity
from airflow_kafka_bq.pipeline.ranges import joined_bounds


def together(parts: Sequence[Staged]) -> Staged:
    """One transaction's worth, in the order in which the messages were read. One batch stays what it is.

    :param parts: at least one, of the same target and kind.
    """
    first, *others = parts
    if not others:
        return first
    return replace(
        first,
        batch_id=identity.together_id(one.batch_id for one in parts),
        ranges=_ranges(one for part in parts for one in part.ranges),
        messages=sum(one.messages for one in parts),
        rows=sum(one.rows for one in parts),
        dead_lettered=sum(one.dead_lettered for one in parts),
        ignored=sum(one.ignored for one in parts),
        tombstones=sum(one.tombstones for one in parts),
        rows_tables=tuple(table for part in parts for table in part.rows_tables),
        dead_letters_tables=tuple(table for part in parts for table in part.dead_letters_tables),
        load_job_ids=tuple(job for part in parts for job in part.load_job_ids),
        bounds=joined_bounds([one.bounds for one in parts if one.rows]),
        dead_letter_bounds=joined_bounds([one.dead_letter_bounds for one in parts if one.dead_letters_tables]),
    )


def _ranges(found: Iterable[OffsetRange]) -> tuple[OffsetRange, ...]:
    """Ranges that follow each other are one: positions move once for each partition."""
    joined: list[OffsetRange] = []
    latest: dict[int, int] = {}  # partition -> its place in joined
    for one in found:
        at = latest.get(one.partition)
        if at is not None and joined[at].end_offset == one.start_offset:
            joined[at] = replace(one, start_offset=joined[at].start_offset)
        else:
            latest[one.partition] = len(joined)
            joined.append(one)
    return tuple(sorted(joined, key=lambda one: (one.partition, one.start_offset)))
