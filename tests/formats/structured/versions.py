"""Avro schemas by a seed: what the plain types of one stand for, and another version of it."""

from __future__ import annotations

from random import Random
from typing import Any

_MOMENTS = ("timestamp-millis", "timestamp-micros", "time-micros", "local-timestamp-millis")
_DIGITS = ((12, 2), (38, 9), (29, 0), (60, 20), (90, 0))
_LOGICAL: dict[str, list[dict[str, Any]]] = {
    "int": [{"logicalType": "date"}, {"logicalType": "time-millis"}],
    "long": [{"logicalType": said} for said in _MOMENTS],
    "bytes": [{"logicalType": "decimal", "precision": digits, "scale": scale} for digits, scale in _DIGITS],
}
_WIDER = {"int": ["long", "double"], "long": ["double"], "float": ["double"], "string": ["bytes"], "bytes": ["string"]}


def logical(random: Random, schema: Any) -> Any:
    """The same bytes, with a meaning here and there."""
    if isinstance(schema, list):
        return [logical(random, one) for one in schema]
    if isinstance(schema, dict) and schema["type"] == "record":
        return {**schema, "fields": [{**one, "type": logical(random, one["type"])} for one in schema["fields"]]}
    if isinstance(schema, str) and schema in _LOGICAL and random.random() < 0.6:
        return {"type": schema, **random.choice(_LOGICAL[schema])}
    return schema


def another(random: Random, schema: Any) -> Any:
    """A version that values of the schema may have columns in."""
    if isinstance(schema, list):
        (one,) = (one for one in schema if one != "null")
        found = another(random, one)
        return found if random.random() < 0.2 else ["null", found]
    if isinstance(schema, dict) and schema["type"] == "record":
        return {**schema, "fields": _fields(random, schema["fields"])}
    if isinstance(schema, str) and schema in _WIDER and random.random() < 0.2:
        return random.choice(_WIDER[schema])
    return schema


def _fields(random: Random, fields: list[Any]) -> list[Any]:
    found = [_field(random, one) for one in fields if random.random() < 0.85]
    if not found or random.random() < 0.3:
        found.append({"name": "added", "type": "string", "default": "?"})
    if random.random() < 0.2:
        found.append({"name": "nothing", "type": ["null", "long"], "default": None})
    if isinstance(fields[0]["type"], str) and random.random() < 0.5:
        found.append({"name": "again", "type": fields[0]["type"], "aliases": [fields[0]["name"]]})
    if random.random() < 0.3:
        random.shuffle(found)
    return found


def _field(random: Random, field: Any) -> Any:
    renamed = {"name": f"new_{field['name']}", "aliases": [field["name"]]} if random.random() < 0.2 else {}
    return {**field, "type": another(random, field["type"]), **renamed}
