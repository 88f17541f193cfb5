"""The contract of a Source, held by the cluster in memory."""

from __future__ import annotations

import pytest

from tests.contract.members_contract import Membership
from tests.contract.reading_contract import Reading
from tests.contract.source_contract import TopicAndGroup, group_id
from tests.contract.source_world import MemoryWorld, SourceWorld
from tests.contract.times_contract import Times

__all__ = ["group_id"]


@pytest.fixture
def world() -> SourceWorld:
    return MemoryWorld()


class TestTopicAndGroup(TopicAndGroup):
    """In memory."""


class TestReading(Reading):
    """In memory."""


class TestTimes(Times):
    """In memory."""


class TestMembership(Membership):
    """In memory."""
