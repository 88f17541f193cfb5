from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pydantic import BaseModel, NaiveDatetime, create_model

from airflow_kafka_bq.formats.columnar_plan import Node, plan
from airflow_kafka_bq.formats.columnar_write import written
from airflow_kafka_bq.schema.model import model_columns
from tests.pipeline.content import digest


class Line(BaseModel):
    sku: str
    at: datetime | None = None


class Order(BaseModel):
    line: Line | None = None
    lines: list[Line] | None = None


def node(annotation: Any, default: Any = ...) -> Node:
    model: type[BaseModel] = create_model("Model", f=(annotation, default))
    found = plan(model, model_columns(model))
    assert found is not None
    return found.nodes[0]


def result(annotation: Any, values: list[Any], default: Any = ...) -> list[Any]:
    one = node(annotation, default)
    found = written(one, pa.array(values, one.read))
    assert found.type == one.wire
    return list(found.to_pylist())


@pytest.mark.parametrize(
    ("annotation", "values", "expected"),
    [
        (int, [1], [1]),
        (bytes, ["ä"], ["ä".encode()]),
        (date, ["2024-02-29"], [date(2024, 2, 29)]),
        (time, ["01:02:03.000004"], ["01:02:03.000004"]),
        (NaiveDatetime, ["2024-02-29T01:02:03"], ["2024-02-29T01:02:03"]),
        (Decimal, [Decimal("100"), Decimal("1.500"), Decimal(0), Decimal("-0.0001")], ["100", "1.5", "0", "-0.0001"]),
    ],
)
def test_a_column_in_its_wire_type(annotation: Any, values: list[Any], expected: list[Any]) -> None:
    assert result(annotation, values) == expected


NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "values",
    [
        ["2024-01-01T12:00:00", "2024-01-01 12:00:00"],
        ["2024-01-01T12:00:00Z", "2024-01-01T14:00:00+02:00"],
        ["2024-01-01T12:00:00", "2024-01-01T14:00:00+02:00", "2024-01-01T12:00:00.000000"],
    ],
)
def test_a_time_without_zone_is_utc_also_beside_others(values: list[str]) -> None:
    assert result(datetime, values) == [NOON] * len(values)


def test_null_stays_null_in_a_timestamp() -> None:
    assert result(datetime | None, [None, "2024-01-01T12:00:00"], None) == [None, NOON]
    assert result(datetime | None, [None, None], None) == [None, None]


@pytest.mark.parametrize("annotation", [date, datetime, NaiveDatetime])
def test_a_day_that_does_not_exist_is_left_to_pydantic(annotation: Any) -> None:
    text = "2023-02-29" if annotation is date else "2023-02-29T00:00:00"
    with pytest.raises(pa.ArrowInvalid):
        result(annotation, [text])


def test_lists_of_objects_keep_their_places() -> None:
    columns = model_columns(Order)
    found = plan(Order, columns)
    assert found is not None
    line, lines = found.nodes
    values: list[Any] = [None, {"sku": "a", "at": "2024-01-01T12:00:00"}, {"sku": "b", "at": None}]
    singles = written(line, pa.array(values, line.read))
    assert singles.to_pylist() == [None, {"sku": "a", "at": NOON}, {"sku": "b", "at": None}]
    many = written(lines, pa.array([values[1:], [], None, values[2:]], lines.read))
    assert many.to_pylist() == [singles.to_pylist()[1:], [], [], singles.to_pylist()[2:]]


@pytest.mark.parametrize(
    "given", [[None, {"sku": "a", "at": None}, None], [None], [{"sku": "", "at": "2024-01-01T12:00:00Z"}]]
)
def test_below_a_null_lies_what_a_row_has_that_was_made_by_itself(given: list[Any]) -> None:
    """A batch is named by the bytes of its rows, those included that nobody reads."""
    one = node(Line | None, None)
    found = written(one, pa.array(given, one.read))
    alone = pa.array([row and {"sku": row["sku"], "at": row["at"] and NOON} for row in given], one.wire)
    assert digest(pa.table({"line": found})) == digest(pa.table({"line": alone}))
