"""What is piled up of models, and which models have to be looked at by themselves."""

from __future__ import annotations

import gc
import weakref
from typing import Annotated, Any
from unittest import mock

import pytest
from pydantic import AfterValidator, BaseModel, computed_field

from airflow_kafka_bq import Column as Mark
from airflow_kafka_bq.formats import model_piles
from airflow_kafka_bq.formats.model_piles import ModelPlan
from airflow_kafka_bq.formats.model_rows import ModelRow
from airflow_kafka_bq.formats.parser import DoubtError
from airflow_kafka_bq.schema.model import model_columns


class Leaf(BaseModel):
    x: int
    y: str | None = None


class Other(BaseModel):
    z: int


class Order(BaseModel):
    number: Annotated[int, Mark(name="order_no")]
    leaf: Leaf
    maybe: Leaf | None = None
    leaves: list[Leaf] | None = None
    pairs: tuple[int, ...] = ()
    names: set[str] = set()
    one: Annotated[Leaf | Other, Mark(type="STRUCT")] = Leaf(x=5)
    anything: Any = None

    @computed_field
    def double(self) -> int:
        return 2 * self.number


ORDERS = [
    Order(number=1, leaf=Leaf(x=1)),
    Order(number=2, leaf=Leaf(x=2, y="b"), maybe=Leaf(x=3), leaves=[Leaf(x=4), Leaf(x=5)], pairs=(1, 2)),
    Order(number=3, leaf=Leaf(x=1), leaves=[], names={"b", "a"}, one=Other(z=1), anything={"a": [1]}),
]


def rows_of(model: type[BaseModel], found: list[Any]) -> list[list[Any]]:
    pile = ModelPlan(model, model_columns(model)).pile()
    for one in found:
        pile.add(one)
    return [list(row) for row in zip(*(column.to_pylist() for column in pile.columns()), strict=True)]


def test_columns_have_what_rows_have() -> None:
    row = ModelRow(Order, model_columns(Order))
    assert rows_of(Order, ORDERS) == [row.of(one) for one in ORDERS]


def test_no_order_is_no_row() -> None:
    assert rows_of(Order, []) == []


def test_lists_and_models_are_not_written_one_by_one() -> None:
    class Usual(BaseModel):
        leaf: Leaf
        maybe: Leaf | None = None
        leaves: list[Leaf] = []
        names: list[str] = []

    def refuse(*_: Any) -> Any:
        return pytest.fail("a column is written one by one")

    with mock.patch.object(model_piles, "writer", refuse):
        assert rows_of(Usual, [Usual(leaf=Leaf(x=1))]) == [[{"x": 1, "y": None}, None, [], []]]


def test_models_are_let_go() -> None:
    class Known(BaseModel):
        x: int
        leaves: list[Leaf]

    pile = ModelPlan(Known, model_columns(Known)).pile()
    found = Known(x=1, leaves=[Leaf(x=1)])
    pile.add(found)
    gone: list[Any] = [weakref.ref(found), weakref.ref(found.leaves[0])]
    gc.disable()
    try:
        del found
        assert [one() for one in gone] == [None, None]
    finally:
        gc.enable()


class Grown(Leaf):
    w: int = 0


@pytest.mark.parametrize(
    "changed",
    [
        {"leaf": Grown(x=1)},
        {"leaf": None},
        {"maybe": {"x": 1}},
        {"leaves": {1}},
        {"leaves": [None]},
        {"leaves": [Grown(x=1)]},
        {"pairs": 5},
    ],
)
def test_what_is_not_as_annotated_is_in_doubt(changed: dict[str, Any]) -> None:
    with pytest.raises(DoubtError):
        rows_of(Order, [ORDERS[0].model_copy(update=changed)])
    with pytest.raises(DoubtError):
        rows_of(Leaf, [Grown(x=1)])


def test_a_field_that_is_not_there_is_looked_for_by_itself() -> None:
    found = Leaf(x=1)
    del found.__dict__["x"]
    with pytest.raises(KeyError):
        rows_of(Leaf, [found])


def test_what_guards_a_field_is_asked() -> None:
    class Upper:
        def __get__(self, instance: Any, owner: Any) -> Any:
            return instance.__dict__["name"].upper()

        def __set__(self, instance: Any, value: Any) -> None:
            raise AttributeError

    class Guarded(BaseModel):
        name: Annotated[str, AfterValidator(str.strip)]

    Guarded.name = Upper()  # type: ignore[assignment]
    assert rows_of(Guarded, [Guarded.model_validate({"name": " a "})]) == [["A"]]
