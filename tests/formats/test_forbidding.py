"""Where forbidding unknown fields tells whether there are any, and where it would tell something else."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    RootModel,
    WrapValidator,
    create_model,
    model_validator,
)

from airflow_kafka_bq.formats import forbidding
from airflow_kafka_bq.formats.forbidding import forbidding_tells
from airflow_kafka_bq.formats.model_fields import MessageFields


class Leaf(BaseModel):
    x: int = 0


class Other(BaseModel):
    y: int = 0


class Root(RootModel[Leaf]):
    pass


class Allowing(BaseModel):
    model_config = ConfigDict(extra="allow")
    x: int = 0


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    x: int = 0


class Before(BaseModel):
    x: int = 0

    @model_validator(mode="before")
    @classmethod
    def renamed(cls, message: Any) -> Any:
        return {"x": message["z"]}


class After(BaseModel):
    x: int = 0

    @model_validator(mode="after")
    def same(self) -> After:
        return self


class Around(BaseModel):
    x: int = 0

    @model_validator(mode="wrap")
    @classmethod
    def swallowed(cls, message: Any, handler: Any) -> Any:
        try:
            return handler(message)
        except ValueError:
            return cls()


class Made(BaseModel):
    x: int = 0

    def __init__(self, **members: Any) -> None:
        super().__init__(x=members.get("x", 0))


def same(value: Any) -> Any:
    return value


def around(value: Any, handler: Any) -> Any:
    return handler(value)


def tells(model: type[BaseModel]) -> bool:
    return forbidding_tells(model, MessageFields.of(model))


@pytest.mark.parametrize(
    ("annotation", "told"),
    [
        (int, True),
        (list[int] | None, True),
        (dict[str, Any], True),
        (int | str, True),
        (Annotated[int, BeforeValidator(same)], True),
        (Annotated[int, WrapValidator(around)], True),
        (Annotated[Any, PlainValidator(same)], True),
        (Leaf, True),
        (Leaf | None, True),
        (list[Leaf], True),
        (Annotated[Leaf, AfterValidator(same)], True),
        (After, True),
        (Strict, True),
        (Allowing, False),
        (Annotated[Leaf, BeforeValidator(same)], False),
        (Annotated[Leaf, WrapValidator(around)], False),
        (Annotated[Leaf, PlainValidator(same)], False),
        (Before, False),
        (Around, False),
        (Made, False),
        (Root, False),
        (Leaf | Other, False),
        (dict[str, Leaf], False),
    ],
)
def test_what_stands_between_the_message_and_its_fields(annotation: Any, told: bool) -> None:
    assert tells(create_model("Order", a=(annotation, ...))) is told


@pytest.mark.parametrize(("model", "told"), [(After, True), (Before, False), (Around, False), (Made, False)])
def test_the_model_itself(model: type[BaseModel], told: bool) -> None:
    assert tells(model) is told


def test_names_of_fields_are_all_the_names_there_are() -> None:
    b = Field(1, validation_alias=AliasChoices("B", AliasPath("c", 0)))
    named = create_model("Named", a=(int, Field(alias="A")), b=(int, b), leaf=(Leaf, Field(Leaf(), alias="Leaf")))
    assert tells(named)
    named.model_validate_json('{"A":1,"c":[5],"Leaf":{"x":1}}', extra="forbid")


def test_an_older_pydantic_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forbidding, "_ACCEPTS", False)
    assert not tells(Leaf)
