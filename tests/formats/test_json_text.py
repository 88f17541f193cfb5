from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.formats.json_text import depth, exact_text, is_plain
from airflow_kafka_bq.formats.parser import Rejected
from tests.formats.json_fragments import RAW

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(
    JSON, st.booleans(), st.sampled_from([None, 1, "\t"]), st.sampled_from([",", " , "]), st.sampled_from([":", " :\n"])
)
def test_json_stays_as_it_came(value: object, ascii_only: bool, indent: str | None, comma: str, colon: str) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=(comma, colon))
    assert exact_text(text.encode()) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"a":1,"a":2}', '{"a":2}'),
        ('{"a":1,"a" :2}', '{"a":2}'),
        ('{"a" :1,"a":2}', '{"a":2}'),
        ('{"a":1,"\\u0061":2}', '{"a":2}'),
        ('{"b":[{"a":1,"c":3,"a":2}]}', '{"b":[{"a":2,"c":3}]}'),
        ('{"a":"é","a":null,"big":123456789012345678901234567890}', '{"a":null,"big":123456789012345678901234567890}'),
        ('{"a":1,"a":"\\":"}', '{"a":"\\":"}'),
    ],
)
def test_of_a_doubled_key_the_last_counts(text: str, kept: str) -> None:
    assert exact_text(text.encode()) == kept


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", 'q"', "\\", ":"]), JSON), max_size=4),
    st.sampled_from([":", " :", ": "]),
)
def test_doubled_keys_never_stay(members: list[tuple[str, object]], colon: str) -> None:
    text = "{" + ",".join(f"{json.dumps(key)}{colon}{json.dumps(value)}" for key, value in members) + "}"
    kept = exact_text(text.encode())
    assert json.loads(kept) == dict(members)
    pairs = json.loads(kept, object_pairs_hook=lambda found: [key for key, _ in found])
    assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "invalid_json"),
        (b"nope", "invalid_json"),
        (b'{"a":1}{"a":2}', "invalid_json"),
        (b'{"a":1}\x00', "invalid_json"),
        (b'"a\nb"', "invalid_json"),
        (b'"\\ud800"', "invalid_json"),
        (b'{"\\udc00":1}', "invalid_json"),
        (b"\xef\xbb\xbf1", "invalid_json"),
        ('{"a":1}'.encode("utf-16"), "invalid_utf8"),
        (b'"\xff"', "invalid_utf8"),
        (b'"\xed\xa0\x80"', "invalid_utf8"),
        (b"NaN", "nan"),
        (b'{"a":[-Infinity]}', "nan"),
        (b"1e400", "number_out_of_range"),
        (b"-" + b"9" * 400, "number_out_of_range"),
        (b"1" * 5000, "number_out_of_range"),
        (b"[" * 501 + b"]" * 501, "too_deep"),
        (b'{"a":' * 501 + b"1" + b"}" * 501, "too_deep"),
        (b"[" * 200_000, "too_deep"),
    ],
)
def test_what_bigquery_would_refuse_is_refused(value: bytes, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        exact_text(value)
    assert (caught.value.stage, caught.value.reason) == ("decode", reason)


@pytest.mark.parametrize(
    "value", [b"[" * 500 + b"]" * 500, b'{"a":' * 500 + b"1" + b"}" * 500, b"1" * 300, b'"[[["', b"NaN"[:0] + b"null"]
)
def test_what_bigquery_takes_is_taken(value: bytes) -> None:
    assert exact_text(value) == value.decode()


def test_brackets_in_strings_are_no_nesting() -> None:
    assert depth('{"a[[[\\"{":[1]}') == 2


@pytest.mark.parametrize("value", RAW)
def test_the_short_way_takes_only_what_the_long_way_keeps(value: bytes) -> None:
    if is_plain(value):
        assert exact_text(value) == value.decode()
        assert json.loads(value) == json.loads(value, parse_constant=lambda name: pytest.fail(name))


@pytest.mark.parametrize("value", [b'{"a": 1, "b": [{"c": "x"}, {"c": "12:30"}]}', b'{"a":1}', b"[]", b'"x"', b"5"])
def test_ordinary_messages_go_the_short_way(value: bytes) -> None:
    assert is_plain(value)
