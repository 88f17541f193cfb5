"""The form of one message, learnt by going over its parts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.formats.columnar_plan import Node
from airflow_kafka_bq.formats.token_form import Edge, Form, Kind, NoFormError, Place, Source

_MOST_PLACES = 200
_MOST_LEVELS = 50  # the model's own reader refuses 200
_TOKEN = re.compile(rb'("[^"\\\x00-\x1f]*")|([{}\[\]:,])|([^"\\\x00-\x20{}\[\]:,]+)|( +)')
_BARE = (pa.int64(), pa.float64(), pa.bool_())


def form_of(value: bytes, nodes: Sequence[Node]) -> Form:
    """Of one message.

    :raises NoFormError: nobody could be found by it.
    """
    if b"\\" in value:
        raise NoFormError
    try:
        json.loads(value.decode(), object_pairs_hook=_members_once)  # the walk below takes it for JSON
    except (ValueError, RecursionError) as error:
        raise NoFormError from error
    walk = _Walk(list(_tokens(value)))
    return walk.form(nodes)


def _members_once(members: list[tuple[str, Any]]) -> Any:
    if len(dict(members)) < len(members):
        raise NoFormError
    return dict(members)


def _tokens(value: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(value):
        found = _TOKEN.match(value, at)
        if found is None:
            raise NoFormError
        yield found[0]
        at = found.end()


@dataclass(slots=True)
class _Walk:
    """Goes over the parts of a message once, and keeps what it has seen since the last place as the next separator."""

    tokens: list[bytes]
    at: int = 0
    quotes: int = 0
    since: bytearray = field(default_factory=bytearray)
    separators: list[bytes] = field(default_factory=list)
    drafts: list[tuple[Kind, Node | None, int]] = field(default_factory=list)
    unknown: bool = False
    comma: bytes | None = None
    levels: int = 0

    def form(self, nodes: Sequence[Node]) -> Form:
        self._space()
        if self._next() != b"{":
            raise NoFormError
        sources = self._members(nodes)
        self._space()
        separators = (*self.separators, bytes(self.since))
        if len(self.drafts) > _MOST_PLACES or [kind for kind, _, _ in self.drafts].count("texts") > 1:
            raise NoFormError
        return Form(
            separators,
            tuple(self._places(separators)),
            sources,
            self.quotes,
            (self.comma or b",").decode(),
            self.unknown,
        )

    def _places(self, separators: Sequence[bytes]) -> Iterator[Place]:
        """With their edges. Behind an array of texts it is the quotes to come that can be counted."""
        behind = False
        for index, (kind, node, seen) in enumerate(self.drafts):
            before, after = separators[index], separators[index + 1]
            first = seen - 1 - (self.quotes if behind else 0)
            start = Edge(first, len(before) - before.rindex(b'"'))
            behind = behind or kind == "texts"
            at = after.find(b'"')
            last = Edge(None, -len(after)) if at < 0 else Edge(seen - (self.quotes if behind else 0), -at)
            yield Place(kind, node, start, last)

    def _next(self) -> bytes:
        """The next token; it belongs to a separator, unless it is taken back."""
        token = self.tokens[self.at]
        self.at += 1
        self.since += token
        return token

    def _space(self) -> None:
        if self.at < len(self.tokens) and self.tokens[self.at][:1] == b" ":
            self._next()

    def _members(self, nodes: Sequence[Node]) -> tuple[Source, ...]:
        """Behind the brace of an object, up to behind the other; one source for each node."""
        self.levels += 1
        if self.levels > _MOST_LEVELS:
            raise NoFormError
        by_key = {node.source: node for node in nodes}
        found: dict[str, Source] = {}
        self._space()
        while (key := self._next()) != b"}":
            self.quotes += 2
            self._colon()
            name = key[1:-1].decode()
            known = name in by_key
            self.unknown = self.unknown or not known
            source = self._value(by_key.get(name))
            if known and source is not None:
                found[name] = source
            self._comma(b"}")
        self.levels -= 1
        return tuple(found.get(node.source) or _absent(node) for node in nodes)

    def _colon(self) -> None:
        self._space()
        self._next()
        self._space()

    def _comma(self, close: bytes) -> None:
        """Up to the next member or element, or the end of them, which is left."""
        self._space()
        if self.tokens[self.at] == close:
            return
        before = len(self.since)
        self._next()
        self._space()
        if self.comma is None:
            self.comma = bytes(self.since[before:])

    def _value(self, node: Node | None) -> Source | None:
        """Where the column comes from; None, where there is none."""
        token = self._next()
        if token == b"{":
            if node is not None and not node.children:
                raise NoFormError
            members = self._members(() if node is None else node.children)
            return None if node is None else Source("object", members=members)
        if token == b"[":
            return self._array(node)
        if token[:1] == b'"':
            if node is not None and not (pa.types.is_string(node.read) or pa.types.is_decimal(node.read)):
                raise NoFormError
            return self._text("text", node, token)
        if token == b"null" and node is not None and not _is_bare(node):
            return _absent(node)
        if node is not None and not _is_bare(node):
            raise NoFormError
        self._take_back(token)
        return self._place("bare", node)

    def _text(self, kind: Kind, node: Node | None, token: bytes) -> Source:
        self._take_back(token)
        self.since += b'"'
        self.quotes += 1
        source = self._place(kind, node)
        self.since += b'"'
        self.quotes += 1
        return source

    def _place(self, kind: Kind, node: Node | None) -> Source:
        self.separators.append(bytes(self.since))
        self.since.clear()
        self.drafts.append((kind, node, self.quotes))
        return Source("place", len(self.drafts) - 1)

    def _take_back(self, token: bytes) -> None:
        del self.since[len(self.since) - len(token) :]

    def _array(self, node: Node | None) -> Source | None:
        """Behind the bracket, up to behind the other."""
        element = None if node is None else node.element
        if node is not None and (element is None or element.children):
            raise NoFormError
        self._space()
        elements = self._elements()
        if not elements and element is not None and not _is_bare(element):
            source: Source | None = Source("empty")
        elif not elements and node is None:
            source = None
        elif all(one[:1] == b'"' for one in elements) and elements:
            if element is not None and not pa.types.is_string(element.read):
                raise NoFormError
            source = self._text("texts", node, b"")
        elif any(one[:1] == b'"' for one in elements) or (element is not None and not _is_bare(element)):
            raise NoFormError
        else:
            source = self._place("bares", node)
        self._space()
        self._next()
        return source

    def _elements(self) -> list[bytes]:
        """Scalars of an array, which are gone over."""
        found = []
        while self.tokens[self.at] != b"]":
            if self.tokens[self.at] in {b"[", b"{"}:
                raise NoFormError
            found.append(self.tokens[self.at])
            self.at += 1
            kept = len(self.since)
            self._comma(b"]")
            del self.since[kept:]
        return found


def _is_bare(node: Node) -> bool:
    return node.read in _BARE or pa.types.is_decimal(node.read)


def _absent(node: Node) -> Source:
    if not node.null_ok:
        raise NoFormError
    return Source("null")
