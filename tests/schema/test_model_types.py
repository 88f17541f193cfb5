"""The table in docs/schemas.md is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import create_model

from airflow_kafka_bq.schema.model import model_columns

PAGE = (Path(__file__).parents[2] / "docs" / "schemas.md").read_text("utf-8")
ROWS = re.findall(r"^\| `([^|]+)` \| (`?[A-Z0-9<>… ]+`?) \|", PAGE, re.MULTILINE)
NAMES = """
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, Union
from uuid import UUID
from pydantic import AwareDatetime, BaseModel, EmailStr, Field, HttpUrl, NaiveDatetime
class Colour(Enum):
    RED = "red"
class Line(BaseModel):
    sku: str
"""


def written(kind: str) -> Any:
    names: dict[str, Any] = {}
    exec(NAMES, names)  # noqa: S102  # the page's own words
    return eval(kind, names)  # noqa: S307  # the same


def test_the_table_was_found() -> None:
    assert len(ROWS) > 20


@pytest.mark.parametrize(("kind", "shown"), ROWS)
def test_the_table_in_the_docs_is_true(kind: str, shown: str) -> None:
    (column,) = model_columns(create_model("Order", field=(written(kind), ...)))
    inner = "STRUCT<…>" if column.type == "STRUCT" else column.type
    assert shown.strip("`") == (f"ARRAY<{inner}>" if column.mode == "REPEATED" else inner)
