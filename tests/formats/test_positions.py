"""What is left of positions is what sets say, whichever way it is found."""

from __future__ import annotations

from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.formats import positions
from airflow_kafka_bq.formats.positions import all_but, among, others


@st.composite
def some(draw: st.DrawFn) -> tuple[int, list[int]]:
    """How many there are, and positions of some, or of nearly all."""
    count = draw(st.integers(0, 200))
    few = draw(st.sets(st.integers(0, count - 1), max_size=12)) if count else set()
    return count, sorted(few if draw(st.booleans()) else set(range(count)) - few)


def integers(found: list[int]) -> pa.Array[Any]:
    return pa.array(found, pa.int64())


@given(some(), st.randoms())
def test_it_is_what_sets_say(case: tuple[int, list[int]], random: Random) -> None:
    count, found = case
    rest = [at for at in range(count) if at not in set(found)]
    mixed = [*found, *found[:1]]
    random.shuffle(mixed)
    for given_ in (found, mixed):
        left = others(count, integers(given_))
        assert left.type == pa.int64()
        assert left.to_pylist() == rest
        assert all_but(count, integers(given_)).to_pylist() == [at in rest for at in range(count)]
        assert among(count, integers(given_)).to_pylist() == [at not in rest for at in range(count)]


@pytest.mark.parametrize("lost", [[0], [99], [0, 99], [40, 41], []])
def test_a_few_are_found_without_a_look_at_all(lost: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash of all positions costs as much as a fifth of reading their messages."""
    monkeypatch.setattr(positions._pc, "is_in", None)
    kept = [at for at in range(100) if at not in lost]
    assert others(100, integers(kept)).to_pylist() == lost
    assert others(100, integers(lost)).to_pylist() == kept
