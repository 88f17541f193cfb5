"""JSON through a pydantic model, message by message: what this accepts and refuses is the rule for every other way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pydantic import BaseModel
from pydantic_core import from_json

from airflow_kafka_bq.formats.exact_numbers import exact_numbers
from airflow_kafka_bq.formats.json_models import CONSTANTS, JsonModels
from airflow_kafka_bq.formats.model_fields import MessageFields
from airflow_kafka_bq.formats.model_rows import ModelRow
from airflow_kafka_bq.formats.parser import Parsed, Rejected, Row
from airflow_kafka_bq.formats.rejections import unknown_field, validated
from airflow_kafka_bq.formats.unknown_fields import json_of, with_unknown
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.wire import wire_type


class JsonRows:
    """Parses messages with ``model``.

    ``refuse_unknown`` rejects those with a field that the model does not take, ``keep_unknown`` keeps such fields in
    the column ``_unknown_fields``.
    """

    def __init__(
        self, model: type[BaseModel], columns: Sequence[Column], *, refuse_unknown: bool = False,
        keep_unknown: bool = False,
    ) -> None:  # fmt: skip
        self.model = model
        self.columns = tuple(columns)
        self.fields = MessageFields.of(model)
        self.refuse_unknown = refuse_unknown
        self.keep_unknown = keep_unknown
        self._schema = pa.schema([pa.field(one.name, wire_type(one)) for one in with_unknown(columns, keep_unknown)])
        self._row = ModelRow(model, columns)
        self._many = JsonModels(self)

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return self._schema

    def parse(self, values: pa.Array[Any]) -> Parsed:
        """Validate each value and write it as the staging file has it."""
        return self._many.parse(values)

    def row(self, value: bytes) -> Row:
        """One row, and whether the message had a field that no column takes. :raises Rejected: why not."""
        found = self.validated(value)
        row = self._row.of(found)
        left, has_unknown = self.left(found, value)
        return [*row, left] if self.keep_unknown else row, has_unknown

    def left(self, found: BaseModel, value: bytes) -> tuple[str | None, bool]:
        """What is kept of the fields that no column takes, and whether the message has some.

        :raises Rejected: that makes it bad; if a column refuses what it gets, that comes first.
        """
        left = self.fields.left_over(from_json(value))
        if left is None:
            return None, False
        try:
            if self.refuse_unknown:
                raise unknown_field()
            return json_of(left) if self.keep_unknown else None, True
        except Rejected:
            self._row.of(found)
            raise

    def validated(self, value: bytes) -> BaseModel:
        """The model's object of a message. :raises Rejected: why not."""
        _refuse_constants(value)
        return validated(
            lambda: self.model.model_validate_json(exact_numbers(value, self.fields)), self.model, self.columns, value
        )


def _refuse_constants(value: bytes) -> None:
    """NaN and Infinity are not JSON, although pydantic reads them."""
    if not any(constant in value for constant in CONSTANTS):
        return
    try:
        from_json(value)
    except ValueError:
        return  # not JSON for another reason, which the model will name
    try:
        from_json(value, allow_inf_nan=False)
    except ValueError as error:
        raise Rejected("decode", "nan", "NaN and Infinity are not JSON") from error
