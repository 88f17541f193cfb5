"""The job's own function on one record: the fields of a message in, those of its row out, or None to leave it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.formats.user_functions import name_of
from airflow_kafka_bq.schema.wire import TOMBSTONE

RecordFunction = Callable[[dict[str, Any]], Mapping[str, Any] | None]
LONGEST_ERROR = 1_024


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of each row.

    :param rows: those that stay, with the columns as the function gave them, in the types that they had.
    :param kept: numbers of the rows that stay. :param failed: what was wrong, by the number of the row.
    """

    rows: pa.Table
    kept: pa.Array[Any]
    failed: Mapping[int, str]


def changed(function: RecordFunction, rows: pa.Table, columns: Sequence[str]) -> Changed:
    """Call the function with each row alone; whatever it does with one says nothing of the others.

    A row that marks a deletion stays as it is: it has no values to change.

    :param columns: those that the function answers for; it sees the Kafka columns too.
    """
    name = f"transform {name_of(function)}"
    results: dict[int, Mapping[str, Any]] = {}
    failed: dict[int, str] = {}
    for number, record in enumerate(rows.to_pylist()):
        if record.pop(TOMBSTONE.name):
            results[number] = record
            continue
        try:
            found = function(dict(record))
        except Exception as error:  # the user's code may raise anything
            failed[number] = f"{name} raised {type(error).__name__}: {error}"
            continue
        if found is None:
            continue
        if said := _misfit(found, columns, record):
            failed[number] = f"{name} {said}"
        else:
            results[number] = found
    for column in columns:
        for number, said in _unfit(results, column, rows.schema.field(column).type).items():
            failed.setdefault(number, f"{name} gave {said}")
    kept = pa.array([number for number in results if number not in failed], pa.int64())
    told = {number: said[:LONGEST_ERROR] for number, said in sorted(failed.items())}
    return Changed(_table(rows.take(kept), kept.to_pylist(), results, columns), kept, told)


def _misfit(found: object, columns: Sequence[str], record: Mapping[str, Any]) -> str | None:
    """What is wrong with the names that were returned."""
    if not isinstance(found, Mapping):
        return f"returned {type(found).__name__}, not a mapping of columns, and not None"
    missing = sorted(set(columns) - set(found))
    strange = sorted(map(str, set(found) - set(record)))
    if missing or strange:
        return f"returned a record without {missing}, with {strange} that the table does not have"
    return None


def _unfit(results: Mapping[int, Mapping[str, Any]], column: str, kind: pa.DataType) -> dict[int, str]:
    """Values of a column that it cannot hold, or not as they are."""
    values = [found[column] for found in results.values()]
    if not _exact(values, kind):
        wrong = (number for number, value in zip(results, values, strict=True) if not _exact([value], kind))
        return {number: f"{_named(results[number][column])} in column {column!r}, which is {kind}" for number in wrong}
    return {}


def _exact(values: list[Any], kind: pa.DataType) -> bool:
    """Whether Arrow takes them and gives back the same: it cuts 1.5 to 1, and drops what a struct has no field for."""
    try:
        array: Any = pa.array(values, kind)
        back = array.to_pylist()
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return False
    return all(map(_same, values, back))


def _same(value: Any, back: Any) -> bool:
    if isinstance(back, dict):
        return (
            isinstance(value, Mapping)
            and set(value) <= set(back)
            and all(_same(value.get(name), one) for name, one in back.items())
        )
    if isinstance(back, list):
        return isinstance(value, list | tuple) and len(value) == len(back) and all(map(_same, value, back))
    try:
        return bool(value == back) or (value != value and back != back)  # NaN
    except TypeError:
        return False


def _named(value: Any) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"


def _table(
    rows: pa.Table, numbers: Sequence[Any], results: Mapping[int, Mapping[str, Any]], columns: Sequence[str]
) -> pa.Table:
    for column in columns:
        at = rows.schema.get_field_index(column)
        field = rows.schema.field(at)
        rows = rows.set_column(at, field, pa.array([results[number][column] for number in numbers], field.type))
    return rows
