from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.formats.choose import choose
from airflow_kafka_bq.formats.parser import Parsed


def parsed(value_format: str, *values: bytes) -> Parsed:
    array: pa.Array[Any] = pa.array(values, pa.binary())
    return choose(value_format, None, ()).parse(array)


@pytest.mark.parametrize("value_format", ["json", "string", "bytes"])
def test_good_values_stay_as_they_are(value_format: str) -> None:
    found = parsed(value_format, b'{"a": 1}', b'"\xc3\xa9"')
    assert found.good.to_pylist() == [0, 1]
    assert found.bad == ()
    expected: list[Any] = [b'{"a": 1}', b'"\xc3\xa9"'] if value_format == "bytes" else ['{"a": 1}', '"é"']
    assert found.rows.to_pydict() == {"payload": expected}


@pytest.mark.parametrize("value_format", ["json", "string"])
def test_bad_values_are_told_apart(value_format: str) -> None:
    found = parsed(value_format, b"1", b"\xff", b"2")
    assert found.good.to_pylist() == [0, 2]
    assert found.rows.to_pydict() == {"payload": ["1", "2"]}
    (bad,) = found.bad
    assert (bad.index, bad.stage, bad.reason) == (1, "decode", "invalid_utf8")


def test_any_bytes_are_bytes() -> None:
    assert parsed("bytes", b"\xff\x00", b"").rows.to_pydict() == {"payload": [b"\xff\x00", b""]}


def test_an_empty_value_is_text_and_no_json() -> None:
    assert parsed("string", b"").rows.to_pydict() == {"payload": [""]}
    assert parsed("json", b"").bad[0].reason == "invalid_json"


@pytest.mark.parametrize("value_format", ["json", "string", "bytes"])
def test_no_values_are_no_rows(value_format: str) -> None:
    found = parsed(value_format)
    assert found.rows.schema == choose(value_format, None, ()).schema
    assert found.rows.num_rows == len(found.good) == 0


def test_space_before_a_colon_hides_no_doubled_key_in_any_message() -> None:
    """It is looked for in all messages at once: one that has it must not hide it in the others, nor be missed."""
    doubled = b'{"a" :1,"s":"\\":","a" :2}'  # as many '":' as different keys
    for values in ([doubled], [b'{"b":1}', doubled, b"1"], [doubled, b"\xff"]):
        at = values.index(doubled)
        assert parsed("json", *values).rows.to_pydict()["payload"][at] == '{"a":2,"s":"\\":"}'
