"""Columns of messages that were cut at the places of their form, as the parser of JSON would give them.

A scalar without quotes is cast only where it is written so that everybody reads the same; its message goes the other
way if it is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.columnar_plan import Node
from airflow_kafka_bq.formats.token_arrays import Elements
from airflow_kafka_bq.formats.token_cut import Cut
from airflow_kafka_bq.formats.token_form import Form, Place, Source

_pc: Any = pyarrow.compute

_REAL = r"-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?"
_PLAIN_DIGITS = 18
_POINT, _SLASH, _ZERO, _NINE = b"./09"
_SKIPPED = rf"true|false|null|{_REAL}"


def columns_of(cut: Cut, nodes: tuple[Node, ...]) -> tuple[Cut, list[Any]] | None:
    """The messages whose scalars are certain, and an array of each node's ``read`` with a row for each of them.

    None: there are no such messages.
    """
    places = cut.form.places
    found = {index: cut.place(index) for index, place in enumerate(places) if _is_looked_at(place)}
    elements = Elements.of(cut) if cut.form.several else None
    masks = [sure for index, texts in found.items() if (sure := _sure(cut.form, places[index], texts)) is not None]
    if elements is not None and (sure := elements.sure()) is not None:
        masks.append(sure)
    if masks:
        mask = reduce(_pc.and_, masks)
        cut, found = cut.only(mask), {index: texts.filter(mask) for index, texts in found.items()}
        elements = Elements.of(cut) if len(cut.rows) and elements is not None else None
    if not len(cut.rows):
        return None
    columns = _Columns(cut, found, elements)
    return cut, [columns.of(node, source) for node, source in zip(nodes, cut.form.sources, strict=True)]


def _is_looked_at(place: Place) -> bool:
    """A text that no column takes is proved by the quotes around it, and so are those of an array."""
    return place.kind != "texts" and (place.node is not None or place.kind != "text")


def _sure(form: Form, place: Place, texts: Any) -> Any | None:
    """Mask of what is certain at a place; None: all of it."""
    node = place.node
    if place.kind == "bares":
        one = _SKIPPED if node is None or node.element is None else _written_as(node.element.read)
        return _matches(texts, rf"(?:(?:{one})(?:{re.escape(form.comma)}(?:{one}))*)?")
    if node is None:
        return _matches(texts, _SKIPPED)
    if place.kind == "text":
        return None if pa.types.is_string(node.read) else _matches(texts, _written_as(node.read))
    return None if all_plain(node.read, texts) else _matches(texts, f"{_written_as(node.read)}|null")


def _matches(texts: Any, expression: str) -> Any | None:
    mask = _pc.match_substring_regex(texts, rf"\A(?:{expression})\z")
    return None if _pc.all(mask).as_py() else mask


def all_plain(kind: pa.DataType, texts: Any) -> bool:
    """Whether these are all digits, with a point between them where there may be one: most numbers are.

    Their bytes are looked at together, which costs a third of the expression that knows all others too.
    """
    whole, lengths = pa.types.is_integer(kind), _pc.binary_length(texts)
    sizes = _pc.min_max(lengths).as_py()
    if not (whole or pa.types.is_floating(kind)) or sizes["min"] == 0 or sizes["max"] > _PLAIN_DIGITS:
        return False
    begins = pa.Array.from_buffers(pa.int32(), len(texts) + 1, [None, texts.buffers()[1]], offset=texts.offset)
    first, last = begins[0].as_py(), begins[-1].as_py()
    octets = pa.Array.from_buffers(pa.uint8(), last - first, [None, texts.buffers()[2]], offset=first)
    used = _pc.min_max(octets).as_py()
    if used["max"] > _NINE or used["min"] < (_ZERO if whole else _POINT):
        return False
    zero = _pc.and_(
        _pc.equal(octets.take(_pc.subtract(begins.slice(0, len(texts)), first)), _ZERO), _pc.greater(lengths, 1)
    )
    if whole:
        return not _pc.any(zero).as_py()
    wrong = [
        _pc.and_(zero, _pc.invert(_pc.starts_with(texts, "0."))),
        _pc.starts_with(texts, "."),
        _pc.ends_with(texts, "."),
        _pc.greater(_pc.count_substring(texts, "."), 1),
        _pc.equal(octets, _SLASH),
    ]
    return not any(_pc.any(mask).as_py() for mask in wrong)


def _written_as(kind: pa.DataType) -> str:
    """How a value looks that is read the same by whoever reads it."""
    if pa.types.is_boolean(kind):
        return "true|false"
    if pa.types.is_integer(kind):
        return "-?(?:0|[1-9][0-9]{0,17})"
    if pa.types.is_decimal(kind):
        whole = kind.precision - kind.scale - 1
        return rf"-?(?:0|[1-9][0-9]{{0,{whole - 1}}})(?:\.[0-9]{{1,{kind.scale}}})?"
    return _REAL


@dataclass(frozen=True, slots=True)
class _Columns:
    """Of messages all of which are certain."""

    cut: Cut
    found: Mapping[int, Any]
    elements: Elements | None

    def of(self, node: Node, source: Source) -> Any:
        count = len(self.cut.rows)
        if source.kind == "null":
            kind: Any = node.read
            return pa.nulls(count, kind)
        if source.kind == "object":
            children = zip(node.children, source.members, strict=True)
            arrays = [self.of(child, member) for child, member in children]
            fields = [node.read.field(index) for index in range(node.read.num_fields)]
            return pa.StructArray.from_arrays(arrays, fields=fields)
        if source.kind == "empty":
            return _lists(node, pa.repeat(pa.scalar(0, pa.int32()), count), pa.array([], pa.string()))
        shape = self.cut.form.places[source.place].kind
        if shape == "texts" and self.elements is not None:
            return _lists(node, self.cut.elements, self.elements.texts())
        texts = self.found[source.place]
        if shape == "bares":
            return self._bares(node, texts)
        return texts if pa.types.is_string(node.read) else _scalar(node.read, texts, shape == "bare")

    def _bares(self, node: Node, texts: Any) -> Any:
        filled, comma = _pc.not_equal(texts, ""), self.cut.form.comma
        parts = _pc.split_pattern(texts.filter(filled), comma)
        lengths = _pc.add(_pc.count_substring(texts, comma), filled.cast(pa.int32()))
        return _lists(node, lengths, parts.flatten())


def _lists(node: Node, lengths: Any, elements: Any) -> Any:
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), _pc.cumulative_sum(lengths).cast(pa.int32())])
    read: Any = node.read
    kind = read.value_type
    values = elements if pa.types.is_string(kind) else _scalar(kind, elements, False)
    return pa.ListArray.from_arrays(offsets, values, type=node.read)


def _scalar(kind: pa.DataType, texts: Any, may_be_null: bool) -> Any:
    if may_be_null:
        null = _pc.equal(texts, "null")
        if _pc.any(null).as_py():
            texts = _pc.if_else(null, pa.scalar(None, pa.string()), texts)
    return _pc.equal(texts, "true") if pa.types.is_boolean(kind) else texts.cast(kind)
