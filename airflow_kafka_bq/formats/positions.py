"""Which of many messages are left when a few are taken away: where there are few, by hand and not by a hash of all."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.batch import row_numbers

_pc: Any = pyarrow.compute
_INT64 = pa.int64()
_FEW = 16  # one in so many: from there on Arrow's lookup is as fast


def among(count: int, positions: Any) -> Any:
    """Mask of so many, true at ``positions``: int64, below ``count``, in any order."""
    if len(positions) > count // _FEW:
        return _pc.is_in(row_numbers(count), value_set=positions)
    bits = bytearray(count // 8 + 1)
    for at in positions.to_pylist():
        bits[at >> 3] |= 1 << (at & 7)
    return pa.Array.from_buffers(pa.bool_(), count, [None, pa.py_buffer(bits)])


def all_but(count: int, lost: Any) -> Any:
    """Mask of so many, false at ``lost``: as those of :func:`among`."""
    return _pc.invert(among(count, lost))


def others(count: int, positions: Any) -> Any:
    """Of ``count`` positions those that are not among these, as int64, ascending."""
    if len(positions) and len(positions) + count // _FEW >= count:
        before, behind = positions.slice(0, len(positions) - 1), positions.slice(1)
        steps = _pc.subtract(behind, before)
        if not _pc.any(_pc.less(steps, 1)).as_py():  # they are ascending
            gaps = _pc.greater(steps, 1)
            lasts = [-1, *before.filter(gaps).to_pylist(), positions[-1].as_py()]
            firsts = [positions[0].as_py(), *behind.filter(gaps).to_pylist(), count]
            between = (range(last + 1, first) for last, first in zip(lasts, firsts, strict=True))
            return pa.array(chain.from_iterable(between), _INT64)
    return row_numbers(count).filter(all_but(count, positions))
