from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.formats.bulk_read import UnknownFieldError, UnreadableError, read
from airflow_kafka_bq.formats.columnar_plan import Node

NODES = [Node("a", "a", "INT64", pa.int64(), pa.int64()), Node("b", "b", "STRING", pa.string(), pa.string())]


def rows(*values: bytes, ignore_unknown: bool = True) -> list[list[Any]]:
    array: pa.Array[Any] = pa.array(values, pa.binary())
    return [column.to_pylist() for column in read(array, NODES, ignore_unknown=ignore_unknown)]


def test_each_row_is_of_its_message() -> None:
    assert rows(b'{"a":1}', b'{"b":"x","a":2}', b'{"b":null}') == [[1, 2, None], [None, "x", None]]


@pytest.mark.parametrize(
    ("values", "position"),
    [
        ([b'{"a":1}', b'{"a":2}{"a":3}', b'{"a":4}'], 1),
        ([b'{"a":1}', b'{"a":2}\n{"a":3}', b'{"a":4}'], 1),
        ([b'{"a":1}\x00', b'{"a":2}'], None),
        ([b'{"a":1}', b'{"a":2}\x00'], None),
        ([b'{"a":1}', b'{"a":2}\x00{'], None),
        ([b'{"a":1}', b'{"q":[', b'{"x":1}]}', b'{"a":4}'], 1),
        # One hides an index, another makes up for it: as many rows as messages.
        ([b'{"q":[', b'{"x":1}]}', b'{"a":1}{"a":2}', b'{"a":4}'], 0),
        ([b'{"q":[', b'{"x":1}]}{"a":7}', b'{"a":4}'], 0),
        ([b'{"a":1}', b'{"a":2}', b'{"q":{"r":', b'{"a":3}}'], 2),
    ],
)
def test_no_value_ends_up_in_anothers_row(values: list[bytes], position: int | None) -> None:
    with pytest.raises(UnreadableError) as caught:
        rows(*values)
    assert caught.value.position == position


def test_the_place_of_a_syntax_error_is_known() -> None:
    with pytest.raises(UnreadableError) as caught:
        rows(b'{"a":1}', b'{"a":2}', b'{"a":}', b'{"a":3}')
    assert caught.value.position == 2


def test_unknown_fields_are_told_apart_from_errors() -> None:
    with pytest.raises(UnknownFieldError):
        rows(b'{"a":1,"zz":1}', ignore_unknown=False)
    assert rows(b'{"a":1,"zz":1}') == [[1], [None]]


PIECES = st.lists(
    st.sampled_from(
        [b'{"a":1}', b'{"a":2', b"}", b"{", b'{"q":[', b"]", b'"x":1', b",", b"\n", b"\x00", b"[", b'{"b":"y"}']
    ),
    max_size=4,
).map(lambda found: b'{"a":9' + b"".join(found))


@given(st.lists(PIECES | st.just(b'{"a":5}'), min_size=1, max_size=6))
def test_what_is_read_is_read_alone_as_well(values: list[bytes]) -> None:
    try:
        together = rows(*values)
    except UnreadableError:
        return
    assert together[0] == [rows(value)[0][0] for value in values]
