"""The oracle can say no: each way in which a table may be wrong is told, and under its own name."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.campaign.book import Book, Entry, Place
from tests.campaign.endings import trouble_with
from tests.campaign.messages import Kind
from tests.campaign.oracle import Life, Oracle, Verdict
from tests.campaign.processes import Ending
from tests.campaign.seen import Lost, Row, Seen
from tests.campaign.shapes import KEEP, PAYLOAD, UPDATE, Shape

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def message(offset: int, version: int = 1, kind: Kind = Kind.GOOD, fate: str = "committed", **more: Any) -> Entry:
    value = json.dumps({"id": "k", "version": version, "n": offset, "text": ""}).encode()
    return Entry(
        Place(0, offset, 1_000 + offset), kind, "k", None if kind is Kind.TOMBSTONE else value, fate, **more
    )  # fmt: skip


def batch(revision: int, start: int, end: int, messages: int, kind: str = "live") -> dict[str, Any]:
    ranges = [{"partition": 0, "start_offset": start, "end_offset": end}]
    return {"revision": revision, "kind": kind, "ranges": ranges, "messages": messages}


# Offsets 0 to 4: two good ones, poison, one that was aborted, a third good one.
BOOK = [message(0), message(1, 2), message(2, kind=Kind.BAD), message(3, fate="aborted"), message(4, 3)]


def row(one: Entry, *, deleted: bool = False) -> Row:
    return Row(one.place, one.content, deleted)


def right(*rows: Row) -> Seen:
    """What there must be, with these rows."""
    return Seen(
        rows=list(rows),
        dead_letters=[(BOOK[2].place, BOOK[2].value)],
        lost=[],
        ledger={0: 5},
        committed={0: 5},
        ends={0: 5},
        history=[batch(1, 0, 2, 2), batch(2, 2, 5, 2)],
        unexpiring=[],
    )


WHOLE = right(row(BOOK[0]), row(BOOK[1]), row(BOOK[4]))


def judged(seen: Seen, shape: Shape = PAYLOAD, **more: Any) -> Verdict:
    return Oracle(Book(list(BOOK)), shape, **more).judge(seen)


def said(verdict: Verdict) -> str:
    return " | ".join(verdict.problems)


def test_what_is_right_is_no_problem() -> None:
    assert judged(WHOLE).problems == []
    assert judged(right(row(BOOK[0])), KEEP).problems == []
    assert judged(right(row(BOOK[4])), UPDATE).problems == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rows": WHOLE.rows[1:]}, "I1 lost (1): row"),
        ({"rows": [*WHOLE.rows, WHOLE.rows[0]]}, "I2 duplicated (1): row"),
        ({"rows": [*WHOLE.rows, row(BOOK[3])]}, "should not be there: aborted"),
        ({"rows": [*WHOLE.rows, row(message(9))]}, "should not be there: nobody produced it"),
        ({"rows": [Row(BOOK[0].place, {"id": "k"}), *WHOLE.rows[1:]]}, "I1 lost (1)"),
        ({"dead_letters": []}, "I1 lost (1): dead letter"),
        ({"dead_letters": WHOLE.dead_letters * 2}, "I2 duplicated (1): dead letter"),
        ({"dead_letters": [(BOOK[2].place, b"shortened")]}, "I1 lost (1): dead letter"),
        ({"ledger": {0: 4}}, "I4: the ledger is at"),
        ({"committed": {0: 6}}, "I3: the group is at"),
        ({"committed": {}}, "I3: the group is at"),
        ({"history": WHOLE.history[1:]}, "hole or overlap"),
        ({"history": [batch(1, 0, 3, 3), batch(2, 2, 5, 2)]}, "hole or overlap"),
        ({"history": [batch(1, 0, 2, 2), batch(1, 2, 5, 2)]}, "a revision was given twice"),
        ({"history": [batch(1, 0, 2, 2), batch(2, 2, 5, 3)]}, "counts 5 messages"),
        ({"history": [batch(1, 0, 2, 2), batch(2, 2, 5, 2, "window")]}, "the history reaches"),
        ({"unexpiring": ["t__stg_x"]}, "never expires"),
    ],
)
def test_what_is_wrong_is_told(changes: dict[str, Any], words: str) -> None:
    assert words in said(judged(replace(WHOLE, **changes)))


@pytest.mark.parametrize(
    ("shape", "rows", "words"),
    [
        (KEEP, [], "key k has no row"),
        (KEEP, [row(BOOK[0]), row(BOOK[1])], "key k has 2 rows"),
        (KEEP, [row(BOOK[1])], "none of the first messages"),
        (UPDATE, [row(BOOK[1])], "I8"),
        (UPDATE, [row(BOOK[4], deleted=True)], "I8"),
        (UPDATE, [Row(BOOK[4].place, BOOK[1].content)], "I8"),
    ],
)
def test_a_wrong_winner_is_told(shape: Shape, rows: list[Row], words: str) -> None:
    assert words in said(judged(right(*rows), shape))


def test_a_tombstone_behind_the_newest_version_deletes() -> None:
    book = [*BOOK, message(5, kind=Kind.TOMBSTONE)]
    seen = replace(right(), ledger={0: 6}, committed={0: 6}, ends={0: 6}, history=[batch(1, 0, 6, 5)])
    oracle = Oracle(Book(book), UPDATE)
    deleted = Row(book[5].place, book[4].content, deleted=True)
    assert oracle.judge(replace(seen, rows=[deleted])).problems == []
    assert "I8" in said(oracle.judge(replace(seen, rows=[row(book[4])])))


def test_losses_are_exactly_what_was_told() -> None:
    lost = [Lost(0, 0, 2, NOON)]
    seen = replace(WHOLE, rows=WHOLE.rows[2:], lost=lost, history=[batch(1, 0, 5, 2)])
    assert judged(seen).problems == []
    assert judged(seen).told_lost == 2
    assert "I1 lost (1)" in said(judged(replace(seen, lost=[Lost(0, 0, 1, NOON)])))
    assert "should not be there" in said(judged(replace(WHOLE, lost=lost)))


def test_a_topic_that_lives_again_is_judged_by_its_lives() -> None:
    second = message(0, 7, life=1)
    lives = [Life({0: 5}, NOON, 2), Life()]
    oracle = Oracle(Book([*BOOK, message(5), second]), PAYLOAD, lives)
    seen = replace(
        WHOLE,
        rows=[*WHOLE.rows, Row(Place(0, 0, 9_999), second.content)],
        ledger={0: 1}, committed={0: 1}, ends={0: 1}, history=[*WHOLE.history, batch(4, 0, 1, 1)],
    )  # fmt: skip
    assert "I1 lost" in said(oracle.judge(seen))  # its timestamp tells it from offset 0 of before
    assert oracle.judge(replace(seen, rows=[*WHOLE.rows, row(second)])).lost == []


class Command:
    """A run whose ending is looked at."""

    kind, pid = "command", 1

    def over(self) -> bool:
        return True

    def ending(self) -> Ending:
        raise NotImplementedError

    def remove(self) -> None:
        raise NotImplementedError


FAILED = {"error": "StalledError", "message": "m", "topic": "t"}


@pytest.mark.parametrize(
    ("ending", "action", "right"),
    [
        (Ending(0, {"outcome": "end"}), None, True),
        (Ending(143, {"outcome": "stopped"}), "term", True),
        (Ending(0, {"outcome": "stopped"}), None, False),
        (Ending(4, FAILED), None, True),
        (Ending(3, FAILED), None, False),
        (Ending(143, FAILED), "term", True),
        (Ending(3, FAILED | {"error": "TopicChangedError"}), None, True),
        (Ending(3, FAILED | {"error": "AccountingError"}), None, False),
        (Ending(4, FAILED | {"topic": None}), None, False),
        (Ending(70, {"error": "KeyError", "message": "m", "topic": "t"}), None, False),
        (Ending(0, {"outcome": "end"}, "Traceback (most recent call last)"), None, False),
        (Ending(-6, None), None, False),
        (Ending(-9, None), "kill", True),
        (Ending(-9, None), "term", False),
        (Ending(1, None), None, False),
    ],
)
def test_only_an_ending_with_a_name_is_one(ending: Ending, action: str | None, right: bool) -> None:
    trouble = trouble_with(Command(), ending, action, {"TopicChangedError"})
    assert (trouble is None) is right, trouble
