"""From what was read in bulk and found clean to the types of the staging file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.columnar_plan import Node
from airflow_kafka_bq.formats.lists import lists_of

_pc: Any = pyarrow.compute
_HAS_ZONE = r"(?:Z|[+-][0-9]{2}:[0-9]{2})$"


def written(node: Node, array: Any) -> Any:
    """The column in its wire type.

    :raises pa.ArrowInvalid: a value does not convert, such as February 29 of a year without one.
    """
    if node.hashed is not None:
        plain = written(replace(node, hashed=None), array)
        return pa.array([None if one is None else node.hashed.digest(one) for one in plain.to_pylist()], pa.string())
    if node.element is not None:
        return lists_of(array, written(node.element, array.flatten()), node.wire)
    if node.children:
        return _structs(node, array)
    if node.kind == "TIMESTAMP":
        return _zoned(array).cast(node.wire)
    if node.kind == "DATETIME":
        array.cast(pa.timestamp("us"))  # the text is staged, but only if there is such a day
    if node.kind == "BIGNUMERIC":
        return _decimal_text(array)
    return array.cast(node.wire)


def _structs(node: Node, array: Any) -> Any:
    """Below a null as a row has it that is made of Python's values, and not what the reader left there."""
    if array.null_count:
        # A model without NULL needs none of that package.
        from airflow_kafka_bq.formats.structured.around_null import rows_of, spread

        return spread(_structs(node, array.drop_null()), rows_of(array.is_valid()))
    children = [written(child, values) for child, values in zip(node.children, array.flatten(), strict=True)]
    fields = [node.wire.field(index) for index in range(node.wire.num_fields)]
    return pa.StructArray.from_arrays(children, fields=fields)


def _zoned(array: Any) -> Any:
    """A time without zone is UTC."""
    zoned = _pc.match_substring_regex(array, _HAS_ZONE)
    if _pc.all(zoned, min_count=0).as_py() is not False:
        return array
    return _pc.if_else(zoned, array, _pc.binary_join_element_wise(array, "Z", ""))


def _decimal_text(array: Any) -> Any:
    """As Python's ``format(number, "f")`` without zeros at the end."""
    text = _pc.utf8_rtrim(_pc.utf8_rtrim(array.cast(pa.string()), "0"), ".")
    zero = _pc.equal(array, pa.scalar(0, pa.int64()).cast(array.type))
    return _pc.if_else(zero, "0", text)
