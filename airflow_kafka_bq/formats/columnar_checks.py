"""Where a column that was read in bulk may mean something else to pydantic.

What is found here goes message by message; what is not found must mean the same to both. So a check may find too much,
never too little.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.columnar_plan import Node

_pc: Any = pyarrow.compute

_DAY = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|[12][0-9]))"
)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_ZONE = r"[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]"
_FRACTION = r"(?:\.[0-9]{1,6})?"
# With an offset, the last and the first year may end outside the years that BigQuery has.
_AWARE = rf"[1-9][0-9]{{3}}-{_DAY}[T ]{_CLOCK}{_FRACTION}Z|[1-8][0-9]{{3}}-{_DAY}[T ]{_CLOCK}{_FRACTION}{_ZONE}"
_PATTERNS = {
    "AWARE": rf"^(?:{_AWARE})$",
    "TIMESTAMP": rf"^(?:{_AWARE}|[1-9][0-9]{{3}}-{_DAY}[T ]{_CLOCK}{_FRACTION})$",
    # As isoformat() writes them: the text itself is staged.
    "DATETIME": rf"^[1-9][0-9]{{3}}-{_DAY}T{_CLOCK}(?:\.[0-9]{{5}}[1-9])?$",
    "TIME": rf"^{_CLOCK}(?:\.[0-9]{{5}}[1-9])?$",
    "DATE": rf"^[1-9][0-9]{{3}}-{_DAY}$",
    "UUID": r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
}
_WHOLE_DIGITS = 29  # of NUMERIC
_BREAKING = {  # names of functions: what looks one up loads all of them
    "ge": "less",
    "gt": "less_equal",
    "le": "greater",
    "lt": "greater_equal",
    "min_length": "less",
    "max_length": "greater",
}


def suspects(node: Node, array: Any) -> Iterator[Any]:
    """Positions in ``array`` that only pydantic can judge, as int64 arrays."""
    if array.null_count:
        nulls = array.is_null()
        if not node.null_ok:
            yield _positions(nulls)
        present = _positions(_pc.invert(nulls))
        for found in _present_suspects(node, array.take(present)):
            yield present.take(found)
    else:
        yield from _present_suspects(node, array)


def _positions(mask: Any) -> Any:
    return _pc.indices_nonzero(_pc.fill_null(mask, True)).cast(pa.int64())


def _present_suspects(node: Node, array: Any) -> Iterator[Any]:
    if node.element is not None:
        parents = _pc.list_parent_indices(array).cast(pa.int64())
        for found in suspects(node.element, array.flatten()):
            yield parents.take(found)
    elif node.children:
        for child, values in zip(node.children, array.flatten(), strict=True):
            yield from suspects(child, values)
    else:
        for mask in _masks(node, array):
            yield _positions(mask)


def _masks(node: Node, array: Any) -> Iterator[Any]:
    """True where a scalar is suspect."""
    if node.values:
        yield _pc.invert(_pc.is_in(array, value_set=pa.array(node.values, array.type)))
    if node.kind in _PATTERNS:
        yield _pc.invert(_pc.match_substring_regex(array, _PATTERNS[node.kind]))
    elif node.kind == "FLOAT64":
        yield _pc.invert(_pc.is_finite(array))
        # Arrow reads -0 as a negative zero, pydantic as the integer 0.
        yield _pc.and_(_pc.equal(array, 0.0), _pc.less(_pc.divide(1.0, array), 0.0))
    elif node.kind in {"NUMERIC", "BIGNUMERIC"}:
        yield from _decimal_masks(node, array)
        return
    for name, limit in node.limits:
        measured = _pc.utf8_length(array) if name.endswith("_length") else array
        yield getattr(_pc, _BREAKING[name])(measured, pa.scalar(limit, measured.type))


def _decimal_masks(node: Node, array: Any) -> Iterator[Any]:
    size = _pc.abs(array)
    if node.kind == "BIGNUMERIC":
        # Arrow writes small numbers with an exponent; large ones may be beyond BIGNUMERIC.
        tiny = _pc.and_(_pc.less(size, _like(array, "0.000001")), _pc.greater(size, _like(array, "0")))
        yield _pc.or_(tiny, _pc.greater_equal(size, _like(array, "1e37")))
        return
    limits = dict(node.limits)
    places = limits["decimal_places"]
    whole = max(limits["max_digits"] - places, 0)
    if whole < _WHOLE_DIGITS:
        yield _pc.greater_equal(size, _like(array, f"1e{whole}"))
    yield _pc.not_equal(_pc.round(array, ndigits=places, round_mode="towards_zero"), array)  # never beyond the type
    if limits["max_digits"] < places:
        yield _pc.is_valid(array)


def _like(array: Any, number: str) -> Any:
    return pa.scalar(Decimal(number), array.type)
