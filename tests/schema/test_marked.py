"""Annotations say more about a column; what they cannot say is refused with the field."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, NaiveDatetime, computed_field, create_model

import airflow_kafka_bq
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.hashing import Hashing
from airflow_kafka_bq.schema.marks import Column as Mark
from airflow_kafka_bq.schema.marks import Drop, Hashed
from airflow_kafka_bq.schema.model import model_columns

TAG = "projects/demo/locations/eu/taxonomies/1/policyTags/2"


def one(annotation: Any, **rules: Any) -> Column:
    (found,) = model_columns(create_model("Order", amount=(annotation, Field(**rules))))
    return found


def test_a_column_is_named_described_and_tagged() -> None:
    found = one(Annotated[int, Mark(name="Total", description="sum", policy_tag=TAG)], description="other")
    assert found == Column("Total", "INT64", "REQUIRED", (), "sum", "amount", "amount", policy_tag=TAG)
    assert one(Annotated[int, Mark(name="total")] | None).mode == "NULLABLE"
    assert one(Annotated[int, Mark(name="total")], alias="sum").source == "sum"
    assert one(Annotated[int, Mark(name="total")], alias="total").source is None
    assert found.renamed == {"Total": "amount"}


@pytest.mark.parametrize(
    ("annotation", "asked", "mode"),
    [
        (int, "NUMERIC", "REQUIRED"),
        (int | None, "BIGNUMERIC", "NULLABLE"),
        (Decimal, "NUMERIC", "REQUIRED"),
        (Annotated[Decimal, Field(max_digits=5, decimal_places=2)], "BIGNUMERIC", "REQUIRED"),
        (list[int], "NUMERIC", "REPEATED"),
        (datetime, "DATETIME", "REQUIRED"),
        (NaiveDatetime, "TIMESTAMP", "REQUIRED"),
        (str, "STRING", "REQUIRED"),
        (str, "JSON", "REQUIRED"),
        (list[int] | None, "JSON", "NULLABLE"),
    ],
)
def test_another_type_that_is_as_exact(annotation: Any, asked: str, mode: str) -> None:
    found = one(Annotated[annotation, Mark(type=asked)])
    assert (found.type, found.mode) == (asked, mode)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (Annotated[str, Mark(type="INT64")], "STRING, and not every value of it is exact in INT64"),
        (Annotated[int, Mark(type="FLOAT64")], "it can be BIGNUMERIC, INT64, JSON, NUMERIC"),
        (Annotated[int, Mark(type="STRUCT")], "not every value"),
        (Annotated[int | str, Mark(type="STRUCT")], "JSON, and not every value of it is exact in STRUCT"),
        (Annotated[int, Mark(name="a-b")], "'a-b' is not a column name"),
        (Annotated[int, Mark(name="_PARTITIONTIME")], "begins with '_PARTITION'"),
        (Annotated[int, Mark(name="_unknown_fields")], "this package's own columns"),
        (Annotated[int, Mark(policy_tag="secret")], "'secret' is not a policy tag"),
        (Annotated[float, Hashed(salt="s")], "FLOAT64, whose values have several spellings"),
        (Annotated[Decimal, Hashed(salt="s")], "cannot be hashed"),
        (Annotated[dict, Hashed(salt="s")], "take the field out with Drop"),
    ],
)
def test_what_a_mark_cannot_say(annotation: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=r"Order\.amount") as caught:
        one(annotation)
    assert text in f"{caught.value} {caught.value.remedy}"


@pytest.mark.parametrize("kind", [str, bytes, int, date])
def test_a_hash_is_a_string(kind: Any) -> None:
    hashed = Hashing("s", {str: "STRING", bytes: "BYTES", int: "INT64", date: "DATE"}[kind])
    assert one(Annotated[kind, Hashed(salt="s")]) == Column(
        "amount", "STRING", "REQUIRED", max_length=64, hashed=hashed
    )
    for many in (list[Annotated[kind, Hashed(salt="s")]], Annotated[list[kind], Hashed(salt="s")]):
        assert (one(many).mode, one(many).hashed) == ("REPEATED", hashed)


class Marked(BaseModel):
    kept: int
    gone: Annotated[str, Drop]
    gone_too: Annotated[str, Drop()] | None = None

    @computed_field(description="twice")
    def doubled(self) -> Annotated[int, Mark(name="twice", type="NUMERIC")]:
        return 2 * self.kept

    @computed_field
    def hidden(self) -> Annotated[str | None, Drop]:
        return None


def test_dropped_fields_have_no_column_and_computed_ones_have() -> None:
    assert model_columns(Marked) == (
        Column("kept", "INT64", "REQUIRED"),
        Column("twice", "NUMERIC", "REQUIRED", description="twice", field="doubled", computed=True),
    )


def test_a_model_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(ConfigError, match="Order has no fields"):
        one(Annotated[str, Drop])


@pytest.mark.parametrize(
    ("annotation", "limits"),
    [
        (Annotated[Decimal, Field(max_digits=10, decimal_places=2)], (None, 10, 2)),
        (list[Annotated[Decimal, Field(max_digits=10, decimal_places=2)]], (None, 10, 2)),
        (Annotated[Decimal, Field(max_digits=10)], (None, None, None)),
        (Annotated[str, Field(max_length=5)] | None, (5, None, None)),
        (list[Annotated[bytes, Field(max_length=5)]], (5, None, None)),
        (Annotated[list[str], Field(max_length=5)], (None, None, None)),
        (Annotated[int, Field(le=5)], (None, None, None)),
    ],
)
def test_what_the_model_holds_values_to(annotation: Any, limits: tuple[int | None, ...]) -> None:
    column = one(annotation)
    assert (column.max_length, column.precision, column.scale) == limits


def test_marks_are_names_of_the_package() -> None:
    assert {"Column", "Drop", "Hashed", "per_record"} <= set(airflow_kafka_bq.__all__)
