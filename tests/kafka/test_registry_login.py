"""Logins and certificates of a registry, as an Airflow connection has them, on a real registry behind a front."""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from airflow_kafka_bq.exceptions import AccessDeniedError, IngestError, RegistryUnavailableError
from airflow_kafka_bq.hooks.schema_registry import registry_settings
from airflow_kafka_bq.kafka.registry import SchemaRegistry
from airflow_kafka_bq.testing.kafka.certificate import write_self_signed
from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer
from tests.kafka.registry_front import RegistryFront

TEXT = '{"type": "record", "name": "Order", "fields": [{"name": "order_id", "type": "long"}]}'
BASIC = f"Basic {base64.b64encode(b'me:open:sesame').decode()}"
Subject = tuple[str, str]


@pytest.fixture(scope="module")
def subject(schema_registry: SchemaRegistryServer) -> Subject:
    """The registry's url, and a subject that is there."""
    name = f"login-{uuid.uuid4().hex}"
    with SchemaRegistryClient({"url": schema_registry.url}) as shelf:
        shelf.register_schema(name, Schema(TEXT, "AVRO"))
    return schema_registry.url, name


def latest(monkeypatch: pytest.MonkeyPatch, name: str, **connection: Any) -> str:
    """The subject's schema, by a connection with these fields."""
    connection["extra"] = json.dumps({"max.retries": 0, **connection.get("extra", {})})
    monkeypatch.setenv("AIRFLOW_CONN_REGISTRY", json.dumps({"conn_type": "http", **connection}))
    registry = SchemaRegistry(registry_settings("registry"))
    try:
        return registry.latest(name).text
    finally:
        registry.close()


def same(found: str) -> bool:
    return bool(json.loads(found) == json.loads(TEXT))


def refused(monkeypatch: pytest.MonkeyPatch, kind: type[IngestError], name: str, **connection: Any) -> str:
    with pytest.raises(kind) as caught:
        latest(monkeypatch, name, **connection)
    assert "sesame" not in str(caught.value)
    assert "token-" not in str(caught.value)
    return str(caught.value)


def test_login_and_password(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    behind, name = subject
    with RegistryFront(behind, BASIC) as front:
        assert same(latest(monkeypatch, name, host=front.url, login="me", password="open:sesame"))
        in_extra = {"url": front.url, "basic.auth.user.info": "me:open:sesame"}
        assert same(latest(monkeypatch, name, extra=in_extra))
        refused(monkeypatch, AccessDeniedError, name, host=front.url, login="me", password="sesame")
        refused(monkeypatch, AccessDeniedError, name, host=front.url)


def test_a_bearer_token(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    behind, name = subject
    with RegistryFront(behind, "Bearer token-right") as front:
        token = {
            "bearer.auth.credentials.source": "STATIC_TOKEN",
            "bearer.auth.logical.cluster": "lsrc-1",
            "bearer.auth.identity.pool.id": "pool-1",
        }
        assert same(latest(monkeypatch, name, host=front.url, extra=token | {"bearer.auth.token": "token-right"}))
        refused(monkeypatch, AccessDeniedError, name, host=front.url, extra=token | {"bearer.auth.token": "token-left"})


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[Path, Path]:
    """Key and certificate of the front, and its certificate alone."""
    return write_self_signed(tmp_path)


def test_tls_trusts_whom_the_connection_names(
    subject: Subject, certificates: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    behind, name = subject
    with RegistryFront(behind, BASIC, server_pem=certificates[0]) as front:
        login = {"host": front.url, "login": "me", "password": "open:sesame"}
        assert same(latest(monkeypatch, name, **login, extra={"ssl.ca.location": str(certificates[1])}))
        said = refused(monkeypatch, RegistryUnavailableError, name, **login)
        assert "certificate" in said.lower()


def test_the_registry_may_ask_for_a_clients_certificate(
    subject: Subject, certificates: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind, name = subject
    (tmp_path / "client").mkdir()
    client, known = write_self_signed(tmp_path / "client")
    with RegistryFront(behind, server_pem=certificates[0], client_ca=known) as front:
        trust = {"ssl.ca.location": str(certificates[1])}
        own = {"ssl.certificate.location": str(known), "ssl.key.location": str(client)}
        assert same(latest(monkeypatch, name, host=front.url, extra=trust | own))
        refused(monkeypatch, RegistryUnavailableError, name, host=front.url, extra=trust)
