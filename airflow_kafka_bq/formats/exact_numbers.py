"""JSON numbers that a double would round on their way into an INT64 or decimal column.

pydantic reads every JSON number with a point or an exponent as a double: 12345678901234567.89 would arrive as
12345678901234568. Where a message has such a number, and the model has an exact column for it, the number is given to
the model as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow.compute

from airflow_kafka_bq.formats.model_fields import MessageField, MessageFields

_pc: Any = pyarrow.compute
# A double keeps 15 digits. What a number follows leaves out most texts: an id such as "5e8a…" is none.
_LONG = r"[:,\[\s]-?(?:[0-9.]{17}|[0-9.]+[eE])"
_LONG_NUMBER = re.compile(_LONG.encode())
_SAFE_MAGNITUDE = 15


def exact_numbers(value: bytes, fields: MessageFields) -> bytes:
    """The message, its long numbers spelled so that the model reads them exactly.

    What is not JSON comes back as it is, for the model to refuse.
    """
    if not _LONG_NUMBER.search(value):
        return value
    try:
        message = json.loads(value.decode(), parse_float=Decimal)
        return json.dumps(_spelled(message, fields.fields), default=float).encode()
    except (ValueError, RecursionError, ArithmeticError):
        return value


def has_exact(fields: MessageFields) -> bool:
    """Whether a model has an INT64 or decimal column anywhere, so that numbers matter."""
    return _any_exact(fields.fields)


def long_numbers(values: Any) -> list[int]:
    """Positions of the messages in which something looks like a long number.

    :param values: binary, none null.
    """
    mask = _pc.match_substring_regex(values, _LONG)
    return list(_pc.indices_nonzero(mask).to_pylist())


def _any_exact(fields: Mapping[str, MessageField]) -> bool:
    return any(
        _any_exact(one.fields) if one.fields is not None else isinstance(one.kind, type) and _is_exact(one.kind)
        for one in fields.values()
    )


def _is_exact(kind: type[Any]) -> bool:
    return issubclass(kind, Decimal) or (issubclass(kind, int) and not issubclass(kind, bool))


def _spelled(message: Any, fields: Mapping[str, MessageField]) -> Any:
    if isinstance(message, list):
        return [_spelled(element, fields) for element in message]
    if not isinstance(message, dict):
        return message
    return {name: _value(value, fields.get(name)) for name, value in message.items()}


def _value(value: Any, known: MessageField | None) -> Any:
    if known is None:
        return value
    if known.fields is not None:
        return _spelled(value, known.fields)
    if isinstance(value, list):
        return [_value(element, known) for element in value]
    if not isinstance(value, Decimal) or not isinstance(known.kind, type):
        return value
    return _number(value, known.kind)


def _number(value: Decimal, kind: type[Any]) -> Any:
    if issubclass(kind, Decimal):
        return str(value)
    if issubclass(kind, int) and not issubclass(kind, bool) and value.adjusted() >= _SAFE_MAGNITUDE:
        whole = value.adjusted() < 2 * _SAFE_MAGNITUDE and value == int(value)
        return int(value) if whole else str(value)
    return value
