"""JSON through a pydantic model that needs each message, many messages at a time.

pydantic is asked for every message, and for nothing else is there work for each: what stands in the way of plain
validation is looked for in all values at once, and columns are made of many models. Every rejection, and every row that
is not as the model's annotations say, comes from looking at its message by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute
from pydantic import BaseModel
from pydantic_core import from_json

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.bulk_search import others
from airflow_kafka_bq.formats.exact_numbers import exact_numbers, has_exact, long_numbers
from airflow_kafka_bq.formats.forbidding import forbidding_tells
from airflow_kafka_bq.formats.model_fields import MessageFields
from airflow_kafka_bq.formats.model_piles import ModelPlan
from airflow_kafka_bq.formats.parser import Bad, Parsed, Rejected, Row, bytes_of, row_by_row
from airflow_kafka_bq.schema.columns import Column

_pc: Any = pyarrow.compute
_TOGETHER = 1_024  # more do not fit into the processor's cache while they are piled up
_APART = 32  # of those with one that has to be looked at by itself
CONSTANTS = (b"NaN", b"Infinity")
"""What pydantic reads although it is not JSON."""
FEWEST = 16  # below, looking at all at once costs more than each by itself


class OneByOne(Protocol):
    """What does the same for one message, and is the rule."""

    fields: MessageFields
    refuse_unknown: bool
    keep_unknown: bool

    @property
    def model(self) -> type[BaseModel]:
        """Of the messages."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """That the model fills."""

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""

    def row(self, value: bytes) -> Row:
        """One row. :raises Rejected: why not."""

    def validated(self, value: bytes) -> BaseModel:
        """The model's object of one message. :raises Rejected: why not."""

    def left(self, found: BaseModel, value: bytes) -> tuple[Any, bool]:
        """What is kept of unknown fields, and whether there are some. :raises Rejected: why that makes it bad."""


@dataclass(slots=True)
class _Seen:
    """What there is to say of some messages beside their models."""

    bad: list[Bad] = field(default_factory=list)
    unknown_fields: int = 0
    left: list[str | None] = field(default_factory=list)


class JsonModels:
    """Parses many messages as ``one`` would each of them."""

    def __init__(self, one: OneByOne) -> None:
        self._one = one
        self._plan = ModelPlan(one.model, one.columns)
        self._has_exact = has_exact(one.fields)
        self._forbids = forbidding_tells(one.model, one.fields)
        own = one.model.model_validate_json.__func__  # type: ignore[attr-defined]
        self._is_usual = own is BaseModel.model_validate_json.__func__  # type: ignore[attr-defined]

    def parse(self, values: pa.Array[Any]) -> Parsed:
        """Validate the values and write them as the staging file has them."""
        if len(values) < FEWEST or not self._is_usual:
            return row_by_row(values, self._one.schema, self._one.row)
        forbids, found = self._forbids, list[Parsed]()
        for first in range(0, len(values), _TOGETHER):
            parsed, forbids = self._some(values.slice(first, _TOGETHER), forbids)
            found.append(_moved(parsed, first))
        return _in_order(found)

    def _some(self, values: Any, forbids: bool) -> tuple[Parsed, bool]:
        """A few of them, and whether forbidding unknown fields is worth trying for the next ones."""
        seen = _Seen()
        try:
            rows = self._table(values, forbids, seen)
        except ConfigError:
            raise
        except Exception:  # whatever a model's author puts in a field's place: its message is found below
            if len(values) <= _APART:
                return row_by_row(values, self._one.schema, self._one.row), forbids
            starts = range(0, len(values), _APART)
            parts = [_moved(self._some(values.slice(first, _APART), forbids)[0], first) for first in starts]
            return _in_order(parts), forbids
        lost = pa.array([one.index for one in seen.bad], pa.int64())
        parsed = Parsed(rows, others(len(values), lost), tuple(seen.bad), seen.unknown_fields)
        return parsed, forbids and 4 * seen.unknown_fields < len(values)

    def _table(self, values: Any, forbids: bool, seen: _Seen) -> pa.Table:
        pile = self._plan.pile()
        add = pile.add
        for found in self._models(values, forbids, seen):
            add(found)
        columns = pile.columns()
        if self._one.keep_unknown:
            columns.append(pa.array(seen.left, pa.string()))
        return pa.table(columns, schema=self._one.schema)

    def _models(self, values: Any, forbids: bool, seen: _Seen) -> Iterator[BaseModel]:
        """An object of each message that is good, in their order."""
        texts = bytes_of(values)
        validate = self._one.model.__pydantic_validator__.validate_json
        keeps, looks = self._one.keep_unknown, not forbids
        how: dict[str, Any] = {"extra": "forbid"} if forbids else {}
        found: BaseModel | None
        for index, value in enumerate(self._spelled(values, texts)):
            try:
                found = validate(value, **how)
            except Exception:  # a validator may raise anything
                found = self._closer(index, texts[index], seen)
            else:
                if looks and self._one.fields.has_unknown(from_json(texts[index])):
                    found = self._closer(index, texts[index], seen)
                elif keeps:
                    seen.left.append(None)
            if found is not None:
                yield found

    def _closer(self, index: int, value: bytes, seen: _Seen) -> BaseModel | None:
        """A message that was not validated just so, or has an unknown field. None: it is bad."""
        try:
            found = self._one.validated(value)
            left, has_unknown = self._one.left(found, value)
        except Rejected as why:
            seen.bad.append(Bad.of(index, why))
            return None
        seen.unknown_fields += has_unknown
        if self._one.keep_unknown:
            seen.left.append(left)
        return found

    def _spelled(self, values: Any, texts: list[bytes]) -> list[bytes]:
        """The messages as the model reads them exactly; what pydantic must not read is empty, and so refused."""
        spelled = texts
        if self._has_exact and (found := long_numbers(values)):
            spelled = texts.copy()
            for index in found:
                spelled[index] = exact_numbers(texts[index], self._one.fields)
        if not _has_constant(b"".join(texts)):
            return spelled
        return [b"" if _has_constant(text) else one for one, text in zip(spelled, texts, strict=True)]


def _has_constant(text: bytes) -> bool:
    return any(constant in text for constant in CONSTANTS)


def _moved(parsed: Parsed, first: int) -> Parsed:
    """The same, counted from where its messages begin."""
    if not first:
        return parsed
    bad = tuple(one.at(one.index + first) for one in parsed.bad)
    return replace(parsed, good=_pc.add(parsed.good, first), bad=bad)


def _in_order(parts: Sequence[Parsed]) -> Parsed:
    rows = pa.concat_tables([part.rows for part in parts])
    good = pa.concat_arrays([part.good for part in parts])
    bad = tuple(one for part in parts for one in part.bad)
    return Parsed(rows, good, bad, sum(part.unknown_fields for part in parts))
