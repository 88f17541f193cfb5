"""JSON with a JSON Schema: the schema gives columns, and judges each message that was written with it.

What a schema leaves open (several types, ``oneOf``, tuples, objects without known properties) is a JSON column.
https://json-schema.org/understanding-json-schema
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic_core import from_json

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.json_text import exact_text
from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured import json_values
from airflow_kafka_bq.formats.structured.packages import needed
from airflow_kafka_bq.formats.structured.shapes import Anything, Field, List, Map, Schema, Shape, Slot, Struct

EXTRA = "json-schema"
_MAX_STEPS = 100  # of references that lead to references


def json_schema(text: str, references: Iterable[tuple[str, str]] = ()) -> Schema:
    """Read a schema.

    :param references: name and text of the schemas that it refers to.
    :raises ConfigError: this is no JSON Schema, a reference leads nowhere, or jsonschema is not installed.
    """
    jsonschema = needed("jsonschema", EXTRA)
    try:
        documents = {name: json.loads(content) for name, content in references}
        root = json.loads(text)
        slot = _Types(documents).slot(root, root)
        find_error = _validator(jsonschema, root, documents)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, jsonschema.SchemaError) as error:
        said = error.message if isinstance(error, jsonschema.SchemaError) else str(error)
        raise ConfigError(f"not a JSON Schema: {type(error).__name__}: {said[:500]}") from error

    def check(data: bytes) -> Any:
        raw = from_json(exact_text(data))
        if rule := find_error(raw):
            raise Rejected("validate", "json_schema", f"breaks the schema that it was written with, at {rule}")
        return raw

    def checked_text(data: bytes) -> str:
        check(data)
        return exact_text(data)

    return Schema(slot, check, json_values.extra_fields(slot), checked_text)


def _validator(jsonschema: Any, root: Any, documents: Mapping[str, Any]) -> Callable[[Any], str | None]:
    """A function that gives the rule which a value breaks; never what the message says."""
    referencing = needed("referencing", EXTRA)
    kind = jsonschema.validators.validator_for(root, default=jsonschema.Draft7Validator)
    kind.check_schema(root)
    draft = needed("referencing.jsonschema", EXTRA).DRAFT7
    resources = [
        (name, referencing.Resource.from_contents(content, default_specification=draft))
        for name, content in documents.items()
    ]
    validator = kind(root, registry=referencing.Registry().with_resources(resources))

    def find_error(raw: Any) -> str | None:
        error = next(validator.iter_errors(raw), None)
        return None if error is None else "/".join(str(step) for step in error.absolute_schema_path)

    return find_error


class _Types:
    """Shapes of a schema and of those that it refers to."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self.documents = documents
        self.structs: dict[int, Struct] = {}

    def slot(self, schema: Any, root: Any) -> Slot:
        """The shape of a schema; ``root`` is the document that its references are counted from."""
        schema, root = self._followed(schema, root)
        if not isinstance(schema, dict):
            return Slot(Anything("anything"), nullable=True)
        null, others = _without_null(schema)
        if len(others) != 1:
            return Slot(Anything("several types"), nullable=True)
        if others[0] is schema:
            return Slot(self._shape(schema, root), null)
        found = self.slot(others[0], root)
        return Slot(found.shape, null or found.nullable)

    def _followed(self, schema: Any, root: Any) -> tuple[Any, Any]:
        """What a chain of references leads to. :raises KeyError: nothing."""
        for _ in range(_MAX_STEPS):
            if not isinstance(schema, dict):
                return schema, root
            reference, only = schema.get("$ref"), schema.get("allOf")
            if isinstance(reference, str):
                schema, root = self._referred(reference, root)
            elif isinstance(only, list) and len(only) == 1 and "properties" not in schema:
                schema = only[0]
            else:
                return schema, root
        raise ValueError("references that lead in a circle")

    def _referred(self, reference: str, root: Any) -> tuple[Any, Any]:
        name, _, pointer = reference.partition("#")
        if name and not (isinstance(root, dict) and name == root.get("$id")):
            root = self.documents[name]
        found = root
        for step in filter(None, pointer.split("/")):
            key = step.replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found[key]
        return found, root

    def _shape(self, schema: Mapping[str, Any], root: Any) -> Shape:
        kind = schema.get("type") or ("object" if "properties" in schema else json_values.kind_of_values(schema))
        if kind == "object":
            return self._object(schema, root)
        if kind == "array":
            items = schema.get("items")
            known = isinstance(items, dict) and "prefixItems" not in schema
            return List(self.slot(items, root)) if known else Anything("an array of anything")
        return json_values.scalar(kind, schema.get("format")) or Anything(str(kind))

    def _object(self, schema: Mapping[str, Any], root: Any) -> Shape:
        properties, more = schema.get("properties"), schema.get("additionalProperties")
        if any(word in schema for word in ("allOf", "anyOf", "oneOf", "patternProperties", "if")):
            return Anything("an object of several forms")
        if properties:
            return self._struct(schema, properties, root)
        if isinstance(more, dict) and more:
            return Map(json_values.TEXT, self.slot(more, root))
        return Anything("an object")

    def _struct(self, schema: Mapping[str, Any], properties: Mapping[str, Any], root: Any) -> Struct:
        if id(schema) in self.structs:
            return self.structs[id(schema)]
        found = self.structs[id(schema)] = Struct(str(schema.get("title", "object")), is_json=True)
        found.fields = tuple(
            Field(name, Slot(self.slot(one, root).shape, nullable=True), description=_description(one))
            for name, one in properties.items()
        )
        return found


def _description(schema: Any) -> str | None:
    found = schema.get("description") if isinstance(schema, dict) else None
    return found if isinstance(found, str) else None


def _without_null(schema: Mapping[str, Any]) -> tuple[bool, list[Any]]:
    """Whether null is one of the types, and the others."""
    if isinstance(schema.get("type"), list):
        others = [one for one in schema["type"] if one != "null"]
        return "null" in schema["type"], [{**schema, "type": one} for one in others]
    for word in ("oneOf", "anyOf"):
        if isinstance(schema.get(word), list) and "properties" not in schema:
            rest = [one for one in schema[word] if one != {"type": "null"}]
            return len(rest) < len(schema[word]), rest
    return False, [schema]
