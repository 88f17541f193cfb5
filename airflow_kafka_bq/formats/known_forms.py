"""Messages whose form is known are read without a parser: one program writes the same members in the same order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.compute

from airflow_kafka_bq.formats.columnar_plan import Node
from airflow_kafka_bq.formats.json_forms import FEWEST, LOOKED_AT, MOST_FORMS
from airflow_kafka_bq.formats.positions import others
from airflow_kafka_bq.formats.token_columns import columns_of
from airflow_kafka_bq.formats.token_cut import Marked, cut
from airflow_kafka_bq.formats.token_form import Form, NoFormError
from airflow_kafka_bq.formats.token_learning import form_of

_pc: Any = pyarrow.compute

_TRIES = 6
_MOST_WAITS = 15  # pieces
_BLOCK = 1 << 14  # messages: bounds what is kept for a form
_BLOCK_BYTES = 1 << 23  # where quotes are takes up to twelve times what they do


@dataclass(frozen=True, slots=True)
class Formed:
    """Messages of one form: their positions as int64, an array for each node, and whether a member has no column."""

    positions: Any
    columns: list[Any]
    unknown: bool


class KnownForms:
    """Reads what it can of many messages. It learns from them, which only decides what is read here."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = tuple(nodes)
        self._forms: tuple[Form, ...] = ()
        self._well_known = False
        self._failures = 0
        self._waits = 0

    def found(self, values: Any) -> list[Formed]:
        """Those that share a known form; each is once among them at most.

        :param values: binary, none null.
        """
        if len(values) < FEWEST or not (self._well_known or self._worth_it(values.slice(0, LOOKED_AT))):
            return []
        forms, size = self._forms, _block_size(values)
        starts = range(0, len(values), size)
        found = [one for first in starts for one in self._block(values.slice(first, size), first, forms)]
        self._well_known = 4 * sum(len(one.positions) for one in found) > 3 * len(values)
        return found

    def _block(self, values: Any, first: int, forms: Sequence[Form]) -> Iterator[Formed]:
        marked = Marked.of(values)
        rest = marked.plain
        for form in forms:
            if not len(rest):
                return
            found = self._read(marked, rest, form)
            if found is not None:
                rest = _without(rest, found.positions)
                yield Formed(_pc.add(found.positions, first), found.columns, found.unknown)

    def _read(self, marked: Marked, rows: Any, form: Form) -> Formed | None:
        found = cut(marked, rows, form)
        read = None if found is None else columns_of(found, self._nodes)
        return None if read is None else Formed(read[0].rows, read[1], form.unknown)

    def _worth_it(self, sample: Any) -> bool:
        """Whether most messages have a form. Where they did not, it is ever longer until somebody looks again."""
        if self._waits:
            self._waits -= 1
            return False
        if self._learn(sample):
            self._failures = 0
            return True
        self._waits = min((1 << self._failures) - 1, _MOST_WAITS)
        self._failures += 1
        return False

    def _learn(self, sample: Any) -> bool:
        """From a few messages, and which known forms are still in use; whether most of the messages have a form."""
        marked = Marked.of(sample)
        rest, forms = marked.plain, list[Form]()
        for form in self._forms:
            rest = self._tried(marked, rest, form, forms)
        for _ in range(_TRIES):
            if len(rest) < 2 or len(forms) == MOST_FORMS:
                break
            value, rest = sample[rest[0].as_py()].as_py(), rest.slice(1)
            try:
                form = form_of(value, self._nodes)
            except NoFormError:
                continue
            rest = self._tried(marked, rest, form, forms)
        self._forms = tuple(forms)
        return 2 * (len(marked.plain) - len(rest)) > len(sample)

    def _tried(self, marked: Marked, rows: Any, form: Form, forms: list[Form]) -> Any:
        """The messages that do not have the form. Where some do, it is one of ``forms``."""
        found = self._read(marked, rows, form) if len(rows) else None
        if found is None:
            return rows
        forms.append(form)
        return _without(rows, found.positions)


def _block_size(values: Any) -> int:
    mean = int(_pc.sum(_pc.binary_length(values)).as_py()) // len(values)
    return max(1, min(_BLOCK, _BLOCK_BYTES // max(mean, 1)))


def _without(rows: Any, found: Any) -> Any:
    if len(rows) == len(found):
        return rows.slice(0, 0)
    if rows[-1].as_py() == len(rows) - 1:  # they are all there are
        return others(len(rows), found)
    return rows.filter(_pc.invert(_pc.is_in(rows, value_set=found)))
