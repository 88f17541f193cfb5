"""The job's own functions on decoded rows, held to what they may do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.exceptions import ConfigError

COORDINATES = ("_kafka_topic", "_kafka_partition", "_kafka_offset")
UserFunction = Callable[..., Any]


def name_of(function: UserFunction) -> str:
    """As the user would look for it."""
    module = getattr(function, "__module__", "?")
    return f"{module}:{getattr(function, '__qualname__', type(function).__name__)}"


def kept(function: UserFunction, rows: pa.Table) -> pa.ChunkedArray[Any]:
    """Mask of the rows that ``filter`` keeps; NULL keeps nothing, as in a WHERE.

    :raises ConfigError: names the function: it raised, or did not return one boolean per row.
    """
    mask = _called("filter", function, rows)
    try:
        ready = isinstance(mask, pa.Array | pa.ChunkedArray)
        array: Any = mask if ready else pa.array(mask, pa.bool_())
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise ConfigError(f"filter {name_of(function)} returned {type(mask).__name__}, not a boolean mask") from error
    if array.type != pa.bool_() or len(array) != rows.num_rows:
        found = f"{len(array)} values of {array.type} for {rows.num_rows} rows"
        raise ConfigError(f"filter {name_of(function)} returned {found}; it must return one boolean per row")
    no: Any = pa.scalar(False)
    return pc.coalesce(array, no)


def transformed(function: UserFunction, rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """``rows`` with the named columns as ``transform`` gives them, in the types they had.

    :raises ConfigError: names the function: it raised, or changed rows, coordinates, names or types.
    """
    name = f"transform {name_of(function)}"
    found = _called("transform", function, rows)
    if isinstance(found, pa.RecordBatch):
        found = pa.Table.from_batches([found])
    if not isinstance(found, pa.Table):
        raise ConfigError(f"{name} returned {type(found).__name__}, not a pyarrow.Table")
    if found.num_rows != rows.num_rows:
        raise ConfigError(f"{name} returned {found.num_rows} rows for {rows.num_rows}", remedy="drop rows with filter")
    _check_names(name, found, rows, columns)
    for coordinate in COORDINATES:
        if coordinate in found.column_names and not found.column(coordinate).equals(rows.column(coordinate)):
            raise ConfigError(f"{name} changed {coordinate}, or the order of the rows")
    for column in columns:
        position = rows.schema.get_field_index(column)
        rows = rows.set_column(position, rows.schema.field(position), _cast(name, found, rows, column))
    return rows


def _check_names(name: str, found: pa.Table, rows: pa.Table, columns: Sequence[str]) -> None:
    missing = sorted(set(columns) - set(found.column_names))
    added = sorted(set(found.column_names) - set(rows.column_names))
    if missing or added:
        raise ConfigError(f"{name}: missing columns {missing}, columns that the table does not have {added}")


def _cast(name: str, found: pa.Table, rows: pa.Table, column: str) -> pa.ChunkedArray[Any]:
    values, wanted = found.column(column), rows.schema.field(column).type
    try:
        return values.cast(wanted)
    except pa.ArrowException as error:
        raise ConfigError(f"{name}: column {column!r} is {values.type} and does not become {wanted}") from error


def _called(parameter: str, function: UserFunction, rows: pa.Table) -> Any:
    try:
        return function(rows)
    except Exception as error:  # the user's code may raise anything
        message = f"{parameter} {name_of(function)} raised {type(error).__name__}: {error}"
        raise ConfigError(message, remedy="it is called with a pyarrow.Table of decoded rows") from error
