"""Kill a run before and after every one of its effects, run once more, and find what an unbroken run leaves."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import MergeRejectedError, TransientError
from airflow_kafka_bq.testing.memory import Fate
from tests.pipeline.world import KEEP, TABLE, UPDATE, Assassin, World

BATCH: dict[str, Any] = {"batch_messages": 4}


@dataclass(frozen=True)
class Scenario:
    """What is in Kafka before the run that dies, and with which settings it runs."""

    name: str
    prepare: Callable[[World], None]
    settings: Mapping[str, Any]
    fenced: bool = True

    def __str__(self) -> str:
        return self.name

    def world(self) -> World:
        world = World()
        self.prepare(world)
        return world


def _plain(world: World) -> None:
    world.fill(5, 0)
    world.fill(2, 1)


def _dead_letters(world: World) -> None:
    for n in range(7):
        world.send(b"{broken" if n % 3 == 0 else {"id": str(n), "n": n}, partition=n % 2)


def _same_keys(world: World) -> None:
    for n in range(7):
        world.send({"id": f"k{n % 3}", "n": n}, partition=n % 3 % 2, key=f"k{n % 3}")


def _versions(world: World) -> None:
    """Each key in one partition, as Kafka's partitioner does it; versions that go back; deletions in between."""
    for n, version in enumerate([3, 1, 2, None, 5, 4, 5]):
        world.clock.advance(1)
        name = f"k{n % 3}"
        world.send({"id": name, "n": n, "updated": version}, partition=n % 3 % 2, key=name)
        if n in {4, 5, 8}:
            world.send(None, partition=n % 3 % 2, key=name)


def _gaps(world: World) -> None:
    """The position was written, then retention took more than was read; in partition 1 nothing is left to read."""
    world.fill(3, 0)
    world.fill(2, 1)
    world.run()
    world.fill(6, 0)
    world.fill(4, 1)
    world.cluster.delete_records("shop.orders", 0, 5)
    world.cluster.delete_records("shop.orders", 1, 6)


def _after_window(world: World) -> None:
    """An isolated run wrote the pipeline's row first."""
    _plain(world)
    world.run(window={"from": {0: 2, 1: 0}, "to": {0: 5, 1: 1}})


def _transactions(world: World) -> None:
    _plain(world)
    for commit in (True, False, True):
        transaction = world.cluster.transaction()
        for n in range(1):
            transaction.produce("shop.orders", b'{"id": "t", "n": 1}', partition=n)
        (transaction.commit if commit else transaction.abort)()


SCENARIOS = [
    Scenario("coordinates", _plain, {}),
    Scenario("keep", _same_keys, KEEP),
    Scenario("update", _versions, UPDATE),
    Scenario("gaps", _gaps, {"on_gap": "record"}),
    Scenario("dead letters", _dead_letters, {"max_bad_ratio": None}),
    Scenario("after a window", _after_window, {"start": "earliest"}),
    Scenario("transactions", _transactions, {}),
    Scenario("latest, then more", lambda _world: None, {"start": "latest"}),
    Scenario("no ledger", _plain, {"fence": "none"}, fenced=False),
    Scenario("no ledger, update", _versions, {**UPDATE, "fence": "none"}, fenced=False),
    Scenario("once per run", _same_keys, {**KEEP, "merge_per": "run"}),
    Scenario("once per run, update", _versions, {**UPDATE, "merge_per": "run"}),
    Scenario("once per run, dead letters", _dead_letters, {"max_bad_ratio": None, "merge_per": "run"}),
    Scenario("once per run, gaps", _gaps, {"on_gap": "record", "merge_per": "run"}),
]


def _check_same(world: World, whole: World, scenario: Scenario) -> None:
    assert world.table() == whole.table()
    assert world.dead() == whole.dead()
    assert world.committed() == whole.committed()
    if scenario.fenced:
        assert world.positions() == whole.positions() == world.committed()
        assert world.covered() == whole.covered()
        revisions = [row["revision"] for row in world.history()]
        assert revisions == sorted(set(revisions))


def _effects(scenario: Scenario) -> int:
    counter = Assassin()
    scenario.world().run(counter, **BATCH, **scenario.settings)
    return counter.count


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_killed_anywhere_the_next_run_restores_everything(scenario: Scenario) -> None:
    whole = scenario.world()
    whole.run(**BATCH, **scenario.settings)
    effects = _effects(scenario)
    assert effects >= 6
    for at in range(effects):
        world = scenario.world()
        where = world.kill(at, **BATCH, **scenario.settings)
        assert where is not None
        report = world.run(**BATCH, **scenario.settings)
        assert report.outcome == "end", where
        assert report.committed is True, where
        _check_same(world, whole, scenario)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_killed_twice_at_different_points(scenario: Scenario) -> None:
    whole = scenario.world()
    whole.run(**BATCH, **scenario.settings)
    chance, effects = random.Random(scenario.name), _effects(scenario)
    for _ in range(8):
        world = scenario.world()
        world.kill(chance.randrange(effects), **BATCH, **scenario.settings)
        world.kill(chance.randrange(effects), **BATCH, **scenario.settings)
        world.run(**BATCH, **scenario.settings)
        _check_same(world, whole, scenario)


