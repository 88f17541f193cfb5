"""Parameters that are mappings with fields of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetPydanticSchema

from airflow_kafka_bq.config import names
from airflow_kafka_bq.config.frozen import FrozenMapping
from airflow_kafka_bq.config.scalars import Flag, String, whole

_LONGEST_DAYS = 100 * 366
_FIELDS = ConfigDict(frozen=True, extra="forbid")

Labels = Annotated[dict[String, String], AfterValidator(names.labels), AfterValidator(FrozenMapping)]


class _TableOptions(BaseModel):
    """Options of a table that is created. Zero hours or days would drop the rows as they come."""

    model_config = _FIELDS

    expiration_hours: Annotated[int, BeforeValidator(whole), Field(ge=1, le=24 * _LONGEST_DAYS)] | None = None
    partition_expiration_days: Annotated[int, BeforeValidator(whole), Field(ge=1, le=_LONGEST_DAYS)] | None = None
    require_partition_filter: Flag | None = None
    description: Annotated[String, Field(max_length=16_384)] | None = None
    labels: Labels | None = None


class _Encryption(BaseModel):
    """A key of the user's own, in our spelling or in that of the Google provider."""

    model_config = _FIELDS

    kms_key_name: Annotated[String, AfterValidator(names.key_name)] | None = None
    kmsKeyName: Annotated[String, AfterValidator(names.key_name)] | None = None


def _known(fields: type[BaseModel]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        extra = sorted(set(map(str, value)) - set(fields.model_fields)) if isinstance(value, Mapping) else []
        if extra:
            msg = f"has no field {extra[0]!r}; the fields are {', '.join(fields.model_fields)}"
            raise ValueError(msg)
        return value

    return check


def _given(found: BaseModel) -> FrozenMapping[str, Any]:
    """What was given; null counts as not given."""
    return FrozenMapping({name: value for name, value in found if value is not None})


def _one_key(found: FrozenMapping[str, Any]) -> FrozenMapping[str, Any]:
    if len(found) != 1:
        msg = "must have one field, kms_key_name"
        raise ValueError(msg)
    return found


# Validated by a model, which names the field that is wrong; kept as a mapping of what was given.
_Options = Annotated[_TableOptions, BeforeValidator(_known(_TableOptions)), AfterValidator(_given)]
_Key = Annotated[_Encryption, BeforeValidator(_known(_Encryption)), AfterValidator(_given), AfterValidator(_one_key)]
TableOptions = Annotated[dict[str, Any], GetPydanticSchema(lambda _, handler: handler(_Options))]
Encryption = Annotated[dict[str, Any], GetPydanticSchema(lambda _, handler: handler(_Key))]
