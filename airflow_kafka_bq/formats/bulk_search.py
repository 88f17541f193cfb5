"""Which of many messages can be read in bulk: what stands in the way is left out, and the rest is tried again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.batch import row_numbers
from airflow_kafka_bq.formats.bulk_read import UnknownFieldError, UnreadableError, read
from airflow_kafka_bq.formats.columnar_plan import Node
from airflow_kafka_bq.formats.doubt import doubtful, rows_with
from airflow_kafka_bq.formats.opened import moved
from airflow_kafka_bq.formats.parser import Parsed
from airflow_kafka_bq.formats.positions import among, others

_pc: Any = pyarrow.compute
Found = TypeVar("Found")

SAMPLE = 512
_FEW = 64  # a parse costs as much as about this many messages one by one
_WINDOW = 512
_TRIES = 8
_ONE_BEGINNING = (b'"', b"{", b"[")  # of values that all begin with the same character


@dataclass(frozen=True, slots=True)
class BulkSearch(Generic[Found]):
    """Tries to read messages together.

    :param nodes: the fields that are read.
    :param look: reads messages (values, their positions, whether fields beyond ``nodes`` are skipped) and gives what it
        found; it raises what ``bulk_read.read`` does.
    :param wide_decimals: whether a field is read as decimal256.
    :param other_numbers: finds messages with a whole number that Arrow cannot read as one; None: there is none.
    """

    nodes: Sequence[Node]
    look: Callable[[Any, Any, bool], Found]
    wide_decimals: bool = False
    other_numbers: str | None = None

    def found(self, values: Any) -> list[Found]:
        """What can be read in bulk of the values; their positions count from 0."""
        return self._bulk(values, row_numbers(len(values)), ignore_unknown=False)

    def _bulk(self, values: Any, positions: Any, *, ignore_unknown: bool) -> list[Found]:
        """What can be read in bulk of ``values``, which are at ``positions``; the rest is left out."""
        doubt = doubtful(values, ignore_unknown=ignore_unknown, wide_decimals=self.wide_decimals)
        if doubt is not None:
            values, positions = _dropped(values, positions, doubt)
        return self._undoubted(values, positions, ignore_unknown, _TRIES)

    def _undoubted(self, values: Any, positions: Any, ignore_unknown: bool, tries: int) -> list[Found]:
        if len(values) == 0 or tries == 0:
            return []
        try:
            return [self.look(values, positions, ignore_unknown)]
        except UnknownFieldError:
            return self._bulk(values, positions, ignore_unknown=True)
        except UnreadableError as error:
            if len(values) <= _FEW:
                return []
            if (alike := _alike(values, error)) is not None:
                lost = alike
            elif error.position is not None and len(values) > _WINDOW:
                return self._parts(values, positions, _WINDOW, ignore_unknown, tries)
            elif error.position is not None:
                lost = self._unreadable(values, error.position, ignore_unknown=ignore_unknown)
            else:
                lost = self._strange_numbers(values)
            if lost is None:
                return self._parts(values, positions, -(-len(values) // 2), ignore_unknown, tries)
            return self._undoubted(*_dropped(values, positions, lost), ignore_unknown, tries - 1)

    def _parts(self, values: Any, positions: Any, size: int, ignore_unknown: bool, tries: int) -> list[Found]:
        """Of so many messages each: a bad one then spoils the work on few others."""
        starts = range(0, len(values), size)
        parts = [(values.slice(first, size), positions.slice(first, size)) for first in starts]
        return [one for part in parts for one in self._undoubted(*part, ignore_unknown, tries)]

    def _unreadable(self, values: Any, position: int, *, ignore_unknown: bool) -> Any:
        """Mask of the messages at which parsing stops; of all, where they are too many to be sought one by one."""
        lost = [position]
        while len(lost) <= max(_TRIES, len(values) // _FEW) and lost[-1] + 1 < len(values):
            start = lost[-1] + 1
            try:
                read(values.slice(start), self.nodes, ignore_unknown=ignore_unknown)
            except UnreadableError as error:
                if error.position is None:
                    break
                lost.append(start + error.position)
            except UnknownFieldError:
                break
            else:
                break
        else:
            return pa.repeat(True, len(values))
        return among(len(values), pa.array(lost, pa.int64()))

    def _strange_numbers(self, values: Any) -> Any | None:
        """Mask of the messages whose whole numbers may be written like 1.0; None if there is none."""
        if self.other_numbers is None:
            return None
        mask = _pc.match_substring_regex(values, self.other_numbers)
        return mask if _pc.any(mask).as_py() else None


def joined(values: Any, good: Any, rows: pa.Table, parse: Callable[[Any], Parsed], unknown_fields: int = 0) -> Parsed:
    """What was read in bulk, and what ``parse`` makes of the rest, in the order of the messages.

    :param good: positions of those that were read in bulk, ascending. :param rows: theirs.
    """
    if len(good) == len(values):
        return Parsed(rows, good, (), unknown_fields)
    rest = others(len(values), good)
    parsed = parse(values.take(rest))
    bad, count = tuple(moved(parsed.bad, rest)), unknown_fields + parsed.unknown_fields
    if not parsed.rows.num_rows:  # as they were found, they are in order: nothing has to be moved
        return Parsed(rows, good, bad, count)
    good = pa.concat_arrays([good, rest.take(parsed.good)])
    order = _pc.sort_indices(good)
    return Parsed(pa.concat_tables([rows, parsed.rows]).take(order), good.take(order), bad, count)


def _alike(values: Any, error: UnreadableError) -> Any | None:
    """Mask of the messages that look as the one that could not be read; None where that tells few from many.

    Too many are no harm but to speed: what is left out is looked at one by one.
    """
    if error.position is None or error.looks is None:
        return None
    shown = re.search(error.looks.encode(), values[error.position].as_py())
    if shown is None:
        return None
    most = max(_TRIES, len(values) // _FEW)
    if shown[0][-1:] in _ONE_BEGINNING:
        found = rows_with(values, shown[0], most)
        return None if found is None else among(len(values), pa.array(found, pa.int64()))
    mask = _pc.match_substring_regex(values, error.looks)
    return mask if (_pc.sum(mask).as_py() or 0) <= most else None


def _dropped(values: Any, positions: Any, mask: Any) -> tuple[Any, Any]:
    keep = _pc.invert(mask)
    return values.filter(keep), positions.filter(keep)
