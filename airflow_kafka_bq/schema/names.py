"""Which names a column may have."""

from __future__ import annotations

import re
from collections.abc import Iterable

# https://cloud.google.com/bigquery/docs/schemas#column_names ; flexible names are left out: Parquet loads rewrite them.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]")
RESERVED_PREFIXES = (
    "_TABLE_",
    "_FILE_",
    "_PARTITION",
    "_ROW_TIMESTAMP",
    "__ROOT__",
    "_COLIDENTIFIER",
    "_CHANGE_SEQUENCE_NUMBER",
    "_CHANGE_TYPE",
    "_CHANGE_TIMESTAMP",
)
"""Prefixes that BigQuery keeps for itself, compared without regard to case."""
_OURS = {"_ingested_at", "_deleted_at", "_unknown_fields", "_tombstone", "_row"}


def sanitized(name: str) -> str:
    """A name that BigQuery takes: other characters become ``_``."""
    found = _NOT_IN_NAMES.sub("_", name)
    return f"_{found}" if not found or found[0].isdigit() else found


def refusal(name: str) -> str | None:
    """Why a message's column cannot have this name; None if it can."""
    if not _NAME.fullmatch(name):
        return f"{name!r} is not a column name (letters, digits, '_'; first no digit; at most 300)"
    reserved = next((prefix for prefix in RESERVED_PREFIXES if name.upper().startswith(prefix)), None)
    if reserved:
        return f"{name!r} begins with {reserved!r}, which BigQuery keeps for itself"
    if name.lower().startswith("_kafka_") or name.lower() in _OURS:
        return f"{name!r} is a name of this package's own columns"
    return None


def collision(names: Iterable[str]) -> tuple[str, str] | None:
    """Two names that BigQuery takes for one: it compares without regard to case."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other is not name:
            return other, name
    return None
