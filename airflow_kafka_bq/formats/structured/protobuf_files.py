"""Protobuf: schemas as descriptors, compiled from the text of a .proto file or taken from a generated class."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.structured.packages import needed

EXTRA = "protobuf"
_MAIN = "main.proto"
# Confluent's serializers import these, and register no reference to them.
_BUILT_IN: Mapping[str, str] = {
    "confluent/type/decimal.proto": """syntax = "proto3"; package confluent.type;
        message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }""",
    "confluent/meta.proto": """syntax = "proto3"; package confluent; import "google/protobuf/descriptor.proto";
        message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
        extend google.protobuf.FileOptions { Meta file_meta = 1088; }
        extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
        extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
        extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
        extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }""",
}


def message_class(text: str, references: Iterable[tuple[str, str]], place: tuple[int, ...]) -> Any:
    """The class of a message type of a .proto text, or of a descriptor in base64, which some serializers register.

    :param references: name and text of the files that it imports.
    :param place: indexes of the type in its file, outermost first.
    :raises ConfigError: this is no .proto file, it has no such type, or the compiler is not installed.
    """
    given = dict(references)
    if (file := _descriptor(text)) is not None:
        files = list(_with_imports(file, given, set()))
        return _made(files, _type_at(file, place))
    with tempfile.TemporaryDirectory(prefix="kafka-bq-proto-") as folder:
        for name, content in (*_BUILT_IN.items(), *given.items(), (_MAIN, text)):
            _put(Path(folder), name, content)
        files = _compiled(Path(folder), _MAIN)
    return _made(files, _type_at(files[-1], place))


def _descriptor(text: str) -> Any:
    """A file's descriptor in base64; None of what is a text."""
    sets = needed("google.protobuf.descriptor_pb2", EXTRA)
    try:
        return sets.FileDescriptorProto.FromString(base64.b64decode(text, validate=True))
    except Exception:  # binascii.Error, or DecodeError, whose module is not known here
        return None


def _with_imports(file: Any, given: Mapping[str, str], seen: set[str]) -> Iterator[Any]:
    """A descriptor behind those that it needs."""
    for name in file.dependency:
        if name in seen:
            continue
        seen.add(name)
        other = _descriptor(given[name]) if name in given else None
        if other is not None:
            yield from _with_imports(other, given, seen)
            continue
        with tempfile.TemporaryDirectory(prefix="kafka-bq-proto-") as folder:
            for known, content in (*_BUILT_IN.items(), *given.items()):
                _put(Path(folder), known, content)
            compiled = _compiled(Path(folder), name)
        yield from (one for one in compiled if one.name == name or one.name not in seen)
        seen.update(one.name for one in compiled)
    yield file


def class_of_file(path: Path, name: str = "") -> Any:
    """The class of a message type of a file, by its name or the first one; its imports are looked for beside it."""
    with tempfile.TemporaryDirectory(prefix="kafka-bq-proto-") as folder:
        for built_in, content in _BUILT_IN.items():
            _put(Path(folder), built_in, content)
        files = _compiled(path.resolve().parent, path.name, Path(folder))
    file = files[-1]
    if not name:
        return _made(files, _type_at(file, (0,)))
    known = [".".join(filter(None, (file.package, one.name))) for one in file.message_type]
    found = next((full for full in known if name in {full, full.rpartition(".")[2]}), None)
    if found is None:
        raise ConfigError(f"{path.name} has no message type {name!r}", remedy=f"there are {', '.join(known)}")
    return _made(files, found)


def _put(folder: Path, name: str, content: str) -> None:
    """A reference is a name of others: it must not lead out of the folder."""
    path = Path(os.path.normpath(folder / name))
    if not path.is_relative_to(folder):
        raise ConfigError(f"the schema refers to {name!r}, which is no name of a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def _compiled(folder: Path, name: str, *more: Path) -> list[Any]:
    """Descriptors of a file and all that it imports, each behind those that it needs."""
    protoc = needed("grpc_tools.protoc", EXTRA)
    sets = needed("google.protobuf.descriptor_pb2", EXTRA)
    own = Path(protoc.__file__).parent / "_proto"  # google/protobuf/*.proto
    with tempfile.NamedTemporaryFile(prefix="kafka-bq-proto-") as out:
        places = [f"-I{place}" for place in (folder, *more, own)]
        if protoc.main(["protoc", *places, f"--descriptor_set_out={out.name}", "--include_imports", name]):
            message = "not a Protobuf schema, or it imports what is not there"
            raise ConfigError(message, remedy="the compiler's own words are in the log")
        return list(sets.FileDescriptorSet.FromString(Path(out.name).read_bytes()).file)


def _type_at(file: Any, place: tuple[int, ...]) -> str:
    """Full name of a type."""
    names, types = [file.package] if file.package else [], file.message_type
    for index in place:
        if not 0 <= index < len(types):
            raise ConfigError(f"the schema has no message type at {list(place)}")
        names.append(types[index].name)
        types = types[index].nested_type
    return ".".join(names)


def _made(files: Iterable[Any], name: str) -> Any:
    """In a pool of its own: two schemas may give one name to different types."""
    pool = needed("google.protobuf.descriptor_pool", EXTRA).DescriptorPool()
    for file in files:
        pool.Add(file)
    return needed("google.protobuf.message_factory", EXTRA).GetMessageClass(pool.FindMessageTypeByName(name))


def descriptor_text(kind: Any) -> str:
    """All that the file of a class says, and the files that it imports."""
    waiting, seen = [kind.DESCRIPTOR.file], dict[str, str]()
    for file in waiting:  # which grows on the way
        if file.name not in seen:
            seen[file.name] = file.serialized_pb.hex()
            waiting.extend(file.dependencies)
    return f"{kind.DESCRIPTOR.full_name} {sorted(seen.items())}"
