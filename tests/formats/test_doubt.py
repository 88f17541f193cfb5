from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.formats.doubt import doubtful, rows_with


def mask(value: bytes, *, ignore_unknown: bool = True) -> bool:
    array: pa.Array[Any] = pa.array([b'{"a":1}', value, b'{"a":2}'], pa.binary())
    found = doubtful(array.slice(1), ignore_unknown=ignore_unknown)
    if found is None:
        return False
    assert found.to_pylist()[1] is False
    return bool(found.to_pylist()[0])


@pytest.mark.parametrize(
    "value", [b'{"a":"Information, Infrastructure"}', b'{ \n"a":1}', b'{"a":"' + b"x" * 9000 + b'"}', b'{"a":-1}']
)
def test_ordinary_messages_are_not_doubted(value: bytes) -> None:
    assert not mask(value)


@pytest.mark.parametrize(
    "value", [b"{}", b"{ }", b' {"a":1}', b"[1]", b"", b'{"a":"\xff"}', b'{"a":' + b"1" * 5000 + b"}"]
)
def test_what_cannot_be_joined_or_reads_otherwise(value: bytes) -> None:
    assert mask(value, ignore_unknown=False)


@pytest.mark.parametrize(
    "value",
    [
        *(
            b'{"a":NaN}',
            b'{"a": Inf}',
            b'{"a":[-Infinity]}',
            b'{"a":\tNaN}',
            b'{"a":Infinity,"b":1}',
            b'{"a":[NaN ,1]}',
        ),
        b'{"a":' + b"[" * 160 + b"]" * 160 + b"}",
    ],
)
def test_what_only_an_ignored_field_can_hide(value: bytes) -> None:
    assert mask(value)
    assert not mask(value, ignore_unknown=False)


def test_no_doubt_is_none() -> None:
    nothing: pa.Array[Any] = pa.array([], pa.binary())
    assert doubtful(nothing, ignore_unknown=True) is None


def test_a_slice_is_judged_by_its_own_messages() -> None:
    array: pa.Array[Any] = pa.array([b'{"a":NaN}', b'{"a":1}', b'{"a":[NaN]}', b'{"a":2}'], pa.binary())
    assert doubtful(array.slice(1, 1), ignore_unknown=True) is None
    found = doubtful(array.slice(1, 2), ignore_unknown=True)
    assert found is not None
    assert found.to_pylist() == [False, True]
    assert doubtful(array.slice(3), ignore_unknown=True) is None


def test_rows_with_a_text_are_found_in_slices_too() -> None:
    array: pa.Array[Any] = pa.array([b"ab", b"", b"xabab", b"", b"a", b"b", b"", b"ab", b"ab"], pa.binary())
    assert rows_with(array, b"ab", 9) == [0, 2, 4, 7, 8]  # the fifth begins one
    assert rows_with(array.slice(1, 7), b"ab", 9) == [1, 3, 6]
    assert rows_with(array.slice(1, 7), b"c", 9) == []


def test_many_rows_with_a_text_are_not_counted() -> None:
    array: pa.Array[Any] = pa.array([b"ab"] * 5, pa.binary())
    assert rows_with(array, b"ab", 5) == [0, 1, 2, 3, 4]
    assert rows_with(array, b"ab", 4) is None
