"""The values of a model's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.wire_values import writer
from airflow_kafka_bq.schema.columns import Column


class ModelRow:
    """Writes validated messages as the staging file has them."""

    def __init__(self, model: type[BaseModel], columns: Sequence[Column]) -> None:
        self._model = model
        self._writers = [(column.attribute, writer(column)) for column in columns]

    def of(self, found: BaseModel) -> list[Any]:
        """One value per column. :raises Rejected: BigQuery does not take one, or a computed field failed."""
        try:
            return [write(getattr(found, name)) for name, write in self._writers]
        except (Rejected, ConfigError):
            raise
        except Exception as error:  # the model's author may raise anything, and put anything in a field's place
            said = f"a validator or computed field of {self._model.__name__} raised {type(error).__name__}"
            raise Rejected("validate", "validator_failed", said) from error
