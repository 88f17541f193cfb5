"""Fill a topic with orders whose schema is in a registry: ``BOOTSTRAP TOPIC MESSAGES avro|protobuf REGISTRY``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from benchmarks import orders
from benchmarks.encoded import AVRO, PROTO, avro_writer, order_of, protobuf_texts
from benchmarks.produce import produce

SCHEMAS = {"avro": AVRO, "protobuf": PROTO}
_FIRST_MESSAGE = b"\0"  # of a Protobuf schema: the index of the message, in short


def values(kind: str, messages: int, schema_id: int) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) as the official serializers frame them."""
    keys = (key for key, _ in orders.values(messages))
    found = (order_of(text) for _, text in orders.values(messages))
    frame = b"\0" + schema_id.to_bytes(4, "big")
    if kind == "avro":
        write = avro_writer(AVRO)
        yield from zip(keys, (frame + write(order) for order in found), strict=True)
    else:
        yield from zip(keys, (frame + _FIRST_MESSAGE + one for one in protobuf_texts(found)), strict=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("messages", type=int)
    parser.add_argument("kind", choices=SCHEMAS)
    parser.add_argument("registry")
    told = parser.parse_args()
    schema = Schema(SCHEMAS[told.kind], told.kind.upper())
    number = SchemaRegistryClient({"url": told.registry}).register_schema(f"{told.topic}-value", schema)
    print(json.dumps(produce(told.bootstrap, told.topic, orders.PARTITIONS, values(told.kind, told.messages, number))))
