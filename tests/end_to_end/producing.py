"""Messages of the official serializers, through a real registry."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext


@dataclass
class Registered:
    """A subject of its own, and the bytes that the official serializers make for it."""

    url: str
    topic: str = field(default_factory=lambda: f"t-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.client = SchemaRegistryClient({"url": self.url})

    def register(self, text: str, kind: str = "AVRO", subject: str = "", references: Sequence[Any] = ()) -> int:
        """A schema by its text; returns its id."""
        subject = subject or f"{self.topic}-value"
        return int(self.client.register_schema(subject, Schema(text, kind, references=list(references))))

    def reference(self, name: str, subject: str) -> SchemaReference:
        """To the first version of a subject."""
        return SchemaReference(name, subject, 1)

    def avro(self, schema: str, values: Sequence[Any], side: MessageField = MessageField.VALUE) -> list[bytes]:
        """By ``AvroSerializer``, which registers the schema."""
        serialize = AvroSerializer(self.client, schema)
        return [serialize(value, SerializationContext(self.topic, side)) for value in values]

    def protobuf(self, kind: Any, values: Sequence[Any], side: MessageField = MessageField.VALUE) -> list[bytes]:
        """By ``ProtobufSerializer``, which registers the schema of the class."""
        serialize = ProtobufSerializer(kind, self.client, {"use.deprecated.format": False})
        return [serialize(value, SerializationContext(self.topic, side)) for value in values]

    def json(self, schema: str, values: Sequence[Any], side: MessageField = MessageField.VALUE) -> list[bytes]:
        """By ``JSONSerializer``, which registers the schema."""
        serialize = JSONSerializer(schema, self.client)
        return [serialize(value, SerializationContext(self.topic, side)) for value in values]
