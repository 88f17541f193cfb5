"""Which of many JSON values mean one thing for certain, found in bulk and kept as they came.

Arrow's parser is as strict as we need it, if it knows every field: it refuses text that is not JSON, halves of a
surrogate pair, a key that an object names twice, and a number beyond a double. So the fields are learnt from the first
messages, and the others are read with these. What it takes although we do not (NaN, Infinity) shows in the columns. A
message with fields that nobody knew is certain only where the members that were found are all that it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.json

from airflow_kafka_bq.formats.bulk_read import read
from airflow_kafka_bq.formats.bulk_search import SAMPLE, BulkSearch
from airflow_kafka_bq.formats.columnar_checks import suspects
from airflow_kafka_bq.formats.columnar_plan import Node
from airflow_kafka_bq.formats.doubt import doubtful
from airflow_kafka_bq.formats.positions import all_but, others
from airflow_kafka_bq.formats.unknown_fields import fully_known

_pc: Any = pyarrow.compute
_read_json: Any = pyarrow.json.read_json
_NONE: pa.Array[Any] = pa.array([], pa.int64())

_FEWEST = 64  # below, a look at each costs less
_LEARNT = 256  # learning a message costs eight times what reading it does
_PARTS = 8


def certain(values: Any) -> Any | None:
    """Positions of the values that are JSON, name each key once and hold no number out of range, ascending, as int64.

    None: none was proved. What is left out may be as good; nobody has looked.

    :param values: binary, none null.
    """
    if len(values) > 4 * SAMPLE and 2 * len(_certain(values.slice(0, SAMPLE))) < SAMPLE:
        return None  # most cannot be proved: the search for those that can would be in vain
    found = _certain(values)
    return found if len(found) else None


def _certain(values: Any) -> Any:
    proved = _proved(values)
    if _PARTS * len(proved) >= (_PARTS - 1) * len(values):
        return proved
    # One message with a field that nobody knew makes all with a NULL uncertain: parts without such a one are not.
    rest = others(len(values), proved)
    size = -(-len(rest) // _PARTS)
    for part in (rest.slice(first, size) for first in range(0, len(rest), size)):
        proved = pa.concat_arrays([proved, part.take(_proved(values.take(part)))])
    return proved.take(_pc.sort_indices(proved))


def _proved(values: Any) -> Any:
    nodes = _learnt(values)
    found = BulkSearch(nodes, partial(_look, nodes)).found(values) if nodes else []
    return pa.concat_arrays([_NONE, *found])


def _look(nodes: Sequence[Node], values: Any, positions: Any, ignore_unknown: bool) -> Any:
    """Positions of those that are certain. :raises UnreadableError, UnknownFieldError: as ``read``."""
    columns = read(values, nodes, ignore_unknown=ignore_unknown)
    found = [each for node, column in zip(nodes, columns, strict=True) for each in suspects(node, column)]
    if ignore_unknown:
        found.append(_pc.indices_nonzero(_pc.invert(fully_known(values, nodes, columns))).cast(pa.int64()))
    if not found:
        return positions
    return positions.filter(all_but(len(values), pa.concat_arrays(found)))


def _learnt(values: Any) -> tuple[Node, ...]:
    """The fields of the first messages; none if they cannot be read together, or if there are many for so few messages:
    such are names that messages make up, ids perhaps, and the next message has others.

    Arrow's parser recurses, and these fields are not known yet: what nests without bound is not given to it.
    """
    sample = values.slice(0, _LEARNT)
    if len(sample) < _FEWEST:
        return ()
    doubt = doubtful(sample, ignore_unknown=True)
    some = sample if doubt is None else sample.filter(_pc.invert(doubt))
    if len(some) == 0:
        return ()
    text = pa.concat_arrays([_pc.binary_join_element_wise(some, b"", b"\n")]).buffers()[2]
    try:
        found = _read_json(
            pa.BufferReader(text),
            read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=text.size + 1),
            parse_options=pyarrow.json.ParseOptions(unexpected_field_behavior="infer"),
        ).schema
    except pa.ArrowInvalid:
        return ()
    nodes = tuple(_node(field.name, field.type) for field in found)
    return nodes if _fields(nodes) <= max(_FEWEST, len(sample) // 2) else ()


def _fields(nodes: Iterable[Node]) -> int:
    return sum(1 + _fields(node.children) + (_fields((node.element,)) if node.element else 0) for node in nodes)


def _node(name: str, kind: pa.DataType) -> Node:
    """Numbers are read as doubles, whole ones too, for the next message may have others; times are text."""
    if pa.types.is_struct(kind):
        children = tuple(_node(field.name, field.type) for field in kind)
        struct = pa.struct([pa.field(child.source, child.read) for child in children])
        return Node(name, name, "STRUCT", struct, struct, null_ok=True, children=children)
    if pa.types.is_list(kind):
        element = _node("item", kind.value_type)
        listed = pa.list_(element.read)
        return Node(name, name, "ARRAY", listed, listed, null_ok=True, element=element)
    if pa.types.is_boolean(kind):
        return Node(name, name, "BOOL", pa.bool_(), pa.bool_(), null_ok=True)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return Node(name, name, "FLOAT64", pa.float64(), pa.float64(), null_ok=True)
    return Node(name, name, "STRING", pa.string(), pa.string(), null_ok=True)
