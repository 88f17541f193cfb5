"""What is read at a place of many messages, and which of them it marks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.formats.structured.cursor import Cursor


def at_the_beginning(*messages: bytes) -> Cursor:
    """Of messages that have neighbours."""
    values = pa.array([b"\x80\x80", *messages, b"\xff\x01"], pa.binary()).slice(1, len(messages))
    return Cursor.of(values, None, 0)


def read(how: Callable[[Cursor], Any], *messages: bytes) -> list[Any]:
    """Of each what was read, which was all of it; ``bad`` where it may not be used."""
    cursor = at_the_beginning(*messages)
    found = how(cursor).to_pylist()
    cursor.end()
    return ["bad" if bad else one for one, bad in zip(found, cursor.bad.to_pylist(), strict=True)]


@pytest.mark.parametrize(
    ("message", "number"),
    [
        (b"\x00", 0),
        (b"\x01", -1),
        (b"\x7f", -64),
        (b"\x80\x01", 64),
        (b"\x80\x00", 0),  # longer than it has to be, and the same number
        (b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 2**63 - 1),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", -(2**63)),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "bad"),  # 65 bits
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00", "bad"),
        (b"\xff" * 20, "bad"),
        (b"\x80", "bad"),
        (b"", "bad"),
        (b"\x00\x00", "bad"),
    ],
)
def test_a_number(message: bytes, number: int | str) -> None:
    assert read(Cursor.zigzag, message) == [number]
    assert read(Cursor.zigzag, b"\x02", message, b"\x80\x01") == [1, number, 64]


@pytest.mark.parametrize(
    ("message", "groups", "number"),
    [
        (b"\x00", 10, 0),
        (b"\x80\x01", 10, 128),
        (b"\xff" * 9 + b"\x01", 10, 2**64 - 1),
        (b"\xff" * 9 + b"\x02", 10, "bad"),
        (b"\xff\xff\xff\xff\x7f", 5, 2**35 - 1),
        (b"\x81\x80\x80\x80\x00", 5, 1),
        (b"\x81\x80\x80\x80\x80\x00", 5, "bad"),
        (b"\x80", 5, "bad"),
    ],
)
def test_a_number_without_a_sign(message: bytes, groups: int, number: int | str) -> None:
    assert read(lambda one: one.number(groups), message) == [number]
    assert read(lambda one: one.number(groups), b"\x01", message, b"\x80\x01") == [1, number, 128]


def test_which_go_on_with_these_bytes() -> None:
    cursor = at_the_beginning(b"\x82\x01", b"\x82\x02", b"\x82", b"", b"\x82\x01\x05")
    assert cursor.begins(b"\x82\x01").to_pylist() == [True, False, False, False, True]
    assert at_the_beginning(b"", b"\x05").begins(b"\x05").to_pylist() == [False, True]  # not of the next message
    cursor.skip(2)
    cursor.end()
    assert cursor.bad.to_pylist() == [False, False, True, True, True]


def test_a_message_inside_another_has_an_end_of_its_own() -> None:
    cursor = at_the_beginning(b"\x02\x02\x04\x06", b"\x05\x02", b"\x01\x02", b"\x00")
    size = cursor.number().view(pa.int64())
    inside = cursor.inside(size)
    assert inside.zigzag().to_pylist()[0] == 1
    inside.end()
    assert inside.bad.to_pylist() == [True, True, False, True]
    assert cursor.bad.to_pylist() == [False, True, False, False]
    assert cursor.begins(b"\x06").to_pylist() == [True, False, False, False]


def test_a_flag() -> None:
    assert read(Cursor.flag, b"\x00", b"\x01", b"\x02", b"\xff", b"", b"\x01\x00") == [
        False, True, "bad", "bad", "bad", "bad",
    ]  # fmt: skip


def _octets(cursor: Cursor) -> Any:
    return cursor.octets(cursor.zigzag())


def test_bytes_end_where_their_message_does() -> None:
    messages = [
        b"\x04ab",
        b"\x00",
        b"\x06ab",
        b"\x01a",
        b"\x02",
        b"",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x02a",
    ]
    assert read(_octets, *messages) == [b"ab", b"", "bad", "bad", "bad", "bad", "bad", b"a"]
    assert read(_octets, *[b"\x02a"] * 3) == [b"a"] * 3
    assert read(_octets) == []


def test_so_many_bytes() -> None:
    assert read(lambda one: one.fixed(2), b"ab", b"a", b"", b"abc", b"cd") == [b"ab", "bad", "bad", "bad", b"cd"]


@pytest.mark.parametrize(
    ("kind", "octets"), [(pa.float32(), b"\x00\x00\xc0\x3f"), (pa.float64(), b"\0\0\0\0\0\0\xf8\x3f")]
)
def test_a_number_of_fixed_size(kind: pa.DataType, octets: bytes) -> None:
    found = read(lambda one: one.whole(kind), octets, b"", octets[1:], octets, octets + b"\0", octets)
    assert found == [1.5, "bad", "bad", 1.5, "bad", 1.5]
    assert read(lambda one: one.whole(kind)) == []


def test_some_go_on_by_themselves() -> None:
    cursor = at_the_beginning(b"\x02\x04", b"\x06", b"\x02\x80", b"\x02\x08")
    assert cursor.zigzag().to_pylist() == [1, 3, 1, 1]
    some = cursor.some(pa.array([0, 2, 3], pa.int64()))
    assert some.zigzag().to_pylist()[::2] == [2, 4]
    cursor.after(some, pa.array([0, None, 1, 2], pa.int64()))
    cursor.end()
    assert cursor.bad.to_pylist() == [False, False, True, False]


def test_messages_among_others_behind_what_stands_in_front() -> None:
    values = pa.array([b"xx\x02", b"xx\x04", b"xx\x06", b"xx"], pa.binary())
    cursor = Cursor.of(values, pa.array([0, 2, 3], pa.int64()), 2)
    assert cursor.zigzag().to_pylist()[:2] == [1, 3]
    cursor.end()
    assert cursor.bad.to_pylist() == [False, False, True]


def test_no_bytes_at_all() -> None:
    assert Cursor.of(pa.array([], pa.binary()), None, 0).number().to_pylist() == []
    assert read(Cursor.zigzag, b"", b"") == ["bad", "bad"]
