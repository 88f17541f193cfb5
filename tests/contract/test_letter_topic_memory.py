"""The contract of a DeadLetterTopic, held by the cluster in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.letter_topic_contract import LetterTopics, Outages, TooLarge
from tests.contract.source_world import MemoryWorld


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


@pytest.fixture
def small(world: MemoryWorld) -> str:
    name = world.topic()
    world.cluster.topic(name).max_message_bytes = 2_000
    return name


@pytest.fixture
def power(world: MemoryWorld) -> Callable[[bool], None]:
    return lambda on: world.cluster.bring_up() if on else world.cluster.take_down()


class TestLetterTopics(LetterTopics):
    """In memory."""


class TestTooLarge(TooLarge):
    """In memory."""


class TestOutages(Outages):
    """In memory."""
