"""Fields that no column takes: which messages have some, without looking into each, and what is kept of them.

Each member of an object shows as ``":``, unless there is space before the colon; a string may hold more of these
after an escaped quote, and one that begins with a colon is another. Beside the number of known fields that were found
this decides most messages; the others are looked into.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute
from pydantic_core import from_json

from airflow_kafka_bq.formats.columnar_plan import Node
from airflow_kafka_bq.formats.model_fields import MessageFields
from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.wire_values import writer
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.kafka_columns import UNKNOWN_FIELDS

_pc: Any = pyarrow.compute
_UNUSUAL = r'\\"|"[ \t\r\n]+:|[\[{:, \t\r\n]":'

json_of = writer(UNKNOWN_FIELDS)
"""What is left of a message as JSON text, by the rules of every JSON column; None for None. It raises Rejected."""


def with_unknown(columns: Sequence[Column], keep: bool) -> tuple[Column, ...]:
    """The columns, and the one for what they do not take, where that is kept."""
    return (*columns, UNKNOWN_FIELDS) if keep else tuple(columns)


def kept(values: Any, fields: MessageFields, strange: Any) -> tuple[Any, Any]:
    """JSON text of what is left of each message that is strange, and the positions of those that have none.

    :param strange: mask of the messages with an unknown field.
    """
    texts: list[str | None] = [None] * len(values)
    refused = []
    for position in _pc.indices_nonzero(strange).to_pylist():
        try:
            texts[position] = json_of(fields.left_over(from_json(values[position].as_py())))
        except Rejected:
            refused.append(position)
    return pa.array(texts, pa.string()), pa.array(refused, pa.int64())


def unknown(values: Any, nodes: Sequence[Node], columns: Sequence[Any], fields: MessageFields) -> Any:
    """Mask of the messages with an unknown field, on whatever level.

    :param values: messages that were read without error, :param columns: what was read of them.
    """
    most = _most(nodes)
    if most is None:
        return _looked_into(values, fields)
    members, usual = _members(values)
    none = _pc.and_(usual, _pc.equal(members, known_members(nodes, columns)))
    some = _pc.and_(usual, _pc.greater(members, most))
    if _pc.all(_pc.or_(none, some), min_count=0).as_py():
        return some
    open_ = _pc.indices_nonzero(_pc.invert(_pc.or_(none, some)))
    answers = _looked_into(values.take(open_), fields)
    return _pc.replace_with_mask(some, _pc.invert(_pc.or_(none, some)), answers)


def _of_each_list(lists: Any, counts: Any) -> Any:
    """Sum of what is counted for each element of a list."""
    lengths = _pc.fill_null(_pc.list_value_length(lists), 0).cast(pa.int64())
    ends = _pc.cumulative_sum(lengths)
    sums = pa.concat_arrays([pa.array([0], pa.int64()), _pc.cumulative_sum(counts)])
    return _pc.subtract(sums.take(ends), sums.take(_pc.subtract(ends, lengths)))


def fully_known(values: Any, nodes: Sequence[Node], columns: Sequence[Any]) -> Any:
    """Mask of the messages that certainly have no member but those that were found; there may be more of these."""
    members, usual = _members(values)
    return _pc.and_(usual, _pc.equal(members, known_members(nodes, columns)))


def _members(values: Any) -> tuple[Any, Any]:
    """How many members each message has, and whether that is certain."""
    members = _pc.count_substring(values, '":').cast(pa.int64())
    return members, _pc.invert(_pc.match_substring_regex(values, _UNUSUAL))


def _looked_into(values: Any, fields: MessageFields) -> Any:
    return pa.array([fields.has_unknown(from_json(value)) for value in values.to_pylist()], pa.bool_())


def _most(nodes: Sequence[Node]) -> int | None:
    """The members that a message can have without unknown ones; None if there is no bound."""
    count = 0
    for node in nodes:
        if node.element is not None and node.element.children:
            return None
        inner = _most(node.children)
        if inner is None:
            return None
        count += 1 + inner
    return count


def known_members(nodes: Sequence[Node], columns: Sequence[Any]) -> Any:
    """Known fields that are there and not null, per message."""
    count: Any = None
    for node, column in zip(nodes, columns, strict=True):
        here = column.is_valid().cast(pa.int64())
        if node.children:
            here = _pc.add(here, known_members(node.children, column.flatten()))
        if node.element is not None and node.element.children:
            inner = known_members(node.element.children, column.flatten().flatten())
            here = _pc.add(here, _of_each_list(column, inner))
        count = here if count is None else _pc.add(count, here)
    return count
