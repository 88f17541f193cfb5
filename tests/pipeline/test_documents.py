"""What goes from task to task comes back as it was."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.batch import ColumnBounds, Gap, Kind, LetterPlace, OffsetRange, Portion, Staged, StagedTable
from airflow_kafka_bq.pipeline.documents import plan_document, plan_of, portion_document, portion_of
from tests.pipeline.test_slicing import plan

VALUES = st.one_of(
    st.integers(), st.booleans(), st.text(), st.dates(), st.decimals(allow_nan=False, allow_infinity=False),
    st.datetimes(timezones=st.sampled_from([None, UTC])).map(lambda one: one.replace(fold=0)),
)  # fmt: skip
BOUNDS = st.builds(
    ColumnBounds, st.text(min_size=1),
    st.lists(st.tuples(VALUES, st.one_of(st.none(), VALUES)), max_size=3).map(tuple),
    st.lists(VALUES, max_size=3).map(tuple), st.booleans(),
)  # fmt: skip


def staged(bounds: tuple[ColumnBounds, ...] = (), letters: tuple[ColumnBounds, ...] = ()) -> Staged:
    return Staged(
        "b", Kind.WINDOW, (OffsetRange(0, 5, 9, 2), OffsetRange(7, 0, 1)), 5, 3, 1, 1, 0,
        (StagedTable("p.d.rows", 3),), (StagedTable("p.d.dead", 1),), ("job",), bounds, letters,
    )  # fmt: skip


def told(document: Any) -> Any:
    """As an XCom or a table would give it back."""
    return json.loads(json.dumps(document))


@given(st.lists(BOUNDS, max_size=3).map(tuple), st.lists(BOUNDS, max_size=2).map(tuple))
def test_a_portion_comes_back(bounds: tuple[ColumnBounds, ...], letters: tuple[ColumnBounds, ...]) -> None:
    portion = Portion(
        staged(bounds, letters), 2, (Gap(0, 1, 5),), 4, 1, 999, LetterPlace(1, 0, 5), (staged(bounds), staged())
    )
    again = portion_of(told(portion_document(portion)))
    assert again == portion
    assert repr(again) == repr(portion)  # True and 1, Decimal and its text are not the same


def test_kinds_of_values_are_kept() -> None:
    moment, day = datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1)
    bounds = ColumnBounds("x", ((moment, None), (day, day)), (Decimal("1.50"), "2026-01-01", True, 1))
    document = told(portion_document(Portion(staged((bounds,)), 1, (), 0, 0, 0, None)))
    (found,) = portion_of(document).staged.bounds
    assert [type(one) for one in (*found.ranges[0], *found.values)] == [datetime, type(None), Decimal, str, bool, int]
    assert found == bounds


def test_a_plan_comes_back() -> None:
    whole = plan(5, 0, 7, gaps=(1,), unchecked=("topic_id",))
    assert plan_of(told(plan_document(whole))) == whole
