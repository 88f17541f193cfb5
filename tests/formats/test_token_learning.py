"""A form is what stands between the values of one message."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from airflow_kafka_bq.formats.columnar_plan import Node, plan
from airflow_kafka_bq.formats.token_form import Edge, NoFormError, Source
from airflow_kafka_bq.formats.token_learning import form_of
from airflow_kafka_bq.schema.model import model_columns


class Inner(BaseModel):
    x: int
    y: str | None = None


class Outer(BaseModel):
    a: str
    n: float | None = None
    words: list[str] | None = None
    inner: Inner | None = None
    numbers: list[int] | None = None


def nodes_of(model: type[BaseModel]) -> tuple[Node, ...]:
    found = plan(model, model_columns(model))
    assert found is not None
    return found.nodes


NODES = nodes_of(Outer)


def test_places_lie_between_separators() -> None:
    form = form_of(b'{"a":"text","n":1.5}', NODES)
    assert form.separators == (b'{"a":"', b'","n":', b"}")
    assert [(place.kind, place.start, place.end) for place in form.places] == [
        ("text", Edge(2, 1), Edge(3, 0)),
        ("bare", Edge(5, 2), Edge(None, -1)),
    ]
    assert [source.kind for source in form.sources] == ["place", "place", "null", "null", "null"]
    assert (form.quotes, form.several, form.unknown) == (6, False, False)


def test_behind_an_array_of_texts_quotes_are_counted_from_the_end() -> None:
    form = form_of(b'{"words": ["v", "w"], "a": "x", "inner": {"x": 1}}', NODES)
    assert form.separators == (b'{"words": ["', b'"], "a": "', b'", "inner": {"x": ', b"}}")
    words, text, number = form.places
    assert (words.kind, words.start, words.end) == ("texts", Edge(2, 1), Edge(-9, 0))
    assert (text.start, text.end) == (Edge(-6, 1), Edge(-5, 0))
    assert (number.start, number.end) == (Edge(-1, 3), Edge(None, -2))
    assert (form.quotes, form.several, form.comma) == (12, True, ", ")
    assert form.sources[3] == Source("object", members=(Source("place", 2), Source("null")))


def test_a_member_without_column_is_kept_in_mind() -> None:
    form = form_of(b'{"a":"x","more":{"deep":[1,2]},"words":[],"numbers":[]}', NODES)
    assert form.unknown
    assert [(place.kind, place.node and place.node.name) for place in form.places] == [
        ("text", "a"),
        ("bares", None),
        ("bares", "numbers"),
    ]
    assert form.sources[2].kind == "empty"


NESTED = b'{"a":"x","deep":' + b'{"d":' * 60 + b"1" + b"}" * 60 + b"}"


@pytest.mark.parametrize(
    "value",
    [
        b"", b"[]", b"1", b"{", b'{"a":"x"', b'{"a":"x"} {}', b'{"a":"x"}]', b"\xff", b'{"a":"\xff"}', b'{"a":"x\\n"}',
        b'{"a":"x","a":"y"}', b'{"a":"x","more":{"b":1,"b":2}}', b'{"n":1}', b'{"a":null}', b'{"a":1}', b'{"a":["x"]}',
        b'{"a":"x","n":"1"}', b'{"a":"x","n":{"x":1}}', b'{"a":"x","inner":[{"x":1}]}', b'{"a":"x","inner":{}}',
        b'{"a":"x","words":[1]}', b'{"a":"x","words":["y",1]}', b'{"a":"x","numbers":["1"]}', b'{"a":"x","more":[[1]]}',
        b'{"a":"x","words":["y"],"more":["z"]}', b'{"a":"x",\n"n":1}', NESTED,
        b'{"a":"x",' + b",".join(b'"m%d":1' % index for index in range(201)) + b"}",
    ],
)  # fmt: skip
def test_some_messages_have_no_form(value: bytes) -> None:
    with pytest.raises(NoFormError):
        form_of(value, NODES)


@pytest.mark.parametrize(
    "value", [b'{"a":"x","n":null,"words":null,"inner":null}', b' { "a" : "x" , "n" : 1 } ', b'{"a":""}']
)
def test_others_have_one(value: bytes) -> None:
    form: Any = form_of(value, NODES)
    assert len(form.separators) == len(form.places) + 1
