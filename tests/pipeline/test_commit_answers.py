"""Kafka follows the ledger: late, again, or refused, and the report says which."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.exceptions import AccessDeniedError, GroupInUseError
from airflow_kafka_bq.pipeline.positions import owner_of
from airflow_kafka_bq.testing.memory import CommitFate
from tests.pipeline.world import GROUP, TABLE, TOPIC, World


@pytest.mark.parametrize("fate", CommitFate)
def test_a_commit_without_an_answer_is_told_and_repaired_by_the_next_run(fate: CommitFate) -> None:
    world = World(1)
    world.fill(3)
    world.cluster.groups.fate_of_next(fate)
    report = world.run()
    assert (str(report.outcome), report.committed, report.partitions[0]["committed"]) == ("end", False, None)
    assert (world.positions(), world.committed()) == ({0: 3}, {})
    world.cluster.groups.apply_late()
    assert world.run().committed is True
    assert world.committed() == {0: 3}


def test_after_one_commit_without_an_answer_the_run_tries_once_more_at_its_end() -> None:
    """Each attempt costs its time limit, so not after every batch; but at the end, or the group stays behind."""
    world = World(1)
    world.fill(6)
    commits: list[str] = []
    world.cluster.on_effect = lambda name, phase: commits.append(name) if phase == "before" else None
    world.cluster.groups.fate_of_next(CommitFate.LOST)
    report = world.run(batch_messages=2)
    assert (report.batches, report.committed, world.committed()) == (3, True, {0: 6})
    assert commits == ["commit", "commit"]


@pytest.mark.parametrize("error", [AccessDeniedError("denied"), GroupInUseError("members")])
def test_a_refused_commit_is_an_error_although_the_rows_are_safe(error: AccessDeniedError | GroupInUseError) -> None:
    world = World(2)
    world.fill(3, 0)
    world.fill(3, 1)
    world.cluster.groups.refuse_next(GROUP, 1, error)
    with pytest.raises(type(error)) as caught:
        world.run()
    assert (caught.value.partition, caught.value.report and caught.value.report["committed"]) == (1, False)
    assert world.positions() == {0: 3, 1: 3}
    world.run()
    assert (world.committed(), len(world.rows())) == ({0: 3, 1: 3}, 6)


def test_a_commit_says_whose_it_is_and_covers_partitions_that_did_not_move() -> None:
    world = World(2)
    world.fill(3, 0)
    world.run()
    found = world.cluster.groups.committed(GROUP, TOPIC)
    assert {part: owner_of(held.metadata) for part, held in found.items()} == {0: str(TABLE), 1: str(TABLE)}
    assert world.committed() == {0: 3, 1: 0}
