"""Values between nulls, with the same bytes below a null as Arrow gives one that it makes of Python's values.

Nobody reads them, but a batch is named by the bytes of its rows: it must not matter which way these were made.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute

_pc: Any = pyarrow.compute
_ZEROS = pa.py_buffer(bytes(64))


def rows_of(present: Any) -> Any:
    """Of each place its row among those that have a value, or null; int64."""
    rows = _pc.subtract(_pc.cumulative_sum(present.cast(pa.int64())), 1)
    return _pc.if_else(present, rows, pa.scalar(None, pa.int64()))


def spread(found: Any, index: Any) -> Any:
    """Values where they belong.

    :param found: none null where it is of a STRUCT. :param index: of each place its row in ``found``, or null; int64.
    """
    if not pa.types.is_struct(found.type) or not index.null_count:
        return found.take(index)
    null = _pc.is_null(index)
    rows = _pc.coalesce(index, pa.scalar(len(found), pa.int64()))
    kind = found.type
    fields = [kind.field(at) for at in range(kind.num_fields)]
    children = [pa.concat_arrays([found.field(at), _empty(one.type)]).take(rows) for at, one in enumerate(fields)]
    return pa.StructArray.from_arrays(children, fields=fields, mask=null)


def _empty(kind: pa.DataType) -> Any:
    """One value: 0, no text, no elements, a struct of these."""
    if pa.types.is_struct(kind):
        fields = [kind.field(at) for at in range(kind.num_fields)]
        return pa.StructArray.from_arrays([_empty(one.type) for one in fields], fields=fields)
    if pa.types.is_list(kind):
        return pa.array([[]], kind)
    texts = pa.types.is_string(kind) or pa.types.is_binary(kind)
    return pa.Array.from_buffers(kind, 1, [None, _ZEROS, _ZEROS] if texts else [None, _ZEROS])
