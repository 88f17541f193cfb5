from __future__ import annotations

import json

import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.hooks.salts import salt_of


def test_the_salt_is_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PII", json.dumps({"conn_type": "generic", "password": "s:a/l t"}))
    assert salt_of("pii") == "s:a/l t"


def test_a_connection_that_is_not_there_or_has_no_password_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="connection 'pii_not_there', which is not defined") as caught:
        salt_of("pii_not_there")
    assert "--conn-password" in str(caught.value.remedy)
    monkeypatch.setenv("AIRFLOW_CONN_PII", json.dumps({"conn_type": "generic", "login": "s"}))
    with pytest.raises(ConfigError, match="'pii' has no password"):
        salt_of("pii")
