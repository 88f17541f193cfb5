"""What is in the target is counted, however it came there, and what is elsewhere is not."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.events import values
from benchmarks.kept import State, events_of

LINES = [value for _, value in values(6)]
FIRST, SECOND = b"\n".join(LINES[:3]), b"\n".join(LINES[3:])


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path)


def landed(state: State) -> tuple[int, int]:
    found = state.landed()
    return found["rows"], found["duplicates"]


def test_a_load_that_replaces_leaves_nothing_of_what_was_there(state: State) -> None:
    state.keep(FIRST)
    state.keep(FIRST + b"\n" + SECOND, truncates=True)
    assert landed(state) == (6, 0)
    state.keep(SECOND)
    assert landed(state) == (9, 3)


@pytest.mark.parametrize(("truncates", "rows"), [(True, (3, 0)), (False, (6, 3))])
def test_a_copy_moves_rows_into_the_target(state: State, truncates: bool, rows: tuple[int, int]) -> None:
    state.keep(FIRST, "events")
    state.keep(FIRST, "events_staging_12")
    state.copy(("events_staging_12",), "events", truncates=truncates)
    assert landed(state) == rows


def test_a_table_that_a_killed_run_left_behind_is_none_of_the_target(state: State) -> None:
    state.keep(FIRST, "events_staging_12")
    assert landed(state) == (0, 0)
    state.keep(SECOND, "events")
    assert landed(state) == (3, 0)


def test_the_books_of_a_peer_are_no_rows_and_no_writes(state: State) -> None:
    state.hold = ("after", 1)
    state.keep(FIRST, "_dlt_pipeline_state")
    assert (landed(state), state.writes) == ((0, 0), 0)


def test_events_are_found_in_whichever_text_holds_the_message() -> None:
    buffer = io.BytesIO()
    texts = pa.array([line.decode() for line in LINES[:2]], pa.large_string())
    pq.write_table(pa.table({"_kafka__data": texts, "key": ["a", "b"]}), buffer)
    assert len(set(events_of(buffer.getvalue()))) == 2
    buffer = io.BytesIO()
    pq.write_table(pa.table({"_kafka_value": pa.array(LINES[:1], pa.binary()), "text": [LINES[0].decode()]}), buffer)
    assert events_of(buffer.getvalue()) == [], "dead letters"
