r"""Which of many JSON values have the form of others that were looked at: found by an expression, without parsing.

What one program writes has the same members in the same order, and other scalars. So the form of a message becomes a
regular expression that has its keys, and takes any scalar where it has one. What matches is JSON, names each key once,
nests no deeper and holds no number beyond a double: there is nothing left to look at. The engine (RE2) looks at each
byte once, whatever the message is, in a sixth of the time that parsing takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.doubt import is_utf8
from airflow_kafka_bq.formats.opened import NOBODY, indices

_pc: Any = pyarrow.compute

FEWEST = 64  # below, a look at each costs less
LOOKED_AT = 256
MOST_FORMS = 4  # of one topic: a member that is there or not makes another
_TRIES = 8
_MOST_PLACES = 200  # of scalars and keys: what is larger outgrows the engine's memory
_UTF8_PART = 512

_SPACE = r"[ \t\r\n]*"
# Half of a surrogate pair is no text. UTF-8 is looked at apart: the engine sees bytes.
_HEX = "[0-9a-fA-F]"
_CODE = rf"(?:[0-9a-cA-CefEF]{_HEX}{{3}}|[dD][0-7]{_HEX}{{2}}|[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}})"
_TEXT = rf'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u{_CODE}))*"'
# Far within a double, and so written that every reader reads the same number.
_NUMBER = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,17})?(?:[eE][+-]?[0-9]{1,2})?"
_SCALAR = rf"(?:{_TEXT}|{_NUMBER}|true|false|null)"
_PLAIN_KEY = re.compile(r'[^"\\\x00-\x1f]{0,200}')


class _NoForm(Exception):
    """Nothing that an expression could say."""


class _Members(tuple[tuple[str, Any], ...]):
    """Those of an object, as they are written."""

    __slots__ = ()


def of_known_form(values: Any) -> Any:
    """Positions of the values that are certainly JSON with one meaning, as int64, ascending.

    What is left out may be as good; nobody has looked.

    :param values: binary, none null.
    """
    if len(values) < FEWEST:
        return NOBODY
    form = _learnt(values.slice(0, LOOKED_AT))
    return NOBODY if form is None else _only_utf8(values, indices(_matches(values, form)))


def _learnt(sample: Any) -> str | None:
    """The forms of the sample as one expression; None where most of it has others."""
    forms: list[str] = []
    rest = sample
    for _ in range(_TRIES):
        if not len(rest) or len(forms) == MOST_FORMS:
            break
        form, others = _first_form(rest)
        if form is not None:
            forms.append(form)
        rest = others
    return _any(forms) if forms and 2 * len(rest) < len(sample) else None


def _first_form(values: Any) -> tuple[str | None, Any]:
    """The form of the first value, and the values that do not have it; None: it has none."""
    value = values[0].as_py()
    for space in ("", _SPACE):
        try:
            form = _form(value, space)
        except _NoForm:
            break
        mask = _matches(values, _any([form]))
        if mask[0].as_py():
            return form, values.filter(_pc.invert(mask))
    return None, values.slice(1)


def _any(forms: Sequence[str]) -> str:
    return rf"\A{_SPACE}(?:{'|'.join(forms)}){_SPACE}\z"


def _matches(values: Any, form: str) -> Any:
    return _pc.match_substring_regex(values, form)


def _form(value: bytes, space: str) -> str:
    """:raises _NoForm: it is no JSON, too large, or has a key that is not written as it reads."""
    try:
        root = json.loads(value, object_pairs_hook=_Members)
        return _of(root, space)[0]
    except (ValueError, RecursionError) as error:
        raise _NoForm from error


def _of(node: Any, space: str) -> tuple[str, int]:
    """The expression for what looks as this, or is null, and how many keys and scalars it has.

    An element of a list stands in it twice, so lists in lists would grow without bound.
    """
    form, places = _unbounded(node, space)
    if places > _MOST_PLACES:
        raise _NoForm
    return form, places


def _unbounded(node: Any, space: str) -> tuple[str, int]:
    if isinstance(node, _Members):
        keys = [key for key, _ in node]
        if len(set(keys)) < len(keys) or not all(map(_PLAIN_KEY.fullmatch, keys)):
            raise _NoForm
        inner = [_of(each, space) for _, each in node]
        named = [f'"{re.escape(key)}"{space}:{space}{form}' for key, (form, _) in zip(keys, inner, strict=True)]
        members = f"{space},{space}".join(named)
        return rf"(?:\{{{space}{members}{space}\}}|null)", len(keys) + sum(places for _, places in inner)
    if isinstance(node, list):
        kinds = dict(_of(each, space) for each in node) or {_SCALAR: 1}
        if len(kinds) > 1:
            raise _NoForm
        [(element, places)] = kinds.items()
        return rf"(?:\[{space}(?:{element}(?:{space},{space}{element})*)?{space}\]|null)", 2 * places
    return _SCALAR, 1


def _only_utf8(values: Any, positions: Any) -> Any:
    """Without those that stand near a value that is not: whether they are themselves is for others to say."""
    if is_utf8(values):
        return positions
    starts = range(0, len(positions), _UTF8_PART)
    parts = [positions.slice(first, _UTF8_PART) for first in starts]
    return pa.concat_arrays([NOBODY, *(part for part in parts if is_utf8(values.take(part)))])
