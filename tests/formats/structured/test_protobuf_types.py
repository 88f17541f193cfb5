"""What the compiler calls a type is what the table of types calls it."""

from __future__ import annotations

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from airflow_kafka_bq.formats.structured.protobuf_types import SCALARS

NO_SCALARS = {"group", "message", "enum"}


def test_every_scalar_of_protobuf_has_a_type() -> None:
    kinds = {number: name.removeprefix("TYPE_").lower() for name, number in FieldDescriptorProto.Type.items()}
    assert set(SCALARS) == {number for number, name in kinds.items() if name not in NO_SCALARS}
    said = {SCALARS[number].said for number in SCALARS}
    assert said == {name for name in kinds.values() if name not in NO_SCALARS} - {"fixed64"}  # which is a uint64
