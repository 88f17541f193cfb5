from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    HttpUrl,
    NaiveDatetime,
    PositiveInt,
    RootModel,
    SecretStr,
    computed_field,
    create_model,
)
from pydantic.alias_generators import to_camel

from airflow_kafka_bq import Column as Mark
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.model import model_columns


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Mixed(Enum):
    A = 1
    B = "b"


class Inner(BaseModel):
    x: int
    y: str | None = None


UserId = NewType("UserId", int)


def one(annotation: Any, **field: Any) -> Column:
    model = create_model("Order", amount=(annotation, Field(**field)))
    (column,) = model_columns(model)
    return column


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (int, "INT64"),
        (PositiveInt, "INT64"),
        (UserId, "INT64"),
        (Level, "INT64"),
        (Literal[1, 2], "INT64"),
        (float, "FLOAT64"),
        (bool, "BOOL"),
        (str, "STRING"),
        (Colour, "STRING"),
        (Literal["a", "b"], "STRING"),
        (UUID, "STRING"),
        (HttpUrl, "STRING"),
        (IPv4Address, "STRING"),
        (EmailStr, "STRING"),
        (bytes, "BYTES"),
        (date, "DATE"),
        (time, "TIME"),
        (datetime, "TIMESTAMP"),
        (AwareDatetime, "TIMESTAMP"),
        (NaiveDatetime, "DATETIME"),
        (Decimal, "BIGNUMERIC"),
        (Annotated[Decimal, Field(max_digits=38, decimal_places=9)], "NUMERIC"),
        (Annotated[Decimal, Field(max_digits=39, decimal_places=9)], "BIGNUMERIC"),
        (Annotated[Decimal, Field(max_digits=20, decimal_places=10)], "BIGNUMERIC"),
        (Annotated[Decimal, Field(decimal_places=2)], "BIGNUMERIC"),
        (dict[str, int], "JSON"),
        (dict, "JSON"),
        (int | str, "JSON"),
        (Literal[1, "a"], "JSON"),
        (list, "JSON"),
        (list[Any], "JSON"),
        (list[dict[str, int]], "JSON"),
        (tuple[int, str], "JSON"),
    ],
)
def test_type_of_a_field(annotation: Any, kind: str) -> None:
    assert (one(annotation).type, one(annotation).mode) == (kind, "REQUIRED")
    optional = one(annotation | None)
    assert (optional.type, optional.mode) == (kind, "NULLABLE")


def test_constraints_inside_an_optional_count() -> None:
    assert one(Annotated[Decimal, Field(max_digits=5, decimal_places=2)] | None).type == "NUMERIC"


def test_constraints_of_the_field_count() -> None:
    assert one(Decimal, max_digits=5, decimal_places=2).type == "NUMERIC"


@pytest.mark.parametrize("annotation", [list[int], set[int], frozenset[int], tuple[int, ...], Sequence[int]])
def test_sequences_are_arrays(annotation: Any) -> None:
    assert one(annotation) == Column("amount", "INT64", "REPEATED")
    assert one(annotation | None) == Column("amount", "INT64", "REPEATED")


def test_any_may_be_null() -> None:
    assert one(Any) == Column("amount", "JSON", "NULLABLE")


def test_nested_models_are_structs() -> None:
    fields = (Column("x", "INT64", "REQUIRED"), Column("y", "STRING", "NULLABLE"))
    assert one(Inner) == Column("amount", "STRUCT", "REQUIRED", fields)
    assert one(Inner | None) == Column("amount", "STRUCT", "NULLABLE", fields)
    assert one(list[Inner]) == Column("amount", "STRUCT", "REPEATED", fields)


def test_the_description_travels() -> None:
    assert one(int, description="The sum").description == "The sum"


@pytest.mark.parametrize(
    ("alias", "source"),
    [
        ({}, None),
        ({"alias": "sum"}, "sum"),
        ({"validation_alias": "sum", "alias": "other"}, "sum"),
        ({"validation_alias": AliasChoices("isPaid", "paid")}, "isPaid"),
        ({"validation_alias": AliasPath("lines", 0)}, "lines.0"),
    ],
)
def test_the_alias_is_the_source(alias: dict[str, Any], source: str | None) -> None:
    assert (one(int, **alias).name, one(int, **alias).source) == ("amount", source)


