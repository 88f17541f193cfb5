"""What was inside each message, and the parser's work on all of it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import msgspec
import pyarrow as pa

from airflow_kafka_bq.formats.opened import Opened
from airflow_kafka_bq.formats.parser import Bad, Parsed, Rejected, ValueParser


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """One message. ``value`` is what the parser gets; without one the row is gone, or there is nothing for a table."""

    value: bytes | None = None
    gone: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    schema_id: int | None = None

    @classmethod
    def opened(
        cls,
        found: Sequence[Self | Rejected],
        parser: ValueParser,
        beside: Callable[[list[Mapping[str, Any]]], pa.Table],
    ) -> Opened:
        """All messages of a piece, in their order, the parser's rows and refusals counted among them."""
        whole = [(at, one) for at, one in enumerate(found) if isinstance(one, Unwrapped)]
        inside = [(at, one) for at, one in whole if one.value is not None]
        parsed = parser.parse(pa.array([one.value for _, one in inside], pa.binary()))
        bad = [Bad.of(at, one) for at, one in enumerate(found) if isinstance(one, Rejected)]
        bad += [_placed(one, *inside[one.index]) for one in parsed.bad]
        good = _places(inside).take(parsed.good)
        gone = _places((at, one) for at, one in whole if one.gone)
        rows = [one.fields if isinstance(one, Unwrapped) else {} for one in found]
        ordered = tuple(sorted(bad, key=lambda one: one.index))
        return Opened(
            Parsed(parsed.rows, good, ordered, parsed.unknown_fields),
            gone,
            sum(one.value is None and not one.gone for _, one in whole),
            beside(rows),
        )


def _places(found: Iterable[tuple[int, Unwrapped]]) -> pa.Array[Any]:
    return pa.array([at for at, _ in found], pa.int64())


def _placed(bad: Bad, at: int, one: Unwrapped) -> Bad:
    return replace(bad.at(at), schema_id=bad.schema_id or one.schema_id)


def unwrapped(unwrap: Callable[[bytes], Unwrapped], value: bytes | None) -> Unwrapped | Rejected:
    """What is inside, or why that cannot be said; a null says that the row is gone."""
    try:
        return Unwrapped(gone=True) if value is None else unwrap(value)
    except Rejected as why:
        return why


def text_inside(raw: bytes) -> bytes:
    """What a text of JSON holds. :raises Rejected: it is none."""
    try:
        text: str = msgspec.json.decode(raw, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed(error) from error
    return text.encode()


def malformed(error: Exception) -> Rejected:
    """Of an envelope that is no JSON."""
    if isinstance(error, UnicodeDecodeError):
        return Rejected("decode", "invalid_utf8", f"not UTF-8 in the envelope, at byte {error.start} of a text")
    if isinstance(error, RecursionError):
        return Rejected("decode", "too_deep", "JSON is nested too deep")
    return Rejected("decode", "invalid_json", f"the envelope: {error}")
