"""Commit: Kafka follows the ledger, says whose it is, and is never what decides."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import AccessDeniedError, GroupInUseError, IngestError, KafkaUnavailableError
from airflow_kafka_bq.pipeline.commit import commit
from airflow_kafka_bq.pipeline.positions import metadata, owner_of
from tests.pipeline.world import GROUP, TABLE, TOPIC, World


def held(world: World) -> dict[int, Any]:
    return dict(world.cluster.groups.committed(GROUP, TOPIC))


def test_every_partition_is_committed_with_its_epoch_and_its_owner() -> None:
    world = World(2)
    world.fill(9, 0)
    assert commit(world.source(), {0: Position(7, 3), 1: Position(0)}, str(TABLE), 5, "b5") is True
    found = held(world)
    assert (found[0].position, found[1].position) == (Position(7, 3), Position(0))
    for one in found.values():
        assert json.loads(one.metadata) == {"table": str(TABLE), "revision": 5, "batch": "b5"}
        assert owner_of(one.metadata) == str(TABLE)


def test_nothing_to_commit_asks_nobody() -> None:
    world = World(1)
    world.cluster.fail_next("commit", KafkaUnavailableError("asked"))
    assert commit(world.source(), {}, str(TABLE), None, None) is True


def test_no_answer_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    world = World(1)
    world.cluster.fail_next("commit", KafkaUnavailableError("no answer in 30 s"))
    assert commit(world.source(), {0: Position(1)}, str(TABLE), 1, "b") is False
    assert "the next run repairs the group: no answer in 30 s" in caplog.text


@pytest.mark.parametrize("error", [GroupInUseError("members"), AccessDeniedError("no READ on the group")])
def test_a_refusal_is_an_error_although_the_rows_are_safe(error: IngestError) -> None:
    world = World(1)
    world.fill(3)
    world.cluster.fail_next("commit", error)
    with pytest.raises(type(error)) as caught:
        world.run()
    assert (world.offsets().total(), world.positions(), world.committed()) == (3, {0: 3}, {})
    assert caught.value.report is not None
    assert caught.value.report["messages"] == 3
    world.run()
    assert world.committed() == {0: 3}


def test_what_did_not_move_is_refreshed() -> None:
    """Offsets of a group without members expire seven days after their last commit, also while a topic is quiet."""
    world = World(2)
    world.fill(2, 0)
    world.run()
    for _ in range(4):
        world.clock.advance(5 * 24 * 3600)
        world.run()
        assert world.committed() == {0: 2, 1: 0}


@pytest.mark.parametrize(
    "text", ["", "lag-tool", "{", "[]", "null", "5", '{"owner": "x"}', '{"table": 5}', '{"table": null}', "\ud83d"]
)
def test_what_others_wrote_beside_an_offset_names_no_owner(text: str) -> None:
    assert owner_of(text) is None


def test_what_is_written_beside_an_offset_fits() -> None:
    """Kafka takes 4,096 bytes; names are the longest that BigQuery has."""
    text = metadata(f"{'p' * 30}.{'d' * 1024}.{'t' * 1024}", 10**18, "b" * 20)
    assert len(text.encode()) < 4_096
    assert owner_of(text) == f"{'p' * 30}.{'d' * 1024}.{'t' * 1024}"
