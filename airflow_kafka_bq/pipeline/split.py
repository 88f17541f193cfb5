"""Split: a batch that touches more target partitions than BigQuery changes in one statement becomes several."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.batch import Decoded, OffsetRange, RawBatch
from airflow_kafka_bq.pipeline.bounds import MAX_PARTITIONS, touched, touched_by_dead_letters
from airflow_kafka_bq.schema.target import Target


def split(
    raw: RawBatch, decoded: Decoded, target: Target, most: int = MAX_PARTITIONS
) -> Iterator[tuple[RawBatch, Decoded]]:
    """The batch, in parts that each touch at most ``most`` partitions of the target, and of its dead letters.

    A part is a prefix of the messages in the order they were read, so its ranges are prefixes too and positions move in
    order. BigQuery's ceiling is 4,000 partitions for one job (https://cloud.google.com/bigquery/quotas).
    """
    rows, letters = touched(decoded.rows, target), touched_by_dead_letters(decoded.dead_letters)
    if _few(rows, most) and _few(letters, most):
        yield raw, decoded
        return
    decoded = decoded.whole()  # each part has a file of its own
    yield from _parts(raw, decoded, [*_cuts(_marks(raw, decoded, rows, letters), most), raw.messages.num_rows])


def _few(places: Any, most: int) -> bool:
    return places is None or pc.count_distinct(places, mode="all").as_py() <= most


def _marks(raw: RawBatch, decoded: Decoded, rows: Any, letters: Any) -> list[tuple[int, int, Any]]:
    """(index of the message, 0 for rows and 1 for dead letters, partition touched), in the order of the messages."""
    assert decoded.origins is not None  # noqa: S101
    found = [] if rows is None else list(zip(decoded.origins.to_pylist(), repeat(0), rows.to_pylist(), strict=False))
    if decoded.dead_letters.num_rows:
        index = {place: at for at, place in enumerate(_coordinates(raw.messages, "partition", "offset"))}
        bad = _coordinates(decoded.dead_letters, "_kafka_partition", "_kafka_offset")
        found += [(index[place], 1, day) for place, day in zip(bad, letters.to_pylist(), strict=True)]
    return sorted(found, key=itemgetter(0))


def _cuts(marks: list[tuple[int, int, Any]], most: int) -> Iterator[int]:
    """Messages that would touch one partition too many, each the first of a part."""
    seen: tuple[set[Any], set[Any]] = (set(), set())
    for origin, table, place in marks:
        seen[table].add(place)
        if len(seen[table]) > most:
            yield origin
            seen = (set(), set())
            seen[table].add(place)


def _coordinates(table: pa.Table, partition: str, offset: str) -> list[tuple[Any, Any]]:
    return list(zip(table.column(partition).to_pylist(), table.column(offset).to_pylist(), strict=True))


def _parts(raw: RawBatch, decoded: Decoded, cuts: list[int]) -> Iterator[tuple[RawBatch, Decoded]]:
    begun = {one.partition: one.start_offset for one in raw.ranges}
    first = 0
    for cut in cuts:
        last = cut == cuts[-1]
        messages = raw.messages.slice(first, cut - first)
        ranges = raw.ranges if last else _ranges(messages, raw.ranges)
        ranges = tuple(
            OffsetRange(one.partition, begun[one.partition], one.end_offset, one.leader_epoch) for one in ranges
            if one.end_offset > begun[one.partition]
        )  # fmt: skip
        begun |= {one.partition: one.end_offset for one in ranges}
        inside = _inside(decoded, first, cut, messages)
        yield RawBatch(messages, ranges, raw.gaps if first == 0 else ()), inside
        first = cut


def _ranges(messages: pa.Table, whole: tuple[OffsetRange, ...]) -> tuple[OffsetRange, ...]:
    lasts = dict(_coordinates(messages, "partition", "offset"))
    return tuple(
        OffsetRange(one.partition, one.start_offset, lasts[one.partition] + 1)
        for one in whole
        if one.partition in lasts
    )


def _inside(decoded: Decoded, first: int, cut: int, messages: pa.Table) -> Decoded:
    assert decoded.origins is not None  # noqa: S101
    mask = pc.and_(
        pc.greater_equal(decoded.origins, pa.scalar(first, pa.int64())),
        pc.less(decoded.origins, pa.scalar(cut, pa.int64())),
    )
    coordinates = set(_coordinates(messages, "partition", "offset"))
    letters = decoded.dead_letters
    pairs = _coordinates(letters, "_kafka_partition", "_kafka_offset")
    rows, dead = (
        decoded.rows.filter(mask),
        letters.filter(pa.array([pair in coordinates for pair in pairs], pa.bool_())),
    )
    shifted = pc.subtract(decoded.origins.filter(mask), pa.scalar(first, pa.int64()))
    ignored = messages.num_rows - rows.num_rows - dead.num_rows
    counts = (decoded.unknown_fields, decoded.timestamps_replaced) if first == 0 else (0, 0)
    return Decoded(rows, dead, shifted, ignored, *counts)
