"""A batch's name is made of its content, however that is laid out in memory."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.pipeline import identity

TEXTS = st.lists(st.none() | st.text(max_size=3), max_size=30)


def table_of(texts: list[str | None], cuts: list[int]) -> pa.Table:
    """The same rows in chunks that end at ``cuts``."""
    ends = sorted({min(cut, len(texts)) for cut in cuts} | {len(texts)})
    columns: dict[str, Any] = {
        "text": pa.array(texts, pa.string()),
        "lists": pa.array([None if text is None else [text, None] for text in texts], pa.list_(pa.string())),
        "structs": pa.array([{"of": text} for text in texts], pa.struct([("of", pa.string())])),
    }
    return pa.table(
        {
            name: pa.chunked_array(
                [array.slice(start, end - start) for start, end in zip([0, *ends[:-1]], ends, strict=True)], array.type
            )
            for name, array in columns.items()
        }
    )


@given(TEXTS, st.lists(st.integers(0, 30), max_size=5), st.integers(0, 9), st.integers(0, 30))
def test_chunks_and_slices_do_not_change_it(texts: list[str | None], cuts: list[int], first: int, length: int) -> None:
    part = table_of(texts, cuts).slice(first, length)
    assert identity.digest(part) == identity.digest(table_of(texts[first : first + length], []))


@given(TEXTS, TEXTS)
def test_other_rows_have_another(texts: list[str | None], others: list[str | None]) -> None:
    same = identity.digest(table_of(texts, [])) == identity.digest(table_of(others, []))
    assert same == (texts == others)


def test_a_column_of_another_type_or_name_is_another_table() -> None:
    tables = [pa.table({"a": pa.array([], kind)}) for kind in (pa.int64(), pa.string())]
    tables += [pa.table({"b": pa.array([], pa.int64())}), pa.table({})]
    assert len({identity.digest(table) for table in tables}) == len(tables)


def test_metadata_does_not_change_it() -> None:
    plain = pa.table({"a": [1]})
    assert identity.digest(plain.replace_schema_metadata({"written": "today"})) == identity.digest(plain)


@pytest.mark.parametrize("cuts", [[], [1], [4, 5, 10], list(range(11))])
def test_a_few_rows_at_a_time_are_the_same_rows(cuts: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["a", None, "", "b", "cc", None, "d", "e", "", "f", "g"]
    monkeypatch.setattr(identity, "_ROWS", 4)
    assert identity.digest(table_of(texts, cuts)) == identity.digest(table_of(texts, []))
    for at in range(len(texts)):
        others = [*texts[:at], "other", *texts[at + 1 :]]
        assert identity.digest(table_of(others, cuts)) != identity.digest(table_of(texts, []))


def test_no_more_than_a_few_rows_of_a_column_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column of a large batch is a sixth of its rows, and is copied while the next batch is read."""
    copied: list[int] = []
    join = pa.concat_arrays

    def counted(arrays: Any) -> Any:
        copied.append(sum(map(len, arrays)))
        return join(arrays)

    monkeypatch.setattr(pa, "concat_arrays", counted)
    identity.digest(pa.table({"a": range(50_000)}))
    assert sum(copied) == 50_000
    assert max(copied) <= 16_384
