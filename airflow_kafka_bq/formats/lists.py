"""ARRAY columns, which are never NULL in BigQuery."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute

_pc: Any = pyarrow.compute


def lists_of(lengths_from: Any, values: Any, kind: pa.DataType) -> Any:
    """``values``, cut into lists as long as those of ``lengths_from``; NULL becomes empty.

    :param values: the elements of all lists that are not NULL, one after the other.
    """
    lengths = _pc.fill_null(lengths_from.value_lengths(), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), _pc.cumulative_sum(lengths).cast(pa.int32())])
    return pa.ListArray.from_arrays(offsets, values, type=kind)
