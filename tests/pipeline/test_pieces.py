"""Polls become a few pieces: bounded, held, and told of as soon as they are closed."""

from __future__ import annotations

import weakref
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.pipeline import pieces
from airflow_kafka_bq.pipeline.held import Places
from airflow_kafka_bq.pipeline.pieces import PIECE_BYTES, Pieces, piece_bytes
from airflow_kafka_bq.pipeline.sizes import payload_bytes
from tests.pipeline.decoding import Message, raw

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("batch", "most"),
    [(64 * MIB, 8 * MIB), (16 * MIB, 2 * MIB), (2 * MIB, MIB), (1, MIB), (1 << 40, PIECE_BYTES)],
)
def test_a_small_batch_has_small_pieces(batch: int, most: int) -> None:
    assert piece_bytes(batch) == most


def _polls(count: int) -> list[pa.RecordBatch]:
    """Each of three messages of 10 bytes."""
    return raw([Message(b"%010d" % n) for n in range(3 * count)]).to_batches()[-count:]


@pytest.mark.parametrize(("most", "size", "sizes"), [(6, 1 << 20, [6, 6, 3]), (100, 61, [9, 6]), (1, 1, [3] * 5)])
def test_the_first_bound_closes_a_piece(
    most: int, size: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_MESSAGES", most)
    heard: list[Any] = []
    cut, polls = Pieces(size, Places(), heard.append), _polls(5)
    for poll in polls:
        cut.add(poll, payload_bytes(poll))
    found = cut.taken()
    assert [one.num_rows for one in found] == sizes
    assert pa.Table.from_batches(found).equals(pa.Table.from_batches(polls))
    assert len(heard) == len(found)
    assert all(one is other for one, other in zip(heard, found, strict=True)), "parsed is what is held"


def test_what_a_poll_brought_is_dropped_when_its_piece_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE_MESSAGES", 6)
    cut, polls = Pieces(1 << 20, Places()), _polls(3)
    alive = [weakref.ref(poll) for poll in polls]
    before = pa.total_allocated_bytes()
    while polls:
        poll = polls.pop(0)
        cut.add(poll, payload_bytes(poll))
        del poll
    assert [one() is None for one in alive] == [True, True, False]
    assert pa.total_allocated_bytes() <= before
    assert len(cut.taken()) == 2


def test_no_messages_are_no_piece() -> None:
    assert Pieces(1, Places()).taken() == []
