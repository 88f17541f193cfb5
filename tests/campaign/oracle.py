"""Compares what was acknowledged with what is there: I1, I2, I3 and I8, at the end of a round."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow_kafka_bq.testing.memory.order import is_later, is_newer
from tests.campaign.book import Book, Entry, Place
from tests.campaign.messages import Kind
from tests.campaign.seen import Row, Seen
from tests.campaign.shapes import Shape

_SHOWN = 3


@dataclass(frozen=True)
class Life:
    """A topic from its creation to its deletion.

    :param done: positions when it was deleted: what lies behind was never read, and nobody is told. None: it lives.
    :param ended_at: when the pipeline was started over.
    :param revision: the ledger's then.
    """

    done: Mapping[int, int] | None = None
    ended_at: datetime | None = None
    revision: int | None = None


@dataclass
class Verdict:
    """What is wrong, and what was counted."""

    rows: int = 0
    dead_letters: int = 0
    told_lost: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """All of them, a few of each kind in full."""
        kinds = (("I1 lost", self.lost), ("I2 duplicated", self.duplicated), ("wrong", self.wrong))
        return [f"{kind} ({len(found)}): {'; '.join(found[:_SHOWN])}" for kind, found in kinds if found]


@dataclass
class Oracle:
    """Judges one round.

    :param windowed: whether isolated runs read ranges out of turn: then a message may be in the table although its
        range was lost to the live runs, and which of several rows is kept depends on who came first.
    """

    book: Book
    shape: Shape
    lives: list[Life] = field(default_factory=lambda: [Life()])
    windowed: bool = False

    def judge(self, seen: Seen) -> Verdict:
        """Everything at once: a round that fails should say all that it knows."""
        verdict = Verdict(len(seen.rows), len(seen.dead_letters))
        due = [one for one in self.book.committed() if self._is_due(one, seen)]
        spare = [one for one in self.book.committed() if self.windowed and not self._is_due(one, seen)]
        verdict.told_lost = sum(any(lost.holds(one.place) for lost in seen.lost) for one in self.book.committed())
        self._letters(verdict, seen, due, spare)
        (self._keyed if self.shape.is_keyed else self._whole)(verdict, seen.rows, due, spare)
        self._positions(verdict, seen)
        self._history(verdict, seen, due)
        verdict.wrong += [f"staging table {name} never expires" for name in seen.unexpiring]
        return verdict

    def _is_due(self, one: Entry, seen: Seen) -> bool:
        life = self.lives[one.life]
        read = life.done is None or one.place.offset < life.done.get(one.place.partition, 0)
        return read and not self._is_told(one, seen)

    def _is_told(self, one: Entry, seen: Seen) -> bool:
        return any(lost.holds(one.place) and self._life_at(lost.told_at) == one.life for lost in seen.lost)

    def _life_at(self, time: datetime) -> int:
        return sum(life.ended_at is not None and time > life.ended_at for life in self.lives)

    def _letters(self, verdict: Verdict, seen: Seen, due: Iterable[Entry], spare: Iterable[Entry]) -> None:
        def bad(entries: Iterable[Entry]) -> Counter[Any]:
            return Counter((one.place, one.value) for one in entries if one.kind is Kind.BAD)

        self._compare(verdict, "dead letter", Counter(seen.dead_letters), bad(due), bad(spare))

    def _whole(self, verdict: Verdict, rows: list[Row], due: Iterable[Entry], spare: Iterable[Entry]) -> None:
        def wanted(entries: Iterable[Entry]) -> Counter[Any]:
            return Counter((one.place, repr(one.content)) for one in entries if one.kind is not Kind.BAD)

        found = Counter((one.place, repr(one.content)) for one in rows)
        self._compare(verdict, "row", found, wanted(due), wanted(spare))

    def _compare(
        self, verdict: Verdict, what: str, found: Counter[Any], due: Counter[Any], spare: Counter[Any]
    ) -> None:
        known = {one.place: one.fate for one in self.book.entries}
        verdict.lost += [f"{what} {one} is missing" for one in (due - found).elements()]
        for one in (found - due - spare).elements():
            if found[one] > 1:
                verdict.duplicated.append(f"{what} {one} is there {found[one]} times")
            else:
                verdict.wrong.append(f"{what} {one} should not be there: {known.get(one[0], 'nobody produced it')}")

    def _keyed(self, verdict: Verdict, rows: list[Row], due: Iterable[Entry], spare: Iterable[Entry]) -> None:
        sure, unsure = _by_key(due), _by_key(spare)
        found = defaultdict(list)
        for row in rows:
            found[row.content["id"]].append(row)
        for key, several in found.items():
            if len(several) > 1:
                verdict.duplicated.append(f"key {key} has {len(several)} rows: {several}")
            if not any(one.kind is Kind.GOOD for one in sure[key] + unsure[key]):
                verdict.wrong.append(f"row {several[0]} should not be there: nobody produced its key")
        for key, messages in sure.items():
            if not any(one.kind is Kind.GOOD for one in messages):
                continue
            if key not in found:
                verdict.lost.append(f"key {key} has no row")
            else:
                check = _check_kept if self.shape.name == "keep" else _check_newest
                exact = not self.windowed
                verdict.wrong += check(found[key][0], messages if exact else messages + unsure[key], exact=exact)

    def _positions(self, verdict: Verdict, seen: Seen) -> None:
        # A partition that was added and is empty has no place in the ledger yet; it will be read from 0.
        ledger, committed, ends = (
            {part: at for part, at in each.items() if at} for each in (seen.ledger, seen.committed, seen.ends)
        )
        if ledger != ends:
            verdict.wrong.append(f"I4: the ledger is at {ledger}, the topic ends at {ends}")
        if committed != ledger:
            verdict.wrong.append(f"I3: the group is at {committed}, the ledger at {ledger}")

    def _history(self, verdict: Verdict, seen: Seen, due: Iterable[Entry]) -> None:
        revisions = [batch["revision"] for batch in seen.history]
        if len(set(revisions)) != len(revisions):
            verdict.wrong.append(f"a revision was given twice: {revisions}")
        live = [batch for batch in seen.history if batch["kind"] == "live"]
        wanted = Counter(one.life for one in due)
        for number, life in enumerate(self.lives):
            begin = self.lives[number - 1].revision or 0 if number else 0
            end = life.revision if life.revision is not None else max(revisions, default=0)
            batches = [batch for batch in live if begin < batch["revision"] <= end]
            verdict.wrong += _holes(batches, seen.ledger if life.done is None else life.done)
            if (read := sum(batch["messages"] for batch in batches)) != wanted[number]:
                verdict.wrong.append(f"the history counts {read} messages of life {number}, not {wanted[number]}")


def _by_key(entries: Iterable[Entry]) -> defaultdict[str, list[Entry]]:
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for one in entries:
        if one.kind is not Kind.BAD:
            found[one.key].append(one)
    return found


def _coordinates(place: Place, version: int = 0) -> dict[str, Any]:
    names = ("_kafka_partition", "_kafka_offset", "_kafka_timestamp")
    return {"_kafka_topic": "", "version": version, **dict(zip(names, place, strict=True))}


def _check_kept(row: Row, messages: list[Entry], *, exact: bool) -> list[str]:
    """The first message of the key; of which partition, depends on which batch came first."""
    good = [one for one in messages if one.kind is Kind.GOOD]
    firsts: dict[tuple[int, int], Entry] = {}
    for one in sorted(good, key=lambda one: one.place.offset):
        firsts.setdefault((one.life, one.place.partition), one)
    allowed = firsts.values() if exact else good
    if any((one.place, one.content) == (row.place, row.content) for one in allowed):
        return []
    return [f"I8: {row} is none of the first messages of its key: {list(firsts.values())}"]


def _check_newest(row: Row, messages: list[Entry], *, exact: bool) -> list[str]:
    """The newest version of the key; marked as deleted if a tombstone lies behind it."""
    good = [one for one in messages if one.kind is Kind.GOOD]
    newest = good[0]
    for one in good[1:]:
        ours, theirs = (_coordinates(each.place, each.content["version"]) for each in (one, newest))
        newest = one if is_newer(ours, theirs, ["version"]) else newest
    if not exact:
        return [f"I8: {row} is older than {newest}"] if row.content["version"] < newest.content["version"] else []
    later: Callable[[Entry], bool] = lambda one: is_later(_coordinates(one.place), _coordinates(newest.place))  # noqa: E731
    behind = [one.place for one in messages if one.kind is Kind.TOMBSTONE and later(one)]
    place = max(behind, key=lambda one: (one.timestamp_ms, one.offset)) if behind else newest.place
    wanted = (newest.content, place, bool(behind))
    return [] if (row.content, row.place, row.deleted) == wanted else [f"I8: {row} should be {wanted}"]


def _holes(batches: list[dict[str, Any]], reached: Mapping[int, int]) -> list[str]:
    """Live batches cover each partition from its beginning to the position, each offset once."""
    at: dict[int, int] = {}
    found = []
    for batch in batches:
        for one in batch["ranges"]:
            part, start = one["partition"], one["start_offset"]
            if start != at.get(part, 0):
                found.append(f"hole or overlap in partition {part}: {start} after {at.get(part, 0)}")
            at[part] = one["end_offset"]
    if {part: end for part, end in reached.items() if end} != at:
        found.append(f"the history reaches {at}, the ledger {dict(reached)}")
    return found
