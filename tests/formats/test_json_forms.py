"""What has the form of another message is JSON with one meaning, and nothing else has it."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_kafka_bq.formats.json_forms import FEWEST, of_known_form
from airflow_kafka_bq.formats.json_text import exact_text
from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.payload import JSON_PAYLOAD
from tests.formats.json_fragments import RAW, WHOLE

COMPACT = b'{"id":%d,"name":"n%d","amount":1.5,"tags":["a"],"to":{"city":"Lyon","zip":null},"lines":[{"sku":"x"}]}'
SPACED = b'{"id": %d, "name": "n%d",\n "tags" : [ "a" , "b" ], "to": {"city": "Lyon"} }\r\n'


def formed(values: list[bytes]) -> list[int]:
    found: list[int] = of_known_form(pa.array(values, pa.binary())).to_pylist()
    return found


def ordinary(count: int, form: bytes = COMPACT) -> list[bytes]:
    return [form % (number, number) for number in range(count)]


@pytest.mark.parametrize("form", [COMPACT, SPACED])
def test_what_one_program_writes_has_one_form(form: bytes) -> None:
    assert formed(ordinary(3_000, form)) == list(range(3_000))


def test_other_scalars_have_it_too() -> None:
    values = ordinary(1_000)
    values[300] = b'{"id":null,"name":-0.5e-7,"amount":"x","tags":[],"to":null,"lines":[{"sku":true},{"sku":1}]}'
    values[301] = r'{"id":1,"name":"\u00e9\ud83d\ude00\"\\","amount":2,"tags":["é"],"to":null,"lines":null}'.encode()
    assert formed(values) == list(range(1_000))


def test_up_to_four_forms_are_learnt_of_the_first_messages() -> None:
    forms = [b'{"a":%d}', b'{"a":%d,"b":1}', b'{"b":%d,"a":1}', b'["a",%d]', b'{"c":%d}']
    values = [forms[number % 5] % number for number in range(500)]
    assert formed(values) == [number for number in range(500) if number % 5 != 4]
    assert formed([b'{"a":1}'] * 300 + [b'{"new":1}']) == list(range(300))


def test_where_most_have_others_none_is_used() -> None:
    assert formed([b'{"%d":1}' % number for number in range(500)]) == []


def test_the_largest_forms_fit_the_engine() -> None:
    """It would end the run with an error: too large."""
    forms = [json.dumps({f"{n:-<197}{field:03}": {} for field in range(199)}).encode() for n in range(4)]
    forms += [
        json.dumps({f"{n}-{field}-{'é' * 90}": None for field in range(99)}, ensure_ascii=False).encode()
        for n in range(4)
    ]
    for four in (forms[:4], forms[4:]):
        assert formed(four * 25) == list(range(100))


def test_a_few_are_not_worth_an_expression() -> None:
    assert formed([b'{"a":1}'] * (FEWEST - 1)) == []
    assert formed([]) == []


_NO_FORM = [
    *(b'{"' + b"k" * 201 + b'":1}', b'{"a":1,"a":2}', b'{"a\\"b":1}', b"{", b"[1,[2]]", b"\xff", b""),
    json.dumps(dict.fromkeys(map(str, range(300)))).encode(),
    b"[" * 10_000 + b"]" * 10_000,
]


@pytest.mark.parametrize("first", _NO_FORM)
def test_a_message_that_gives_no_form_hides_no_other(first: bytes) -> None:
    assert formed([first, *ordinary(500)]) == list(range(1, 501))


def test_a_text_that_is_not_utf8_is_never_taken_and_hides_few() -> None:
    values = ordinary(2_000)
    values[700] = values[700].replace(b"Lyon", b"L\xff")
    found = formed(values)
    assert 700 not in found
    assert len(found) >= 1_400
    assert JSON_PAYLOAD.parse(pa.array(values, pa.binary())).good.to_pylist() == [n for n in range(2_000) if n != 700]


def test_values_that_are_a_part_of_others() -> None:
    array: Any = pa.array([b"{", *ordinary(600)], pa.binary())
    assert of_known_form(array.slice(1)).to_pylist() == list(range(600))


SCALARS = st.sampled_from(RAW)


@settings(max_examples=300, deadline=None)
@given(st.one_of(SCALARS, st.sampled_from(WHOLE)), st.integers(0, 2))
@example(b'"a","extra":"b"', 0)
@example(b'1},{"a":2', 0)
@example(b'"a"]', 1)
@example(b'"a\\', 0)
@example(b'"\\ud83d"', 0)
@example(b'"\\ud83d\\u0041"', 0)
@example(b'"\\udc00"', 0)
@example(b"1e99", 0)
@example(b"1e400", 0)
@example(b"123456789012345678901234567890", 0)
def test_whatever_stands_in_the_place_of_a_scalar(strange: bytes, place: int) -> None:
    """It is taken only where it is a scalar; the form of a strange message takes it as it is, or not at all."""
    form = [b'{"a":%s,"b":1}', b'{"b":1,"a":[%s]}', b'{"b":{"a":%s},"c":"x"}'][place]
    value = form % strange
    for values in ([form % b"1"] * 80 + [value], [value] * 80):
        if len(values) - 1 in formed(values):
            assert exact_text(value) == value.decode()


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(JSONS, st.sampled_from([None, 1]), st.booleans(), st.binary(min_size=1, max_size=2), st.data())
def test_a_changed_byte_is_seen(
    value: Any, indent: int | None, ascii_: bool, other: bytes, data: st.DataObject
) -> None:
    """Of any JSON, in any layout: one that was damaged is taken only if it is still JSON with one meaning."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_).encode()
    at = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:at] + other + text[at + data.draw(st.integers(0, 2)) :]
    values = [text] * 80 + [damaged]
    found = formed(values)
    if 80 in found:
        assert exact_text(damaged) == damaged.decode()
    for position in found[:1]:
        assert exact_text(values[position]) == text.decode()


def test_exact_text_is_the_judge() -> None:
    """Some of what no form may take is no JSON for it, and some is written anew."""
    with pytest.raises(Rejected):
        exact_text(b'{"a":"\\ud83d"}')
    assert exact_text(b'{"a":1,"a":2}') == '{"a":2}'
