"""Protobuf schemas as registries and files have them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from google.protobuf import timestamp_pb2

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError, NotFoundError
from airflow_kafka_bq.formats.structured.protobuf_files import class_of_file, descriptor_text, message_class
from airflow_kafka_bq.formats.structured.sides import sides

INNER = 'syntax = "proto3"; package q; message In { int32 a = 1; }'
OUTER = (
    'syntax = "proto3"; package p; import "q/in.proto"; import "google/protobuf/timestamp.proto"; '
    "message A { message B { message C { q.In v = 1; } } } message D { google.protobuf.Timestamp t = 1; }"
)


@pytest.mark.parametrize(("place", "name"), [((0,), "p.A"), ((1,), "p.D"), ((0, 0, 0), "p.A.B.C")])
def test_a_type_is_found_at_its_place(place: tuple[int, ...], name: str) -> None:
    assert message_class(OUTER, [("q/in.proto", INNER)], place).DESCRIPTOR.full_name == name


@pytest.mark.parametrize("place", [(2,), (0, 1), (-1,), (0, 0, 0, 0)])
def test_a_place_that_is_not_there_is_refused(place: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="no message type at"):
        message_class(OUTER, [("q/in.proto", INNER)], place)


@pytest.mark.parametrize("text", ["message", 'syntax = "proto3"; import "nowhere.proto";', OUTER, "{"])
def test_what_cannot_be_compiled_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not a Protobuf schema"):
        message_class(text, (), (0,))


def test_a_reference_does_not_leave_its_folder() -> None:
    with pytest.raises(ConfigError, match="no name of a file"):
        message_class(OUTER, [("../../in.proto", INNER)], (0,))


def test_descriptors_in_base64_are_taken_too() -> None:
    """Confluent's Python serializer registers them."""
    kind = message_class(OUTER, [("q/in.proto", INNER)], (0, 0, 0))
    file = kind.DESCRIPTOR.file
    texts = {one.name: base64.b64encode(one.serialized_pb).decode() for one in (file, *file.dependencies)}
    again = message_class(texts["main.proto"], [("q/in.proto", texts["q/in.proto"])], (0, 0, 0))
    assert again.DESCRIPTOR.full_name == "p.A.B.C"
    assert [one.full_name for one in again.DESCRIPTOR.file.message_types_by_name.values()] == ["p.A", "p.D"]


def test_two_schemas_may_use_one_name() -> None:
    texts = (f'syntax = "proto3"; message A {{ {kind} v = 1; }}' for kind in ("int32", "string"))
    one, other = (message_class(text, (), (0,)) for text in texts)
    assert (one(v=1).v, other(v="a").v) == (1, "a")


def test_a_file_has_its_imports_beside_it(tmp_path: Path) -> None:
    (tmp_path / "q").mkdir()
    (tmp_path / "q/in.proto").write_text(INNER)
    (tmp_path / "order.proto").write_text(OUTER)
    assert class_of_file(tmp_path / "order.proto").DESCRIPTOR.full_name == "p.A"
    assert class_of_file(tmp_path / "order.proto", "D").DESCRIPTOR.full_name == "p.D"
    with pytest.raises(ConfigError, match="no message type 'E'") as caught:
        class_of_file(tmp_path / "order.proto", "E")
    assert "p.A, p.D" in str(caught.value.remedy)


def test_value_schema_names_a_file_or_a_class(tmp_path: Path) -> None:
    (tmp_path / "order.proto").write_text('syntax = "proto3"; message Order { int64 n = 1; }')

    def found(name: str) -> list[str]:
        job = JobConfig.of(topic="t", table="d.t", value_format="protobuf", value_schema=name, schema_from="schema")
        return [one.name for one in sides(job, None, [tmp_path]).columns or ()]

    assert found("order.proto") == found("order.proto:Order") == ["n"]
    assert found("google.protobuf.type_pb2:Option") == ["name", "value"]
    with pytest.raises(ConfigError, match="is no Protobuf message class"):
        found("pathlib:Path")
    with pytest.raises(NotFoundError, match="value_schema="):
        found("nowhere_pb2:Order")


def test_the_identity_of_a_class_is_all_that_it_is_made_of() -> None:
    inner = (INNER.replace("a = 1", f"{name} = 1") for name in "ab")
    texts = {descriptor_text(message_class(OUTER, [("q/in.proto", one)], (0,))) for one in inner}
    assert len(texts) == 2
    assert descriptor_text(timestamp_pb2.Timestamp).startswith("google.protobuf.Timestamp")
