"""Rows that BigQuery alone rejects: found by bisection, and made dead letters that are traced to their messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.batch import RawBatch
from airflow_kafka_bq.exceptions import AccountingError, BadMessagesError
from airflow_kafka_bq.pipeline.isolate import MAX_FOUND, find_bad, without
from tests.pipeline.decoding import Message, decoded, offsets, raw, reasons
from tests.pipeline.world import World


@given(st.integers(0, 300), st.sets(st.integers(0, 299), max_size=20))
def test_exactly_the_rejected_rows_are_found(rows: int, bad: set[int]) -> None:
    bad = {row for row in bad if row < rows}

    def rejected(first: int, last: int) -> str | None:
        return f"row {min(inside)}" if (inside := bad & set(range(first, last + 1))) else None

    assert find_bad(rows, rejected) == {row: f"row {row}" for row in bad}


def test_one_bad_row_of_many_costs_few_probes() -> None:
    """Each probe is a load job."""
    probes = []

    def rejected(first: int, last: int) -> str | None:
        probes.append((first, last))
        return "no" if first <= 77_777 <= last else None

    assert set(find_bad(100_000, rejected)) == {77_777}
    assert len(probes) <= 2 * 17 + 1


def test_where_no_row_alone_is_bad_none_is_found() -> None:
    """Two rows that clash only with each other."""
    assert find_bad(4, lambda first, last: "clash" if (first, last) == (0, 3) else None) == {}


def test_a_batch_of_nothing_but_bad_rows_is_given_up() -> None:
    assert len(find_bad(MAX_FOUND, lambda *_: "no")) == MAX_FOUND
    with pytest.raises(BadMessagesError, match="more than 100 rows") as caught:
        find_bad(MAX_FOUND + 1, lambda *_: "no")
    assert "schema --diff" in (caught.value.remedy or "")


MESSAGES = [Message(b'{"a": 1}'), Message(b"{"), Message(b'{"a": 2}', b"key", headers=[("h", b"v")]), Message(b"3")]


def test_a_bad_row_becomes_the_dead_letter_of_its_own_message() -> None:
    """Rows and messages have other numbers as soon as one message is no row."""
    batch = decoded(MESSAGES)
    found = without(RawBatch(raw(MESSAGES), ()), batch, {1: "x" * 2_000}, "load")
    assert offsets(found.rows) == [0, 3]
    assert reasons(found)[1:] == [(2, "load", "rejected_by_bigquery")]
    letter = found.dead_letters.slice(1).to_pylist()[0]
    assert (letter["_kafka_key"], letter["_kafka_value"]) == (b"key", b'{"a": 2}')
    assert letter["_kafka_headers"] == [{"key": "h", "value": b"v"}]
    assert len(letter["error"]) == 1_024
    assert found.origins is not None
    assert found.origins.to_pylist() == [0, 3]
    assert found.rows.num_rows + found.dead_letters.num_rows + found.ignored == len(MESSAGES)


def test_rows_without_origins_are_not_guessed() -> None:
    batch = replace(decoded(MESSAGES), origins=None)
    with pytest.raises(AccountingError, match="cannot be traced"):
        without(RawBatch(raw(MESSAGES), ()), batch, {0: "no"}, "load")


@pytest.mark.parametrize("at", ["load", "merge"])
def test_one_rejected_row_does_not_block_its_topic(at: Literal["load", "merge"]) -> None:
    world = World(1)
    world.fill(9)

    def rejected(row: Mapping[str, Any]) -> str | None:
        return "too deep" if "payload" in row and row["_kafka_offset"] in {2, 7} else None

    world.database.reject_rows(rejected, at=at)
    report = world.run(batch_messages=5)
    assert (report.rows["inserted"], report.rows["dead_lettered"]) == (7, 2)
    assert [(row["_kafka_offset"], row["stage"], row["reason"]) for row in world.letters()] == [
        (2, at, "rejected_by_bigquery"),
        (7, at, "rejected_by_bigquery"),
    ]
    assert all("too deep" in row["error"] for row in world.letters())
    assert world.positions() == world.committed() == {0: 9}
    assert at == "load" or world.staging() == []
    world.clock.advance(3_600)
    assert [name for name in world.staging() if "probe" in name] == []  # scratch tables expire in an hour


@pytest.mark.parametrize("poison", [False, True])
def test_a_message_that_is_not_even_taken_as_a_dead_letter_is_named(poison: bool) -> None:
    """A row that is rejected becomes a dead letter, which is rejected as well; or it was one from the beginning."""
    world = World(1)
    world.fill(4)
    if poison:
        world.send(b"no json")
    else:
        world.fill(1)
    world.fill(2)
    world.database.reject_rows(lambda row: "too large" if row["_kafka_offset"] == 4 else None, at="load")
    with pytest.raises(BadMessagesError, match="neither as a row nor as a dead letter") as raised:
        world.run(batch_messages=3, max_bad_ratio=None)
    assert (raised.value.topic, raised.value.partition, raised.value.offset) == ("shop.orders", 0, 4)
    assert world.positions() == world.committed() == {0: 3}
    assert world.letters() == []