def test_an_alias_generator_names_what_the_message_uses() -> None:
    config = ConfigDict(alias_generator=to_camel)
    (column,) = model_columns(create_model("Order", __config__=config, order_id=(int, ...)))
    assert (column.name, column.source) == ("order_id", "orderId")


def test_computed_fields_come_last_and_excluded_ones_have_no_column() -> None:
    class Order(BaseModel):
        kept: int
        password: str = Field(exclude=True)

        @computed_field
        def doubled(self) -> int:
            return 2 * self.kept

    kept, doubled = model_columns(Order)
    assert (kept.name, kept.computed) == ("kept", False)
    assert doubled == Column("doubled", "INT64", "REQUIRED", computed=True)


class Tree(BaseModel):
    children: list[Tree] = []


def deep(levels: int) -> type[BaseModel]:
    inner: Any = deep(levels - 1) if levels else int
    return create_model("Deep", x=(inner, ...))


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (timedelta, "duration_seconds"),
        (SecretStr, "exclude=True"),
        (complex, "complex has no BigQuery type"),
        (Mixed, "enum Mixed has values of several types"),
        (list[list[int]], "array of arrays"),
        (list[int | None], "keeps no NULL"),
        (RootModel[int], "RootModel"),
        (Tree, "contains itself"),
        (create_model("Empty"), "no fields"),
        (deep(15), "deeper than 15"),
    ],
)
def test_what_has_no_column_is_refused_with_the_field(annotation: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=r"Order\.amount") as caught:
        one(annotation)
    assert text in str(caught.value)
    assert caught.value.remedy


def test_fifteen_levels_are_allowed() -> None:
    column = one(deep(13))
    depth = 0
    while column.fields:
        (column,), depth = column.fields, depth + 1
    assert depth == 14


def test_a_default_of_none_needs_an_optional_type() -> None:
    with pytest.raises(ConfigError, match=r"Order\.amount is int and defaults to None") as caught:
        one(int, default=None)
    assert caught.value.remedy == "write int | None"


def test_columns_that_differ_in_case_alone_are_one() -> None:
    with pytest.raises(ConfigError, match="'order_id' and 'Order_ID' are one column"):
        model_columns(create_model("Order", order_id=(int, ...), Order_ID=(int, ...)))


def test_names_that_bigquery_does_not_take_become_others_and_are_told() -> None:
    (found,) = model_columns(create_model("Order", größe=(int, ...)))
    assert (found.name, found.field, found.source, found.renamed) == ("gr__e", "größe", "größe", {"gr__e": "größe"})
    with pytest.raises(ConfigError, match="'gr__e' and 'gr__e' are one column") as caught:
        model_columns(create_model("Order", größe=(int, ...), grüße=(int, ...)))
    assert "Column(name=" in str(caught.value.remedy)


def test_renamed_columns_inside_a_struct_are_told_with_their_path() -> None:
    inner = create_model("Inner", größe=(int, ...))
    (found,) = model_columns(create_model("Order", box=(inner, Field(alias="kasten"))))
    assert found.renamed == {"box": "kasten", "box.gr__e": "kasten.größe"}


def test_names_that_bigquery_keeps_for_itself_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"Order\.amount: '_file_x' begins with '_FILE_'"):
        one(Annotated[int, Mark(name="_file_x")])


@pytest.mark.parametrize("thing", [int, Inner(x=1), "shop.models:Order"])
def test_only_models_are_models(thing: Any) -> None:
    with pytest.raises(ConfigError, match="is not a pydantic model"):
        model_columns(thing)


def test_too_many_columns_are_refused() -> None:
    fields: dict[str, Any] = {f"f{number}": (int, ...) for number in range(10_001)}
    with pytest.raises(ConfigError, match="10001 columns"):
        model_columns(create_model("Wide", **fields))
