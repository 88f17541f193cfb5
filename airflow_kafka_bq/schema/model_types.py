"""Which BigQuery type a Python type has; the table of docs/schemas.md."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any
from uuid import UUID

import pydantic
from pydantic.fields import FieldInfo

# Order counts: bool is an int, datetime is a date.
SCALAR_TYPES: tuple[tuple[type[Any], str], ...] = (
    (bool, "BOOL"),
    (int, "INT64"),
    (float, "FLOAT64"),
    (str, "STRING"),
    (bytes, "BYTES"),
    (datetime, "TIMESTAMP"),
    (pydantic.AwareDatetime, "TIMESTAMP"),
    (pydantic.PastDatetime, "TIMESTAMP"),
    (pydantic.FutureDatetime, "TIMESTAMP"),
    (pydantic.NaiveDatetime, "DATETIME"),
    (date, "DATE"),
    (pydantic.PastDate, "DATE"),
    (pydantic.FutureDate, "DATE"),
    (time, "TIME"),
    (UUID, "STRING"),
    (pydantic.AnyUrl, "STRING"),
    (pydantic.EmailStr, "STRING"),
    (IPv4Address, "STRING"),
    (IPv4Interface, "STRING"),
    (IPv4Network, "STRING"),
    (IPv6Address, "STRING"),
    (IPv6Interface, "STRING"),
    (IPv6Network, "STRING"),
)
"""Python type (or a type that it derives from) and its BigQuery type. Decimal and Enum have rules of their own."""

_REFUSED: tuple[tuple[type[Any], str], ...] = (
    (timedelta, "write an int with its unit in the name, such as duration_seconds: BigQuery tables keep no durations"),
    (pydantic.SecretStr, "a secret has no place in a table; take the field out, or set exclude=True"),
    (pydantic.SecretBytes, "a secret has no place in a table; take the field out, or set exclude=True"),
)


class UnsupportedTypeError(TypeError):
    """A type that has no BigQuery type. ``remedy`` says what to write instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def scalar_type(kind: Any, metadata: Iterable[Any]) -> str:
    """BigQuery type of a Python class.

    :param metadata: what ``Annotated`` says beside it; ``max_digits`` and ``decimal_places`` decide about Decimal.
    :raises UnsupportedTypeError: there is none.
    """
    if isinstance(kind, type):
        for refused, remedy in _REFUSED:
            if issubclass(kind, refused):
                raise UnsupportedTypeError(f"{kind.__name__} has no BigQuery type", remedy)
        if issubclass(kind, Enum):
            return _common_type(f"enum {kind.__name__}", (member.value for member in kind))
        if issubclass(kind, Decimal):
            return _decimal_type(metadata)
        found = next((name for python, name in SCALAR_TYPES if issubclass(kind, python)), None)
        if found:
            return found
    name = getattr(kind, "__name__", str(kind))
    remedy = "use a type of docs/schemas.md, or Any for a JSON column"
    raise UnsupportedTypeError(f"{name} has no BigQuery type", remedy)


def literal_type(values: tuple[Any, ...]) -> str:
    """BigQuery type of ``Literal[values]``; JSON where they are of several types."""
    try:
        return _common_type("Literal", (value for value in values if value is not None))
    except UnsupportedTypeError:
        return "JSON"


def _common_type(what: str, values: Iterable[Any]) -> str:
    kinds = {scalar_type(type(value.value if isinstance(value, Enum) else value), ()) for value in values}
    if len(kinds) != 1:
        raise UnsupportedTypeError(f"{what} has values of several types", "give all its values one type")
    return kinds.pop()


def _decimal_type(metadata: Iterable[Any]) -> str:
    """NUMERIC only where the constraints prove that each value fits: 29 digits before the point, 9 after it.

    https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types
    """
    digits = constraint(metadata, "max_digits")
    places = constraint(metadata, "decimal_places")
    if digits is None or places is None:
        return "BIGNUMERIC"
    return "NUMERIC" if places <= 9 and digits - places <= 29 else "BIGNUMERIC"


def constraint(metadata: Iterable[Any], name: str) -> int | None:
    """What ``Annotated`` or ``Field`` holds a value to; None where it does not."""
    for item in metadata:
        value = constraint(item.metadata, name) if isinstance(item, FieldInfo) else getattr(item, name, None)
        if value is not None:
            return int(value)
    return None
