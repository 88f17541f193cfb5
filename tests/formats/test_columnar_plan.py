"""What the bulk way cannot do as pydantic does must not be planned for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import (
    UUID4,
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    StrictInt,
    create_model,
    field_validator,
    model_validator,
)

from airflow_kafka_bq.formats.choose import choose
from airflow_kafka_bq.formats.columnar_plan import plan
from airflow_kafka_bq.formats.json_columnar import JsonColumnar
from airflow_kafka_bq.formats.json_rows import JsonRows
from airflow_kafka_bq.schema.model import model_columns


class Colour(Enum):
    RED = "red"


class Line(BaseModel):
    sku: str


class Checked(BaseModel):
    sku: str

    @field_validator("sku")
    @classmethod
    def _upper(cls, value: str) -> str:
        return value.upper()


def in_bulk(model: type[BaseModel]) -> bool:
    return plan(model, model_columns(model)) is not None


def field(annotation: Any, **more: Any) -> bool:
    return in_bulk(create_model("Order", a=(annotation, Field(**more))))


@pytest.mark.parametrize(
    "annotation",
    [
        *(
            int,
            float,
            bool,
            str,
            bytes,
            date,
            datetime,
            Decimal,
            UUID,
            Colour,
            Literal["a"],
            Line,
            list[int],
            list[Line],
        ),
        *(int | None, NonNegativeInt, PositiveFloat, Annotated[str, Field(max_length=3)]),
        Annotated[Decimal, Field(max_digits=5, decimal_places=2)],
    ],
)
def test_plain_fields_go_in_bulk(annotation: Any) -> None:
    assert field(annotation)


@pytest.mark.parametrize(
    "annotation",
    [
        *(StrictInt, UUID4, dict[str, int], Any, int | str, set[int], tuple[int, ...], Checked, list[Checked]),
        *(Annotated[int, AfterValidator(abs)], Annotated[str, Field(pattern="a")], Literal["a", None], Literal[True]),
        *(
            Annotated[int, Field(multiple_of=2)],
            Annotated[list[int], Field(max_length=2)],
            Annotated[int, Field(ge=2**70)],
        ),
        *(Annotated[float, Field(allow_inf_nan=False)], Annotated[Decimal, Field(gt=0)]),
        *(Annotated[str, Field(strict=True)], Annotated[date, Field(gt=date(2020, 1, 1))]),
    ],
)
def test_other_fields_go_message_by_message(annotation: Any) -> None:
    assert not field(annotation)


@pytest.mark.parametrize("more", [{"exclude": True}, {"validation_alias": AliasChoices("a", "b")}])
def test_other_field_settings_go_message_by_message(more: dict[str, Any]) -> None:
    model = create_model("Order", a=(int, ...), b=(int, Field(**more)))
    assert not in_bulk(model)


def test_a_default_that_is_checked_goes_message_by_message() -> None:
    assert field(int, default=5)
    assert not field(int, default=5, validate_default=True)


@pytest.mark.parametrize(
    "config",
    [
        ConfigDict(strict=True),
        ConfigDict(str_strip_whitespace=True),
        ConfigDict(str_max_length=5),
        ConfigDict(populate_by_name=True),
        ConfigDict(val_json_bytes="base64"),
        ConfigDict(coerce_numbers_to_str=True),
        ConfigDict(allow_inf_nan=False),
        ConfigDict(validate_default=True),
    ],
)
def test_other_configurations_go_message_by_message(config: ConfigDict) -> None:
    assert not in_bulk(create_model("Order", __config__=config, a=(str, ...)))


@pytest.mark.parametrize("extra", ["ignore", "forbid", "allow"])
def test_extra_fields_do_not_matter(extra: Literal["ignore", "forbid", "allow"]) -> None:
    model = create_model("Order", __config__=ConfigDict(extra=extra), a=(str, ...))
    found = plan(model, model_columns(model))
    assert found is not None
    assert found.forbids is (extra == "forbid")


class Whole(BaseModel):
    a: int

    @model_validator(mode="after")
    def _check(self) -> Whole:
        return self


class PostInit(BaseModel):
    a: int

    def model_post_init(self, _context: object) -> None:
        self.a += 1


class OwnInit(BaseModel):
    a: int

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)


@pytest.mark.parametrize("model", [Whole, PostInit, OwnInit])
def test_models_with_code_go_message_by_message(model: type[BaseModel]) -> None:
    assert not in_bulk(model)


def test_two_fields_of_one_alias_go_message_by_message() -> None:
    assert not in_bulk(create_model("Order", a=(int, Field(alias="x")), b=(int, Field(alias="x"))))


@pytest.mark.parametrize(("model", "kind"), [(Line, JsonColumnar), (Checked, JsonRows)])
def test_the_plan_decides_the_parser(model: type[BaseModel], kind: Callable[..., object]) -> None:
    assert type(choose("json", model, model_columns(model))) is kind
