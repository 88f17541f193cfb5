"""Pieces that are parsed while other messages come are those that are parsed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest
from pydantic import BaseModel

from airflow_kafka_bq.pipeline import ahead as station
from airflow_kafka_bq.pipeline import pieces
from airflow_kafka_bq.pipeline.ahead import Ahead
from airflow_kafka_bq.pipeline.decode import decode
from airflow_kafka_bq.pipeline.held import Places
from airflow_kafka_bq.pipeline.pieces import Pieces
from airflow_kafka_bq.pipeline.sizes import payload_bytes
from tests.pipeline.decoding import Message, job, raw


class Order(BaseModel):
    """What most messages hold."""

    n: int


MESSAGES = [
    Message(None if n % 7 == 3 else b"{" if n % 5 == 2 else f'{{"n": {n}, "more": 1}}'.encode(), timestamp_ms=n or None)
    for n in range(23)
]


@pytest.fixture
def parser() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as one:
        yield one


@pytest.mark.parametrize(("most", "size"), [(1, 1 << 20), (4, 1 << 20), (100, 1 << 20), (100, 20)])
@pytest.mark.parametrize("model", [None, Order], ids=["payload", "model"])
def test_a_batch_is_the_same_however_it_was_cut(
    parser: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, most: int, size: int, model: Any
) -> None:
    monkeypatch.setattr(pieces, "PIECE_MESSAGES", most)
    target, rules = job(model, {}, max_bad_ratio=None)
    ahead = Ahead(rules.records, parser, Places())
    for _ in range(2):  # the second batch begins anew
        table = raw(MESSAGES)
        cut = Pieces(size, ahead.places, ahead.add)
        for batch in table.to_batches():
            cut.add(batch, payload_bytes(batch))
        assert pa.Table.from_batches(cut.taken()).equals(table)
        found, whole = decode(table, target, rules, ahead.take()), decode(table, target, rules)
        assert found.rows.equals(whole.rows)
        assert found.dead_letters.equals(whole.dead_letters)
        assert found.origins.to_pylist() == whole.origins.to_pylist()  # type: ignore[union-attr]
        assert (found.ignored, found.unknown_fields, found.timestamps_replaced) == (
            whole.ignored, whole.unknown_fields, whole.timestamps_replaced,
        )  # fmt: skip
    assert ahead.spent() > 0
    assert ahead.spent() == 0
    assert ahead.take() == []


def test_what_parsing_raises_is_raised_when_the_batch_is_taken(
    parser: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(station, "records", broken)
    _, rules = job(None, {})
    ahead = Ahead(rules.records, parser, Places())
    batch = raw(MESSAGES).to_batches()[0]
    ahead.add(batch)
    with pytest.raises(MemoryError):
        ahead.take()


def test_a_batch_that_waits_takes_nothing_of_arrows_pool(parser: ThreadPoolExecutor) -> None:
    """Among what parsing makes and drops it would keep the pages of both."""
    target, rules = job(Order, {})
    messages = [Message(b'{"n": %d}' % n, key=b"key") for n in range(5_000)]
    polls = raw(messages, chunk=1_000).to_batches()
    decode(raw(messages), target, rules)  # what is made once, is made
    before = pa.total_allocated_bytes()
    ahead = Ahead(rules.records, parser, Places())
    cut = Pieces(1 << 20, ahead.places, ahead.add)
    for poll in polls:
        cut.add(poll, payload_bytes(poll))
    table = pa.Table.from_batches(cut.taken())
    found = decode(table, target, rules, ahead.take())
    assert found.origins is not None
    assert pa.total_allocated_bytes() - before <= found.origins.nbytes + 4_096 < found.rows.nbytes / 2
