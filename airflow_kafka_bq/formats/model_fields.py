"""The fields of a model as messages spell them, nested models included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import AliasChoices, AliasPath, BaseModel
from pydantic.fields import FieldInfo

from airflow_kafka_bq.schema import marks, unions
from airflow_kafka_bq.schema.annotations import Annotation, unwrapped


@dataclass(frozen=True, slots=True)
class MessageField:
    """What a name in a message leads to: ``fields`` of a nested model, or None where anything goes."""

    name: str
    kind: Any
    fields: Mapping[str, MessageField] | None = None


@dataclass(frozen=True, slots=True)
class MessageFields:
    """All names that a model takes, on every level."""

    fields: Mapping[str, MessageField] = field(default_factory=dict)

    @classmethod
    def of(cls, model: type[BaseModel]) -> MessageFields:
        """Walk a model that ``model_columns`` accepted, so that it does not contain itself."""
        return cls(_fields(model))

    def has_unknown(self, message: Any) -> bool:
        """Whether the message has a field that the model does not take, on any level."""
        return self.left_over(message) is not None

    def left_over(self, message: Any) -> Any:
        """What the model does not take, where it stood; None if nothing is left.

        An object has the fields that are left, an array has ``{}`` for each element of which nothing is.
        """
        return _left_over(message, self.fields)


def _fields(model: type[BaseModel]) -> dict[str, MessageField]:
    found: dict[str, MessageField] = {}
    for name, info in model.model_fields.items():
        annotation = unwrapped(info.annotation, info.metadata)
        inner = _inner(annotation)
        nested = _models(annotation, inner)
        for alias, whole in spellings(model, name, info):
            fields = {key: one for each in nested for key, one in _fields(each).items()} if nested and whole else None
            found[alias] = MessageField(name, inner.kind if whole else None, fields)
    return found


def _models(annotation: Annotation, inner: Annotation) -> tuple[type[BaseModel], ...]:
    """The models that say what a nested object has: one, or those of a union that is a STRUCT."""
    if isinstance(inner.kind, type) and issubclass(inner.kind, BaseModel):
        return (inner.kind,)
    mark = marks.mark_of(marks.Column, annotation.metadata)
    if mark is None or mark.type != "STRUCT":
        return ()
    return unions.members(annotation) or unions.members(unwrapped(annotation.element))


def _inner(found: Annotation) -> Annotation:
    """The annotation of an ARRAY's elements, or the annotation itself."""
    if found.is_json or found.element is None:
        return found
    return _inner(unwrapped(found.element))


def spellings(model: type[BaseModel], name: str, info: FieldInfo) -> Iterator[tuple[str, bool]]:
    """Names under which a message may carry a field; False: the value lies somewhere inside."""
    config = model.model_config
    alias = info.validation_alias
    if alias is None or config.get("populate_by_name") or config.get("validate_by_name"):
        yield name, True
    if alias is not None and config.get("validate_by_alias", True):
        for choice in alias.choices if isinstance(alias, AliasChoices) else [alias]:
            yield (str(choice.path[0]), len(choice.path) == 1) if isinstance(choice, AliasPath) else (choice, True)


def _left_over(message: Any, fields: Mapping[str, MessageField]) -> Any:
    if isinstance(message, list):
        left = [_left_over(element, fields) for element in message]
        return None if all(one is None for one in left) else [{} if one is None else one for one in left]
    if not isinstance(message, dict):
        return None
    found = {}
    for name, value in message.items():
        known = fields.get(name)
        if known is None:
            found[name] = value
        elif known.fields is not None and (inner := _left_over(value, known.fields)) is not None:
            found[name] = inner
    return found or None
