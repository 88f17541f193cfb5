"""Several models in one STRUCT: each field once, and none that means two things."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from airflow_kafka_bq import Column as Mark
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema.annotations import unwrapped
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.model import model_columns
from airflow_kafka_bq.schema.unions import members


def one(annotation: Any) -> Column:
    (found,) = model_columns(create_model("Order", amount=(annotation, ...)))
    return found


class Card(BaseModel):
    kind: Literal["card"]
    number: Annotated[str, Field(max_length=4)]
    tags: list[str]


class Cash(BaseModel):
    kind: Literal["cash"]
    paid: Decimal | None = None
    number: Annotated[str, Field(max_length=8)]


class Odd(BaseModel):
    kind: int


Payment = Annotated[Card | Cash, Field(discriminator="kind"), Mark(type="STRUCT")]
FIELDS = (
    Column("kind", "STRING", "REQUIRED"),
    Column("number", "STRING", "REQUIRED"),
    Column("tags", "STRING", "REPEATED"),
    Column("paid", "BIGNUMERIC"),
)


def test_a_union_of_models_is_json_or_one_struct_with_the_fields_of_all() -> None:
    assert one(Card | Cash).type == "JSON"
    assert one(Payment) == Column("amount", "STRUCT", "REQUIRED", FIELDS)
    assert one(Payment | None).mode == "NULLABLE"
    for many in (Annotated[list[Card | Cash], Mark(type="STRUCT")], Annotated[list[Payment], Mark(type="STRUCT")]):
        assert one(many) == Column("amount", "STRUCT", "REPEATED", FIELDS)


def test_models_that_disagree_about_a_field_are_no_struct() -> None:
    with pytest.raises(ConfigError, match=r"amount: kind is STRING in Card and INT64 in Odd"):
        one(Annotated[Card | Odd, Mark(type="STRUCT")])


def test_only_models_are_members() -> None:
    assert members(unwrapped(Card | Cash | None)) == (Card, Cash)
    assert members(unwrapped(Card | int)) == ()
