"""What decides about the rows of a batch, besides its messages, as one hash.

A batch is known by its ranges and this: a retry after a change of the model must not attach to what the old model
staged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, PydanticUserError

import airflow_kafka_bq
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.formats.code_text import code, source
from airflow_kafka_bq.schema.marks import is_per_record
from airflow_kafka_bq.schema.target import Target

_SETTINGS = (
    *("topic", "value_format", "key_format", "unknown_fields", "dedup_key", "on_duplicate", "version"),
    *("tombstone_key", "kafka_columns", "schema_from", "envelope", "envelope_fields"),
)


def fingerprint(
    config: JobConfig, target: Target, model: type[BaseModel] | None, functions: Iterable[Any] = (),
    schemas: Iterable[str] = (),
) -> str:  # fmt: skip
    """Hexadecimal hash, the same in every process.

    :param functions: ``transform`` and ``filter``, imported; None where there is none.
    :param schemas: texts that decide how keys and values are decoded.
    """
    parts = {
        "package": airflow_kafka_bq.__version__,
        "settings": {name: getattr(config, name) for name in _SETTINGS} | {"on_tombstone": config.tombstones},
        "target": {"table": str(target.table), "key": target.key, "columns": [asdict(one) for one in target.columns]},
        "model": None if model is None else _model(model),
        "functions": [_function(function) for function in functions],
        "schemas": list(schemas),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _function(function: Any) -> Any:
    """Its code; marked, it is called otherwise."""
    if function is None:
        return None
    return ["per_record", code(function)] if is_per_record(function) else code(function)


def _model(model: type[BaseModel]) -> list[Any]:
    """Code of the model and all it is made of, and the constraints that its code may hold elsewhere."""
    try:
        schema: Any = model.model_json_schema()
    except PydanticUserError:  # a field without a JSON schema, such as one of a type of the author's own
        schema = None
    return [schema, [source(part) for part in _parts(model)]]


def _parts(model: type[BaseModel]) -> Iterator[type[Any]]:
    """The model, its bases and the models nested in it, each once."""
    waiting, seen = [model], set[type[Any]]()
    while waiting:
        kind = waiting.pop()
        for part in kind.__mro__:
            if part in seen or part.__module__.partition(".")[0] in {"pydantic", "builtins", "typing", "abc"}:
                continue
            seen.add(part)
            yield part
            if issubclass(part, BaseModel):
                waiting.extend(_nested(part))


def _nested(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    waiting = [field.annotation for field in model.model_fields.values()]
    while waiting:
        found: Any = waiting.pop()
        waiting.extend(getattr(found, "__args__", ()))
        if isinstance(found, type) and issubclass(found, BaseModel):
            yield found
