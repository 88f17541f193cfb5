from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_kafka_bq.formats import json_proof
from airflow_kafka_bq.formats.choose import choose
from airflow_kafka_bq.formats.json_proof import certain
from airflow_kafka_bq.formats.json_text import exact_text
from airflow_kafka_bq.formats.parser import Rejected
from tests.formats.json_fragments import RAW, WHOLE

ORDINARY = b'{"id":%d,"name":"n%d","amount":1.5,"tags":["a"],"to":{"city":"Lyon","zip":null},"lines":[{"sku":"x"}]}'


def ordinary(count: int) -> list[bytes]:
    return [ORDINARY % (number, number) for number in range(count)]


def proved(values: list[bytes]) -> list[int]:
    array: pa.Array[Any] = pa.array(values, pa.binary())
    found = certain(array)
    return [] if found is None else found.to_pylist()


def one_by_one(values: list[bytes]) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """(good, bad) with positions, as looking at each gives them."""
    good, bad = [], []
    for position, value in enumerate(values):
        try:
            good.append((position, exact_text(value)))
        except Rejected as why:
            bad.append((position, why.reason))
    return good, bad


def in_bulk(values: list[bytes]) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    array: pa.Array[Any] = pa.array(values, pa.binary())
    found = choose("json", None, ()).parse(array)
    good: list[Any] = found.good.to_pylist()
    texts: list[Any] = found.rows.column("payload").to_pylist()
    return list(zip(good, texts, strict=True)), [(bad.index, bad.reason) for bad in found.bad]


def test_ordinary_messages_are_proved() -> None:
    values = ordinary(3_000)
    assert proved(values) == list(range(3_000))


def test_a_few_bad_ones_do_not_hide_the_others() -> None:
    values = ordinary(3_000)
    for position, bad in ((700, b"{"), (1_400, b'{"id":1,"id":2}'), (1_401, b'{"id":NaN}'), (2_999, b"\xff")):
        values[position] = bad
    assert proved(values) == [each for each in range(3_000) if each not in {700, 1_400, 1_401, 2_999}]
    assert in_bulk(values) == one_by_one(values)


def test_messages_with_new_fields_do_not_hide_the_others() -> None:
    values = [b'{"id":%d,"name":"n"}' % number for number in range(3_000)]
    values[1_000], values[2_000] = b'{"id":1,"new":1}', b'{"id":2,"new":1,"new":2}'
    found = proved(values)
    assert len(found) == 2_998
    assert {1_000, 2_000}.isdisjoint(found)


def test_where_nulls_make_all_uncertain_parts_are_proved() -> None:
    """A NULL may be one of a field that nobody knew, as soon as one message has such a field."""
    values = ordinary(3_000)
    values[300], values[2_000] = b'{"id":1,"new":1}', b'{"id":NaN}'
    assert proved(values) == [each for each in range(375, 3_000) if each != 2_000]
    values[300], values[700] = ordinary(301)[300], values[300]
    assert proved(values) == [each for each in range(3_000) if each != 2_000 and not 375 <= each < 750]


def test_other_types_do_not_hide_the_others() -> None:
    values = ordinary(1_000)
    values[600] = b'{"id":"text","name":5}'
    assert proved(values) == [each for each in range(1_000) if each != 600]


def test_names_that_messages_make_up_are_not_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them would be a column as long as all the messages."""
    values = [b'{"%d":{"%d":1}}' % (number, number) for number in range(600)]
    monkeypatch.setattr(json_proof, "read", lambda *_, **__: pytest.fail("a column per name"))
    assert proved(values) == []


def test_what_nests_without_bound_is_not_read_in_bulk() -> None:
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    found = proved([deep] * 10 + ordinary(2_000))
    assert len(found) > 1_500
    assert min(found) >= 10


SCALARS = st.sampled_from(RAW)
KEYS = st.sampled_from(["a", "b", "c", '\\"', "", "a\\u0062", ":", "\\u0061"])
MEMBERS = st.tuples(KEYS, st.sampled_from(['":', '" :', '": ']), SCALARS).map(
    lambda one: b'"' + one[0].encode() + one[1].encode() + one[2]
)
OBJECTS = st.lists(MEMBERS, max_size=4).map(lambda members: b"{" + b",".join(members) + b"}")
NESTED = st.tuples(KEYS, OBJECTS, st.booleans()).map(
    lambda one: b'{"' + one[0].encode() + b'":' + (b"[" + one[1] + b"]" if one[2] else one[1]) + b"}"
)
STRANGE = st.one_of(OBJECTS, NESTED, st.sampled_from(RAW), st.sampled_from(WHOLE))


@settings(max_examples=120, deadline=None)
@given(st.lists(STRANGE, min_size=1, max_size=8), st.booleans(), st.data())
def test_it_is_what_looking_at_each_says(strange: list[bytes], known: bool, data: st.DataObject) -> None:
    """Strange messages among ordinary ones: at the front the sample learns from them, at the end it does not."""
    ordinary_ones = [b'{"a":%d,"b":"x","c":{"a":1.5}}' % number for number in range(80)]
    at = data.draw(st.integers(0, len(ordinary_ones)))
    values = [*ordinary_ones[:at], *strange, *ordinary_ones[at:]] if known else [*strange * 20, *ordinary_ones]
    assert in_bulk(values) == one_by_one(values)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=4), min_size=1, max_size=5))
def test_any_objects_stay_as_they_came(objects: list[dict[str, Any]]) -> None:
    values = [json.dumps(one).encode() for one in objects] * 20
    assert in_bulk(values) == one_by_one(values)
