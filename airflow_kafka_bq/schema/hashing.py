"""Personal data as a keyed hash: what is equal stays equal, what it was cannot be read back."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema.columns import Column

HASHABLE = frozenset({"STRING", "BYTES", "INT64", "DATE"})
"""Types whose values have one spelling."""
_SHORTEST_SALT_BYTES = 16  # a shorter one is found by trying all


@dataclass(frozen=True, slots=True)
class Hashing:
    """How a column's values are hashed. ``type`` is theirs; the column is a STRING of 64 hexadecimal digits.

    ``key`` is the salt itself, and in no text of this object.
    """

    salt: str
    type: str
    key: bytes = field(default=b"", repr=False)

    def digest(self, value: str | bytes | int | date) -> str:
        """HMAC-SHA256 of a value's text (https://www.rfc-editor.org/rfc/rfc2104). :raises ConfigError: no salt yet."""
        if not self.key:
            raise ConfigError(f"salt {self.salt!r} is not known, and a column is hashed with it")
        return hmac.new(
            self.key, value if isinstance(value, bytes) else str(value).encode(), hashlib.sha256
        ).hexdigest()


def salted(columns: Iterable[Column], salt_of: Callable[[str], str]) -> tuple[Column, ...]:
    """The columns, each hashed one with its salt.

    :param salt_of: the salt of a name.
    :raises ConfigError: it is not defined, or too short to keep anything secret.
    """
    return tuple(_salted(column, salt_of) for column in columns)


def _salted(column: Column, salt_of: Callable[[str], str]) -> Column:
    if column.hashed is None:
        return replace(column, fields=salted(column.fields, salt_of)) if column.fields else column
    name = column.hashed.salt
    key = salt_of(name).encode()
    if len(key) < _SHORTEST_SALT_BYTES:
        message = f"salt {name!r} of column {column.name!r} is {len(key)} bytes long; at least {_SHORTEST_SALT_BYTES}"
        raise ConfigError(message, remedy="openssl rand -hex 32")
    return replace(column, hashed=replace(column.hashed, key=key))
