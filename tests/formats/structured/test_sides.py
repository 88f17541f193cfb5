"""Sides of a job: which schema files and registries they need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.encoded import needs_registry
from airflow_kafka_bq.formats.structured.sides import sides
from tests.formats.structured.values import avro_bytes, record

SCHEMA = record("long")


def job(**parameters: Any) -> JobConfig:
    return JobConfig.of(topic="shop.orders", table="d.t", **parameters)


def test_only_what_is_registered_needs_a_registry() -> None:
    assert not needs_registry(job())
    assert not needs_registry(job(value_format="avro", value_schema="a.avsc"))
    assert needs_registry(job(value_format="avro"))
    assert needs_registry(job(value_format="avro", value_schema="a.avsc", key_format="avro"))


def test_plain_formats_have_no_sides() -> None:
    found = sides(job(key_format="json"), None)
    assert (found.key, found.value, found.columns) == (None, None, None)


def test_a_schema_file_is_found_beside_the_job(tmp_path: Path) -> None:
    (tmp_path / "order.avsc").write_text(SCHEMA)
    config = job(value_format="avro", value_schema="order.avsc", schema_from="schema")
    found = sides(config, None, [tmp_path])
    assert found.columns is not None
    assert [(one.name, one.type) for one in found.columns] == [("v", "INT64")]
    assert found.value is not None
    assert found.value.text()(avro_bytes(SCHEMA, {"v": 2**63 - 1})) == '{"v":9223372036854775807}'
    changed = record("string")
    (tmp_path / "order.avsc").write_text(changed)
    assert sides(config, None, [tmp_path]).identity != found.identity


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"value_schema: no file order\.avsc") as caught:
        sides(job(value_format="avro", value_schema="order.avsc"), None, [tmp_path])
    assert str(tmp_path) in str(caught.value.remedy)