def test_killed_after_the_start_was_resolved_nothing_that_came_since_is_skipped() -> None:
    """``start="latest"`` is resolved once: a second first run must not resolve it again, further on."""
    for fence in ("ledger", "none"):
        counter = Assassin()
        World().run(counter, start="latest", fence=fence)
        for at in range(counter.count):
            world = World()
            world.fill(3)
            where = world.kill(at, start="latest", fence=fence)
            kept = "after register" if fence == "ledger" else "after commit"
            since = counter.names.index(kept) if kept in counter.names else len(counter.names)
            world.fill(2)
            world.run(start="latest", fence=fence)
            assert world.offsets() == ({(0, 3): 1, (0, 4): 1} if at >= since else {}), (fence, where)


def test_a_window_killed_anywhere_beside_a_live_task() -> None:
    settings: dict[str, Any] = {"window": {"from": {0: 1, 1: 0}, "to": {0: 5, 1: 2}}, **BATCH}

    def prepared() -> World:
        world = World()
        _plain(world)
        world.run(max_messages=3, **BATCH)
        return world

    counter = Assassin()
    whole = prepared()
    whole.run(counter, **settings)
    whole.run(**BATCH)
    for at in range(counter.count):
        world = prepared()
        before = world.positions()
        world.kill(at, **settings)
        assert world.positions() == before
        assert world.run(**settings).outcome == "window"
        assert (world.positions(), world.committed()) == (before, before)
        world.run(**BATCH)
        assert (world.table(), world.covered()) == (whole.table(), whole.covered())


FATES = [Fate.APPLIED_UNANSWERED, Fate.REJECTED, Fate.CONFLICT, Fate.AGAIN, Fate.QUOTA, Fate.UNANSWERED, Fate.SLOW]


@pytest.mark.parametrize("job", ["load", "merge"])
@pytest.mark.parametrize("fate", FATES, ids=str)
def test_whatever_becomes_of_a_job_the_next_run_restores_everything(fate: Fate, job: str) -> None:
    """The n-th job meets its fate; a run that fails for it is run again, and again while the slow job runs on."""
    whole = World()
    _versions(whole)
    whole.run(**BATCH, **UPDATE)
    batches = len(whole.history())
    for unlucky in range(batches):
        world = World()
        _versions(world)
        world.run(**BATCH, **UPDATE, max_messages=4 * unlucky) if unlucky else None
        world.database.script(f"kafka-bq-{job}-*", fate, seconds=30 if fate is Fate.SLOW else None)
        failures = 0
        while True:
            try:
                world.run(**BATCH, **UPDATE)
                break
            except (TransientError, MergeRejectedError):
                failures += 1
                world.clock.advance(20)
        assert failures <= 2
        assert (world.table(), world.committed()) == (whole.table(), whole.committed())
        assert (world.positions(), world.covered()) == (whole.positions(), whole.covered())


@pytest.mark.parametrize("holding", [False, True])
def test_a_merge_that_runs_on_while_the_next_run_has_more_to_read(holding: bool) -> None:
    """The next batch has another id; only one of the two can pass the fence, whichever ends first."""
    world = World(1)
    world.fill(3)
    world.database.script("kafka-bq-merge-*", Fate.SLOW, holding=holding)
    with pytest.raises(TransientError):
        world.run()
    slow = next(job for job in world.database.jobs.by_id if "merge" in job)
    world.fill(3)
    if holding:  # it holds the ledger: the other writer is cancelled until it gives up
        with pytest.raises(TransientError):
            world.run()
        world.database.finish(slow)
        world.run()
    else:
        world.run()
        assert world.database.finish(slow).failure in {"ledger_moved", "conflict"}
    assert world.offsets() == {(0, n): 1 for n in range(6)}
    assert world.covered() == {0: (0, 6)}
    assert world.positions() == world.committed() == {0: 6}


def test_what_a_dead_run_staged_is_gone_when_the_expiry_has_passed() -> None:
    world = World(1)
    world.fill(3)
    counter = Assassin()
    clean = World(1)
    clean.fill(3)
    clean.run(counter)
    assert world.kill(counter.names.index("after load")) == "after load"
    assert world.staging() != []
    world.clock.advance(72 * 3600)
    assert world.staging() == []
    world.run()  # attaches to the load job, whose table is empty now
    assert world.offsets() == {(0, n): 1 for n in range(3)}
    assert TABLE.table in {name.split(".")[-1] for name in world.database.table_names()}
