"""Names made of content: whatever tells two batches apart is in the name, and what does not is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch import Kind, OffsetRange, RunPlan, TopicFacts
from airflow_kafka_bq.pipeline.identity import batch_id, load_job, merge_job
from tests.pipeline.content import digest

FACTS = TopicFacts("shop.orders", (0, 1), "id-1", "cluster")
PLAN = RunPlan(FACTS, "cluster/shop.orders", Kind.LIVE, {}, 3, {})
RANGES = (OffsetRange(0, 0, 3), OffsetRange(1, 4, 9))
ROWS = pa.table({"n": [1, 2, 3]})
DEAD = pa.table({"_kafka_offset": [5]})


def _named(
    plan: RunPlan = PLAN, ranges: Any = RANGES, settings: str = "f", rows: pa.Table = ROWS, dead: pa.Table = DEAD
) -> str:
    return batch_id(plan, ranges, settings, digest(rows), digest(dead))


def test_everything_that_makes_another_batch_makes_another_name() -> None:
    names = [
        _named(),
        _named(plan=replace(PLAN, pipeline="other/shop.orders")),
        _named(plan=replace(PLAN, facts=replace(FACTS, topic_id="id-2"))),
        _named(plan=replace(PLAN, kind=Kind.WINDOW)),
        _named(ranges=RANGES[:1]),
        _named(ranges=(OffsetRange(0, 0, 4), RANGES[1])),
        _named(ranges=(OffsetRange(0, 1, 3), RANGES[1])),
        _named(settings="g"),
        _named(rows=pa.table({"n": [1, 2, 4]})),
        _named(rows=pa.table({"n": [1, 2, None]})),
        _named(dead=pa.table({"_kafka_offset": [6]})),
    ]
    assert len(set(names)) == len(names)


def test_what_another_run_of_the_same_batch_may_have_otherwise_is_not_in_the_name() -> None:
    """The revision moves under isolated runs, the order of partitions is that of arrival, chunks are those of polls."""
    in_pieces = pa.concat_tables([ROWS.slice(0, 1), ROWS.slice(1)])
    epochs = tuple(replace(one, leader_epoch=7) for one in RANGES)
    assert {
        _named(),
        _named(plan=replace(PLAN, revision=9)),
        _named(ranges=RANGES[::-1]),
        _named(ranges=epochs),
        _named(rows=in_pieces),
    } == {_named()}
    assert digest(in_pieces) == digest(ROWS)


def test_jobs_are_told_apart_by_what_they_do() -> None:
    names = {load_job("b", "rows", 0), load_job("b", "rows", 1), load_job("b", "dead", 0), load_job("c", "rows", 0)}
    assert len(names) == 4
    merges = {merge_job("b", 3, 0), merge_job("b", 3, 1), merge_job("b", 4, 0), merge_job("b", None, 0)}
    assert len(merges) == 4
