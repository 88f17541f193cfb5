from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field

from airflow_kafka_bq.formats.model_fields import MessageFields


class Line(BaseModel):
    sku: str


class Order(BaseModel):
    order_id: int = Field(alias="orderId")
    lines: list[Line] = []
    paid: bool = Field(False, validation_alias=AliasChoices("isPaid", AliasPath("payment", "done")))  # type: ignore[pydantic-alias]  # is what is tested
    secret: str = Field("", exclude=True)
    extra: dict[str, Any] = {}


class ByName(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    order_id: int = Field(alias="orderId")


@pytest.mark.parametrize(
    ("message", "unknown"),
    [
        ('{"orderId":1,"lines":[{"sku":"a"}],"isPaid":true,"secret":"x","extra":{"any":1}}', False),
        ('{"payment":{"done":true,"more":1}}', False),
        ('{"order_id":1}', True),
        ('{"lines":[{"sku":"a"},{"sku":"b","zz":1}]}', True),
        ('{"zz":null}', True),
        ("[]", False),
    ],
)
def test_unknown_fields_on_every_level(message: str, unknown: bool) -> None:
    assert MessageFields.of(Order).has_unknown(json.loads(message)) is unknown


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ('{"orderId":1,"extra":{"any":1}}', None),
        ('{"orderId":1,"zz":null}', {"zz": None}),
        ('{"extra":{"more":[1]},"a":{"b":[null]},"c":1.10}', {"a": {"b": [None]}, "c": 1.1}),
        ('{"lines":[{"sku":"a"},{"sku":"b","zz":1}]}', {"lines": [{}, {"zz": 1}]}),
        ('{"lines":[{"sku":"a"}]}', None),
        ('{"payment":5,"lines":[5]}', None),
        ("[]", None),
    ],
)
def test_what_is_left_stands_where_it_stood(message: str, left: Any) -> None:
    assert MessageFields.of(Order).left_over(json.loads(message)) == left
    assert MessageFields.of(Order).has_unknown(json.loads(message)) is (left is not None)


def test_names_that_the_configuration_adds() -> None:
    assert set(MessageFields.of(ByName).fields) == {"order_id", "orderId"}
