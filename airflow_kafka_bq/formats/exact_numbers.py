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

from airflow_kafka_bq.formats.model_fields import MessageField, MessageFields

_LONG_NUMBER = re.compile(rb"[0-9.]{17}|[0-9][eE][-+0-9]")  # a double keeps 15 digits
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
