"""Who wrote a message: told by the id in front of it, asked for once, never guessed."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from airflow_kafka_bq.exceptions import ConfigError, RegistryUnavailableError
from airflow_kafka_bq.formats.parser import Rejected, bytes_of
from airflow_kafka_bq.formats.structured.packages import needed
from airflow_kafka_bq.formats.structured.shapes import Scalar, Schema, Slot
from airflow_kafka_bq.formats.structured.writers import OneWriter, RegisteredWriters, Writer
from airflow_kafka_bq.ports import RegisteredSchema

SCHEMA = Schema(Slot(Scalar("STRING", "string")), bytes.decode)


@dataclass
class Shelf:
    """A registry that counts what it is asked."""

    schemas: dict[int, RegisteredSchema] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    down: bool = False

    def schema(self, schema_id: int) -> RegisteredSchema | None:
        self.asked.append(schema_id)
        if self.down:
            raise RegistryUnavailableError("no answer")
        return self.schemas.get(schema_id)

    def latest(self, subject: str) -> RegisteredSchema:
        raise NotImplementedError(subject)

    def close(self) -> None:
        """Nothing is held."""


def framed(schema_id: int, data: bytes = b"", magic: int = 0) -> bytes:
    return bytes([magic]) + schema_id.to_bytes(4, "big") + data


def read(registered: RegisteredSchema, place: tuple[int, ...]) -> Schema:
    if registered.text == "wrong":
        raise ConfigError("not a schema")
    if registered.text == "missing":
        needed("a_package_that_nobody_has", "avro")
    places.append(place)
    return SCHEMA


places: list[tuple[int, ...]] = []


def refusal(writers: RegisteredWriters, message: bytes) -> Rejected:
    with pytest.raises(Rejected) as caught:
        writers.of(message)
    return caught.value


def test_a_schema_is_asked_for_once() -> None:
    shelf = Shelf({3: RegisteredSchema(3, "AVRO", "")})
    writers = RegisteredWriters(shelf, "AVRO", read)
    assert [writers.of(framed(3, data)) for data in (b"a", b"b")] == [
        (writers.of(framed(3))[0], b"a"),
        (writers.of(framed(3))[0], b"b"),
    ]
    assert shelf.asked == [3]


def test_an_id_that_nobody_knows_is_the_messages_fault() -> None:
    shelf = Shelf()
    writers = RegisteredWriters(shelf, "AVRO", read)
    found = [refusal(writers, framed(2**32 - 1)) for _ in range(2)]
    assert {(one.stage, one.reason, one.schema_id) for one in found} == {("registry", "unknown_schema", 2**32 - 1)}
    assert shelf.asked == [2**32 - 1]


def test_a_registry_that_is_down_is_not() -> None:
    writers = RegisteredWriters(Shelf(down=True), "AVRO", read)
    with pytest.raises(RegistryUnavailableError):
        writers.of(framed(1))


@pytest.mark.parametrize("message", [b"", b"\0\0\0\0", framed(1, magic=1), b'{"a": 1}'])
def test_a_message_without_an_id_is_refused(message: bytes) -> None:
    assert refusal(RegisteredWriters(Shelf(), "AVRO", read), message).reason == "no_schema_id"


def test_a_schema_of_another_format_is_refused() -> None:
    shelf = Shelf({1: RegisteredSchema(1, "PROTOBUF", ""), 2: RegisteredSchema(2, "AVRO", "wrong")})
    writers = RegisteredWriters(shelf, "AVRO", read)
    assert refusal(writers, framed(1)).reason == "other_format"
    assert refusal(writers, framed(2)).reason == "unusable_schema"


def test_a_missing_package_ends_the_run_and_names_the_extra() -> None:
    writers = RegisteredWriters(Shelf({1: RegisteredSchema(1, "AVRO", "missing")}), "AVRO", read)
    with pytest.raises(ConfigError) as caught:
        writers.of(framed(1))
    assert "airflow-provider-kafka-bq[avro]" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("indexes", "place"),
    [(b"\0", (0,)), (b"\2\0", (0,)), (b"\4\2\0", (1, 0)), (b"\2\xfe\1", (127,)), (b"\6\2\4\6", (1, 2, 3))],
)
def test_the_place_of_a_message_type_follows_the_id(indexes: bytes, place: tuple[int, ...]) -> None:
    writers = RegisteredWriters(Shelf({1: RegisteredSchema(1, "PROTOBUF", "")}), "PROTOBUF", read, placed=True)
    assert writers.of(framed(1, indexes + b"data"))[1] == b"data"
    assert places[-1] == place


@pytest.mark.parametrize("indexes", [b"", b"\x80", b"\4\2", b"\3", b"\xff" * 12, b"\xfe\xff\xff\xff\1"])
def test_a_place_that_is_cut_off_or_makes_no_sense_is_refused(indexes: bytes) -> None:
    writers = RegisteredWriters(Shelf({1: RegisteredSchema(1, "PROTOBUF", "")}), "PROTOBUF", read, placed=True)
    assert refusal(writers, framed(1, indexes)).reason == "no_message_type"


def test_one_writer_takes_the_whole_message() -> None:
    writer = Writer(SCHEMA)
    assert OneWriter(writer).of(b"\0\0\0\0\1") == (writer, b"\0\0\0\0\1")


def test_messages_of_one_writer_are_found_together() -> None:
    kinds = {1: "AVRO", 2: "AVRO", 3: "JSON"}
    shelf = Shelf({schema_id: RegisteredSchema(schema_id, kind, "") for schema_id, kind in kinds.items()})
    writers = RegisteredWriters(shelf, "AVRO", read)
    ids = [1, 2, 1, 9, 2, 3, 3, 9]
    values = pa.array([*map(framed, ids), b"", b"\0\0\0", b"\1\0\0\0\1", framed(1), framed(4)], pa.binary())
    found = writers.alike(values, 2)
    assert [(one.writer.schema_id, one.positions.to_pylist(), one.skip) for one in found if one.positions] == [
        (1, [0, 2, 11], 5),
        (2, [1, 4], 5),
    ]
    assert len(found) == 2
    assert sorted(shelf.asked) == [1, 2, 3, 9]  # of the one that comes once nobody knows yet


def test_messages_that_are_all_of_one_writer() -> None:
    writers = RegisteredWriters(Shelf({1: RegisteredSchema(1, "AVRO", "")}), "AVRO", read)
    values = pa.array([framed(1, b"a"), framed(1)], pa.binary())
    assert [(one.positions, one.skip) for one in writers.alike(values, 2)] == [(None, 5)]
    assert writers.alike(values, 3) == []
    one = Writer(SCHEMA)
    assert OneWriter(one).alike(values, 2) == [(one, None, 0)]
    assert OneWriter(one).alike(values, 3) == []


def test_messages_of_one_type_are_found_together_by_the_place_behind_the_id() -> None:
    shelf = Shelf({schema_id: RegisteredSchema(schema_id, "PROTOBUF", "") for schema_id in (1, 2)})
    writers = RegisteredWriters(shelf, "PROTOBUF", read, placed=True)
    first, second, inner, long = b"\0", b"\2\2", b"\4\2\0", b"\2\x80\2"
    one = [framed(1, first + b"a"), framed(1, second + b"b"), framed(2, first), framed(1, inner), framed(1, long)]
    nothing = [b"", b"\0\0", framed(1), framed(1, b"\1"), framed(1, b"\4\2"), framed(1, b"\xff" * 20), framed(9, first)]
    values = pa.array([*one, *nothing, *one, *nothing, framed(1, b"\6\2\2\2")], pa.binary())
    found = writers.alike(values, 2)
    assert sorted((alike.skip, alike.positions.to_pylist()) for alike in found if alike.positions is not None) == [
        (6, [0, 12]),
        (6, [2, 14]),
        (7, [1, 13]),
        (8, [3, 15]),
    ]
    for alike in found:
        assert alike.positions is not None
        for message in bytes_of(values.take(alike.positions)):
            assert writers.of(message) == (alike.writer, message[alike.skip :])
    assert sorted(set(shelf.asked)) == [1, 2, 9]


@pytest.mark.parametrize(("place", "skip"), [(b"\0", 6), (b"\2\0", 7), (b"\4\2\0", 8)])
def test_messages_that_are_all_of_one_type(place: bytes, skip: int) -> None:
    writers = RegisteredWriters(Shelf({1: RegisteredSchema(1, "PROTOBUF", "")}), "PROTOBUF", read, placed=True)
    values = pa.array([framed(1, place), framed(1, place + b"a")], pa.binary())
    found = writers.alike(values, 2)
    assert [(one.skip, one.positions is None or one.positions.to_pylist() == [0, 1]) for one in found] == [(skip, True)]
    assert writers.alike(values, 3) == []
