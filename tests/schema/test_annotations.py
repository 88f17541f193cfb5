from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NewType, Optional, TypeVar, Union

import pytest
from typing_extensions import TypeAliasType

from airflow_kafka_bq.schema.annotations import Annotation, unwrapped

OrderId = NewType("OrderId", int)
Wrapped = NewType("Wrapped", OrderId)
Alias = TypeAliasType("Alias", Annotated[int | None, "of the alias"])
T = TypeVar("T")


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, Annotation(int)),
        (int | None, Annotation(int, optional=True)),
        (Optional[int], Annotation(int, optional=True)),  # noqa: UP045  # the old spelling is what is looked at
        (Wrapped, Annotation(int)),
        (Annotated[int, "a", "b"], Annotation(int, metadata=("a", "b"))),
        (Annotated[int | None, "a"], Annotation(int, optional=True, metadata=("a",))),
        (Annotated[int, "inner"] | None, Annotation(int, optional=True, metadata=("inner",))),
        (Annotated[Annotated[int, "inner"] | None, "outer"], Annotation(int, True, ("outer", "inner"))),
        (Alias, Annotation(int, optional=True, metadata=("of the alias",))),
        (Any, Annotation(Any, optional=True)),
        (list[int | None], Annotation(list[int | None])),
    ],
)
def test_wrappers_come_off_in_whatever_order(annotation: Any, expected: Annotation) -> None:
    assert unwrapped(annotation) == expected


def test_what_the_field_adds_comes_first() -> None:
    assert unwrapped(Annotated[int, "of the type"], ["of the field"]).metadata == ("of the field", "of the type")


def test_a_union_of_several_stays_one_and_may_still_hold_none() -> None:
    assert unwrapped(int | str) == Annotation(int | str)
    assert unwrapped(int | str | None).optional
    assert unwrapped(Union[int, str]).is_json  # noqa: UP007  # the old spelling is what is looked at


@pytest.mark.parametrize(
    ("annotation", "literals", "optional"),
    [(Literal["a", "b"], ("a", "b"), False), (Literal["a", None], ("a", None), True), (str, None, False)],
)
def test_values_of_a_literal(annotation: Any, literals: Any, optional: bool) -> None:
    found = unwrapped(annotation)
    assert (found.literals, found.optional) == (literals, optional)


@pytest.mark.parametrize(
    ("annotation", "element"),
    [
        (list[int], int),
        (set[str], str),
        (frozenset[str], str),
        (Sequence[float], float),
        (collections.deque[int], int),
        (tuple[int, ...], int),
        (list[list[int]], list[int]),
        (tuple[int, str], None),
        (tuple[int], None),
        (list[Any], None),
        (tuple[Any, ...], None),
        (list, None),
        (dict[str, int], None),
        (str, None),
    ],
)
def test_what_is_an_array_of_something(annotation: Any, element: Any) -> None:
    assert unwrapped(annotation).element == element


@pytest.mark.parametrize(
    ("annotation", "is_json"),
    [
        (dict[str, int], True),
        (dict, True),
        (Mapping[str, Any], True),
        (collections.OrderedDict[str, int], True),
        (Any, True),
        (object, True),
        (int | str, True),
        (list, True),
        (list[Any], True),
        (tuple[int, str], True),
        (list[int], False),
        (tuple[int, ...], False),
        (str, False),
        (Literal["a"], False),
    ],
)
def test_what_only_a_json_column_takes(annotation: Any, is_json: bool) -> None:
    assert unwrapped(annotation).is_json is is_json
