"""Copies of dead letters where something fails: rows and positions are safe, and the next run copies."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.exceptions import (
    AccessDeniedError,
    ConfigError,
    CostLimitError,
    IngestError,
    KafkaUnavailableError,
    NotFoundError,
    WarehouseUnavailableError,
)
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.testing.memory import Killed, MemoryDeadLetterTopic
from tests.pipeline.copying import DEAD, SETTINGS, bad, marked, ran, told, values, world_of
from tests.pipeline.world import Assassin


def test_killed_anywhere_the_next_run_copies_what_has_no_copy() -> None:
    counter = Assassin()
    ran(world_of(b"a", b"b", b"c", b"d"), counter)
    ends = {"send", "mark_copied", "merge", "commit", "create_copied_at"}
    assert {name.split()[1] for name in counter.names} >= ends
    for at in range(counter.count):
        world, assassin = world_of(b"a", b"b", b"c", b"d"), Assassin(at)
        with pytest.raises(Killed):
            ran(world, assassin)
        where = assassin.names[-1]
        report = ran(world)
        assert report.outcome == "end", where
        assert set(values(world)) == {b"a", b"b", b"c", b"d"}, where
        twice = sum(values(world).values()) - 4
        assert twice == 0 or where in {"after send", "before mark_copied"}, where
        assert marked(world) == {True: 4}, where
        assert world.positions() == world.committed() == {0: 4, 1: 4}, where
        assert told(ran(world)) == (0, 0, None), where


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("send", KafkaUnavailableError("no answer")),
        ("mark_copied", WarehouseUnavailableError("no answer")),
        ("uncopied", WarehouseUnavailableError("no answer")),
        ("create_copied_at", WarehouseUnavailableError("no answer")),
    ],
)
def test_trouble_that_passes_is_a_warning_and_the_next_run_copies(
    call: str, error: IngestError, caplog: pytest.LogCaptureFixture
) -> None:
    world = world_of(b"a", b"b")
    (world.cluster if call == "send" else world.database).fail_next(call, error)
    with caplog.at_level(logging.WARNING):
        report = ran(world)
    assert (report.outcome, report.committed) == ("end", True)
    assert "wait for their copy, the next run makes it: no answer" in caplog.text
    done, waiting, said = told(report)
    assert (done, said.startswith("no answer")) == (0, True)
    assert waiting == (2 if call in {"send", "mark_copied"} else 0)
    assert marked(world) == {False: 2}
    assert world.positions() == world.committed() == {0: 2, 1: 2}
    assert told(ran(world)) == (2, 0, None)
    assert set(values(world)) == {b"a", b"b"}


def test_an_answer_that_is_lost_leaves_letters_that_are_copied_again() -> None:
    world = world_of(b"a", b"b")
    world.cluster.lose_answer("send", KafkaUnavailableError("no answer"))
    assert told(ran(world))[:2] == (0, 2)
    assert told(ran(world)) == (2, 0, None)
    assert values(world) == {b"a": 2, b"b": 2}


def test_what_was_acknowledged_before_the_trouble_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(b"a", b"b", b"c", b"d")
    send = MemoryDeadLetterTopic.send
    calls = iter((True, False))

    def once(topic: MemoryDeadLetterTopic, copies: pa.Table) -> Any:
        if not next(calls, True):
            world.cluster.fail_next("send", KafkaUnavailableError("no answer"))
        return send(topic, copies)

    monkeypatch.setattr(MemoryDeadLetterTopic, "send", once)
    assert told(ran(world))[:2] == (3, 1)  # pieces of three letters
    assert told(ran(world)) == (1, 0, None)
    assert values(world) == Counter((b"a", b"b", b"c", b"d"))


@pytest.mark.parametrize("error", [AccessDeniedError("not allowed"), CostLimitError("too dear")])
def test_what_a_person_must_see_to_is_an_error_and_the_rows_are_safe(error: IngestError) -> None:
    world = world_of(b"a", b"b")
    planted: Any = world.cluster if isinstance(error, AccessDeniedError) else world.database
    planted.fail_next("send" if planted is world.cluster else "uncopied_letters", error)
    said = r"rows and position are safe, 2 dead letters wait in .*__dead_letters"
    with pytest.raises(type(error), match=said) as one:
        ran(world)
    assert one.value.report is not None
    assert one.value.report["dead_letter_copies"]["waiting"] == 2
    assert one.value.report["committed"] is True
    assert world.positions() == world.committed() == {0: 2, 1: 2}
    assert len(world.letters()) == 2
    assert told(ran(world)) == (2, 0, None)


def test_a_topic_that_is_not_there_is_named_and_does_not_hold_the_job_up() -> None:
    world = world_of(b"a", topic=False)
    for at in (1, 2):
        with pytest.raises(NotFoundError, match=DEAD):
            ran(world)
        assert world.committed() == {0: 2 * at, 1: 0}
        bad(world, b"b")
    world.cluster.create_topic(DEAD, 2)
    assert told(ran(world)) == (3, 0, None)


def test_a_topic_that_takes_nothing_is_an_error() -> None:
    world = world_of(b"a")
    world.cluster.topic(DEAD).max_message_bytes = 10
    with pytest.raises(ConfigError, match="not even a copy without its content"):
        ran(world)
    assert marked(world) == {False: 1}


def test_a_stop_ends_copying_and_the_next_run_goes_on() -> None:
    world = world_of(b"a", b"b", b"c", b"d")
    job = world.job(**SETTINGS)
    topic = MemoryDeadLetterTopic(world.cluster, DEAD)
    world.cluster.on_effect = lambda name, phase: job.stop.request() if (name, phase) == ("send", "after") else None
    report = run(replace(job, copies=topic))
    assert (report.outcome, told(report)) == ("stopped", (3, 1, None))
    world.cluster.on_effect = lambda _name, _phase: None
    assert told(ran(world)) == (1, 0, None)
