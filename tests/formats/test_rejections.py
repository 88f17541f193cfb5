from __future__ import annotations

from typing import Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from airflow_kafka_bq.formats.rejections import rejection
from airflow_kafka_bq.schema.model import model_columns

SECRET = "4111-1111"


class Line(BaseModel):
    sku: str = Field(alias="SKU")


class Order(BaseModel):
    order_id: int = Field(alias="orderId", ge=0)
    lines: list[Line] = []
    card: str = ""
    uid: UUID | None = None
    kind: Literal["a", "b"] = "a"
    counts: dict[str, int] = {}

    @field_validator("card")
    @classmethod
    def known(cls, value: str) -> str:
        if value:
            raise ValueError(f"no such card: {value}")
        return value


def found(value: bytes) -> tuple[str, str, str]:
    with pytest.raises(ValidationError) as raised:
        Order.model_validate_json(value)
    why = rejection(raised.value, value, model_columns(Order))
    assert SECRET not in why.error
    return why.stage, why.reason, why.error


def test_a_rule_is_told_with_the_columns_name_and_without_the_value() -> None:
    assert found(b'{"orderId":-5}') == (
        *("validate", "greater_than_equal"),
        "order_id: Input should be greater than or equal to 0",
    )
    assert found(b"{}") == ("validate", "missing", "order_id: Field required")


def test_the_path_leads_through_lists_and_aliases() -> None:
    assert found(b'{"orderId":1,"lines":[{"SKU":"a"},{"SKU":1}]}')[2] == "lines.1.sku: Input should be a valid string"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (f'{{"orderId":1,"card":"{SECRET}"}}'.encode(), "value_error"),
        (f'{{"orderId":1,"uid":"{SECRET}"}}'.encode(), "uuid_parsing"),
    ],
)
def test_texts_that_quote_the_message_are_left_out(value: bytes, reason: str) -> None:
    stage, found_reason, text = found(value)
    assert (stage, found_reason) == ("validate", reason)
    assert text.endswith(f"refused by the model ({reason})")


def test_keys_of_a_mapping_are_the_messages_and_are_left_out() -> None:
    text = found(f'{{"orderId":1,"counts":{{"{SECRET}":"x"}}}}'.encode())[2]
    assert text.startswith("counts.(a field): ")


def test_the_first_five_errors_are_told_and_the_others_counted() -> None:
    lines = ",".join(["{}"] * 7)
    text = found(f'{{"orderId":1,"lines":[{lines}]}}'.encode())[2]
    assert text.count("Field required") == 5
    assert text.endswith("; and 2 more")


@pytest.mark.parametrize(
    ("value", "reason", "text"),
    [
        (b"{", "invalid_json", "EOF"),
        (b'{"orderId":"\xff"}', "invalid_utf8", "not UTF-8 at byte 12"),
        (b'{"orderId":' + b"[" * 300 + b"]" * 300 + b"}", "too_deep", "nested deeper than 200 levels"),
    ],
)
def test_what_is_no_json_is_a_matter_of_decoding(value: bytes, reason: str, text: str) -> None:
    stage, found_reason, error = found(value)
    assert (stage, found_reason) == ("decode", reason)
    assert text in error


def test_a_message_that_is_no_object_is_blamed_as_a_whole() -> None:
    assert found(b"[1]")[2].startswith("message: Input should be")
