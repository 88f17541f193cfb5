"""Copies of dead letters: whole, behind the last commit, once by runs that end."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import UNCOPIED_SCHEMA
from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.pipeline import copies as station
from airflow_kafka_bq.pipeline.copies import copies_of
from airflow_kafka_bq.pipeline.slices import merge_slices, plan_slices, stage_slice
from airflow_kafka_bq.testing.memory import MemoryDeadLetterTopic
from tests.pipeline.copying import DEAD, SETTINGS, bad, copied, marked, ran, told, values, world_of
from tests.pipeline.world import TOPIC


def test_a_copy_is_the_message_and_says_where_it_comes_from() -> None:
    world = world_of()
    headers = (("h", b"\x00"), ("h", None), ("kafka-bq.topic", b"of another job"))
    world.cluster.produce(TOPIC, b"{x", key=b"\xff", partition=1, headers=headers, timestamp_ms=1_767_225_600_007)
    report = ran(world)
    (record,) = copied(world)
    assert (record.key, record.value) == (b"\xff", b"{x")
    assert record.headers is not None
    assert record.headers[:3] == headers
    (letter,) = world.letters()
    assert dict(record.headers[3:]) == {
        "kafka-bq.topic": TOPIC.encode(),
        "kafka-bq.partition": b"1",
        "kafka-bq.offset": b"0",
        "kafka-bq.timestamp": b"2026-01-01T00:00:00.007+00:00",
        "kafka-bq.stage": b"decode",
        "kafka-bq.reason": letter["reason"].encode(),
        "kafka-bq.error": letter["error"].encode(),
        "kafka-bq.batch_id": letter["batch_id"].encode(),
        "kafka-bq.table": b"demo.analytics.orders",
    }
    assert report.to_json()["dead_letter_copies"] == {"topic": DEAD, "copied": 1, "waiting": 0, "error": None}


def test_a_letter_without_error_text_and_headers() -> None:
    letter = {"partition": 0, "offset": 1, "timestamp_ms": 0, "stage": "load", "reason": "r", "batch_id": "b"}
    (copy,) = copies_of(pa.Table.from_pylist([letter], UNCOPIED_SCHEMA), "t", "p.d.t").to_pylist()
    found = {one["key"]: one["value"] for one in copy["headers"]}
    assert (found["kafka-bq.error"], found["kafka-bq.timestamp"]) == (None, b"1970-01-01T00:00:00.000+00:00")


def test_each_letter_is_copied_once_by_runs_that_end() -> None:
    world = world_of(b"a", b"b", b"c", b"d", b"e")
    assert told(ran(world)) == (5, 0, None)
    assert told(ran(world)) == (0, 0, None)
    bad(world, b"f")
    assert told(ran(world)) == (1, 0, None)
    assert values(world) == Counter((b"a", b"b", b"c", b"d", b"e", b"f"))
    assert marked(world) == {True: 6}


def test_a_job_without_the_topic_copies_nothing_and_one_with_it_catches_up() -> None:
    world = world_of(b"a", b"b")
    report = world.run(max_bad_ratio=None)
    assert "dead_letter_copies" not in report.to_json()
    assert copied(world) == []
    assert told(ran(world)) == (2, 0, None)


def test_nothing_is_sent_before_positions_are_committed() -> None:
    world = world_of(b"a", b"b", b"c")
    seen: list[str] = []
    ran(world, lambda name, phase: seen.append(name) if phase == "before" else None)
    assert seen.index("send") > max(at for at, name in enumerate(seen) if name in {"merge", "commit", "load"})
    assert seen.index("mark_copied") > seen.index("send")


def test_without_dead_letters_nobody_asks_for_the_topic() -> None:
    world = world_of(topic=False)
    world.fill(3)
    assert told(ran(world)) == (0, 0, None)


def test_what_is_too_large_goes_without_its_content() -> None:
    world = world_of(b"a", b"b" * 500, b"c")
    world.cluster.topic(DEAD).max_message_bytes = 400
    assert told(ran(world)) == (3, 0, None)
    (left,) = [one for one in copied(world) if one.value is None]
    found = dict(left.headers or ())
    assert (left.key, found["kafka-bq.content"], found["kafka-bq.offset"]) == (None, b"left", b"1")
    assert [name for name in found if not name.startswith("kafka-bq.")] == []
    assert values(world) == Counter((b"a", b"c", None))
    assert marked(world) == {True: 3}


def test_a_run_copies_a_bounded_number_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station, "MAX_COPIES", 2)
    world = world_of(b"a", b"b", b"c", b"d", b"e")
    assert told(ran(world)) == (2, 3, None)
    assert set(values(world)) == {b"a", b"b"}
    assert told(ran(world)) == (2, 1, None)
    assert told(ran(world)) == (1, 0, None)
    assert values(world) == Counter((b"a", b"b", b"c", b"d", b"e"))


def test_ranges_that_are_lost_have_no_copy() -> None:
    world = world_of(b"a", b"b")
    world.cluster.delete_records(TOPIC, 0, 2)
    ran(world, start={0: 0, 1: 0}, on_gap="record")
    assert sorted(row["stage"] for row in world.letters()) == ["decode", "lost"]
    assert set(values(world)) == {b"b"}


def test_a_window_and_a_redrive_copy_too() -> None:
    world = world_of(b"a", b"b")
    world.run(max_bad_ratio=None)
    assert told(ran(world, window={"from": {0: 0}, "to": {0: 2}})) == (2, 0, None)
    bad(world, b"c")
    world.run(max_bad_ratio=None)
    assert told(ran(world, letters=LetterSelection())) == (1, 0, None)
    assert values(world) == Counter((b"a", b"b", b"c"))


def test_without_a_ledger_letters_are_copied_too() -> None:
    world = world_of(b"a", b"b")
    assert told(ran(world, fence="none")) == (2, 0, None)


def test_the_last_task_of_slices_copies() -> None:
    world = world_of(b"a", b"b", b"c")
    documents = [stage_slice(world.job(**SETTINGS), one) for one in plan_slices(world.job(**SETTINGS), 2)]
    assert copied(world) == []
    job = replace(world.job(**SETTINGS), copies=MemoryDeadLetterTopic(world.cluster, DEAD))
    assert told(merge_slices(job, documents)) == (3, 0, None)
    assert values(world) == Counter((b"a", b"b", b"c"))
    assert marked(world) == {True: 3}
