"""The file of a batch has the same bytes however its rows came, and other rows have others."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.batch import Written
from airflow_kafka_bq.bigquery.staging_file import ParquetFile
from airflow_kafka_bq.pipeline import row_files
from airflow_kafka_bq.pipeline.row_files import RowFile
from airflow_kafka_bq.testing.memory.staging_file import MemoryFile, rows_in

TEXTS = st.lists(st.none() | st.text(max_size=3), max_size=30)
FILES = [ParquetFile, MemoryFile]


def table_of(texts: list[str | None]) -> pa.Table:
    columns: dict[str, Any] = {
        "text": pa.array(texts, pa.string()),
        "flag": pa.array([None if text is None else bool(text) for text in texts], pa.bool_()),
        "lists": pa.array([None if text is None else [text, None] for text in texts], pa.list_(pa.string())),
        "structs": pa.array([{"of": text} for text in texts], pa.struct([("of", pa.string())])),
    }
    return pa.table(columns)


def written(rows: pa.Table, ends: list[int], kind: Any) -> Written:
    """The rows in pieces that end there."""
    found = RowFile(kind())
    begin = 0
    for end in [*sorted({min(end, rows.num_rows) for end in ends}), rows.num_rows]:
        found.add(rows.slice(begin, end - begin))
        begin = end
    return found.whole()


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_files, "SLICE_ROWS", 4)


@pytest.mark.parametrize("kind", FILES)
@given(texts=TEXTS, ends=st.lists(st.integers(0, 30), max_size=5), first=st.integers(0, 9))
def test_pieces_do_not_change_it(kind: Any, texts: list[str | None], ends: list[int], first: int) -> None:
    """A piece may be a part of what is elsewhere in memory, and begin in the middle of a byte of flags."""
    rows = table_of(texts).slice(first)
    found, whole = written(rows, ends, kind), written(table_of(texts[first:]), [], kind)
    assert (found.digest, found.rows) == (whole.digest, rows.num_rows)


@pytest.mark.parametrize("kind", FILES)
@given(texts=TEXTS, others=TEXTS)
def test_other_rows_have_another(kind: Any, texts: list[str | None], others: list[str | None]) -> None:
    same = written(table_of(texts), [], kind).digest == written(table_of(others), [], kind).digest
    assert same == (texts == others)


def test_it_holds_the_rows_in_their_order_with_their_numbers() -> None:
    rows = table_of(list("abcdefghij"))
    parquet, memory = (written(rows, [1, 7], kind) for kind in FILES)
    wanted = [{**row, "_row": number} for number, row in enumerate(rows.to_pylist())]
    assert pq.read_table(BytesIO(parquet.file.finished().getvalue())).to_pylist() == wanted
    assert rows_in(memory.file).to_pylist() == wanted
    assert parquet.seconds > 0
    groups = pq.ParquetFile(parquet.file.finished()).metadata
    assert [groups.row_group(at).num_rows for at in range(groups.num_row_groups)] == [4, 4, 2]


def test_no_rows_are_a_file_with_columns() -> None:
    found = written(table_of([]), [], ParquetFile)
    assert found.rows == 0
    assert pq.read_schema(found.file.finished()).names == ["text", "flag", "lists", "structs", "_row"]


def test_a_piece_that_is_a_slice_is_not_copied() -> None:
    """Nor is one of several, if each is as long as a slice."""
    taken: list[pa.Table] = []

    class Kept(MemoryFile):
        def write(self, rows: pa.Table) -> None:
            taken.append(rows)
            super().write(rows)

    parts = [table_of(list("abcd")), table_of(list("efgh"))]
    file = RowFile(Kept())
    for one in parts:
        file.add(one)
    assert file.whole().rows == 8
    for ours, theirs in zip(taken, parts, strict=True):
        [found], [given] = ours.column("text").chunks, theirs.column("text").chunks
        assert [str(one) for one in found.buffers()] == [str(one) for one in given.buffers()]  # their addresses
