"""Repeated fields of many messages, packed or not, are the lists that protobuf reads, or bad."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.formats.structured.protobuf import protobuf_schema
from tests.formats.structured.test_protobuf import kind
from tests.formats.structured.test_protobuf_columns import check

LISTS: dict[str, list[Any]] = {
    "int32": [0, 1, -1, 300, 2**31 - 1],
    "sint64": [0, -(2**63), 2**63 - 1],
    "fixed32": [0, 2**32 - 1],
    "double": [0.5, float("inf"), -0.0],
    "bool": [True, False],
    "E": [0, 1],
    "string": ["", "ü", "x" * 300],
    "bytes": [b"", b"\0\xff"],
}


@pytest.mark.parametrize(
    ("element", "packed"),
    [
        (one, packed)
        for one in LISTS
        for packed in ("", "[packed = false]", "[packed = true]")
        if not packed or one not in ("string", "bytes")  # which are never packed
    ],
)
def test_lists(element: str, packed: str) -> None:
    row = kind(f"repeated {element} v = 1 {packed}; int32 w = 20;")
    values = LISTS[element]
    lists: list[list[Any]] = [values, [], values[:1], values * 5, [], values[::-1]]
    messages = [row(v=one, w=at).SerializeToString() for at, one in enumerate(lists)]
    assert check(protobuf_schema(row), messages) == 0


def test_messages_in_lists_in_messages_in_lists() -> None:
    inner = "message In { repeated Deep d = 1; string s = 3; } message Deep { repeated int32 n = 1; }"
    row = kind("repeated In v = 1; int32 w = 2;", inner)
    given = [
        {"v": [{"d": [{"n": [1, 2]}, {}], "s": "a"}, {}], "w": 1},
        {},
        {"v": [{"d": [{}, {"n": [3] * at}]} for at in range(5)], "w": 2},
    ]
    assert check(protobuf_schema(row), [row(**one).SerializeToString() for one in given]) == 0


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("int32", b"\x0a\x01\x80"),  # a pack that ends inside a number
        ("int32", b"\x0a\x02\x01"),  # or behind the message
        ("int32", b"\x0a\x01\x01\x0a\x01\x02"),  # two packs
        ("int32", b"\x0a\x01\x01\x08\x02"),  # a pack and a field
        ("int32", b"\x0a\x0b" + b"\x80" * 10 + b"\x01"),  # a number of more than 64 bits
        ("int32", b"\x0a\x05\xff\xff\xff\xff\x0f"),  # of more than 32
        ("bool", b"\x0a\x02\x80\x00"),
        ("bool", b"\x0a\x01\x02"),
        ("E", b"\x0a\x02\x00\x07"),  # a number without a name
        ("fixed32", b"\x0a\x05\0\0\0\0\0"),
        ("double", b"\x0a\x04\0\0\0\0"),
        ("string", b"\x0a\x01a\x0a\x01\xff"),  # no UTF-8
        ("string", b"\x0a\x02a"),
        ("bytes", b"\x0a\x01a\xa0\x01\x05\x0a\x01b"),  # two places
        ("In", b"\x0a\x02\x08\x01\x0a\x03\x08\x01\x08"),
    ],
)
def test_what_is_unusual_in_a_list_is_bad_alone(field: str, message: bytes) -> None:
    row = kind(f"repeated {field} v = 1; int32 w = 20;")
    schema, good = protobuf_schema(row), b"\xa0\x01\x05"
    assert check(schema, [message]) == 1
    assert check(schema, [good, message, b"", message, good]) == 2


def test_a_list_that_is_much_longer_than_others_is_left_to_single_messages() -> None:
    row = kind("repeated string v = 1; int32 w = 20;")
    messages = [row(v=["a"] * count, w=1).SerializeToString() for count in (3, 200, 201, 1_000, 0)]
    assert check(protobuf_schema(row), messages) == 2
    packed = kind("repeated int32 v = 1;")
    assert check(protobuf_schema(packed), [packed(v=range(100_000)).SerializeToString(), b""]) == 0


MAPS: dict[str, list[Any]] = {
    "string": ["", "b", "a", "ü", "\ue000", "😀", "aa"],
    "int32": [0, -1, 5, -(2**31)],
    "uint64": [2**64 - 1, 0, 2**63],
    "bool": [True, False],
}


@pytest.mark.parametrize("key", MAPS)
@pytest.mark.parametrize("value", ["int64", "string", "In", "E", "google.protobuf.Timestamp"])
def test_maps(key: str, value: str) -> None:
    row = kind(f"map<{key}, {value}> v = 1; int32 w = 20;")
    messages = []
    for keys in (MAPS[key], [], MAPS[key][:1], MAPS[key][::-1]):
        message = row(w=5)
        for one in keys:
            if value in ("int64", "E"):
                message.v[one] = 1
            elif value == "string":
                message.v[one] = str(one)
            else:
                message.v[one].SetInParent()
        messages.append(message.SerializeToString())
    assert check(protobuf_schema(row), messages) == 0


@pytest.mark.parametrize(
    ("message", "bad"),
    [
        (b"\x0a\x05\x0a\x01b\x10\x02\x0a\x05\x0a\x01a\x10\x01", False),
        (b"\x0a\x05\x0a\x01a\x10\x02\x0a\x05\x0a\x01a\x10\x01", True),  # the last of a key holds
        (b"\x0a\x05\x10\x02\x0a\x01b", True),  # the value first
        (b"\x0a\x02\x10\x02", False),  # no key, which is then empty
        (b"\x0a\x03\x0a\x01b", True),  # no value
        (b"\x0a\x00", True),
        (b"\x0a\x05\x0a\x01\xff\x10\x02", True),
        (b"\x0a\x07\x0a\x01b\x10\x02\x18\x01", True),
        (b"\x0a\x06\x0a\x01b\x10\x02", True),
    ],
)
def test_what_is_unusual_in_a_map_is_bad_alone(message: bytes, bad: bool) -> None:
    schema, good = protobuf_schema(kind("map<string, int64> v = 1;")), b"\x0a\x05\x0a\x01a\x10\x01"
    assert check(schema, [message]) == bad
    assert check(schema, [good, message, b"", good]) == bad
