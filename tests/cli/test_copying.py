"""Copies of dead letters from the command line: what people and machines are told."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.exceptions import AccessDeniedError, KafkaUnavailableError
from tests.cli.commands import Command
from tests.pipeline.world import World

COPIES = ("--set", "dead_letter_topic=shop.orders.dead", "--set", "max_bad_ratio=null")


@pytest.fixture
def bad(world: World) -> World:
    """Two messages that cannot be used."""
    world.cluster.create_topic("shop.orders.dead")
    world.send(b"{")
    world.send(b"[")
    return world


def test_what_was_copied_is_told_once(kafka_bq: Command, bad: World, job: str) -> None:
    done = kafka_bq("run", job, *COPIES)
    assert "copied 2 dead letters to shop.orders.dead\n" in done.out
    assert [record.value for record in bad.cluster.log("shop.orders.dead", 0).records] == [b"{", b"["]
    assert "copied" not in kafka_bq("run", job, *COPIES).out


def test_what_waits_is_told_with_the_reason(kafka_bq: Command, bad: World, job: str) -> None:
    bad.cluster.fail_next("send", KafkaUnavailableError("no answer"))
    done = kafka_bq("run", job, *COPIES)
    assert done.code == 0
    said = "copied 0 dead letters to shop.orders.dead; 2 wait for their copy, the next run makes it: no answer"
    assert said in done.out
    assert "2 dead letters wait for their copy" in done.err


def test_a_topic_that_refuses_ends_the_command_and_the_document_says_what_is_safe(
    kafka_bq: Command, bad: World, job: str
) -> None:
    bad.cluster.fail_next("send", AccessDeniedError("not allowed"))
    done = kafka_bq("run", job, *COPIES, "--json")
    assert done.code == 3
    document = done.json()
    assert "rows and position are safe, 2 dead letters wait" in document["message"]
    assert (document["report"]["messages"], document["report"]["committed"]) == (2, True)
    assert document["report"]["dead_letter_copies"]["waiting"] == 2


def test_a_redrive_tells_of_copies_too(kafka_bq: Command, bad: World, job: str) -> None:
    kafka_bq("run", job, *COPIES[2:])
    assert bad.letters()[0]["copied_at"] is None
    assert "copied 2 dead letters" in kafka_bq("redrive", job, *COPIES).out


@pytest.mark.usefixtures("world")
def test_the_topic_itself_is_refused(kafka_bq: Command, job: str) -> None:
    done = kafka_bq("run", job, "--set", "dead_letter_topic=shop.orders")
    assert done.code == 2
    assert "dead_letter_topic='shop.orders' is the topic that is read" in done.err
