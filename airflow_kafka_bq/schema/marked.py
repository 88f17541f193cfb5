"""What the author of a model says about a column, done to it."""

from __future__ import annotations

import re
from dataclasses import replace

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema import marks
from airflow_kafka_bq.schema.annotations import Annotation, unwrapped
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.hashing import HASHABLE, Hashing

# A value of the first type is exact in the others, or its message is bad.
_ALSO: dict[str, frozenset[str]] = {
    "INT64": frozenset({"NUMERIC", "BIGNUMERIC"}),
    "NUMERIC": frozenset({"BIGNUMERIC"}),
    "BIGNUMERIC": frozenset({"NUMERIC"}),
    "TIMESTAMP": frozenset({"DATETIME"}),
    "DATETIME": frozenset({"TIMESTAMP"}),
}
_POLICY_TAG = re.compile(r"projects/[^/\s]+/locations/[^/\s]+/taxonomies/[^/\s]+/policyTags/[^/\s]+")


def marked(column: Column, mark: marks.Column, found: Annotation, path: str) -> Column:
    """The column as its marks want it.

    :param found: the field's annotation, whose elements may be marked as hashed.
    :raises ConfigError: a type that would not hold each value, a policy tag that is none, a hash of what has several
        spellings.
    """
    if mark.policy_tag is not None and not _POLICY_TAG.fullmatch(mark.policy_tag):
        remedy = "projects/…/locations/…/taxonomies/…/policyTags/…"
        raise ConfigError(f"{path}: {mark.policy_tag!r} is not a policy tag", remedy=remedy)
    column = _typed(column, mark.type, path)
    column = replace(column, description=mark.description or column.description, policy_tag=mark.policy_tag)
    element = None if found.element is None else unwrapped(found.element)
    hashed = marks.mark_of(marks.Hashed, (*(element.metadata if element else ()), *found.metadata))
    return column if hashed is None else _hashed(column, hashed, path)


def _typed(column: Column, asked: str | None, path: str) -> Column:
    if asked is None or asked == column.type:
        return column
    others = _ALSO.get(column.type, frozenset())
    if asked not in others:
        remedy = f"it can be {', '.join(sorted({column.type, *others, 'JSON'}))}"
        raise ConfigError(f"{path} is {column.type}, and not every value of it is exact in {asked}", remedy=remedy)
    return replace(column, type=asked)


def _hashed(column: Column, hashed: marks.Hashed, path: str) -> Column:
    if column.type not in HASHABLE:
        remedy = f"hash {', '.join(sorted(HASHABLE))}, or take the field out with Drop"
        raise ConfigError(
            f"{path} is {column.type}, whose values have several spellings, and cannot be hashed", remedy=remedy
        )
    hashing = Hashing(hashed.salt, column.type)
    return replace(column, type="STRING", hashed=hashing, max_length=64)
