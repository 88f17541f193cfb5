"""Kafka follows the ledger: late, again, or refused, and the report says which."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.batch import GroupMember
from airflow_kafka_bq.exceptions import AccessDeniedError, GroupInUseError, KafkaUnavailableError
from airflow_kafka_bq.pipeline.positions import owner_of
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.testing.memory import CommitFate
from tests.pipeline.actors import Actor, in_step
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


@pytest.mark.parametrize("fate", CommitFate)
def test_without_a_ledger_nothing_is_merged_before_the_group_has_the_start(fate: CommitFate) -> None:
    """A crash behind the first MERGE would otherwise resolve ``latest`` a second time, further on."""
    world = World(1)
    world.fill(2)
    world.cluster.groups.fate_of_next(fate)
    with pytest.raises(KafkaUnavailableError, match="start"):
        world.run(start="latest", fence="none")
    assert world.rows() == []
    world.cluster.groups.apply_late()
    world.run(start="latest", fence="none")
    world.fill(2)
    world.run(start="latest", fence="none")
    assert world.offsets() == {(0, 2): 1, (0, 3): 1}


def test_a_run_that_is_stopped_behind_a_merge_does_not_say_that_it_committed() -> None:
    world = World(1)
    world.fill(4)
    job = world.job(batch_messages=2)
    merges = []

    def stop_at_second_merge(name: str, phase: str) -> None:
        merges.extend([name] if (name, phase) == ("merge", "after") else [])
        if len(merges) == 2:
            job.stop.request()

    world.database.on_effect = stop_at_second_merge
    report = run(job)
    assert (str(report.outcome), report.batches, report.committed) == ("stopped", 2, False)
    assert (world.positions(), world.committed()) == ({0: 4}, {0: 2})


def test_a_run_whose_last_commit_is_refused_does_not_say_that_it_committed() -> None:
    world = World(1)
    world.fill(4)
    with in_step():
        writer = Actor(world, batch_messages=2).until("commit", 2)
        world.cluster.groups.join(GROUP, GroupMember("m", "console", "somewhere"))
        writer.finish()
    assert isinstance(writer.error, GroupInUseError)
    assert writer.error.report is not None
    assert writer.error.report["committed"] is False
    assert (world.positions(), world.committed()) == ({0: 4}, {0: 2})
