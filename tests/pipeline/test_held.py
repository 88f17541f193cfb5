"""What waits lies in memory of its own: it is what it was, no second copy, and gone when nobody has it any more."""

from __future__ import annotations

import errno
import mmap
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest
from pydantic import BaseModel

from airflow_kafka_bq.formats.records import Records, records
from airflow_kafka_bq.pipeline.held import Places
from tests.pipeline.decoding import Message, job, raw


class Order(BaseModel):
    """Columns that are not among the message's bytes, and one of texts."""

    n: int
    names: list[str]


MESSAGES = [
    Message(
        None if n % 50 == 7 else b"{" if n % 50 == 9 else b'{"n": %d, "names": ["a", "b%d"]}' % (n, n),
        key=None if n % 3 == 0 else b"key %d" % n,
        timestamp_ms=n or None,
        headers=[("of", b"x"), ("none", None)] if n % 4 == 0 else None,
    )
    for n in range(2_000)
]

GOOD = [message for message in MESSAGES if message.value not in (None, b"{")]


def piece(messages: list[Message]) -> pa.RecordBatch:
    found: pa.RecordBatch = raw(messages).combine_chunks().to_batches()[0]
    return found


def parsed(of: pa.RecordBatch, model: type[BaseModel] | None) -> Records:
    return records(of, 5, job(model, {}, max_bad_ratio=None)[1].records)


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Any]]:
    """Every stretch of memory that is asked for."""
    found: list[weakref.ref[Any]] = []
    ask = mmap.mmap

    def asked(*arguments: Any, **named: Any) -> Any:
        place = ask(*arguments, **named)
        found.append(weakref.ref(place))
        return place

    monkeypatch.setattr(mmap, "mmap", asked)
    return found


@pytest.mark.parametrize("cut", [slice(None), slice(3, 90), slice(8, 9), slice(0, 0)], ids=str)
def test_messages_are_what_they_were(cut: slice) -> None:
    whole = piece(MESSAGES)
    part = whole.slice(cut.start or 0, len(range(*cut.indices(len(MESSAGES)))))
    before = pa.total_allocated_bytes()
    found = Places().held(part)
    assert pa.total_allocated_bytes() == before, "Arrow's pool has a copy"
    assert found.equals(part)
    assert found.schema.equals(part.schema, check_metadata=True)
    found.validate(full=True)


def test_a_place_is_used_again_when_nobody_has_it_and_not_before(places: list[weakref.ref[Any]]) -> None:
    ours, first, second = Places(), piece(MESSAGES[:1000]), piece(MESSAGES[1000:])
    one = ours.held(first)
    slices = [one.column(name).slice(10, 20) for name in one.schema.names]
    del one
    other = ours.held(second)
    assert len(places) == 2, "it is written over while somebody has a column"
    assert [one.to_pylist() for one in slices] == [one.to_pylist() for one in first.slice(10, 20).columns]
    del slices
    third = ours.held(first)
    assert len(places) == 2, "new memory costs as much as two copies"
    assert third.equals(first)
    assert other.equals(second)


def test_rows_keep_the_places_of_their_messages(places: list[weakref.ref[Any]]) -> None:
    ours = Places()
    of = ours.held(piece(GOOD))
    kept = ours.held_rows(parsed(of, Order), of).rows
    keys = kept.column("_kafka_key").to_pylist()
    del of
    ours.held(piece(GOOD[::-1]))
    assert len(places) == 3
    assert kept.column("_kafka_key").to_pylist() == keys


def test_there_are_no_more_places_than_pieces_at_a_time(places: list[weakref.ref[Any]]) -> None:
    """One that nothing fits into makes room for one that is asked for."""
    ours = Places()
    for count in (100, 300, 900, 2_000, 500, 50, 700, 2_000):
        held = ours.held(piece(MESSAGES[:count]))
        assert held.num_rows == count
        del held
        assert sum(one() is not None for one in places) == 1, count


def test_what_is_dropped_after_the_end_is_not_kept(places: list[weakref.ref[Any]]) -> None:
    ours = Places()
    late, early = ours.held(piece(MESSAGES)), ours.held(piece(MESSAGES))
    del early
    assert all(one() is not None for one in places)
    ours.close()
    assert sum(one() is not None for one in places) == 1
    assert late.equals(piece(MESSAGES))
    del late
    assert not any(one() is not None for one in places)


def test_threads_that_ask_at_once_share_no_place() -> None:
    ours, whole = Places(), [piece(MESSAGES[:count]) for count in (700, 720, 1_300, 2_000)]

    def often(which: pa.RecordBatch) -> bool:
        return all(ours.held(which).equals(which) for _ in range(200))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(often, whole))


@pytest.mark.fault("K14")
def test_where_there_is_none_it_is_said_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """What names the settings that need less takes no other error for it."""

    def refused(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    whole = piece(MESSAGES)
    monkeypatch.setattr(mmap, "mmap", refused)
    with pytest.raises(MemoryError, match="bytes for messages"):
        Places().held(whole)


@pytest.mark.parametrize("model", [None, Order], ids=["payload", "model"])
@pytest.mark.parametrize("which", [slice(0, 2_000), slice(0, 7), slice(9, 10)], ids=["many", "good", "bad"])
def test_rows_are_what_they_were(model: type[BaseModel] | None, which: slice) -> None:
    of = Places().held(piece(MESSAGES[which]))
    found = parsed(of, model)
    kept = Places().held_rows(found, of)
    assert kept.rows.equals(found.rows)
    assert kept.rows.schema.equals(found.rows.schema, check_metadata=True)
    assert (kept.origins, kept.bad, kept.ignored) == (found.origins, found.bad, found.ignored)
    kept.rows.validate(full=True)


def test_what_rows_share_with_their_messages_is_not_copied() -> None:
    of = Places().held(piece(GOOD))
    kept = Places().held_rows(parsed(of, Order), of).rows
    for ours, theirs in (("_kafka_partition", "partition"), ("_kafka_offset", "offset"), ("_kafka_key", "key")):
        mine: Any = kept.column(ours).chunk(0)
        other: Any = of.column(theirs)
        assert mine.buffers()[-1].address == other.buffers()[-1].address, ours


def test_nothing_of_the_rows_stays_in_arrows_pool() -> None:
    of = Places().held(piece(MESSAGES))
    parsed(of, Order)  # what is made once, is made
    before = pa.total_allocated_bytes()
    kept = Places().held_rows(parsed(of, Order), of)
    beside = kept.origins.nbytes + 4_096
    assert pa.total_allocated_bytes() - before <= beside < kept.rows.nbytes
