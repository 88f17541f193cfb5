"""Names of topics, tables, columns, groups and labels: refused here, before they reach a server or a statement."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{1,61}[a-z0-9]")
_DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}")
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")  # Kafka: org.apache.kafka.common.internals.Topic
_LOCATION = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,62}")
# https://cloud.google.com/bigquery/docs/schemas#column_names ; flexible names are left out: Parquet loads rewrite them.
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}")
_KEY_NAME = re.compile(r"projects/[\w.:-]+/locations/[\w-]+/keyRings/[\w-]+/cryptoKeys/[\w-]+", re.ASCII)
_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_GROUP_PLACEHOLDER = re.compile(r"\{(topic|project|dataset|table)\}")

_LONGEST_TABLE_BYTES = 1_024
_LONGEST_COMPANION_BYTES = 40  # of __stg_{batch}_{part}_{attempt}
_LONGEST_GROUP_BYTES = 32_767  # Kafka writes a group id as a string with a 16-bit length
_LONGEST_LABEL, _LONGEST_LABEL_BYTES, MOST_LABELS = 63, 128, 64


def topic_name(value: str) -> str:
    """A legal Kafka topic name, or ValueError."""
    if not _TOPIC.fullmatch(value) or value in {".", ".."}:
        msg = f"{value!r} is not a Kafka topic name (letters, digits, '.', '_', '-'; at most 249)"
        raise ValueError(msg)
    return value


def project_name(value: str) -> str:
    """A project id, or ValueError."""
    if not _PROJECT.fullmatch(value):
        msg = f"{value!r} is not a project id (lower case, digits, '-')"
        raise ValueError(msg)
    return value


def location_name(value: str) -> str:
    """A location such as ``EU`` or ``europe-west4``, or ValueError."""
    if not _LOCATION.fullmatch(value):
        msg = f"{value!r} is not a location such as EU or europe-west4"
        raise ValueError(msg)
    return value


def dataset_parts(value: str, project: str) -> tuple[str, str]:
    """``dataset`` or ``project.dataset`` as (project, dataset), or ValueError."""
    head, dot, dataset = value.rpartition(".")
    if (dot and not _PROJECT.fullmatch(head)) or not _DATASET.fullmatch(dataset):
        msg = f"{value!r} is not a dataset name (dataset or project.dataset)"
        raise ValueError(msg)
    return head or project, dataset


def table_parts(value: str) -> tuple[str | None, str, str]:
    """``dataset.table`` or ``project.dataset.table`` as (project or None, dataset, table), or ValueError."""
    head, _, table = value.rpartition(".")
    project, dot, dataset = head.rpartition(".")
    fits = _DATASET.fullmatch(dataset) and _is_table(table) and (not dot or _PROJECT.fullmatch(project))
    if not fits:
        msg = f"{value!r} is not a table name (dataset.table or project.dataset.table)"
        raise ValueError(msg)
    longest = _LONGEST_TABLE_BYTES - _LONGEST_COMPANION_BYTES
    if len(table.encode()) > longest:  # or BigQuery refuses the ledger and the staging tables
        msg = f"the table name is {len(table.encode())} bytes long; at most {longest}, companion tables are longer"
        raise ValueError(msg)
    return project or None, dataset, table


def _is_table(name: str) -> bool:
    """https://cloud.google.com/bigquery/docs/tables#table_naming : categories L, M, N, Pc, Pd, Zs."""
    kinds = (unicodedata.category(letter) for letter in name)
    return bool(name) and all(kind[0] in "LMN" or kind in {"Pc", "Pd", "Zs"} for kind in kinds)


def column_name(value: Any) -> str:
    """A column name, or ValueError."""
    if not isinstance(value, str) or not _COLUMN.fullmatch(value):
        msg = f"{value!r} is not a column name (letters, digits, '_'; several columns are a list)"
        raise ValueError(msg)
    return value


SET_BY_SQL = frozenset({"_ingested_at", "_deleted_at"})
"""Columns of ours that are not in the staged rows, so that nothing can be computed from them."""


def lower(columns: Iterable[str] | None) -> set[str]:
    """BigQuery compares column names without regard to case."""
    return {name.lower() for name in columns or ()}


def twice(columns: tuple[str, ...]) -> str | None:
    """A column that is named twice; BigQuery compares without regard to case."""
    seen: set[str] = set()
    return next((name for name in columns if name.lower() in seen or seen.add(name.lower())), None)  # type: ignore[func-returns-value]  # add


def group_template(value: str) -> str:
    """A consumer group, placeholders allowed, or ValueError."""
    left = _GROUP_PLACEHOLDER.sub("", value)
    if "{" in left or "}" in left:
        msg = f"{value!r}: the placeholders are {{topic}}, {{project}}, {{dataset}}, {{table}}"
        raise ValueError(msg)
    group_name(value)
    return value


def group_name(value: str) -> str:
    """A consumer group that Kafka and its tools take, or ValueError."""
    if not value.strip() or value != value.strip() or not value.isprintable():
        msg = f"{value!r} is not a consumer group (no control characters, no spaces around it, not empty)"
        raise ValueError(msg)
    if len(value.encode()) > _LONGEST_GROUP_BYTES:
        msg = f"the consumer group is {len(value.encode())} bytes long; Kafka takes {_LONGEST_GROUP_BYTES}"
        raise ValueError(msg)
    return value


def filled(template: str, **names: str) -> str:
    """A group template with its placeholders filled, or ValueError."""
    return group_name(_GROUP_PLACEHOLDER.sub(lambda match: names[match[1]], template))


def labels(value: Mapping[str, str]) -> Mapping[str, str]:
    """https://cloud.google.com/bigquery/docs/labels-intro#requirements , or ValueError."""
    if len(value) > MOST_LABELS:
        msg = f"{len(value)} labels; BigQuery takes {MOST_LABELS}"
        raise ValueError(msg)
    for key, text in value.items():
        if not (_label(key) and key[0].isalpha() and (text == "" or _label(text))):
            msg = f"{key!r}: {text!r} is not a BigQuery label (lower case, digits, '_', '-'; at most 63)"
            raise ValueError(msg)
    return value


def _label(text: str) -> bool:
    fits = 0 < len(text) <= _LONGEST_LABEL and len(text.encode()) <= _LONGEST_LABEL_BYTES
    return fits and all(c in "_-" or unicodedata.category(c) in {"Ll", "Lo", "Nd", "Nl", "No"} for c in text)


def key_name(value: str) -> str:
    """Resource name of a key in Cloud KMS, or ValueError."""
    if not _KEY_NAME.fullmatch(value):
        msg = f"{value!r} is not a key: projects/…/locations/…/keyRings/…/cryptoKeys/…"
        raise ValueError(msg)
    return value


def reference(value: str) -> str:
    """``package.module:Name``, or ValueError."""
    if not _REFERENCE.fullmatch(value):
        msg = f"{value!r} is not package.module:Name"
        raise ValueError(msg)
    return value
