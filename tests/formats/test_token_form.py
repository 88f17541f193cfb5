"""A form knows whether the number of quotes is always the same."""

from __future__ import annotations

from typing import get_args

import pytest

from airflow_kafka_bq.formats.token_form import Edge, Form, Kind, Place


@pytest.mark.parametrize("kind", get_args(Kind))
def test_an_array_of_texts_has_any_number_of_quotes(kind: Kind) -> None:
    place = Place(kind, None, Edge(1, 1), Edge(2, 0))
    form = Form((b'{"a":"', b'"}'), (place,), (), 4, ",", True)
    assert form.several == (kind == "texts")


def test_forms_are_told_apart_without_looking_into_them() -> None:
    """What is kept for each is looked up for every block of messages."""
    one, same = (Form((b"{}",), (), (), 0, ",", False) for _ in range(2))
    assert one != same
    assert hash(one) != hash(same)
