"""Several staged batches as one."""

from __future__ import annotations

from airflow_kafka_bq.batch import ColumnBounds, Kind, OffsetRange, Staged, StagedTable
from airflow_kafka_bq.pipeline.together import together


def staged(name: str, *ranges: OffsetRange, rows: int = 2, dead: int = 0, low: int = 0) -> Staged:
    return Staged(
        batch_id=name,
        kind=Kind.LIVE,
        ranges=ranges,
        messages=rows + dead + 1,
        rows=rows,
        dead_lettered=dead,
        ignored=1,
        tombstones=1 if rows else 0,
        rows_tables=(StagedTable(f"p.d.{name}_rows", rows),) if rows else (),
        dead_letters_tables=(StagedTable(f"p.d.{name}_dead", dead),) if dead else (),
        load_job_ids=(f"load-{name}",),
        bounds=(ColumnBounds("_kafka_offset", ((low, low + 50),)),) if rows else (),
        dead_letter_bounds=(ColumnBounds("_kafka_partition", (), (low,)),) if dead else (),
    )


A = staged("a", OffsetRange(0, 0, 50, 1), OffsetRange(1, 7, 9), dead=1)
B = staged("b", OffsetRange(1, 9, 30, 2), OffsetRange(0, 50, 80, 3), low=50)
C = staged("c", OffsetRange(0, 80, 81, 3), rows=0, dead=3, low=80)


def test_one_batch_stays_what_it_is() -> None:
    assert together([A]) is A


def test_ranges_that_follow_each_other_are_one_and_the_last_epoch_counts() -> None:
    whole = together([A, B, C])
    assert whole.ranges == (OffsetRange(0, 0, 81, 3), OffsetRange(1, 7, 30, 2))


def test_ranges_with_a_hole_between_them_stay_apart() -> None:
    """As those of a redrive do: no position moves by them."""
    found = together([staged("a", OffsetRange(0, 3, 4)), staged("b", OffsetRange(0, 9, 10), OffsetRange(0, 1, 2))])
    assert found.ranges == (OffsetRange(0, 1, 2), OffsetRange(0, 3, 4), OffsetRange(0, 9, 10))


def test_counts_add_up_and_tables_stay_in_their_order() -> None:
    whole = together([A, B, C])
    assert (whole.messages, whole.rows, whole.dead_lettered, whole.ignored, whole.tombstones) == (11, 4, 4, 3, 2)
    assert [one.table for one in whole.rows_tables] == ["p.d.a_rows", "p.d.b_rows"]
    assert [one.table for one in whole.dead_letters_tables] == ["p.d.a_dead", "p.d.c_dead"]
    assert whole.load_job_ids == ("load-a", "load-b", "load-c")


def test_bounds_are_those_of_the_batches_that_have_rows() -> None:
    """A batch of dead letters alone has none, and must not take those of the others away."""
    whole = together([A, B, C])
    assert whole.bounds == (ColumnBounds("_kafka_offset", ((0, 100),)),)
    assert whole.dead_letter_bounds == (ColumnBounds("_kafka_partition", (), (0, 80)),)


def test_the_name_tells_which_batches_and_in_which_order() -> None:
    names = {together(parts).batch_id for parts in ([A, B], [B, A], [A, B, C], [A, C])}
    assert len(names) == 4
    assert all(len(name) == 20 for name in names)
    assert together([A, B]).batch_id == together([A, B]).batch_id
