"""JSON through a pydantic model that needs each message, many messages at a time.

pydantic is asked for every message, and for nothing else is there work for each: what stands in the way of plain
validation is looked for in all values at once, and columns are made of many models. Every rejection, and every row that
is not as the model's annotations say, comes from looking at its message by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol, Self

import pyarrow as pa
import pyarrow.compute
from pydantic import BaseModel
from pydantic_core import from_json

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.exact_numbers import exact_numbers, has_exact, long_numbers
from airflow_kafka_bq.formats.forbidding import forbidding_tells
from airflow_kafka_bq.formats.model_fields import MessageFields
from airflow_kafka_bq.formats.model_piles import ModelPlan
from airflow_kafka_bq.formats.parser import Bad, Parsed, Rejected, Row, bytes_of, row_by_row
from airflow_kafka_bq.formats.positions import others
from airflow_kafka_bq.schema.columns import Column

_pc: Any = pyarrow.compute
_TRIAL = 512  # shows whether it is worth while to forbid unknown fields
_PARTS = 16  # of messages one of which has to be looked at by itself
_APART = 32  # so few are all looked at by themselves
CONSTANTS = (b"NaN", b"Infinity")
"""What pydantic reads although it is not JSON."""
FEWEST = 64  # below, and for what a bulk parser left over, most of it bad, each by itself costs less


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


@dataclass(frozen=True, slots=True)
class _Texts:
    """Messages as they were sent, and spelled so that the model reads them exactly.

    What pydantic must not read is empty in ``spelled``, and so refused.
    """

    sent: list[bytes]
    spelled: list[bytes]

    @classmethod
    def of(cls, values: Any, exact: MessageFields | None) -> Self:
        """:param exact: the fields, if one of them needs its numbers exactly."""
        sent = spelled = bytes_of(values)
        if exact is not None and (found := long_numbers(values)):
            spelled = sent.copy()
            for index in found:
                spelled[index] = exact_numbers(sent[index], exact)
        if _has_constant(b"".join(sent)):
            spelled = [b"" if _has_constant(text) else one for one, text in zip(spelled, sent, strict=True)]
        return cls(sent, spelled)

    def slice(self, first: int, count: int) -> _Texts:
        """So many from there on."""
        return _Texts(self.sent[first : first + count], self.spelled[first : first + count])


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
        texts = _Texts.of(values, self._one.fields if self._has_exact else None)
        forbids, found = self._forbids, list[Parsed]()
        ends = [min(_TRIAL, len(values)), len(values)]
        for first, end in pairwise([0, *dict.fromkeys(ends)]):
            parsed, forbids = self._some(texts.slice(first, end - first), forbids)
            found.append(_moved(parsed, first))
        return _in_order(found)

    def _some(self, texts: _Texts, forbids: bool) -> tuple[Parsed, bool]:
        """A few of them, and whether forbidding unknown fields is worth trying for the next ones."""
        count, seen = len(texts.spelled), _Seen()
        try:
            rows = self._table(texts, forbids, seen)
        except ConfigError:
            raise
        except Exception:  # whatever a model's author puts in a field's place: its message is found below
            if count <= _APART:
                values = pa.array(texts.sent, pa.binary())
                return row_by_row(values, self._one.schema, self._one.row), forbids
            size = max(_APART, -(-count // _PARTS))
            starts = range(0, count, size)
            parts = [_moved(self._some(texts.slice(first, size), forbids)[0], first) for first in starts]
            return _in_order(parts), forbids
        lost = pa.array([one.index for one in seen.bad], pa.int64())
        parsed = Parsed(rows, others(count, lost), tuple(seen.bad), seen.unknown_fields)
        return parsed, forbids and 4 * seen.unknown_fields < count

    def _table(self, texts: _Texts, forbids: bool, seen: _Seen) -> pa.Table:
        pile = self._plan.pile()
        self._pile_up(texts, forbids, seen, pile.add)
        columns = pile.columns()
        if self._one.keep_unknown:
            columns.append(pa.array(seen.left, pa.string()))
        return pa.table(columns, schema=self._one.schema)

    def _pile_up(self, texts: _Texts, forbids: bool, seen: _Seen, add: Callable[[BaseModel], None]) -> None:
        """An object of each message that is good, in their order."""
        validate = self._one.model.__pydantic_validator__.validate_json
        keeps, looks, sent = self._one.keep_unknown, not forbids, texts.sent
        how: dict[str, Any] = {"extra": "forbid"} if forbids else {}
        found: BaseModel | None
        for index, value in enumerate(texts.spelled):
            try:
                found = validate(value, **how)
            except Exception:  # a validator may raise anything
                found = self._closer(index, sent[index], seen)
                if found is None:
                    continue
            else:
                if looks and self._one.fields.has_unknown(from_json(sent[index])):
                    found = self._closer(index, sent[index], seen)
                    if found is None:
                        continue
                elif keeps:
                    seen.left.append(None)
            add(found)

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
