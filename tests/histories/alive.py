"""I1, I2 and I8 where tombstones remove rows: what is gone stays gone, and nothing else goes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, ClassVar

from airflow_kafka_bq.testing.memory.order import is_later, is_newer
from tests.histories.checks import Row, Tables, by_key, newest_of
from tests.histories.model import Message, Model
from tests.histories.scope import Scope
from tests.pipeline.world import World


def _rows(tables: Tables) -> dict[str, Row]:
    rows = {row["id"]: row for row in tables.rows}
    assert len(rows) == len(tables.rows), f"I2: a key twice: {Counter(row['id'] for row in tables.rows).most_common(1)}"
    return rows


def _last_end(messages: list[Message]) -> Message | None:
    """The newest tombstone."""
    last = None
    for one in messages:
        if one.becomes == "tombstone" and (last is None or is_later(one.coordinates, last.coordinates)):
            last = one
    return last


def _unordered(model: Model) -> set[str]:
    """Keys of which messages were lost, or whose topic was created again: others stand at the same offsets."""
    lives = {(one.key, one.life) for one in model.visible}
    several = {key for key, count in Counter(key for key, _ in lives).items() if count > 1}
    return several | {one.key for one in model.visible if one.gone}


def _came_again(model: Model) -> set[str]:
    """Keys with a row behind a tombstone: once its marker has expired, a lower version is as good as any."""
    found = set()
    for key in {one.key for one in model.visible if one.becomes == "tombstone"}:
        messages = [one for one in model.visible if one.key == key]
        end = _last_end(messages)
        if end and any(one.becomes == "row" and is_later(one.coordinates, end.coordinates) for one in messages):
            found.add(key)
    return found


def check_removed(tables: Tables, model: Model, owed: list[Message], forgotten: set[str]) -> None:
    """At any time: a row is no older than what is owed, and behind each tombstone that is owed; a row that is missing
    was removed by a tombstone that was produced.

    :param forgotten: keys whose markers may have expired, and with them the versions of what was removed.
    """
    rows, known = _rows(tables), {one.n: one for one in model.visible if one.becomes == "row"}
    strange = {key: row for key, row in rows.items() if row["n"] not in known or known[row["n"]].key != key}
    assert not strange, f"rows that nobody produced: {strange}"
    skipped = _unordered(model)
    for key, messages in by_key(tables, owed).items():
        newest, end = newest_of(messages), _last_end(messages)
        if key in skipped:
            continue
        if key in rows:
            one = known[rows[key]["n"]]
            older = newest is not None and not (
                one is newest or is_newer(one.coordinates, newest.coordinates, ["updated"])
            )
            assert key in forgotten or not older, f"I8: {rows[key]} is older than {newest}"
            assert end is None or is_later(one.coordinates, end.coordinates), f"I8: {rows[key]} came back behind {end}"
        elif newest is not None:
            assert _may_be_gone(newest, [one for one in model.visible if one.key == key]), f"I1: no row for {newest}"


def _may_be_gone(newest: Message, messages: list[Message]) -> bool:
    """Whether some tombstone lies behind it, or behind a row that is newer; windows may have read either."""
    rows = [
        one
        for one in messages
        if one is newest or (one.becomes == "row" and is_newer(one.coordinates, newest.coordinates, ["updated"]))
    ]
    ends = [one for one in messages if one.becomes == "tombstone"]
    return any(is_later(end.coordinates, row.coordinates) for end in ends for row in rows)


def check_alive(tables: Tables, scope: Scope, model: Model, forgotten: set[str]) -> None:
    """At the end of all: of each key the newest row, unless a tombstone lies behind it."""
    rows = _rows(tables)
    unsure = (
        _unordered(model)
        | forgotten
        | {
            one.key
            for one in model.visible
            if one.life != scope.life or not one.sure or one.deleted or one.offset < scope.base.get(one.partition, 0)
        }
    )
    for key, messages in by_key(tables, scope.below(model)).items():
        newest, end = newest_of(messages), _last_end(messages)
        if key in unsure:
            continue
        gone = newest is None or (end is not None and is_later(end.coordinates, newest.coordinates))
        wanted = None if newest is None or gone else newest.n
        assert rows.get(key, {}).get("n") == wanted, f"I8: {rows.get(key)}, wanted {wanted} of {messages}"


class Removes:
    """What is different in a machine whose tombstones remove rows."""

    tables: Tables
    scope: Scope
    model: Model
    world: World
    job: ClassVar[dict[str, Any]]
    removes: ClassVar[bool] = True
    tombstone_policies: ClassVar[list[str | None]] = ["delete"] * 3

    def check_rows(self, owed: Any) -> None:
        """At any time."""
        check_removed(self.tables, self.model, owed, self.forgotten())

    def check_end(self) -> None:
        """When all is over."""
        check_alive(self.tables, self.scope, self.model, self.forgotten())

    def forgotten(self) -> set[str]:
        """Keys whose markers may have expired: the history is longer than a marker lives."""
        lives = timedelta(days=self.job["delete_expiration_days"])
        return _came_again(self.model) if self.world.clock.monotonic() > lives.total_seconds() else set()
