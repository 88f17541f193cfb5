"""Types that only the values of a schema tell, and fields that it does not name."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.formats.structured.json_values import extra_fields, kind_of_values, scalar
from airflow_kafka_bq.formats.structured.shapes import Slot


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"enum": [1, 2]}, "integer"),
        ({"enum": [1, "a"]}, None),
        ({"const": True}, "boolean"),
        ({}, None),
        ({"enum": [None]}, None),
    ],
)
def test_values_of_one_type_tell_it(schema: dict[str, Any], kind: str | None) -> None:
    assert kind_of_values(schema) == kind


def test_a_format_that_nobody_knows_says_nothing() -> None:
    assert scalar("string", "hostname") is scalar("string", None)
    assert scalar("integer", ["int64"]) is scalar("integer", None)
    assert scalar("object", None) is None


def test_a_scalar_has_no_fields() -> None:
    found = scalar("string", None)
    assert found is not None
    assert extra_fields(Slot(found)) is None
