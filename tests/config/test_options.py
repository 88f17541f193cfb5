"""Mappings with fields of their own say which field is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from airflow_kafka_bq.config.frozen import FrozenMapping
from airflow_kafka_bq.config.messages import readable
from airflow_kafka_bq.config.options import Encryption, TableOptions

OPTIONS: TypeAdapter[dict[str, Any]] = TypeAdapter(TableOptions)
KEY: TypeAdapter[dict[str, Any]] = TypeAdapter(Encryption)


def said(adapter: TypeAdapter[dict[str, Any]], value: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    return readable(caught.value)


def test_only_what_was_given_is_kept() -> None:
    found = OPTIONS.validate_python({"expiration_hours": 5, "description": None})
    assert found == {"expiration_hours": 5}
    assert type(found) is FrozenMapping


def test_an_unknown_field_is_answered_with_the_known_ones() -> None:
    message = said(OPTIONS, {"expiration": 5})
    assert "has no field 'expiration'" in message
    assert "expiration_hours, partition_expiration_days, require_partition_filter, description, labels" in message


def test_zero_hours_would_drop_the_table_as_it_is_made() -> None:
    assert said(OPTIONS, {"expiration_hours": 0}) == "expiration_hours: must be greater than or equal to 1 (given: 0)"


def test_the_text_false_is_not_true() -> None:
    assert OPTIONS.validate_python({"require_partition_filter": "false"}) == {"require_partition_filter": False}


def test_one_key_in_one_of_two_spellings() -> None:
    name = "projects/p/locations/eu/keyRings/r/cryptoKeys/k"
    assert KEY.validate_python({"kms_key_name": name}) == {"kms_key_name": name}
    assert KEY.validate_python({"kmsKeyName": name}) == {"kmsKeyName": name}
    assert "must have one field" in said(KEY, {"kms_key_name": name, "kmsKeyName": name})
    assert "is not a key: projects/" in said(KEY, {"kms_key_name": "k"})
