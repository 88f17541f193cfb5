"""Text forms mean what the Python value means, and nothing else is taken for a number."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from airflow_kafka_bq.config import scalars
from tests.config.drawing import few

SIZE: TypeAdapter[int] = TypeAdapter(scalars.Size)


@few
@given(st.integers())
def test_a_whole_number_and_its_text_are_the_same(value: int) -> None:
    assert scalars.whole(value) == value
    assert scalars.whole(str(value)) == value
    assert scalars.whole(f" {value:_} ") == value


@few
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15))
def test_a_number_and_its_text_are_the_same(value: float) -> None:
    assert scalars.number(value) == value
    assert scalars.number(str(value)) == value
    assert isinstance(scalars.number(value), float)


@few
@given(st.text() | st.booleans() | st.floats() | st.none() | st.binary())
def test_nothing_else_is_a_whole_number(value: Any) -> None:
    try:
        found = scalars.whole(value)
    except ValueError:
        return
    assert isinstance(value, str)
    assert found == int(value)


@few
@given(st.text() | st.booleans() | st.none() | st.binary())
def test_nothing_else_is_a_number(value: Any) -> None:
    try:
        found = scalars.number(value)
    except ValueError:
        return
    assert isinstance(value, str)
    assert found == float(value)
    assert math.isfinite(found)


@few
@given(st.integers(1, 2**40), st.sampled_from([("", 1), ("b", 1), ("kB", 1000), ("KiB", 1024), ("MiB", 1024**2)]))
def test_a_size_is_its_number_times_its_unit(count: int, unit: tuple[str, int]) -> None:
    assert SIZE.validate_python(f"{count}{unit[0]}") == count * unit[1]
    assert SIZE.validate_python(f" {count} {unit[0]} ") == count * unit[1]


@few
@given(st.text(max_size=12))
def test_a_size_is_read_whole_or_not_at_all(text: str) -> None:
    """pydantic alone reads the ``64`` of ``64,000`` and forgets the rest."""
    try:
        found = SIZE.validate_python(f"64{text}")
    except ValidationError:
        return
    unit = "".join(letter for letter in text if letter.isalpha())
    digits = text.strip().removesuffix(unit).strip()
    assert digits == "" or digits.replace(".", "").isdecimal()
    assert found >= 64


@pytest.mark.parametrize("value", [True, "true", "True", " TRUE "])
def test_true(value: Any) -> None:
    assert scalars.flag(value) is True


@pytest.mark.parametrize("value", [1, "1", "yes", "on", None, 1.0, [], "truee"])
def test_no_flag(value: Any) -> None:
    with pytest.raises(ValueError, match="must be true or false"):
        scalars.flag(value)


def test_one_name_is_a_list_of_one() -> None:
    assert scalars.names_list("a") == ["a"]
    assert scalars.names_list(("a", "b")) == ("a", "b")
    with pytest.raises(ValueError, match="list of names"):
        scalars.names_list({"a", "b"})
