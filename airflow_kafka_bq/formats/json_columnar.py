"""JSON through a pydantic model in bulk: the same rows and the same rejections as message by message.

What the bulk way is not certain of goes to the other (JsonRows), and every rejection comes from there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.batch import row_numbers
from airflow_kafka_bq.formats.bulk_read import UnknownFieldError, UnreadableError, read
from airflow_kafka_bq.formats.columnar_checks import suspects
from airflow_kafka_bq.formats.columnar_plan import Node, Plan
from airflow_kafka_bq.formats.columnar_write import written
from airflow_kafka_bq.formats.doubt import doubtful
from airflow_kafka_bq.formats.json_rows import JsonRows
from airflow_kafka_bq.formats.parser import Parsed
from airflow_kafka_bq.formats.unknown_fields import kept, unknown

_pc: Any = pyarrow.compute

_FEW = 64  # a parse costs as much as about this many messages one by one
_SAMPLE = 512
_TRIES = 8


@dataclass(frozen=True, slots=True)
class _Clean:
    """Messages that were read in bulk: their positions, their rows, how many have unknown fields."""

    positions: Any
    rows: pa.Table
    unknown_fields: int


class JsonColumnar:
    """Parses in bulk what ``rows`` would parse one by one."""

    def __init__(self, rows: JsonRows, plan: Plan) -> None:
        self._rows = rows
        self._nodes = plan.nodes
        self._wide_decimals = _any_wide(plan.nodes)
        self._refuse_unknown = rows.refuse_unknown or plan.forbids
        whole = [re.escape(node.source) for node in plan.nodes if node.kind == "INT64"]
        self._other_numbers = rf'"(?:{"|".join(whole)})"\s*:\s*(?:-?[0-9]*[.eE]|-?[0-9]{{19}})' if whole else None

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return self._rows.schema

    def parse(self, values: pa.Array[Any]) -> Parsed:
        """Validate the values and write them as the staging file has them."""
        everything = row_numbers(len(values))
        if len(values) > 4 * _SAMPLE and not self._worth_it(values.slice(0, _SAMPLE)):
            return self._rows.parse(values)
        clean = self._bulk(values, everything, ignore_unknown=False)
        return self._joined(values, everything, clean)

    def _worth_it(self, sample: Any) -> bool:
        """Whether most messages can be read in bulk. Where they cannot, the search for those that can is in vain."""
        clean = self._bulk(sample, row_numbers(len(sample)), ignore_unknown=False)
        return 2 * sum(len(one.positions) for one in clean) > len(sample)

    def _joined(self, values: Any, everything: Any, clean: Sequence[_Clean]) -> Parsed:
        """Rows of both ways in the order of the messages."""
        good = pa.concat_arrays([everything.slice(0, 0), *(one.positions for one in clean)])
        tables = [self.schema.empty_table(), *(one.rows for one in clean)]
        unknown_fields = sum(one.unknown_fields for one in clean)
        if len(good) == len(values) and len(clean) == 1:
            return Parsed(clean[0].rows, good, (), unknown_fields)
        rest = everything.filter(_pc.invert(_pc.is_in(everything, value_set=good)))
        parsed = self._rows.parse(values.take(rest))
        bad = tuple(one.at(rest[one.index].as_py()) for one in parsed.bad)
        all_good = pa.concat_arrays([good, rest.take(parsed.good)])
        order = _pc.sort_indices(all_good)
        rows = pa.concat_tables([*tables, parsed.rows]).take(order)
        return Parsed(rows, all_good.take(order), bad, unknown_fields + parsed.unknown_fields)

    def _bulk(self, values: Any, positions: Any, *, ignore_unknown: bool, tries: int = _TRIES) -> list[_Clean]:
        """What can be read in bulk of ``values``, which are at ``positions``; the rest is left out."""
        doubt = doubtful(values, ignore_unknown=ignore_unknown, wide_decimals=self._wide_decimals)
        if doubt is not None:
            values, positions = _dropped(values, positions, doubt)
        if len(values) == 0 or tries == 0:
            return []
        try:
            return self._read(values, positions, ignore_unknown=ignore_unknown)
        except UnknownFieldError:
            return self._bulk(values, positions, ignore_unknown=True)
        except UnreadableError as error:
            if len(values) <= _FEW:
                return []
            if error.position is not None:
                lost = self._unreadable(values, error.position, ignore_unknown=ignore_unknown)
            else:
                lost = self._strange_numbers(values)
            if lost is None:
                return self._halves(values, positions, ignore_unknown=ignore_unknown, tries=tries)
            values, positions = _dropped(values, positions, lost)
            return self._bulk(values, positions, ignore_unknown=ignore_unknown, tries=tries - 1)

    def _halves(self, values: Any, positions: Any, *, ignore_unknown: bool, tries: int) -> list[_Clean]:
        middle = len(values) // 2
        parts = [(values[:middle], positions[:middle]), (values[middle:], positions[middle:])]
        return [one for part in parts for one in self._bulk(*part, ignore_unknown=ignore_unknown, tries=tries)]

    def _unreadable(self, values: Any, position: int, *, ignore_unknown: bool) -> Any:
        """Mask of the messages at which parsing stops; of all, where they are too many to be sought one by one."""
        lost = [position]
        while len(lost) <= max(_TRIES, len(values) // _FEW) and lost[-1] + 1 < len(values):
            start = lost[-1] + 1
            try:
                read(values.slice(start), self._nodes, ignore_unknown=ignore_unknown)
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
        return _pc.is_in(row_numbers(len(values)), value_set=pa.array(lost, pa.int64()))

    def _strange_numbers(self, values: Any) -> Any | None:
        """Mask of the messages whose whole numbers may be written like 1.0; None if there is none."""
        if self._other_numbers is None:
            return None
        mask = _pc.match_substring_regex(values, self._other_numbers)
        return mask if _pc.any(mask).as_py() else None

    def _read(self, values: Any, positions: Any, *, ignore_unknown: bool) -> list[_Clean]:
        columns = read(values, self._nodes, ignore_unknown=ignore_unknown)
        strange = unknown(values, self._nodes, columns, self._rows.fields) if ignore_unknown else None
        found = [each for node, column in zip(self._nodes, columns, strict=True) for each in suspects(node, column)]
        if strange is not None and self._refuse_unknown:
            found.append(_pc.indices_nonzero(strange).cast(pa.int64()))
        elif strange is not None and self._rows.keep_unknown:
            texts, refused = kept(values, self._rows.fields, strange)
            columns, found = [*columns, texts], [*found, refused]
        lost = pa.concat_arrays([pa.array([], pa.int64()), *found])
        if len(lost):
            keep = _pc.invert(_pc.is_in(row_numbers(len(values)), value_set=lost))
            columns = [column.filter(keep) for column in columns]
            positions = positions.filter(keep)
            strange = None if strange is None else strange.filter(keep)
        count = 0 if strange is None else int(_pc.sum(strange).as_py() or 0)
        return [_Clean(positions, self._written(columns), count)]

    def _written(self, columns: Sequence[Any]) -> pa.Table:
        try:
            arrays = [written(node, column) for node, column in zip(self._nodes, columns, strict=False)]
        except pa.ArrowInvalid as error:
            raise UnreadableError(None) from error
        if self._rows.keep_unknown:
            arrays.append(columns[-1] if len(columns) > len(self._nodes) else pa.nulls(len(arrays[0]), pa.string()))
        return pa.table(arrays, schema=self.schema)


def _any_wide(nodes: Sequence[Node]) -> bool:
    return any(
        one.kind == "BIGNUMERIC" or _any_wide(one.children) or (one.element is not None and _any_wide((one.element,)))
        for one in nodes
    )


def _dropped(values: Any, positions: Any, mask: Any) -> tuple[Any, Any]:
    keep = _pc.invert(mask)
    return values.filter(keep), positions.filter(keep)
