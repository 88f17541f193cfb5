"""A connection as settings of the schema registry's client."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.hooks.schema_registry import registry_settings


def settings(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> dict[str, Any]:
    monkeypatch.setenv("AIRFLOW_CONN_REGISTRY", json.dumps(fields))
    return registry_settings("registry")


def test_no_connection_no_settings() -> None:
    assert registry_settings(None) == {}


def test_the_extra_is_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"url": "https://r", "ssl.ca.location": "/ca.pem", "bearer.auth.token": "t"}
    assert settings(monkeypatch, conn_type="generic", extra=json.dumps(extra)) == extra


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": "r.example"}, "https://r.example"),
        ({"host": "r.example", "schema": "http", "port": 8081}, "http://r.example:8081"),
        ({"host": "http://r.example:8081/api"}, "http://r.example:8081/api"),
    ],
)
def test_host_and_login_of_an_http_connection(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], url: str
) -> None:
    found = settings(monkeypatch, conn_type="http", login="me", password="p:w", **fields)
    assert found == {"url": url, "basic.auth.user.info": "me:p:w"}


def test_a_connection_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="'nowhere' is not defined"):
        registry_settings("nowhere")
