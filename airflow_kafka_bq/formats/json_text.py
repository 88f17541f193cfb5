"""Is this JSON that BigQuery keeps, and is its meaning one?

The strict reading: UTF-8, no NaN or Infinity, no lone surrogate, at most 500 levels, numbers within a double. Of a
doubled key the last one counts: PARSE_JSON keeps the first, so such text is written anew before it is staged.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from pydantic_core import from_json

from airflow_kafka_bq.formats.parser import Rejected

MAX_DEPTH = 500  # https://cloud.google.com/bigquery/quotas#query_jobs : nesting of a JSON value
_INFINITE = (float("inf"), float("-inf"))
_MAX_BITS = 1_023  # integers below 2**1023 are within a double
_MAX_INTEGER_DIGITS = 308
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
SPACE_BEFORE_COLON = r'"[ \t\r\n]+:'
_SPACE_BEFORE_COLON = re.compile(SPACE_BEFORE_COLON.encode())


def exact_text(value: bytes, *, spaced: bool = True) -> str:
    """The JSON text, as it came if each object names a key once, else written anew.

    :param spaced: whether there may be space before a colon; who has looked for it in many messages at once, which
        costs next to nothing, says no.
    :raises Rejected: stage ``decode``.
    """
    return value.decode() if is_plain(value, spaced=spaced) else _read(value)


def is_plain(value: bytes, *, spaced: bool = True) -> bool:
    r"""Whether this is JSON for certain, with no doubled key and no number out of range. False: look closer.

    Each member of an object ends its key with ``":``, and a string may hold more of these, never fewer. So if there
    are as many as different keys, none is doubled.
    """
    if spaced and _SPACE_BEFORE_COLON.search(value):
        return False
    try:
        root = from_json(value, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return False
    members = _members(root)
    return members is not None and members == value.count(b'":')


def _members(root: Any) -> int | None:
    """Different keys of all objects inside; None if a number is out of range."""
    count = 0
    nodes = [root]
    for node in nodes:  # which grows on the way
        kind = node.__class__
        if kind is str:
            continue
        if kind is dict:
            count += len(node)
            nodes += node.values()
        elif kind is list:
            nodes += node
        elif (kind is float and node in _INFINITE) or (kind is int and node.bit_length() > _MAX_BITS):
            return None
    return count


def _read(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise Rejected("decode", "invalid_utf8", f"not UTF-8 at byte {error.start}") from error
    if depth(text) > MAX_DEPTH:
        raise Rejected("decode", "too_deep", f"JSON is nested deeper than {MAX_DEPTH} levels, BigQuery's limit")
    doubled: list[bool] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        doubled.extend([True] * (len(found) < len(pairs)))
        return found

    try:
        root = json.loads(
            text, object_pairs_hook=members, parse_float=_float, parse_int=_integer, parse_constant=_constant
        )
        clean = json.dumps(root, ensure_ascii=False, separators=(",", ":"))
        clean.encode()
    except UnicodeEncodeError as error:
        raise Rejected("decode", "invalid_json", "a string holds half of a surrogate pair") from error
    except (ValueError, RecursionError) as error:
        raise Rejected("decode", "invalid_json", _where(error)) from error
    return clean if doubled else text


def depth(text: str) -> int:
    """Levels of nesting, brackets inside strings left out."""
    level = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        found = match[0]
        if found in "[{":
            level += 1
            deepest = max(deepest, level)
        elif found in "]}":
            level -= 1
    return deepest


def _where(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at line {error.lineno} column {error.colno}"
    return "not JSON: nested too deep" if isinstance(error, RecursionError) else "not JSON: a number is too long"


def _constant(name: str) -> NoReturn:
    raise Rejected("decode", "nan", f"{name} is not JSON")


def _float(text: str) -> float:
    number = float(text)
    if number in _INFINITE:
        raise Rejected("decode", "number_out_of_range", "a number is beyond a double, which BigQuery's JSON refuses")
    return number


def _integer(text: str) -> int:
    if len(text) > _MAX_INTEGER_DIGITS:
        _float(text)
    return int(text)
