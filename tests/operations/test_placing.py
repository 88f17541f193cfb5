"""Ledger and group are moved together: killed between any two effects, the next ordinary run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import MergeConflictError
from airflow_kafka_bq.operations.placing import Standing, put
from airflow_kafka_bq.pipeline.plan import look
from airflow_kafka_bq.testing.memory import CommitFate
from tests.operations.seeking import killed_at, sought, undone
from tests.pipeline.world import TABLE, World

BACK, FORTH, MIXED = {0: 1, 1: 2}, {0: 7, 1: 8}, {0: 1, 1: 8}
READ = {0: 4, 1: 5}
STEPS = range(12)


def _standing(read: bool = True, *, by_hand: bool = False) -> World:
    """Ten messages in each of two partitions, some of them read; the group's offsets by us, or by another tool."""
    world = World(2)
    for part in (0, 1):
        world.fill(READ[part] if read else 10, part)
    if read:
        world.run()
        for part in (0, 1):
            world.fill(10 - READ[part], part)
    if by_hand:
        world.commit(READ)
    return world


def _check(world: World, stands: dict[int, int], read: dict[int, int]) -> None:
    """One ordinary run: all is there once, but for what lies between what was read and where the position stands."""
    world.run(start="earliest")
    skipped = {(part, at) for part in (0, 1) for at in range(read[part], max(read[part], stands[part]))}
    wanted = {(part, at): 1 for part in (0, 1) for at in range(10) if (part, at) not in skipped}
    assert world.offsets() == wanted
    assert world.positions() == world.committed() == {0: 10, 1: 10}


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("to", [BACK, FORTH, MIXED], ids=["back", "forth", "mixed"])
def test_killed_anywhere_the_next_run_goes_on_from_before_or_from_where_it_should_stand(
    to: dict[int, int], by_hand: bool, tmp_path: Path
) -> None:
    places = []
    for at in STEPS:
        world = _standing(by_hand=by_hand)
        places.append(killed_at(at, lambda hook, world=world: sought(world, to, folder=tmp_path, hook=hook)))
        stands = world.positions()
        assert stands in (READ, to), places[-1]
        assert all(world.committed()[part] <= stands[part] for part in stands), "a run would refuse it"
        _check(world, stands, READ)
        if places[-1] is None:
            assert stands == to
            break
    assert "after place" in places
    assert places[-1] is None


@pytest.mark.parametrize("to", [BACK, FORTH, MIXED], ids=["back", "forth", "mixed"])
def test_what_was_killed_is_finished_by_doing_it_again(to: dict[int, int], tmp_path: Path) -> None:
    for at in STEPS:
        world = _standing()
        place = killed_at(at, lambda hook, world=world: sought(world, to, folder=tmp_path, hook=hook))
        sought(world, to, folder=tmp_path)
        assert world.positions() == world.committed() == to, place
        (tmp_path / "undo.json").unlink()
        if place is None:
            return


@pytest.mark.parametrize("to", [BACK, FORTH, MIXED], ids=["back", "forth", "mixed"])
def test_an_undo_that_is_killed_is_finished_too(to: dict[int, int], tmp_path: Path) -> None:
    for at in STEPS:
        world = _standing()
        sought(world, to, folder=tmp_path)
        place = killed_at(at, lambda hook, world=world: undone(world, tmp_path, hook=hook))
        assert world.positions() in (READ, to), place
        assert all(world.committed()[part] <= offset for part, offset in world.positions().items()), place
        undone(world, tmp_path)
        assert world.positions() == world.committed() == READ
        _check(world, READ, READ)
        if place is None:
            return


def test_on_a_fresh_pipeline_killed_anywhere_nothing_is_skipped_that_should_not_be(tmp_path: Path) -> None:
    for at in STEPS:
        world = _standing(read=False)
        world.commit({0: 3, 1: 6})
        place = killed_at(at, lambda hook, world=world: sought(world, MIXED, folder=tmp_path, hook=hook))
        report = world.run(start="fail")
        starts = {int(part): one["start"] for part, one in report.to_json()["partitions"].items()}
        assert starts[0] in (1, 3), place
        assert starts[1] in (6, 8), place
        if place is None:
            assert starts == MIXED
            return


def test_a_run_that_was_overlooked_is_fenced_and_a_ledger_that_moved_is_left_alone() -> None:
    world = _standing()
    job = world.job()
    seen = look(job.config, job.source, job.warehouse, job.target)
    world.run(max_messages=1)
    before = (world.ledger(), world.offsets())
    with pytest.raises(MergeConflictError, match="a run of this job is active") as caught:
        put(job, seen, Standing({0: Position(0), 1: Position(0)}, world.topic_id), "seek")
    assert "pause the DAG" in (caught.value.remedy or "")
    assert (world.ledger(), world.offsets()) == before
    _check(world, {0: 0, 1: 0}, READ)


def test_of_two_first_seeks_only_one_writes_the_row(tmp_path: Path) -> None:
    world = _standing(read=False)
    job = world.job()
    seen = look(job.config, job.source, job.warehouse, job.target)
    sought(world, "0:2,1:2", folder=tmp_path)
    with pytest.raises(MergeConflictError):
        put(job, seen, Standing({0: Position(5), 1: Position(5)}, world.topic_id), "seek")
    assert world.positions() == {0: 2, 1: 2}


@pytest.mark.parametrize("fate", [CommitFate.LATE, CommitFate.LOST])
def test_a_group_that_does_not_answer_is_repaired_by_the_next_run(fate: CommitFate, tmp_path: Path) -> None:
    world = _standing()
    world.cluster.groups.fate_of_next(fate)
    found = sought(world, FORTH, folder=tmp_path)
    assert (found["committed"], world.positions(), world.committed()) == (False, FORTH, READ)
    sought(world, BACK, folder=tmp_path)
    world.cluster.groups.apply_late()  # over what was committed since
    _check(world, BACK, READ)


def test_a_position_that_was_set_before_the_table_was_there_learns_which_table_it_is_of(tmp_path: Path) -> None:
    """Or nobody would notice that the table is dropped later."""
    world = _standing(read=False)
    sought(world, "earliest", folder=tmp_path)
    assert world.ledger().target_created_at is None
    world.run()
    table: Any = world.database.tables.find(TABLE)
    assert world.ledger().target_created_at == table.facts.created_at is not None
    revision = world.ledger().revision
    world.run()
    assert world.ledger().revision == revision
