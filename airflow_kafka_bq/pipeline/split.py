"""Split: a batch that touches more target partitions than BigQuery changes in one statement becomes several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.batch import Decoded, OffsetRange, RawBatch
from airflow_kafka_bq.pipeline.bounds import MAX_PARTITIONS, touched
from airflow_kafka_bq.schema.target import Target


def split(
    raw: RawBatch, decoded: Decoded, target: Target, most: int = MAX_PARTITIONS
) -> Iterator[tuple[RawBatch, Decoded]]:
    """The batch, in parts that each touch at most ``most`` partitions of the target.

    A part is a prefix of the messages in the order they were read, so its ranges are prefixes too and positions move in
    order. BigQuery's ceiling is 4,000 partitions for one job (https://cloud.google.com/bigquery/quotas).
    """
    places = touched(decoded.rows, target)
    if places is None or pc.count_distinct(places, mode="all").as_py() <= most:
        yield raw, decoded
        return
    codes = (
        places.dictionary_encode().combine_chunks()
        if isinstance(places, pa.ChunkedArray)
        else places.dictionary_encode()
    )
    cuts, seen = [], set()
    assert decoded.origins is not None  # noqa: S101
    for code, origin in zip(codes.indices.to_pylist(), decoded.origins.to_pylist(), strict=True):
        seen.add(code)
        if len(seen) > most:
            cuts.append(origin)
            seen = {code}
    yield from _parts(raw, decoded, [*cuts, raw.messages.num_rows])


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
    lasts: dict[Any, Any] = dict(
        zip(messages.column("partition").to_pylist(), messages.column("offset").to_pylist(), strict=True)
    )
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
    coordinates = set(zip(messages.column("partition").to_pylist(), messages.column("offset").to_pylist(), strict=True))
    letters = decoded.dead_letters
    pairs = zip(
        letters.column("_kafka_partition").to_pylist(), letters.column("_kafka_offset").to_pylist(), strict=True
    )
    rows, dead = (
        decoded.rows.filter(mask),
        letters.filter(pa.array([pair in coordinates for pair in pairs], pa.bool_())),
    )
    shifted = pc.subtract(decoded.origins.filter(mask), pa.scalar(first, pa.int64()))
    ignored = messages.num_rows - rows.num_rows - dead.num_rows
    counts = (decoded.unknown_fields, decoded.timestamps_replaced) if first == 0 else (0, 0)
    return Decoded(rows, dead, shifted, ignored, *counts)
