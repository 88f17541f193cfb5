"""Which messages the bulk way must not see, because it and pydantic read such JSON differently."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import pyarrow as pa
import pyarrow.compute

_pc: Any = pyarrow.compute

# Below these lengths a message cannot nest as deep, or hold a number as long, as pydantic refuses (200 levels, 4,300
# digits). Arrow's parser recurses, so what is nested without bound would end the process.
_DEEP_BYTES = 300
_DEEP_BRACKETS = 150
_LONG_BYTES = 4_000
_LONG_NUMBER = "[0-9.]{1000}"
_MEMBER_FIRST = r'^\{[ \t\r\n]*"'
# Arrow takes NaN, Inf and Infinity for numbers, also in fields that are ignored; ", Infrastructure" is text.
# Arrow 26 reads 5.68269834864418e-216 as a decimal256 of 0, and 5.68e-216 not at all.
_TINY = r"[0-9][eE]-[0-9]{2}"
_CONSTANT = r"[:,\[\s-](?:NaN|Inf(?:inity)?)[\s,\]}]"


def doubtful(values: Any, *, ignore_unknown: bool, wide_decimals: bool = False) -> Any | None:
    """Mask of the messages that go to pydantic at once; None if there is none.

    :param ignore_unknown: whether fields are skipped whose type nobody checks.
    :param wide_decimals: whether a column is read as decimal256.
    """
    masks = [*_structure(values), *(_skipped(values) if ignore_unknown else ())]
    if wide_decimals:
        masks.append(_pc.match_substring_regex(values, _TINY))
    found = None
    for mask in masks:
        found = mask if found is None else _pc.or_(found, mask)
    return found if found is not None and _pc.any(found).as_py() else None


def rows_with(values: Any, text: bytes, most: int) -> list[int] | None:
    """Positions of the values that hold a text, and perhaps of some that begin one; None: there are more than ``most``.

    Python finds a rare text in all bytes at once in two thirds of the time that Arrow takes to look into each value.
    """
    everything, ends = _bytes(values), _ends(values)
    found: list[int] = []
    at = everything.find(text)
    while at >= 0:
        if len(found) == most:
            return None
        found.append(bisect_right(ends, at + ends[0]) - 1)
        at = everything.find(text, ends[found[-1] + 1] - ends[0])
    return found


def _structure(values: Any) -> list[Any]:
    masks = []
    opened = _pc.starts_with(values, b'{"')
    if not _pc.all(opened, min_count=0).as_py():
        masks.append(_pc.invert(_pc.match_substring_regex(values, _MEMBER_FIRST)))
    if not is_utf8(values):
        masks.append(pa.array([not is_utf8(values.slice(index, 1)) for index in range(len(values))], pa.bool_()))
    lengths = _pc.binary_length(values)
    if _longest(lengths) > _LONG_BYTES:
        masks.append(_pc.and_(_pc.greater(lengths, _LONG_BYTES), _pc.match_substring_regex(values, _LONG_NUMBER)))
    return masks


def _skipped(values: Any) -> list[Any]:
    masks = []
    text = _bytes(values)
    if b"NaN" in text or b"Inf" in text:
        masks.append(_pc.match_substring_regex(values, _CONSTANT))
    if _longest(_pc.binary_length(values)) > _DEEP_BYTES:
        brackets = _pc.add(_pc.count_substring(values, "{"), _pc.count_substring(values, "["))
        masks.append(_pc.greater(brackets, _DEEP_BRACKETS))
    return masks


def _longest(lengths: Any) -> int:
    return int(_pc.max(lengths).as_py() or 0)


def is_utf8(values: Any) -> bool:
    """Whether all of these are."""
    try:
        values.cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def _bytes(values: Any) -> bytes:
    """All values, one after the other; what lies between two of them only adds to the doubt."""
    data = values.buffers()[2]
    if data is None or len(values) == 0:
        return b""
    ends = _ends(values)
    return bytes(data.slice(ends[0], ends[-1] - ends[0]).to_pybytes())


def _ends(values: Any) -> memoryview:
    """Where each value begins among the bytes of all, and where the last one ends; there is at least one."""
    everywhere = memoryview(values.buffers()[1]).cast("b").cast("i")  # a slice has the buffers of the whole
    return everywhere[values.offset : values.offset + len(values) + 1]
