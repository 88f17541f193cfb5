"""JSON through a pydantic model in bulk: the same rows and the same rejections as message by message.

What the bulk way is not certain of goes to the other (JsonRows), and every rejection comes from there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.bulk_read import UnreadableError, read
from airflow_kafka_bq.formats.bulk_search import SAMPLE, BulkSearch, joined
from airflow_kafka_bq.formats.columnar_checks import suspects
from airflow_kafka_bq.formats.columnar_plan import Node, Plan
from airflow_kafka_bq.formats.columnar_write import written
from airflow_kafka_bq.formats.json_forms import FEWEST
from airflow_kafka_bq.formats.json_rows import JsonRows
from airflow_kafka_bq.formats.known_forms import Formed, KnownForms
from airflow_kafka_bq.formats.opened import NOBODY
from airflow_kafka_bq.formats.parser import Parsed
from airflow_kafka_bq.formats.positions import all_but, others
from airflow_kafka_bq.formats.unknown_fields import kept, unknown

_pc: Any = pyarrow.compute


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
        self._forms = KnownForms(plan.nodes)
        self._refuse_unknown = rows.refuse_unknown or plan.forbids
        whole = [re.escape(node.source) for node in plan.nodes if node.kind == "INT64"]
        other_numbers = rf'"(?:{"|".join(whole)})"\s*:\s*(?:-?[0-9]*[.eE]|-?[0-9]{{19}})' if whole else None
        self._search = BulkSearch(plan.nodes, self._read, _any_wide(plan.nodes), other_numbers)

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return self._rows.schema

    def parse(self, values: pa.Array[Any]) -> Parsed:
        """Validate the values and write them as the staging file has them."""
        formed = [(one.positions, self._of_form(values, one)) for one in self._forms.found(values)]
        clean = [found for _, found in formed if found is not None]
        if not clean:
            clean = self._in_bulk(values)
        else:
            rest = _rest(len(values), [positions for positions, found in formed if found is not None])
            more = self._in_bulk(values.take(rest)) if len(rest) >= FEWEST else []
            clean += [replace(one, positions=rest.take(one.positions)) for one in more]
        good, rows = self._in_order(clean)
        return joined(values, good, rows, self._rows.parse, sum(one.unknown_fields for one in clean))

    def _in_order(self, clean: Sequence[_Clean]) -> tuple[Any, pa.Table]:
        good = pa.concat_arrays([NOBODY, *(one.positions for one in clean)])
        rows = pa.concat_tables([self.schema.empty_table(), *(one.rows for one in clean)])
        if _pc.all(_pc.less(good.slice(0, max(len(good) - 1, 0)), good.slice(1)), min_count=0).as_py():
            return good, rows
        order = _pc.sort_indices(good)
        return good.take(order), rows.take(order)

    def _in_bulk(self, values: Any) -> list[_Clean]:
        """What can be read together of messages whose form is not known."""
        if len(values) > 4 * SAMPLE and not self._worth_it(values.slice(0, SAMPLE)):
            return []
        return self._search.found(values)

    def _of_form(self, values: Any, formed: Formed) -> _Clean | None:
        """None: a value is no such thing as its column has, and nobody knows which."""
        strange = pa.repeat(True, len(formed.positions)) if formed.unknown else None
        sent = values.take(formed.positions) if formed.unknown and self._rows.keep_unknown else values
        try:
            return self._clean(sent, formed.positions, formed.columns, strange)
        except UnreadableError:
            return None

    def _worth_it(self, sample: Any) -> bool:
        """Whether most messages can be read in bulk. Where they cannot, the search for those that can is in vain."""
        return 2 * sum(len(one.positions) for one in self._search.found(sample)) > len(sample)

    def _read(self, values: Any, positions: Any, ignore_unknown: bool) -> _Clean:
        columns = read(values, self._nodes, ignore_unknown=ignore_unknown)
        strange = unknown(values, self._nodes, columns, self._rows.fields) if ignore_unknown else None
        return self._clean(values, positions, columns, strange)

    def _clean(self, values: Any, positions: Any, columns: Sequence[Any], strange: Any | None) -> _Clean:
        """Those of which all is certain.

        :param strange: mask of the messages that have an unknown field; None: there is none.
        """
        found = [each for node, column in zip(self._nodes, columns, strict=True) for each in suspects(node, column)]
        if strange is not None and self._refuse_unknown:
            found.append(_pc.indices_nonzero(strange).cast(pa.int64()))
        elif strange is not None and self._rows.keep_unknown:
            texts, refused = kept(values, self._rows.fields, strange)
            columns, found = [*columns, texts], [*found, refused]
        lost = pa.concat_arrays([pa.array([], pa.int64()), *found])
        if len(lost):
            keep = all_but(len(positions), lost)
            columns = [column.filter(keep) for column in columns]
            positions = positions.filter(keep)
            strange = None if strange is None else strange.filter(keep)
        count = 0 if strange is None else int(_pc.sum(strange).as_py() or 0)
        return _Clean(positions, self._written(columns), count)

    def _written(self, columns: Sequence[Any]) -> pa.Table:
        try:
            arrays = [written(node, column) for node, column in zip(self._nodes, columns, strict=False)]
        except pa.ArrowInvalid as error:
            raise UnreadableError(None) from error
        if self._rows.keep_unknown:
            arrays.append(columns[-1] if len(columns) > len(self._nodes) else pa.nulls(len(arrays[0]), pa.string()))
        return pa.table(arrays, schema=self.schema)


def _rest(count: int, found: Sequence[Any]) -> Any:
    """Positions of those that were not found."""
    if sum(map(len, found)) == count:
        return NOBODY
    return others(count, pa.concat_arrays(found))


def _any_wide(nodes: Sequence[Node]) -> bool:
    return any(
        one.kind == "BIGNUMERIC" or _any_wide(one.children) or (one.element is not None and _any_wide((one.element,)))
        for one in nodes
    )
