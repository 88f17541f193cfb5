"""Parameters that are templates: told apart at parse, read back when Airflow has rendered them.

A rendered template is text, whatever it was made of: ``{{ params.partitions }}`` gives ``[0, 1]`` and a value that is
not there gives ``None`` or nothing.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from airflow_kafka_bq.config.values import once

_MARKS = ("{{", "{%", "{#")
_NOTHING = {"", "None", "null"}
# The other templated parameters are text as rendered.
STRUCTURED = frozenset(("dedup_key", "version", "window", "partitions", "start", "labels", "impersonation_chain"))
_SELECTION = frozenset(("reason", "stage"))  # of a redrive
_DOCUMENTS = frozenset(("undo",))  # of a seek, as it returned it
_OPTIONAL = (
    STRUCTURED | _SELECTION | _DOCUMENTS
    | {"project_id", "location", "model", "group_id", "schema_registry_conn_id", "since", "until", "limit"}
    | {"to", "undo_file", "backup_days"}
)  # fmt: skip


def is_template(value: Any) -> bool:
    """Whether a value is known only when the task runs: a template, or the output of another task."""
    if isinstance(value, str):
        return any(mark in value for mark in _MARKS)
    if isinstance(value, Mapping):
        return any(is_template(one) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple | set):
        return any(is_template(one) for one in value)
    return hasattr(value, "resolve") and hasattr(value, "iter_references")


def rendered(name: str, value: Any, default: Any) -> Any:
    """A rendered parameter as a literal would be; ``default`` where the template came to nothing.

    A window is nothing where both its ends are: a run without a data interval, or a form that was left empty.
    """
    if isinstance(value, ModelClass):
        return value.model
    if name not in _OPTIONAL:
        return value
    found = _structure(value) if name in STRUCTURED | _SELECTION | _DOCUMENTS else value
    if name == "window" and isinstance(found, Mapping):
        ends = {end: _structure(one) for end, one in found.items()}
        found = None if ends and all(_is_nothing(one) for one in ends.values()) else ends
    return default if _is_nothing(found) else found


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in _NOTHING)


def _structure(value: Any) -> Any:
    """Lists and mappings that were rendered to text; anything else as it is, for the validation to refuse."""
    if not isinstance(value, str) or value.strip()[:1] not in {"[", "{", "("}:
        return value
    text = value.strip()
    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError:
        pass
    except (ValueError, RecursionError):
        return value
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value


class ModelClass:
    """A model class as a task keeps it. Airflow calls whatever is callable in a templated parameter, and a class is."""

    def __init__(self, model: type) -> None:
        self.model = model

    def __repr__(self) -> str:
        return f"{self.model.__module__}:{self.model.__qualname__}"

    def __eq__(self, other: object) -> bool:
        return self.model is (other.model if isinstance(other, ModelClass) else other)

    def __hash__(self) -> int:
        return hash(self.model)
