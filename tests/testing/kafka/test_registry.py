"""The real schema registry of the tests: on loopback, with nothing in it, and gone when it is stopped."""

from __future__ import annotations

import urllib.request

import psutil

from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer


def test_it_answers_on_loopback(schema_registry: SchemaRegistryServer) -> None:
    assert schema_registry.url.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(f"{schema_registry.url}/schemas/types", timeout=20) as answer:  # noqa: S310
        assert b"AVRO" in answer.read()


def test_what_was_never_started_can_be_stopped() -> None:
    before = len(psutil.Process().children())
    SchemaRegistryServer().stop()
    assert len(psutil.Process().children()) == before
