"""Which of many messages are left when a few are taken away: where there are few, by hand and not by a hash of all."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.batch import row_numbers

_pc: Any = pyarrow.compute
_INT64 = pa.int64()
_FEW = 16  # one in so many: from there on Arrow's lookup is as fast


def all_but(count: int, lost: Any) -> Any:
    """Mask of so many, false at ``lost``: int64, below ``count``, in any order."""
    if len(lost) > count // _FEW:
        return _pc.invert(_pc.is_in(row_numbers(count), value_set=lost))
    bits = bytearray(b"\xff") * (count // 8 + 1)
    for at in lost.to_pylist():
        bits[at >> 3] &= ~(1 << (at & 7))
    return pa.Array.from_buffers(pa.bool_(), count, [None, pa.py_buffer(bits)])


def others(count: int, positions: Any) -> Any:
    """Of ``count`` positions those that are not among these, as int64, ascending."""
    if not len(positions) or len(positions) + count // _FEW < count:
        return row_numbers(count).filter(all_but(count, positions))
    before, behind = positions.slice(0, len(positions) - 1), positions.slice(1)
    steps = _pc.subtract(behind, before)
    if _pc.any(_pc.less(steps, 1)).as_py():  # they are not ascending
        return row_numbers(count).filter(all_but(count, positions))
    gaps = _pc.greater(steps, 1)
    lasts = [-1, *before.filter(gaps).to_pylist(), positions[-1].as_py()]
    firsts = [positions[0].as_py(), *behind.filter(gaps).to_pylist(), count]
    return pa.array([at for last, first in zip(lasts, firsts, strict=True) for at in range(last + 1, first)], _INT64)
