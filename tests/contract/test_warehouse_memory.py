"""The contract of a Warehouse, held by the project in memory."""

from __future__ import annotations

import pytest

from tests.contract import (
    altering_contract,
    auditing_contract,
    comparing_contract,
    copies_contract,
    deletes_contract,
    fence_contract,
    isolation_contract,
    jobs_contract,
    letters_contract,
    merging_contract,
    partitions_contract,
    repairing_contract,
    together_contract,
    tombstones_contract,
    warehouse_contract,
)
from tests.contract.warehouse_world import MemoryWorld, WarehouseWorld


@pytest.fixture
def world() -> WarehouseWorld:
    return MemoryWorld()


class TestTables(warehouse_contract.Tables):
    """In memory."""


class TestAltering(altering_contract.Altering):
    """In memory."""


class TestLedger(warehouse_contract.Ledger):
    """In memory."""


class TestJobs(jobs_contract.Jobs):
    """In memory."""


class TestKeeping(merging_contract.Keeping):
    """In memory."""


class TestUpdating(merging_contract.Updating):
    """In memory."""


class TestPartitions(partitions_contract.Partitions):
    """In memory."""


class TestTombstones(tombstones_contract.Tombstones):
    """In memory."""


class TestDeletes(deletes_contract.Deletes):
    """In memory."""


class TestFence(fence_contract.Fence):
    """In memory."""


class TestIsolation(isolation_contract.Isolation):
    """In memory."""


class TestLetters(letters_contract.Letters):
    """In memory."""


class TestTogether(together_contract.Together):
    """In memory."""


class TestCopies(copies_contract.Copies):
    """In memory."""


class TestComparing(comparing_contract.Comparing):
    """In memory."""


class TestDuplicates(auditing_contract.Duplicates):
    """In memory."""


class TestHoles(auditing_contract.Holes):
    """In memory."""


class TestRepairing(repairing_contract.Repairing):
    """In memory."""


class TestTraces(auditing_contract.Traces):
    """In memory."""
