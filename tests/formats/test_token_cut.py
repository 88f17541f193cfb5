"""What is cut out of a message is what stands there, and only of messages that have the form byte for byte."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.formats.token_cut import Cut, Marked, cut, evens
from airflow_kafka_bq.formats.token_learning import form_of


def found(values: list[bytes], like: bytes) -> Cut | None:
    array: pa.Array[Any] = pa.array([b'"', *values, b'""'], pa.binary()).slice(1, len(values))
    marked = Marked.of(array)
    return cut(marked, marked.plain, form_of(like, ()))


LIKE = b'{"a":"x","n":1,"w":["u","v"],"b":"y"}'


def test_each_place_of_each_message() -> None:
    values = [LIKE, b'{"a":"","n":,"w":[""],"b":"]}"}', '{"a":"é, z","n":null,"w":["q","r","s"],"b":"]}"}'.encode()]
    whole = found(values, LIKE)
    assert whole is not None
    assert whole.rows.to_pylist() == [0, 1, 2]
    assert [whole.place(index).to_pylist() for index in range(4)] == [
        ["x", "", "é, z"],
        ["1", "", "null"],
        ['u","v', "", 'q","r","s'],
        ["y", "]}", "]}"],
    ]
    assert whole.elements.to_pylist() == [2, 1, 3]
    some = whole.only(pa.array([True, False, True]))
    assert (some.rows.to_pylist(), some.place(0).to_pylist(), some.elements.to_pylist()) == (
        [0, 2],
        ["x", "é, z"],
        [2, 3],
    )


@pytest.mark.parametrize(
    "other",
    [
        b"", b"{}", LIKE[:-1], LIKE + b" ", b" " + LIKE, LIKE[1:], b"{" + LIKE + b"}", LIKE[::-1],
        b'{"b":"x","n":1,"w":["u","v"],"b":"y"}', b'{"a":"x","n":1,"w":["u","v"],"b":"y"]',
        b'{"a" "x","n":1,"w":["u","v"],"b":"y"}', b'{"a":"x","n":1,"w":["u","v"], "b":"y"}',
        b'{"a":"x","n":1,"w":[],"b":"y"}', b'{"a":"x","n":1,"w":["u"v"],"b":"y"}', b'"""""""""""""""', b'"' * 14,
        b'{"a":"x","n"1,"w":["u","v"],"b":"y"}', b'{"a":"x","n""w":["u","v"],"b":"y"}',
        b'{"a":"x" "n":1,"w":["u","v"],"b":"y"}',
        b'{"a":"\n","n":1,"w":["u","v"],"b":"y"}', b'{"a":"\\\\","n":1,"w":["u","v"],"b":"y"}',
        b'{"a":"\x1f","n":1,"w":["u","v"],"b":"y"}',
        b'{"a":"x","n":1,"w":["\\u0041","v"],"b":"y"}', b'{"a":"x","n":1,"w":["u","v"],"b":"y\\"}',
    ],
)  # fmt: skip
def test_others_are_left(other: bytes) -> None:
    whole = found([LIKE, other, LIKE, other, *[LIKE] * 600], LIKE)
    assert whole is not None
    assert other != LIKE
    assert whole.rows.to_pylist() == [0, 2, *range(4, 604)]
    assert set(whole.place(0).to_pylist()) == {"x"}
    assert found([other] * 3, LIKE) is None


def test_what_is_no_utf8_takes_few_neighbours_along() -> None:
    values = [b"a"] * 600 + [b"\xff"] + [b"\xc3\xa9"] * 600
    plain = Marked.of(pa.array(values, pa.binary())).plain.to_pylist()
    assert 600 not in plain
    assert len(plain) > 1190


def test_a_message_without_quotes_can_have_a_form() -> None:
    whole = found([b"{}", b"[]", b"{}"], b"{}")
    assert whole is not None
    assert whole.rows.to_pylist() == [0, 2]


@pytest.mark.parametrize("count", [0, 1, 5, 512, 513])
def test_even_numbers(count: int) -> None:
    assert evens(count).to_pylist() == [2 * one for one in range(count)]
