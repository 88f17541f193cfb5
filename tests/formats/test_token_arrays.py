"""Texts of arrays are told apart by the quotes around them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.formats.token_arrays import Elements
from airflow_kafka_bq.formats.token_cut import Marked, cut
from airflow_kafka_bq.formats.token_learning import form_of

LIKE = b'{"w":["u","v"],"b":"y"}'


def elements(values: list[bytes], like: bytes = LIKE) -> Elements:
    marked = Marked.of(pa.array(values, pa.binary()))
    found = cut(marked, marked.plain, form_of(like, ()))
    assert found is not None
    assert len(found.rows) == len(values)
    return Elements.of(found)


def test_all_of_them_in_order() -> None:
    found = elements([b'{"w":["a,","","],"],"b":"1"}', '{"w":["é"],"b":"2"}'.encode(), LIKE])
    assert found.sure() is None
    assert found.texts().to_pylist() == ["a,", "", "],", "é", "u", "v"]
    assert found.parents.to_pylist() == [0, 0, 0, 1, 2, 2]


@pytest.mark.parametrize(
    "inner", [b'"u" ,"v"', b'"u", "v"', b'"u""v"', b'"u":"v"', b'"u","v" "w"', b'"u",1,"v"', b'"u"v"w"']
)
def test_nothing_but_a_comma_lies_between_two(inner: bytes) -> None:
    found: Any = elements([LIKE, b'{"w":[%s],"b":"y"}' % inner, LIKE])
    assert found.sure().to_pylist() == [True, False, True]


def test_two_messages_in_one_are_none() -> None:
    found: Any = elements([LIKE, LIKE + LIKE])
    assert found.sure().to_pylist() == [True, False]


def test_the_comma_is_the_writers() -> None:
    spaced = b'{"w": ["u", "v"], "b": "y"}'
    assert elements([spaced] * 2, spaced).sure() is None
    found: Any = elements([spaced, spaced.replace(b'u", ', b'u","w",')], spaced)
    assert found.sure().to_pylist() == [True, False]


def test_one_text_has_no_neighbour() -> None:
    found: Any = elements([b'{"w":["u"],"b":"y"}'])
    assert found.sure() is None
    assert found.texts().to_pylist() == ["u"]
