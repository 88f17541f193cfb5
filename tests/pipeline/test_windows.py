"""Isolated runs: half-open, through the same MERGE, and the live position never moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import ConfigError, OffsetGapError, TopicChangedError
from tests.pipeline.actors import Actor, in_step
from tests.pipeline.world import TABLE, TOPIC, UPDATE, World


def _read() -> World:
    world = World(1)
    world.fill(6)
    world.run()
    return world


def _forget(world: World) -> None:
    world.database.delete(TABLE, lambda _row: True)


def _window(start: int, end: int) -> dict[str, Any]:
    return {"window": {"from": {0: start}, "to": {0: end}}}


def test_a_window_has_its_first_offset_and_not_its_last() -> None:
    world = _read()
    _forget(world)
    before = (world.positions(), world.committed(), world.ledger().batch_id)
    report = world.run(**_window(2, 4))
    assert world.offsets() == {(0, 2): 1, (0, 3): 1}
    assert (str(report.outcome), report.committed, report.messages) == ("window", None, 2)
    assert report.partitions[0]["start"] == 2
    assert report.partitions[0]["end"] == 4
    assert (world.positions(), world.committed(), world.ledger().batch_id) == before
    assert [row["ranges"][0]["end_offset"] for row in world.history("window")] == [4]


def test_a_window_ends_at_what_there_is() -> None:
    world = _read()
    _forget(world)
    assert world.run(**_window(4, 99)).messages == 2
    assert world.run(**_window(6, 99)).messages == 0
    with pytest.raises(ConfigError, match="ends at 6, and 'from' is 50"):
        world.run(**_window(50, 99))


def test_times_are_half_open_too() -> None:
    world = World(1)
    began = world.clock()
    for _ in range(5):
        world.fill(1)
        world.clock.advance(60)
    stamps = [began + timedelta(minutes=minute) for minute in range(5)]
    report = world.run(window={"from": stamps[1].isoformat(), "to": stamps[3].isoformat()})
    assert world.offsets() == {(0, 1): 1, (0, 2): 1}
    assert report.messages == 2


def test_a_window_over_what_is_gone_obeys_on_gap() -> None:
    world = _read()
    world.cluster.delete_records(TOPIC, 0, 3)
    with pytest.raises(OffsetGapError, match="offsets 1 to 2"):
        world.run(**_window(1, 5))
    with pytest.raises(OffsetGapError):
        world.run(window={"from": (world.clock() - timedelta(days=1)).isoformat(), "to": world.clock().isoformat()})
    assert world.run(**_window(3, 5)).gaps == []


def test_a_window_does_not_ask_who_is_in_the_group() -> None:
    world = _read()
    world.join()
    assert world.run(**_window(0, 2)).messages == 2


@pytest.mark.parametrize("call", ["load", "merge", "merge executes", "merge commits"])
@pytest.mark.parametrize("held", ["live", "window"])
def test_a_window_and_a_live_run_beside_each_other_both_get_through(held: str, call: str) -> None:
    """Each moves the revision under the other one; neither takes the other for a writer that took its place over."""
    world = _read()
    world.fill(5)
    settings: dict[str, Any] = {"live": {}, "window": _window(0, 4)}
    with in_step():
        first = Actor(world, **settings[held], batch_messages=2).until(call)
        second = Actor(world, **settings["window" if held == "live" else "live"], batch_messages=2)
        while not (first.ended and second.ended):
            second.step(3)
            first.step(2)
            world.clock.advance(1)
    assert (first.error, second.error) == (None, None)
    reports = {"live": first.report, "window": second.report} if held == "live" else {
        "live": second.report, "window": first.report}  # fmt: skip
    assert [reports[name].messages for name in ("live", "window")] == [5, 4]  # type: ignore[union-attr]
    assert world.offsets() == {(0, offset): 1 for offset in range(11)}
    assert (world.positions(), world.committed(), world.covered()) == ({0: 11}, {0: 11}, {0: (0, 11)})


def test_a_live_batch_that_another_submission_applied_under_a_window_is_not_taken_for_overtaken() -> None:
    """The window moves the revision on before the second submission looks: the batch still is the last live one."""
    world = _read()
    world.fill(2)
    with in_step():
        twin = Actor(world).until("merge")
        Actor(world).finish()
        world.run(**_window(0, 2))
        twin.finish()
    assert twin.error is None
    assert twin.report is not None
    assert (twin.report.batches, world.positions(), world.committed()) == (1, {0: 8}, {0: 8})


def test_a_range_that_grew_since_a_window_told_of_it_is_told_again() -> None:
    world = World(1)
    world.fill(10)
    world.cluster.delete_records(TOPIC, 0, 3)
    world.run(on_gap="record", window={"from": {0: 0}, "to": {0: 5}})
    world.cluster.delete_records(TOPIC, 0, 8)
    report = world.run(on_gap="record", start={0: 0})
    lost = [(row["_kafka_offset"], row["_kafka_end_offset"]) for row in world.letters()]
    assert lost == [(0, 3), (0, 8)]
    assert report.gaps[0].end_offset == 8
    assert world.offsets() == {(0, offset): 1 for offset in (3, 4, 8, 9)}


def test_a_window_tells_only_of_its_own_range_that_it_is_lost() -> None:
    world = World(1)
    world.fill(10)
    world.run()
    world.cluster.delete_records(TOPIC, 0, 8)
    report = world.run(on_gap="record", window={"from": {0: 1}, "to": {0: 4}})
    assert [(gap.start_offset, gap.end_offset) for gap in report.gaps] == [(1, 4)]
    assert [(row["_kafka_offset"], row["_kafka_end_offset"]) for row in world.letters()] == [(1, 4)]


def test_a_topic_that_shrinks_while_times_are_looked_up_is_another_one() -> None:
    world = World(2)
    world.fill(2)
    start = world.clock()
    window = {"from": start.isoformat(), "to": (start + timedelta(hours=1)).isoformat()}
    with in_step():
        held = Actor(world, window=window).until("offsets_at", nth=2)
        world.cluster.delete_topic(TOPIC)
        world.cluster.create_topic(TOPIC, 1)
        held.finish()
    assert isinstance(held.error, TopicChangedError)
    assert held.error.partition == 1


def test_what_was_missing_is_told_from_what_was_older() -> None:
    world = World(1)
    for at, name in enumerate("abc"):
        world.send({"id": name, "n": 1, "updated": 10 + at})
    world.run(**UPDATE)
    older = [{**row, "updated": 1} for row in world.rows() if row["id"] == "b"]
    world.database.delete(TABLE, lambda row: row["id"] in "ab")
    world.database.insert(TABLE, older)
    report = world.run(**_window(0, 3), **UPDATE).to_json()
    assert (report["missing_before"], report["rows"]["updated"], report["rows"]["unchanged"]) == (1, 1, 1)
    assert "missing_before" not in world.run(**UPDATE).to_json()
