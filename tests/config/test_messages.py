"""One line: parameter, what it takes, what was given."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, ValidationError

from airflow_kafka_bq.config.messages import Refusal, readable, remedy, unknown


def odd(value: int) -> int:
    if value % 2 == 0:
        message = "must be odd"
        raise Refusal(message, "add one")
    return value


class Settings(BaseModel):
    count: Annotated[int, AfterValidator(odd)]
    names: list[str] = []


def broken(**settings: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(settings)
    return caught.value


def test_a_line_for_people() -> None:
    error = broken(count="x", names=["a", 5])
    assert readable(error) == (
        "count: must be a valid integer, unable to parse string as an integer (given: 'x'); "
        "names.1: must be a valid string (given: 5)"
    )
    assert readable(broken()) == "count: is missing"


def test_a_long_value_is_cut() -> None:
    assert len(readable(broken(count="x" * 10_000))) < 400


def test_a_broken_rule_brings_its_remedy() -> None:
    error = broken(count=2)
    assert readable(error) == "count: must be odd (given: 2)"
    assert remedy(error) == "add one"
    assert remedy(broken(count="x")) is None


def test_the_nearest_name() -> None:
    known = ["topic", "table"]
    assert unknown(["topik"], known) == "unknown parameter 'topik' (did you mean 'topic'?)"
    assert unknown(["TABLE", 5, True], known) == "unknown parameter '5', 'TABLE' (did you mean 'table'?), 'True'"
