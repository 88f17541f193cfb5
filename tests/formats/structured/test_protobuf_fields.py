"""Fields as they are written: each type reads what protobuf writes, and stays within its own."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from airflow_kafka_bq.formats.structured.protobuf_fields import (
    KINDS,
    SKIPS,
    Kind,
    enum,
    or_default,
    perhaps,
    varint,
)
from airflow_kafka_bq.formats.structured.protobuf_types import SCALARS
from tests.formats.structured.test_cursor import at_the_beginning
from tests.formats.structured.test_protobuf import kind

TYPES = {name.removeprefix("TYPE_").lower(): number for name, number in FieldDescriptorProto.Type.items()}
VALUES: dict[str, list[Any]] = {
    "double": [0.5, -0.0], "float": [0.5, -(2.0**100)], "bool": [True, False],
    "int64": [-1, 2**63 - 1, -(2**63)], "sint64": [-1, 2**63 - 1, -(2**63)], "sfixed64": [-1, 2**63 - 1],
    "uint64": [2**64 - 1, 128], "fixed64": [2**64 - 1, 128], "uint32": [2**32 - 1], "fixed32": [2**32 - 1],
    "int32": [-1, 2**31 - 1, -(2**31)], "sint32": [-1, 2**31 - 1, -(2**31)], "sfixed32": [-1, 2**31 - 1],
    "string": ["", "ü", "x" * 128], "bytes": [b"", b"\xff" * 300],
}  # fmt: skip


def test_every_scalar_can_be_read() -> None:
    assert set(KINDS) == set(SCALARS) == {TYPES[name] for name in VALUES}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_and_the_end_of_it(name: str) -> None:
    row = kind(f"optional {name} v = 1;")
    tag = varint(1 << 3 | KINDS[TYPES[name]].wire)
    messages = [row(v=value).SerializeToString() for value in VALUES[name]]
    assert {message[:1] for message in messages} == {tag}
    cursor = at_the_beginning(*messages)
    found = perhaps(tag, KINDS[TYPES[name]].read, required=False)(cursor)
    cursor.end()
    assert not any(cursor.bad.to_pylist())
    assert [*map(repr, found.python())] == [*map(repr, VALUES[name])]
    skipping = at_the_beginning(*messages)
    skipping.skip(1)
    SKIPS[KINDS[TYPES[name]].wire](skipping)
    skipping.end()
    assert not any(skipping.bad.to_pylist())


@pytest.mark.parametrize(
    ("number", "octets"), [(8, b"\x08"), (127, b"\x7f"), (128, b"\x80\x01"), (16_384, b"\x80\x80\x01")]
)
def test_a_tag_is_as_short_as_it_can_be(number: int, octets: bytes) -> None:
    assert varint(number) == octets


def test_what_was_not_sent() -> None:
    number: Kind = KINDS[TYPES["int32"]]
    assert perhaps(b"\x08", number.read, required=False)(at_the_beginning(b"", b"\x08\x05")).python() == [None, 5]
    for messages, values in (((b"", b"\x08\x05"), [7, 5]), ((b"", b""), [7, 7]), ((b"\x08\x01",), [1])):
        cursor = at_the_beginning(*messages)
        assert or_default(b"\x08", number, 7)(cursor).python() == values
        cursor.end()
        assert not any(cursor.bad.to_pylist())
    cursor = at_the_beginning(b"", b"\x08\x05")
    perhaps(b"\x08", number.read, required=True)(cursor)
    assert cursor.bad.to_pylist() == [True, False]


def test_only_numbers_that_have_names() -> None:
    cursor = at_the_beginning(b"\x05", b"\x01", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
    assert enum({5: "A", -1: "B"})(cursor).python()[::2] == [5, -1]
    assert cursor.bad.to_pylist() == [False, True, False]


def test_the_column_of_a_default_is_that_of_the_values() -> None:
    for name, number in TYPES.items():
        if number in KINDS:
            row = kind(f"{name} v = 1;")
            default = row.DESCRIPTOR.fields_by_name["v"].default_value
            tag = varint(1 << 3 | KINDS[number].wire)
            message = row(v=VALUES[name][0] or VALUES[name][1]).SerializeToString()
            found: Any = or_default(tag, KINDS[number], default)(at_the_beginning(message))
            missing: Any = or_default(tag, KINDS[number], default)(at_the_beginning(b""))
            assert isinstance(found.values.type, pa.DataType)
            assert found.values.type == missing.values.type
