"""What is found here is judged by pydantic; what is not found must be the same to both ways of reading."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pyarrow as pa
import pytest
from pydantic import AwareDatetime, BaseModel, Field, NaiveDatetime, create_model

from airflow_kafka_bq.formats.columnar_checks import suspects
from airflow_kafka_bq.formats.columnar_plan import Node, plan
from airflow_kafka_bq.schema.model import model_columns


class Colour(Enum):
    RED = "red"


class Line(BaseModel):
    sku: Annotated[str, Field(max_length=3)]
    n: int | None = None


def node(annotation: Any) -> Node:
    """How a field of this type is read in bulk; ``int | None`` is one with the default None."""
    default: Any = None if type(None) in getattr(annotation, "__args__", ()) else ...
    model: type[BaseModel] = create_model("Model", f=(annotation, default))
    found = plan(model, model_columns(model))
    assert found is not None
    return found.nodes[0]


def suspected(annotation: Any, values: list[Any]) -> list[int]:
    one = node(annotation)
    found = [position for each in suspects(one, pa.array(values, one.read)) for position in each.to_pylist()]
    return sorted(set(found))


Money = Annotated[Decimal, Field(max_digits=5, decimal_places=2)]
FITTING: list[tuple[Any, list[Any]]] = [
    (int, [1, -5]),
    (Annotated[int, Field(ge=0, lt=10)], [0, 9]),
    (Annotated[str, Field(min_length=1, max_length=3)], ["a", "äöü"]),
    (float, [0.0, -1.5, 1e300]),
    (Annotated[float, Field(gt=0, le=1)], [0.1, 1.0]),
    (Literal["a", "b"], ["a", "b"]),
    (Colour, ["red"]),
    (date, ["2024-02-29", "9999-12-31", "1000-01-01"]),
    (datetime, ["2024-01-31T23:59:59Z", "2024-01-31 00:00:00.5+02:00", "2024-01-31T00:00:00"]),
    (AwareDatetime, ["2024-01-31T23:59:59Z"]),
    (NaiveDatetime, ["2024-01-31T23:59:59", "2024-01-31T23:59:59.000001"]),
    (time, ["23:59:59", "00:00:00.000001"]),
    (UUID, ["00000000-0000-0000-0000-00000000000a"]),
    (Money, [Decimal("999.99"), Decimal("-0.01"), Decimal(0)]),
    (Decimal, [Decimal(0), Decimal("0.000001"), Decimal("9e36")]),
]
SUSPECT: list[tuple[Any, list[Any]]] = [
    (Annotated[int, Field(ge=0, lt=10)], [-1, 10]),
    (Annotated[str, Field(min_length=1, max_length=3)], ["", "äöüß"]),
    (float, [float("nan"), float("inf"), -0.0]),
    (Annotated[float, Field(gt=0, le=1)], [0.0, 1.5]),
    (Literal["a", "b"], ["c", "A"]),
    (Colour, ["blue", "RED"]),
    (date, ["2024-04-31", "0999-01-01", "2024-1-1", "2024-01-01T00:00:00", "1704067200", ""]),
    (datetime, ["9999-12-31T23:59:59+02:00", "2024-01-31T24:00:00Z", "2024-01-31t00:00:00z", "2024-01-31"]),
    (datetime, ["2024-01-31T23:59:59.1234567Z", "2024-01-31T23:59Z", "2024-01-31T00:00:00Z\n"]),
    (AwareDatetime, ["2024-01-31T23:59:59"]),
    (NaiveDatetime, ["2024-01-31T23:59:59Z", "2024-01-31 23:59:59", "2024-01-31T23:59:59.5"]),
    (time, ["24:00:00", "1:00:00", "00:00", "00:00:00.10", "00:00:00Z"]),
    (UUID, ["00000000-0000-0000-0000-00000000000A", "0000000000000000000000000000000a"]),
    (Money, [Decimal("1000"), Decimal("0.001")]),
    (Decimal, [Decimal("0.0000009"), Decimal("1e37"), Decimal("-1e37")]),
]


@pytest.mark.parametrize(("annotation", "values"), FITTING)
def test_ordinary_values_are_not_suspected(annotation: Any, values: list[Any]) -> None:
    assert suspected(annotation, values) == []


@pytest.mark.parametrize(("annotation", "values"), SUSPECT)
def test_what_pydantic_may_refuse_or_read_otherwise_is_found(annotation: Any, values: list[Any]) -> None:
    assert suspected(annotation, values) == list(range(len(values)))


def test_null_is_suspected_only_where_it_is_not_the_same_as_missing() -> None:
    assert suspected(int, [1, None, 3]) == [1]
    assert suspected(int | None, [1, None, 3]) == []


def test_positions_are_those_among_all_values() -> None:
    assert suspected(Annotated[int, Field(ge=0)] | None, [None, None, -1, None, 5, -2]) == [2, 5]


@pytest.mark.parametrize("sliced", [False, True])
def test_an_element_leads_to_its_message(sliced: bool) -> None:
    one = node(list[Annotated[int, Field(ge=0)]])
    values: Any = pa.array([[-9], [1, -1], [], [2], None, [3, 4, -5]], one.read)
    values = values.slice(1) if sliced else values
    found = {position for each in suspects(one, values) for position in each.to_pylist()}
    assert found == ({0, 3, 4} if sliced else {0, 1, 4, 5})


def test_a_field_of_a_list_of_objects_leads_to_its_message() -> None:
    rows = [[{"sku": "abc", "n": 1}], [{"sku": "ok", "n": None}, {"sku": "abcd", "n": None}], [], [{"sku": None}]]
    assert suspected(list[Line], rows) == [1, 3]
