"""Dead letters through the job as it is now: whole, once, and no others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.exceptions import ConfigError, NotFoundError, TargetChangedError, TopicChangedError
from airflow_kafka_bq.operations.redrive import redrive, rehearse
from tests.operations.redriving import ALL, NOW, STRICT, broken, redriven, state
from tests.pipeline.world import TABLE, TOPIC, World


def test_letters_become_rows_and_no_position_moves() -> None:
    world = broken("one", "two")
    before = (world.positions(), world.committed(), world.ledger().batch_id)
    report = redriven(world)
    assert {row["id"]: row["n"] for row in world.rows() if row["id"] in {"one", "two"}} == {"one": 1, "two": 2}
    assert state(world) == {"one": ("validate", True), "two": ("validate", True)}
    assert report.rows == {
        "inserted": 2, "updated": 0, "deleted": 0, "unchanged": 0, "dead_lettered": 0, "ignored": 0,
    }  # fmt: skip
    assert (str(report.outcome), report.messages, report.committed, report.partitions) == ("end", 2, None, {})
    assert (world.positions(), world.committed(), world.ledger().batch_id) == before
    assert report.revision == world.ledger().revision == 2
    (batch,) = world.history("redrive")
    assert [(one["start_offset"], one["end_offset"]) for one in batch["ranges"]] == [(1, 2), (3, 4)]
    assert (batch["messages"], batch["rows_staged"], batch["revision"]) == (2, 2, 2)
    assert world.staging() == []


def test_a_row_is_what_a_live_run_would_have_made_of_the_message() -> None:
    """Coordinates, key, timestamp and headers included."""
    world, other = broken("one", "two"), World(1)
    redriven(world)
    for word in ("one", "two"):
        other.fill(1)
        other.send({"id": word, "n": word}, key=word)
    other.run(**NOW)
    assert world.table() == other.table()


def test_twice_is_once() -> None:
    world = broken("one")
    redriven(world)
    before = (world.rows(), world.letters(), world.ledger())
    report = redriven(world)
    assert (report.messages, report.batches) == (0, 0)
    assert (world.rows(), world.letters(), world.ledger()) == before


def test_a_message_that_fails_again_stays_with_its_new_reason() -> None:
    world = broken("one", "seven")
    (before,) = [row for row in world.letters() if row["_kafka_key"] == b"seven"]
    world.clock.advance(60)
    world.database.reject_rows(lambda row: "no ones" if row.get("id") == "one" else None, at="merge")
    report = redriven(world)
    assert (report.rows["inserted"], report.rows["dead_lettered"], report.messages) == (0, 2, 2)
    assert [(row["_kafka_key"], row["stage"], row["reason"]) for row in world.letters()] == [
        (b"one", "merge", "rejected_by_bigquery"),
        (b"seven", "validate", "int_parsing"),
    ]
    (after,) = [row for row in world.letters() if row["_kafka_key"] == b"seven"]
    assert after["failed_at"] - before["failed_at"] >= timedelta(seconds=60)
    assert after["batch_id"] == world.history("redrive")[-1]["batch_id"] != before["batch_id"]
    assert (after["redriven_at"], after["_kafka_value"]) == (None, before["_kafka_value"])
    assert [row["id"] for row in world.rows()] == ["0-0", "0-2"]
    again = redriven(world)
    assert again.rows["dead_lettered"] == 2, "what waits is taken again"


def test_limits_of_bad_messages_are_no_limits_of_a_redrive() -> None:
    world = broken("seven")
    assert redriven(world, max_bad_messages=0, on_bad_message="fail").rows["dead_lettered"] == 1


def test_what_a_filter_leaves_out_is_redriven_too() -> None:
    world = broken("one")
    report = redriven(world, filter=lambda rows: [False] * rows.num_rows)
    assert (report.rows["ignored"], state(world)) == (1, {"one": ("validate", True)})


def test_lost_ranges_are_never_redriven() -> None:
    world = World(1)
    world.fill(4)
    world.run(**STRICT, max_messages=1)
    world.cluster.delete_records(TOPIC, 0, 3)
    world.run(**STRICT, on_gap="record")
    assert redriven(world).messages == 0
    assert [(row["stage"], row["redriven_at"]) for row in world.letters()] == [("lost", None)]
    with pytest.raises(ConfigError, match="no message to redrive"):
        LetterSelection.of(stage="lost")


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        ({"stage": "validate"}, {"one", "two"}),
        ({"stage": ["decode"]}, {"junk"}),
        ({"reason": "int_parsing"}, {"one", "two"}),
        ({"reason": "none such"}, set()),
        ({"limit": 1}, {"one"}),
        ({"limit": 2}, {"one", "junk"}),
        ({"since": "2026-01-01T00:01:00"}, {"two"}),
        ({"until": "2026-01-01T00:01:00"}, {"one", "junk"}),
        ({"since": "2026-01-01T00:00:00", "until": "2026-01-01T00:00:00.001"}, {"one", "junk"}),
    ],
)
def test_what_is_selected(wanted: dict[str, Any], taken: set[str]) -> None:
    world = World(1)
    world.send({"id": "one", "n": "one"}, key="one")
    world.send(b"{", key="junk")
    world.run(**STRICT)
    world.clock.advance(60)
    broken("two", world=world)
    before = state(world)
    report = redriven(world, LetterSelection.of(**wanted))
    assert report.messages == len(taken)
    assert str(report.outcome) == ("limit" if "limit" in wanted else "end")
    assert {key for key, now in state(world).items() if now != before[key]} == taken - {"junk"}
    tried = {row["_kafka_key"].decode() for row in world.letters() if row["batch_id"] in _batches(world)}
    assert tried == taken & {"junk"}, "what failed again is of this batch"


def _batches(world: World) -> set[str]:
    return {row["batch_id"] for row in world.history("redrive")}


def test_batches_are_bounded() -> None:
    world = broken(*["one", "seven"] * 5)
    assert redriven(world, batch_messages=4).batches == 3
    assert [row["messages"] for row in world.history("redrive")] == [4, 4, 2]
    assert redriven(world, max_messages=3).messages == 3


def test_other_topics_letters_are_left_alone() -> None:
    world = broken("one")
    foreign = {**world.letters()[0], "_kafka_topic": "other"}
    world.database.insert(TABLE.companion("dead_letters"), [foreign])
    assert redriven(world).messages == 1
    assert [row["_kafka_topic"] for row in world.letters() if row["redriven_at"] is None] == ["other"]


def test_without_a_ledger_nothing_is_redriven() -> None:
    with pytest.raises(ConfigError, match="fence='none'"):
        redriven(World(1), fence="none")


def test_before_the_first_run_there_is_nothing() -> None:
    world = World(1)
    assert redriven(world).messages == 0
    assert world.ledger().positions == {}
    world.fill(3)
    assert world.run(**NOW).messages == 3


def test_members_and_lag_of_the_group_do_not_matter() -> None:
    world = broken("one")
    world.join()
    world.fill(2)
    assert redriven(world).rows["inserted"] == 1
    assert world.committed() == {0: 2}


def test_a_rehearsal_tells_and_changes_nothing() -> None:
    world = broken("one", "seven", "seven")
    before = world.database.table_names(), world.letters(), world.ledger()
    found = rehearse(world.job(**NOW, batch_messages=2), ALL)
    assert (world.database.table_names(), world.letters(), world.ledger()) == before
    assert (found["messages"], found["rows"]) == (3, {"rows": 1, "dead_lettered": 2, "ignored": 0})
    assert found["letters"] == [{"stage": "validate", "reason": "int_parsing", "messages": 3}]
    (again,) = found["fail_again"]
    assert (again["messages"], again["partition"], again["offset"]) == (2, 0, 3)
    assert rehearse(World(1).job(**NOW), ALL)["messages"] == 0


@pytest.mark.parametrize("act", [redrive, rehearse])
def test_nothing_is_redriven_into_another_table_or_of_another_topic(act: Any) -> None:
    """Nor of a topic that is gone, nor by a window; the rehearsal says the same."""
    world = broken("one")
    with pytest.raises(ConfigError, match="reads a window"):
        act(world.job(**NOW, window={"from": {0: 0}, "to": {0: 1}}), ALL)
    world.database.drop_table(TABLE)
    with pytest.raises(TargetChangedError):
        act(world.job(**NOW), ALL)
    world = broken("one")
    world.cluster.delete_topic(TOPIC)
    with pytest.raises(NotFoundError):
        act(world.job(**NOW), ALL)
    world.cluster.create_topic(TOPIC, 1)
    with pytest.raises(TopicChangedError):
        act(world.job(**NOW), ALL)
    assert state(world) == {"one": ("validate", False)}


def test_a_message_that_fails_once_more_after_its_redrive_waits_again() -> None:
    """The table is made anew and filled from the log by a job that does not take the message: it must not be gone."""
    world = broken("one")
    redriven(world)
    world.run(**STRICT, window={"from": {0: 0}, "to": {0: 2}})
    assert state(world) == {"one": ("validate", False)}
    assert redriven(world).rows["unchanged"] == 1
    assert state(world) == {"one": ("validate", True)}


def test_what_was_removed_does_not_come_back_by_an_old_letter(caplog: pytest.LogCaptureFixture) -> None:
    """A letter's row was written anew and removed since; the marker of that has expired."""
    remove: dict[str, Any] = {
        "dedup_key": ["id"],
        "on_duplicate": "update",
        "on_tombstone": "delete",
        "delete_expiration_days": 2,
    }
    world = World(1)
    world.send({"id": "one", "n": "one"}, key="one")
    world.send(None, key="one")
    world.run(**{**STRICT, **remove})
    world.clock.advance(86_400)
    assert rehearse(world.job(**NOW, **remove), ALL)["messages"] == 1
    assert "might bring it back" not in caplog.text
    world.clock.advance(3 * 86_400)
    world.send({"id": "two", "n": "two"}, key="two")
    world.run(**{**STRICT, **remove})
    assert rehearse(world.job(**NOW, **remove), ALL)["messages"] == 1
    report = redriven(world, **remove)
    assert (report.messages, [row["id"] for row in world.rows()]) == (1, ["two"])
    assert state(world) == {"one": ("validate", False), "two": ("validate", True)}
    assert "might bring it back" in caplog.text


def test_a_marker_that_holds_keeps_an_old_letter_out() -> None:
    remove: dict[str, Any] = {
        "dedup_key": ["id"],
        "on_duplicate": "update",
        "on_tombstone": "delete",
        "delete_expiration_days": 2,
    }
    world = World(1)
    world.send({"id": "one", "n": "one"}, key="one")
    world.send(None, key="one")
    world.run(**{**STRICT, **remove})
    assert redriven(world, **remove).messages == 1
    assert (world.rows(), state(world)) == ([], {"one": ("validate", True)})
