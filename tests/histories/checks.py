"""I1, I2 and I8: the tables against what was produced."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_kafka_bq.testing.memory.order import is_later, is_newer
from tests.histories.model import Message, Model, Place
from tests.histories.scope import Scope
from tests.pipeline.world import TABLE, World

Row = Mapping[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Tables:
    """Rows of target and dead letters, as they are now. ``seen`` is what was there before: nothing vanishes."""

    rows: list[Row] = field(default_factory=list)
    letters: list[Row] = field(default_factory=list)
    lost: list[tuple[int, int, int]] = field(default_factory=list)
    seen: set[Any] = field(default_factory=set)
    kept: dict[str, int] = field(default_factory=dict)  # with ``keep``: which message each key's row is of
    marks: dict[Place, datetime] = field(default_factory=dict)  # of redriven letters, when
    redriven: set[Place] = field(default_factory=set)  # since the target was made

    def look(self, world: World) -> None:
        """Read both tables."""
        self.rows = _rows(world, str(TABLE))
        letters = _rows(world, str(TABLE.companion("dead_letters")))
        self.letters = [row for row in letters if row["stage"] != "lost"]
        for row in letters:
            if row["redriven_at"] is not None and self.marks.get(place_of(row)) != row["redriven_at"]:
                assert row["stage"] != "lost", f"a range that is lost was redriven: {row}"
                self.marks[place_of(row)] = row["redriven_at"]
                self.redriven.add(place_of(row))
        self.lost = [
            (row["_kafka_partition"], row["_kafka_offset"], row["_kafka_end_offset"])
            for row in letters
            if row["stage"] == "lost"
        ]

    def forget(self) -> None:
        """The table was dropped."""
        self.seen, self.kept, self.redriven = set(), {}, set()

    def excuses(self, one: Message) -> bool:
        """Whether the message was lost, and is said to be."""
        told = any(part == one.partition and low <= one.offset < high for part, low, high in self.lost)
        return one.deleted and told


def place_of(row: Row) -> Place:
    """Coordinates of a row or a dead letter."""
    stamp = (row["_kafka_timestamp"] - _EPOCH) // timedelta(milliseconds=1)
    return row["_kafka_partition"], row["_kafka_offset"], stamp


def check_letters(tables: Tables, model: Model, owed: Iterable[Message]) -> None:
    """I1 and I2 of what cannot be used: once in the dead-letter table."""
    bad = Counter(map(place_of, tables.letters))
    assert max(bad.values(), default=1) == 1, f"I2: a dead letter twice: {bad.most_common(1)}"
    known = {one.place for one in model.visible if one.becomes == "dead letter"}
    assert bad.keys() <= known, f"dead letters that should be none: {bad.keys() - known}"
    for one in owed:
        if one.becomes == "dead letter":
            assert one.place in bad or tables.excuses(one), f"I1: no dead letter for {one}"


def check_coordinates(tables: Tables, model: Model, owed: Iterable[Message]) -> None:
    """I1 and I2 where the key is the coordinates: every message once, nothing else."""
    rows = Counter(map(place_of, tables.rows))
    assert max(rows.values(), default=1) == 1, f"I2: {rows.most_common(3)}"
    known = {one.place: one for one in model.visible if one.becomes == "row" or one.place in tables.redriven}
    assert rows.keys() <= known.keys(), f"rows that nobody produced, or that were aborted: {rows.keys() - known.keys()}"
    assert tables.seen <= rows.keys(), f"I1: rows vanished: {tables.seen - rows.keys()}"
    tables.seen = set(rows)
    for one in owed:
        if one.becomes == "row":
            assert one.place in rows or tables.excuses(one), f"I1: {one} is missing"


def check_redriven(tables: Tables, *, rows: bool) -> None:
    """I1 of what was redriven: the mark came with the row, where a row is made of it."""
    there = set(map(place_of, tables.rows))
    lacking = tables.redriven - there if rows else tables.redriven & there
    assert not lacking, f"I1: marked as redriven, {'without' if rows else 'with'} a row: {lacking}"


def _by_id(tables: Tables) -> dict[str, Row]:
    rows = {row["id"]: row for row in tables.rows}
    assert len(rows) == len(tables.rows), f"I2: a key twice: {Counter(row['id'] for row in tables.rows).most_common(1)}"
    assert tables.seen <= rows.keys(), f"I1: rows vanished: {tables.seen - rows.keys()}"
    tables.seen = set(rows)
    return rows


def check_keep(tables: Tables, model: Model, owed: Iterable[Message]) -> None:
    """I1, I2 and I8 where the first row of a key stays as it is."""
    rows = _by_id(tables)
    known = {one.n: one for one in model.visible if one.becomes == "row"}
    for key, row in rows.items():
        one = known.get(row["n"])
        assert one is not None, f"a row that nobody produced: {row}"
        assert one.key == key, f"a value that is of another message: {row}, {one}"
        assert tables.kept.setdefault(key, row["n"]) == row["n"], f"I8: {row} replaced {known[tables.kept[key]]}"
    for one in owed:
        if one.becomes == "row":
            assert one.key in rows or tables.excuses(one), f"I1: no row for {one}"


def check_first(tables: Tables, scope: Scope, model: Model) -> None:
    """With ``keep``, where nothing was read twice or out of turn: of each key the first message is the row."""
    rows = _by_id(tables)
    for one in scope.below(model):
        if one.becomes == "row" and not tables.excuses(one):
            row = rows[one.key]
            assert row["_kafka_partition"] != one.partition or row["_kafka_offset"] <= one.offset, (
                f"I8: {row} not {one}"
            )


def check_update(tables: Tables, owed: Iterable[Message]) -> None:
    """I1, I2 and I8 where the newest version of a key wins."""
    rows = _by_id(tables)
    for key, messages in by_key(tables, owed).items():
        newest = newest_of(messages)
        if newest is None:
            continue
        assert key in rows, f"I1: no row for {newest}"
        ours, found = (newest.version is not None, newest.version or 0), rows[key]["updated"]
        assert (found is not None, found or 0) >= ours, f"I8: {rows[key]} is older than {newest}"


def check_newest(tables: Tables, scope: Scope, model: Model) -> None:
    """At the end of all: of each key the content is that of the newest message, and the mark that of the latest end."""
    rows = _by_id(tables)
    unsure = {
        one.key
        for one in model.visible
        if one.life != scope.life or not one.sure or one.deleted or one.offset < scope.base.get(one.partition, 0)
    }
    for key, messages in by_key(tables, scope.below(model)).items():
        newest = newest_of(messages)
        if newest is None or key in unsure:
            continue
        deleted = any(one.becomes == "tombstone" and is_later(one.coordinates, newest.coordinates) for one in messages)
        found = rows[key]
        marked = found.get("_deleted_at") is not None
        if len({one.partition for one in messages}) > 1:  # a tombstone that was read before its row marks nothing
            marked = marked or deleted
            if deleted and found["updated"] == newest.version:
                continue  # of equal versions the one that the tombstone met first stays, as content of a deleted row
        assert (found["n"], marked) == (newest.n, deleted), f"I8: {found} of {messages}"


def by_key(tables: Tables, messages: Iterable[Message]) -> dict[str, list[Message]]:
    found: defaultdict[str, list[Message]] = defaultdict(list)
    for one in messages:
        if one.becomes in {"row", "tombstone"} and not tables.excuses(one):
            found[one.key].append(one)
    return found


def newest_of(messages: list[Message]) -> Message | None:
    values = [one for one in messages if one.becomes == "row"]
    newest = values[0] if values else None
    for one in values[1:]:
        newest = one if newest is None or is_newer(one.coordinates, newest.coordinates, ["updated"]) else newest
    return newest


def _rows(world: World, name: str) -> list[Row]:
    found = world.database.tables.named(name)
    return list(found.rows.values()) if found else []
