"""A position carries the leader epoch of the message before it, or none: a wrong one reads as a truncated log."""

from __future__ import annotations

from airflow_kafka_bq.batch import Position
from tests.pipeline.world import TOPIC, World


def _elect(world: World) -> None:
    world.cluster.log(TOPIC, 0).leader_epoch += 1


def test_a_position_behind_a_message_has_its_epoch() -> None:
    world = World(1)
    world.fill(2)
    _elect(world)
    world.fill(1)
    world.run()
    assert world.ledger().positions == {0: Position(3, 1)}
    world.run()  # nothing new: the epoch stays
    assert world.ledger().positions == {0: Position(3, 1)}


def test_a_batch_that_ends_before_an_election_has_the_older_epoch() -> None:
    world = World(1)
    world.fill(2)
    _elect(world)
    world.fill(2)
    world.run(max_messages=2)
    assert world.ledger().positions == {0: Position(2, 0)}


def test_a_position_behind_markers_has_none() -> None:
    """The marker may be of a later epoch than the last message; a broker knows no such end of the older one."""
    world = World(1)
    transaction = world.cluster.transaction()
    transaction.produce(TOPIC, b'{"id": "a", "n": 1}')
    _elect(world)
    transaction.commit()
    world.run()
    assert world.ledger().positions == {0: Position(2, None)}


def test_a_position_in_front_of_a_message_that_lies_past_the_end_has_none() -> None:
    world = World(1)
    world.fill(1)
    transaction = world.cluster.transaction()
    transaction.produce(TOPIC, b'{"id": "a", "n": 1}')
    transaction.abort()

    def more_arrives(name: str, phase: str) -> None:
        if (name, phase) == ("create_ledger", "after"):  # the end is fixed by then
            _elect(world)
            world.fill(2)

    world.database.on_effect = more_arrives
    world.run()
    assert world.ledger().positions == {0: Position(3, None)}
