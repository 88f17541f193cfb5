r"""The form of a JSON message, as what stands between its values: byte for byte the same in all that share it.

A form is a row of separators and places by turns, such as ``{"id":"``, a text, ``","n":``, a number, ``}``. Where a
place begins and ends is told by the quotes of the message: the how many-th of them from its beginning or, behind an
array of texts of any length, from its end, and so many bytes before or behind it. Texts have no backslash: each quote
then begins or ends a text or a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from airflow_kafka_bq.formats.columnar_plan import Node

Kind = Literal["text", "bare", "texts", "bares"]


class NoFormError(Exception):
    """The message has none that is of use: it is no JSON, has a backslash, or its model needs it looked at."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Where a place begins or ends: ``by`` bytes behind a quote; the end of the message where there is none behind it.

    :param quote: counted from 0, or from the end of the message as -1.
    """

    quote: int | None
    by: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where messages of one form differ: a text or another scalar, or an array of these without its brackets.

    Of texts the outermost quotes belong to the separators. ``node`` is what is read; None: no column takes it.
    """

    kind: Kind
    node: Node | None
    start: Edge
    end: Edge


@dataclass(frozen=True, slots=True)
class Source:
    """Where a column comes from: a place, an object's members, always null, or always an array without elements."""

    kind: Literal["place", "object", "null", "empty"]
    place: int = -1
    members: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """What is known of each message that shares it.

    :param separators: one more than places. :param quotes: how many a message has, with one element in ``texts``.
    :param comma: between elements, as this writer writes it. :param unknown: whether a member has no column.
    """

    separators: tuple[bytes, ...]
    places: tuple[Place, ...]
    sources: tuple[Source, ...]
    quotes: int
    comma: str
    unknown: bool

    @property
    def several(self) -> bool:
        """Whether there is an array of texts: two more quotes for each further element."""
        return any(place.kind == "texts" for place in self.places)
