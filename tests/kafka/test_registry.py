"""The border to the schema registry, on a real one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from airflow_kafka_bq.exceptions import AccessDeniedError, ConfigError, NotFoundError, RegistryUnavailableError
from airflow_kafka_bq.kafka.registry import SchemaRegistry, split
from airflow_kafka_bq.testing.kafka.loopback import free_ports
from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer

INNER = '{"type": "record", "name": "Inner", "fields": []}'
SECRETS = {"basic.auth.user.info": "me:open-sesame"}


@pytest.fixture
def registry(schema_registry: SchemaRegistryServer) -> Iterator[SchemaRegistry]:
    found = SchemaRegistry({"url": schema_registry.url, "timeout": "20", "max.retries": "1"})
    yield found
    found.close()


@pytest.fixture
def shelf(schema_registry: SchemaRegistryServer) -> SchemaRegistryClient:
    return SchemaRegistryClient({"url": schema_registry.url})


def test_schemas_come_with_what_they_refer_to(registry: SchemaRegistry, shelf: SchemaRegistryClient) -> None:
    subject = uuid.uuid4().hex
    shelf.register_schema(f"{subject}-inner", Schema(INNER, "AVRO"))
    reference = SchemaReference("Inner", f"{subject}-inner", 1)
    outer = '{"type": "record", "name": "Outer", "fields": [{"name": "a", "type": "Inner"}]}'
    schema_id = shelf.register_schema(subject, Schema(outer, "AVRO", references=[reference]))
    found = registry.schema(schema_id)
    assert found is not None
    assert (found.id, found.kind) == (schema_id, "AVRO")
    assert [name for name, _ in found.references] == ["Inner"]
    assert registry.latest(subject).id == schema_id


def test_what_is_not_there(registry: SchemaRegistry) -> None:
    assert registry.schema(2**31 - 1) is None
    with pytest.raises(NotFoundError, match="no subject 'nowhere-value'"):
        registry.latest("nowhere-value")


def test_a_registry_that_does_not_answer_is_unavailable() -> None:
    url = f"http://me:open-sesame@127.0.0.1:{free_ports(1)[0]}"
    registry = SchemaRegistry({"url": url, "max.retries": 0})
    with pytest.raises(RegistryUnavailableError) as caught:
        registry.schema(1)
    assert "open-sesame" not in str(caught.value)
    registry.close()


@pytest.mark.parametrize(("status", "kind"), [
    (401, AccessDeniedError), (403, AccessDeniedError),
    (500, RegistryUnavailableError), (429, RegistryUnavailableError),
])  # fmt: skip
def test_answers_are_sorted_and_show_no_secret(status: int, kind: type[Exception], monkeypatch: Any) -> None:
    registry = SchemaRegistry({"url": "http://127.0.0.1:9", **SECRETS})

    def refuse(_: int) -> None:
        raise SchemaRegistryError(status, status * 100, "login me:open-sesame, password open-sesame")

    monkeypatch.setattr(registry._client, "get_schema", refuse)
    with pytest.raises(kind) as caught:
        registry.schema(1)
    assert "open-sesame" not in str(caught.value)
    assert "open-sesame" not in repr(registry)
    registry.close()


@pytest.mark.parametrize("settings", [
    {}, {"url": ""}, {"url": "ftp://x"}, {"url": "http://x", "basic.auth.user.info": "open-sesame"},
    {"url": "http://x", "never.heard.of": "1"}, {"url": "http://x", "timeout": "soon"},
    {"url": "https://x", "ssl.ca.location": "/nowhere.pem"},
])  # fmt: skip
def test_wrong_settings_are_refused_by_name(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="schema registry") as caught:
        SchemaRegistry(settings)
    assert "open-sesame" not in str(caught.value)


def test_the_registrys_settings_may_stand_among_kafkas() -> None:
    both = {"bootstrap.servers": "a:9092", "schema.registry.url": "http://r", "schema.registry.ssl.ca.location": "ca"}
    assert split(both) == ({"bootstrap.servers": "a:9092"}, {"url": "http://r", "ssl.ca.location": "ca"})
