"""Whether pydantic can say that a message has no unknown field, while it validates.

It can be told to forbid such fields for one call. If the message then passes, it has none, and means what it would have
meant without. That holds only where nothing between the message and the fields looks at the message first, swallows an
error, or chooses by it: a validator that runs before, around or instead, a union, a model with an ``__init__``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import signature
from typing import Any

from pydantic import BaseModel

from airflow_kafka_bq.formats.model_fields import MessageField, MessageFields

_ACCEPTS = "extra" in signature(BaseModel.model_validate_json).parameters  # pydantic 2.12
_THROUGH = {"function-after": "schema", "nullable": "schema", "list": "items_schema"}
_TAKES_FIELDS = {
    *("model", "model-fields", "dataclass", "dataclass-args", "typed-dict", "arguments", "arguments-v3", "call"),
    "definition-ref",  # only models are referred to, as a rule
}


def forbidding_tells(model: type[BaseModel], fields: MessageFields) -> bool:
    """Whether a message that passes with ``extra="forbid"`` has no unknown field, and the same result without."""
    return _ACCEPTS and _Walk().tells(model.__pydantic_core_schema__, fields.fields)


class _Walk:
    def __init__(self) -> None:
        self._definitions: dict[str, Any] = {}

    def tells(self, schema: Any, fields: Mapping[str, MessageField]) -> bool:
        """Of a place that holds a model, or a list of it."""
        schema = self._unwrapped(schema)
        if schema["type"] != "model" or schema.get("custom_init") or schema.get("root_model"):
            return False
        if schema.get("config", {}).get("extra_fields_behavior") == "allow":  # would look otherwise to its validators
            return False
        inner = self._unwrapped(schema["schema"])
        if inner["type"] != "model-fields" or inner.get("extra_behavior") == "allow":
            return False
        return all(self._field_tells(name, field["schema"], fields) for name, field in inner["fields"].items())

    def _field_tells(self, name: str, schema: Any, fields: Mapping[str, MessageField]) -> bool:
        nested = [one.fields for one in fields.values() if one.name == name and one.fields is not None]
        return self.tells(schema, nested[0]) if nested else _TAKES_FIELDS.isdisjoint(_types(schema))

    def _unwrapped(self, schema: Any) -> Any:
        while True:
            kind = schema["type"]
            if kind == "definitions":
                self._definitions |= {one["ref"]: one for one in schema["definitions"]}
                schema = schema["schema"]
            elif kind == "definition-ref":
                schema = self._definitions[schema["schema_ref"]]
            elif kind == "default" and schema.get("on_error", "raise") == "raise":
                schema = schema["schema"]
            elif kind in _THROUGH and _THROUGH[kind] in schema:
                schema = schema[_THROUGH[kind]]
            else:
                return schema


def _types(schema: Any) -> Iterator[str]:
    """Of all parts of a schema."""
    if isinstance(schema, Mapping):
        if isinstance(kind := schema.get("type"), str):
            yield kind
        for one in schema.values():
            yield from _types(one)
    elif isinstance(schema, list | tuple):
        for one in schema:
            yield from _types(one)
