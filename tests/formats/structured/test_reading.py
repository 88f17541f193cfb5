"""Texts, and values that only some of the messages have."""

from __future__ import annotations

import sys
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.formats.structured.cursor import Cursor
from airflow_kafka_bq.formats.structured.raw_columns import Fields, Plain
from airflow_kafka_bq.formats.structured.reading import decoding, text, where
from tests.formats.structured.test_cursor import at_the_beginning


def numbers(cursor: Cursor) -> Plain:
    return Plain(cursor.zigzag())


def test_bytes_that_are_no_text_mark_their_message_alone() -> None:
    found: list[bytes] = [b"a", b"\xff", "ü".encode(), b"\xed\xa0\x80"]
    cursor = at_the_beginning(*found)
    assert text(cursor, pa.array(found, pa.binary())).values.to_pylist()[::2] == ["a", "ü"]
    assert cursor.bad.to_pylist() == [False, True, False, True]


@pytest.mark.parametrize("present", [[True, False, True, True], [True] * 4, [False] * 4])
def test_those_that_have_a_value_go_on_behind_it(present: list[bool]) -> None:
    cursor = at_the_beginning(b"\x02\x0a", b"\x04\x0a", b"\x06\x0a", b"\x80")
    before = cursor.at.to_pylist()
    found = where(pa.array(present), cursor, numbers)
    assert found.python()[:3] == [at + 1 if one else None for at, one in enumerate(present[:3])]
    assert cursor.at.to_pylist()[:3] == [at + one for at, one in zip(before, present, strict=True)][:3]
    assert cursor.bad.to_pylist() == [False, False, False, present[3]]


def test_what_is_left_over_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(cursor: Cursor) -> Fields:
        return Fields({"v": numbers(cursor)})

    decode: Any = decoding(read)
    found = decode(pa.array([b"?\x02", b"?\x02\x02", b"?"], pa.binary()), None, 1)
    assert (found.fields.python()[0], found.bad.to_pylist()) == ({"v": 1}, [False, True, True])
    assert decoding(None) is None
    monkeypatch.setattr(sys, "byteorder", "big")
    assert decoding(read) is None
